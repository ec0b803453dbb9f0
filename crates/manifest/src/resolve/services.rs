//! `[services]`.

use std::collections::BTreeMap;

use super::quantity::is_path;
use super::{Checker, chosen, text_map};
use crate::catalogue::code;
use crate::model::{Authorization, Service};
use crate::node::{Entry, Node};

impl Checker<'_> {
    pub(super) fn services(&mut self) {
        let root = self.root;
        // Operations of all services come first: grants and expectations look across.
        for entry in root.table("services") {
            let service = self.service(entry);
            self.model.services.insert(entry.key.clone(), service);
        }
        for entry in root.table("services") {
            let people = self.people(entry);
            let callers = self.callers(entry);
            let own = self.own_rules(entry);
            let websocket = self.own_operations(entry, "websocket");
            let max_age = self.max_age(entry);
            let waf = self.waf_modes(entry, "waf");
            let leaks = self.waf_modes(entry, "leaks");
            let (uploads, graphql) = (self.uploads(entry), self.graphql(entry));
            let compress = self.own_operations(entry, "compress").unwrap_or_default();
            if let Some(service) = self.model.services.get_mut(&entry.key) {
                service.people = people;
                service.callers = callers;
                service.own = own;
                service.websocket = websocket;
                service.max_age = max_age;
                service.waf = waf;
                service.leaks = leaks;
                service.compress = compress;
                service.uploads = uploads;
                service.graphql = graphql;
            }
        }
        self.owner_rules_of_openapi();
    }

    fn service(&mut self, entry: &Entry) -> Service {
        let node = &entry.node;
        let offer = self.operations(entry);
        let file =
            |key: &str| node.get(key).and_then(|inner| Some(self.path(inner.at, inner.as_text()?)));
        let (dir, openapi, flask) = (file("dir"), file("openapi"), file("flask"));
        let mut service = Service {
            name: entry.key.clone(),
            run: node.text("run").map(str::to_owned),
            dir: dir.or_else(|| self.included_folder(entry)),
            upstreams: self.service_upstreams(entry),
            openapi,
            flask,
            mount: self.mount(node),
            data: self.data_names(node.get("data")),
            secrets: self.injected(node),
            env: self.variables(node),
            hosts: self.plain_addresses(entry, "hosts"),
            authorization: chosen(
                node,
                "authorization",
                &[("app", Authorization::App)],
                Authorization::Ringwall,
            ),
            operations: offer.operations,
            has_schemas: offer.has_schemas,
            place: self.place(entry.at),
            // Grants, owners and stores look across services: they are filled in later.
            ..Service::default()
        };
        self.survive(entry, &mut service);
        self.traffic(entry, &mut service);
        service.headers = self.headers(node);
        service
    }

    /// A service of an included file runs in that file's folder.
    fn included_folder(&self, entry: &Entry) -> Option<String> {
        let path = self.findings.sources.path(entry.at.file);
        let (folder, _) = path.rsplit_once('/')?;
        (entry.at.file > 0).then(|| folder.to_owned())
    }

    fn mount(&mut self, node: &Node) -> String {
        let Some(mount) = node.get("mount") else { return String::new() };
        let text = mount.as_text().unwrap_or("");
        let trimmed = text.trim_end_matches('/');
        if mount.as_text().is_some()
            && !trimmed.is_empty()
            && (!is_path(trimmed) || trimmed.contains(['{', '}', '*']))
        {
            self.findings
                .add(code::BAD_PATH, mount.at, format!("`{text}` cannot be a mount"))
                .label("begins with `/`, without parameters, query or `..`")
                .help("write `mount = \"/orders\"`");
        }
        trimmed.to_owned()
    }

    fn injected(&mut self, node: &Node) -> BTreeMap<String, String> {
        for entry in node.table("secrets") {
            self.variable(entry);
            if let Some(name) = entry.node.as_text() {
                self.known_secret(name, entry.node.at);
            }
        }
        text_map(node.get("secrets"))
    }

    fn variables(&mut self, node: &Node) -> BTreeMap<String, String> {
        for entry in node.table("env") {
            self.variable(entry);
            if node.get("secrets").and_then(|secrets| secrets.get(&entry.key)).is_some() {
                self.findings
                    .add(
                        code::BAD_VARIABLE,
                        entry.at,
                        format!("`{}` is both a secret and a plain variable", entry.key),
                    )
                    .label("given twice")
                    .help("keep the line in `secrets`");
            }
        }
        text_map(node.get("env"))
    }

    fn variable(&mut self, entry: &Entry) {
        let name = &entry.key;
        let is_good = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_good || name.starts_with("RINGWALL_") {
            self.findings
                .add(code::BAD_VARIABLE, entry.at, format!("`{name}` cannot be set"))
                .label("letters, digits and `_`; `RINGWALL_…` is set by Ringwall")
                .help("write `{ DATABASE_URL = \"orders_db\" }`: the variable, then the secret");
        }
    }

    /// The owner rules that OpenAPI files bring (`x-ringwall-own`), where the manifest has none.
    fn owner_rules_of_openapi(&mut self) {
        let mut found = Vec::new();
        for (name, service) in &self.model.services {
            let new =
                service.operations.values().filter(|one| !service.own.contains_key(&one.name));
            found.extend(new.filter_map(|one| Some((name.clone(), one.clone(), one.own.clone()?))));
        }
        for (service, operation, text) in found {
            let at = self
                .root
                .get("services")
                .and_then(|services| services.get(&service)?.get("openapi"))
                .map_or_else(Default::default, |node| node.at);
            let rule = self.own_rule(&operation, &text, at);
            if let (Some(mut rule), Some(known)) = (rule, self.model.services.get_mut(&service)) {
                rule.place.clone_from(&operation.place);
                known.own.insert(operation.name, rule);
            }
        }
    }
}
