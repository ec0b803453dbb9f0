//! Names: what is declared, which form a name has, and that no two things share one.

use std::collections::BTreeMap;

use super::Checker;
use crate::catalogue::code;
use crate::node::Node;
use crate::source::At;

/// Everything that has a name, and where it got it.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) data: BTreeMap<String, At>,
    pub(super) partners: BTreeMap<String, At>,
    pub(super) roles: BTreeMap<String, At>,
    pub(super) secrets: BTreeMap<String, At>,
    pub(super) services: BTreeMap<String, At>,
}

impl Names {
    pub(super) fn read(root: &Node) -> Self {
        let of = |table: &str| {
            root.table(table).iter().map(|entry| (entry.key.clone(), entry.at)).collect()
        };
        Self {
            data: of("data"),
            partners: of("partners"),
            roles: of("roles"),
            secrets: of("secrets"),
            services: of("services"),
        }
    }

    /// What a name stands for, with its article.
    pub(super) fn kind(&self, name: &str) -> Option<&'static str> {
        [
            (&self.services, "a service"),
            (&self.roles, "a role"),
            (&self.partners, "a partner"),
            (&self.data, "a data class"),
            (&self.secrets, "a secret"),
        ]
        .into_iter()
        .find(|(names, _)| names.contains_key(name))
        .map(|(_, kind)| kind)
    }
}

impl Checker<'_> {
    /// Form of every name, and names that two things share.
    pub(super) fn names(&mut self) {
        let tables: [(&str, &BTreeMap<String, At>); 5] = [
            ("role", &self.names.roles),
            ("data class", &self.names.data),
            ("service", &self.names.services),
            ("partner", &self.names.partners),
            ("secret", &self.names.secrets),
        ];
        let mut seen: BTreeMap<String, (&str, At)> = BTreeMap::new();
        for (kind, names) in tables {
            for (name, at) in names {
                bad_form(&mut self.findings, kind, name, *at);
                // `a-b` and `a_b` would get one environment variable.
                let folded = name.to_lowercase().replace('-', "_");
                if kind == "secret" {
                    continue;
                }
                if let Some((other, first)) = seen.get(&folded) {
                    let related = self.findings.related(*first, format!("the {other}"));
                    self.findings
                        .add(code::SHARED_NAME, *at, format!("`{name}` names two things"))
                        .label(format!("a {kind}, and also a {other}"))
                        .help("rename one of the two: grants and expectations use bare names")
                        .related(related);
                } else {
                    seen.insert(folded, (kind, *at));
                }
            }
        }
    }

    pub(super) fn fleet_name(&mut self, at: At, name: &str) {
        let is_good = !name.is_empty()
            && name.len() <= NAME_CHARS_MAX
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c));
        if !is_good {
            self.findings
                .add(code::BAD_NAME, at, format!("`{name}` cannot be the fleet's name"))
                .label("lower-case letters, digits, `-` and `.`, beginning with a letter")
                .help("the name is also the trust domain, as in `spiffe://shop/service/orders`");
        }
    }
}

fn bad_form(findings: &mut crate::finding::Findings<'_>, kind: &str, name: &str, at: At) {
    let is_good = name.len() <= NAME_CHARS_MAX
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if !is_good {
        findings
            .add(code::BAD_NAME, at, format!("`{name}` cannot be the name of a {kind}"))
            .label("letters, digits, `-` and `_`, beginning with a letter, at most 63")
            .help("names stand in identities, variables and expectations, so they are plain");
    } else if RESERVED.contains(&name) && kind != "secret" {
        findings
            .add(code::BAD_NAME, at, format!("`{name}` is reserved"))
            .label(format!("cannot be the name of a {kind}"))
            .help("choose another name: this word has a meaning of its own in the manifest");
    }
}

/// A DNS label; SPIFFE paths and variables take it too.
const NAME_CHARS_MAX: usize = 63;
/// Words that grants, limits or expectations use.
const RESERVED: &[&str] =
    &["anonymous", "anyone", "default", "gateway", "login", "logs", "people", "ringwall"];
