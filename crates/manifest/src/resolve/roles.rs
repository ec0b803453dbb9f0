//! `[roles]`, `[data]` and `[secrets]`.

use std::collections::{BTreeMap, BTreeSet};

use super::quantity::duration;
use super::{Checker, chosen, scope_of};
use crate::catalogue::code;
use crate::keys::{VALUE_DETECTORS, known_detector};
use crate::model::{DataClass, Leak, Logs, Mask, Role, SecretRule, Viewer};
use crate::node::Node;
use crate::source::At;
use crate::suggest::did_you_mean;

impl Checker<'_> {
    pub(super) fn roles(&mut self) {
        let root = self.root;
        let mut direct: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for entry in root.table("roles") {
            let mut includes = Vec::new();
            let who = format!("role `{}` includes", entry.key);
            for (name, at) in entry.node.get("includes").map(Node::texts).unwrap_or_default() {
                includes.extend(self.known_role(name, at, &who).then_some(name));
            }
            direct.insert(&entry.key, includes);
        }
        for entry in root.table("roles") {
            let includes = closure(&entry.key, &direct);
            if includes.contains(entry.key.as_str()) {
                let at = entry.node.get("includes").map_or(entry.at, |node| node.at);
                self.findings
                    .add(code::ROLE_CYCLE, at, format!("role `{}` includes itself", entry.key))
                    .label("the way leads back to it")
                    .help("includes go one way: the stronger role includes the weaker");
            }
            let admin = self.admin_of(&entry.key, &includes);
            let flag = |key| entry.node.get(key).and_then(Node::as_bool).unwrap_or(false);
            let role = Role {
                admin,
                is_default: flag("default"),
                includes: includes.iter().map(|name| (*name).to_owned()).collect(),
                mfa: flag("mfa"),
                is_of_organisations: flag("organisations"),
                place: self.place(entry.at),
            };
            self.model.roles.insert(entry.key.clone(), role);
        }
    }

    /// What a role's people may do by the admin API, with what it includes.
    fn admin_of(&self, name: &str, includes: &BTreeSet<&str>) -> Vec<String> {
        let roles = self.root.table("roles").iter();
        let counted = roles.filter(|role| role.key == name || includes.contains(role.key.as_str()));
        let scopes: BTreeSet<&str> = counted
            .flat_map(|role| role.node.get("admin").map(Node::texts).unwrap_or_default())
            .map(|(scope, _)| scope)
            .collect();
        scopes.into_iter().map(str::to_owned).collect()
    }

    /// Reports a role that is not declared. `who` begins the sentence.
    pub(super) fn known_role(&mut self, name: &str, at: At, who: &str) -> bool {
        if self.names.roles.contains_key(name) {
            return true;
        }
        let label = self.names.kind(name).map_or_else(
            || "no role has this name".to_owned(),
            |kind| format!("this is {kind}, not a role"),
        );
        let help = did_you_mean(name, self.names.roles.keys().map(String::as_str))
            .unwrap_or_else(|| format!("declare it: `{name} = {{}}` under `[roles]`"));
        self.findings
            .add(code::UNKNOWN_ROLE, at, format!("{who} `{name}`, but no role has that name"))
            .label(label)
            .help(help);
        false
    }

    pub(super) fn data(&mut self) {
        let root = self.root;
        for entry in root.table("data") {
            let node = &entry.node;
            let see = node.get("see").map(|list| self.viewers(&entry.key, list));
            let fields = node.get("fields").map(Node::texts).unwrap_or_default();
            let class = DataClass {
                detect: self.detectors(node),
                mask: chosen(node, "mask", &[("last4", Mask::Last4)], Mask::All),
                fields: fields.into_iter().map(|(text, _)| text.to_owned()).collect(),
                leak: chosen(node, "leak", &[("refuse", Leak::Refuse)], Leak::Cut),
                logs: chosen(
                    node,
                    "logs",
                    &[("mask", Logs::Mask), ("keep", Logs::Keep)],
                    Logs::Drop,
                ),
                see,
                place: self.place(entry.at),
            };
            if class.fields.is_empty() && class.detect.is_empty() && node.get("detect").is_none() {
                self.findings
                    .add(
                        code::UNUSED_DATA,
                        entry.at,
                        format!("data class `{}` names neither `fields` nor `detect`", entry.key),
                    )
                    .label("it protects nothing")
                    .help("write `fields = [\"email\"]`");
            }
            self.model.data.insert(entry.key.clone(), class);
        }
    }

    fn detectors(&mut self, node: &Node) -> Vec<&'static str> {
        let Some(node) = node.get("detect") else { return Vec::new() };
        let one = node.as_text().map(|text| (text, node.at));
        let mut detectors = Vec::new();
        for (text, at) in one.into_iter().chain(node.texts()) {
            let Some(known) = known_detector(text) else {
                let help = did_you_mean(text, VALUE_DETECTORS.iter().copied());
                let all = || format!("there are {}", VALUE_DETECTORS.join(", "));
                self.findings
                    .add(code::UNKNOWN_DETECTOR, at, format!("`{text}` is no detector of values"))
                    .label("nothing is found by it")
                    .help(help.unwrap_or_else(all));
                continue;
            };
            detectors.push(known);
        }
        detectors.sort_unstable();
        detectors.dedup();
        detectors
    }

    fn viewers(&mut self, class: &str, list: &Node) -> Vec<Viewer> {
        let mut viewers = Vec::new();
        for (text, at) in list.texts() {
            let (name, scope) = scope_of(text);
            let is_service = self.names.services.contains_key(name);
            match (is_service, scope) {
                (true, None) => viewers.push(Viewer::Service(name.to_owned())),
                (true, Some("own")) => {
                    self.findings
                        .add(code::OWN_FOR_SERVICE, at, format!("service `{name}` owns nothing"))
                        .label("`:own` is for people")
                        .help(format!("write `\"{name}\"`"));
                }
                (_, None | Some("own")) => {
                    let who = format!("`{class}` is seen by");
                    let is_known = name == "anyone" || self.known_role(name, at, &who);
                    let viewer = Viewer::Role { name: name.to_owned(), own: scope.is_some() };
                    viewers.extend(is_known.then_some(viewer));
                }
                (_, Some(other)) => {
                    self.findings
                        .add(code::BAD_GRANT, at, format!("`:{other}` is not known here"))
                        .label("only `:own`")
                        .help(format!("write `\"{name}\"` or `\"{name}:own\"`"));
                }
            }
        }
        viewers
    }

    pub(super) fn secrets(&mut self) {
        let root = self.root;
        for entry in root.table("secrets") {
            let rotate = entry.node.get("rotate").and_then(|node| self.duration(node, "rotate"));
            let rule = SecretRule { rotate, place: self.place(entry.at) };
            self.model.secrets.insert(entry.key.clone(), rule);
        }
    }

    pub(super) fn duration(&mut self, node: &Node, key: &str) -> Option<std::time::Duration> {
        let text = node.as_text()?;
        let found = duration(text);
        if found.is_none() {
            self.findings
                .add(code::BAD_DURATION, node.at, format!("`{text}` is not a time"))
                .label("a number with ms, s, m, h or d")
                .help(format!("write `{key} = \"30d\"` or `\"5s\"`"));
        }
        found
    }

    /// Whether a secret is declared; reports one that is not.
    pub(super) fn known_secret(&mut self, name: &str, at: At) -> bool {
        let is_known = self.names.secrets.contains_key(name);
        if !is_known {
            let help = did_you_mean(name, self.names.secrets.keys().map(String::as_str))
                .unwrap_or_else(|| format!("declare it: `{name} = {{}}` under `[secrets]`"));
            self.findings
                .add(code::UNKNOWN_SECRET, at, format!("secret `{name}` is not in `[secrets]`"))
                .label("the name of a secret, never its value")
                .help(help);
        }
        is_known
    }

    /// The names of data classes in a list; reports unknown ones.
    pub(super) fn data_names(&mut self, node: Option<&Node>) -> Vec<String> {
        let mut names = Vec::new();
        for (name, at) in node.map(Node::texts).unwrap_or_default() {
            if self.names.data.contains_key(name) {
                names.push(name.to_owned());
                continue;
            }
            let help = did_you_mean(name, self.names.data.keys().map(String::as_str))
                .unwrap_or_else(|| {
                    format!("declare it: `{name} = {{ fields = [\"…\"] }}` under `[data]`")
                });
            self.findings
                .add(code::UNKNOWN_DATA, at, format!("no data class has the name `{name}`"))
                .label("not in `[data]`")
                .help(help);
        }
        names
    }
}

/// All roles that can be reached from `start`; `start` itself only if a way leads back to it.
fn closure<'a>(start: &str, direct: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&str> = direct.get(start).cloned().unwrap_or_default();
    while let Some(name) = waiting.pop() {
        if found.insert(name) {
            waiting.extend(direct.get(name).into_iter().flatten());
        }
    }
    found
}
