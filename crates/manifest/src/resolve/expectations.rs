//! `[expect]`: reads `A -> B`. Whether it holds is found out by the analysis.

use super::Checker;
use crate::catalogue::code;
use crate::model::{Expectation, Party};
use crate::node::Node;
use crate::source::At;
use crate::suggest::did_you_mean;

impl Checker<'_> {
    pub(super) fn expectations(&mut self) {
        let root = self.root;
        let Some(expect) = root.get("expect") else { return };
        for (key, is_always) in [("never", false), ("always", true)] {
            for (text, at) in expect.get(key).map(Node::texts).unwrap_or_default() {
                let expectation = self.expectation(text, at, is_always);
                self.model.expectations.extend(expectation);
            }
        }
    }

    fn expectation(&mut self, text: &str, at: At, is_always: bool) -> Option<Expectation> {
        let (from, to) = self.parties(text, at)?;
        let (place, text) = (self.place(at), text.to_owned());
        Some(Expectation { text, is_always, from, to, place })
    }

    fn parties(&mut self, text: &str, at: At) -> Option<(Party, Party)> {
        let Some((left, right)) = text.split_once("->") else {
            self.findings
                .add(code::BAD_EXPECTATION, at, format!("`{text}` has no arrow"))
                .label("`WHO -> WHAT`")
                .help("write `\"anyone -> users.getUser\"`");
            return None;
        };
        let (left, right) = (left.trim(), right.trim());
        let from = self.from(left, at);
        let to = self.to(right, at);
        let (from, to) = (from?, to?);
        let is_flow = matches!(from, Party::Data(_));
        let fits = match &to {
            Party::Logs => is_flow,
            Party::Operation(..) => !is_flow,
            Party::Partner(_) => !matches!(from, Party::Partner(_)),
            _ => true,
        };
        if !fits {
            self.findings
                .add(code::BAD_EXPECTATION, at, format!("`{left}` cannot reach `{right}`"))
                .label("these two are never connected")
                .help(
                    "people, services and partners reach operations; data classes reach services, \
                     partners and `logs`",
                );
            return None;
        }
        Some((from, to))
    }

    fn from(&mut self, word: &str, at: At) -> Option<Party> {
        let name = word.to_owned();
        match word {
            "anyone" => return Some(Party::Anyone),
            "people" => return Some(Party::People),
            _ => {}
        }
        match self.names.kind(word) {
            Some("a role") => Some(Party::Role(name)),
            Some("a service") => Some(Party::Service(name)),
            Some("a partner") => Some(Party::Partner(name)),
            Some("a data class") => Some(Party::Data(name)),
            _ => {
                let help = did_you_mean(word, self.all_names().chain(["anyone", "people"]));
                self.unknown_party(word, at, help);
                None
            }
        }
    }

    fn to(&mut self, word: &str, at: At) -> Option<Party> {
        if word == "logs" {
            return Some(Party::Logs);
        }
        let (name, operation) = word.split_once('.').map_or((word, "*"), |(a, b)| (a, b));
        match self.names.kind(name) {
            Some("a service") if operation == "*" => Some(Party::Service(name.to_owned())),
            Some("a service") => self
                .known_operation(name, operation, at)
                .then(|| Party::Operation(name.to_owned(), operation.to_owned())),
            Some("a partner") if word == name || operation == "*" => {
                Some(Party::Partner(name.to_owned()))
            }
            _ => {
                let names = self.names.services.keys().chain(self.names.partners.keys());
                let help = did_you_mean(name, names.map(String::as_str).chain(["logs"]));
                self.unknown_party(name, at, help);
                None
            }
        }
    }

    fn all_names(&self) -> impl Iterator<Item = &str> {
        let names = &self.names;
        names
            .roles
            .keys()
            .chain(names.services.keys())
            .chain(names.partners.keys())
            .chain(names.data.keys())
            .map(String::as_str)
    }

    fn unknown_party(&mut self, word: &str, at: At, help: Option<String>) {
        let help = help.unwrap_or_else(|| {
            "left: a role, `anyone`, `people`, a service, partner or data class; right: \
             `service.operation`, a service, a partner or `logs`"
                .to_owned()
        });
        self.findings
            .add(code::BAD_EXPECTATION, at, format!("`{word}` is not known here"))
            .label("nothing has this name")
            .help(help);
    }
}
