//! Names: what is declared, which form a name has, and that no two things share one.

use std::collections::BTreeMap;

use super::Checker;
use crate::catalogue::code;
use crate::finding::Findings;
use crate::node::Node;
use crate::source::At;

/// Names of one kind, and where they are declared.
type Declared = BTreeMap<String, At>;

/// Everything that has a name, and where it got it.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) data: Declared,
    pub(super) partners: Declared,
    pub(super) roles: Declared,
    pub(super) secrets: Declared,
    pub(super) services: Declared,
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

    /// Every kind of name.
    fn all(&self) -> [(&'static str, &Declared); 5] {
        [
            ("role", &self.roles),
            ("data class", &self.data),
            ("service", &self.services),
            ("partner", &self.partners),
            ("secret", &self.secrets),
        ]
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
        let mut seen: BTreeMap<String, (&str, At)> = BTreeMap::new();
        for (kind, names) in self.names.all() {
            for (name, at) in names {
                bad_form(&mut self.findings, kind, name, *at);
                // `a-b` and `a_b` would get one environment variable.
                let folded = name.to_lowercase().replace('-', "_");
                // Secrets are only ever named where nothing else can stand.
                let first = seen.get(&folded).copied().filter(|_| kind != "secret");
                first.inspect(|first| shared(&mut self.findings, (kind, *at), *first, name));
                seen.entry(folded).or_insert((kind, *at));
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

fn shared(
    findings: &mut Findings<'_>,
    (kind, at): (&str, At),
    (other, first): (&str, At),
    name: &str,
) {
    let related = findings.related(first, format!("the {other}"));
    findings
        .add(code::SHARED_NAME, at, format!("`{name}` names two things"))
        .label(format!("a {kind}, and also a {other}"))
        .help("rename one of the two: grants and expectations use bare names")
        .related(related);
}

fn bad_form(findings: &mut Findings<'_>, kind: &str, name: &str, at: At) {
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
