//! Workloads of others: a CI job or a pod proves itself by a token that its own platform signed for us
//! (RFC 7523 section 3). Issuer, keys, audience and what the token must say are pinned.

use std::collections::BTreeMap;

use ringwall_base::Timestamp;
use ringwall_jose::{Expected, FederatedAssertion, FederatedClaims};
use serde::{Deserialize, Serialize};

use crate::clients::Client;
use crate::identity::House;
use crate::replay::{Shown, once};

/// Whose tokens prove a client, and what they have to say.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Federation {
    /// The only accepted `iss`.
    pub issuer: String,
    /// The issuer's keys, a JWKS document.
    pub jwks: String,
    /// What each of these claims must be. `*` stands for any characters but `:` and `/`, `**` for any.
    pub claims: BTreeMap<String, String>,
    /// Whether one token may come more than once, as it does from platforms that keep it in a file.
    pub may_repeat: bool,
}

impl Federation {
    /// Whether it names an issuer and somebody there. Every job of every customer of a public platform
    /// gets tokens of the same issuer: one that asks for nothing else lets all of them in.
    pub(crate) fn is_usable(&self) -> bool {
        let is_text = |text: &str| {
            (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
        };
        let is_filter = |(name, pattern): (&String, &String)| {
            is_text(name) && is_text(pattern) && !PLAIN.contains(&name.as_str())
        };
        self.issuer.starts_with("https://")
            && is_text(&self.issuer)
            && !self.claims.is_empty()
            && self.claims.iter().all(is_filter)
            && self.claims.iter().any(|(name, pattern)| names_somebody(name, pattern))
    }

    fn refusal(&self, claims: &FederatedClaims) -> Option<&'static str> {
        let holds = |(name, pattern): (&String, &String)| {
            claims.facts.get(name).is_some_and(|text| matches(pattern, text))
        };
        (!self.claims.iter().all(holds)).then_some("a claim is not the registered one")
    }
}

/// Refuses a token that does not prove this client, with the reason for the record.
pub(crate) fn federated(
    house: &House,
    client: &Client,
    (federation, token): (&Federation, &str),
    now: Timestamp,
) -> Result<(), &'static str> {
    let expected =
        Expected { issuer: federation.issuer.clone(), audience: house.settings.issuer.clone() };
    let claims = client
        .keys
        .verify::<FederatedAssertion>(token, &expected, now)
        .map_err(|error| error.reason())?;
    if let Some(why) = federation.refusal(&claims) {
        return Err(why);
    }
    if federation.may_repeat {
        return Ok(());
    }
    let token_id = claims.token_id.as_deref().ok_or("the token has no jti")?;
    // Remembered for all clients together: a token is not used up by one and good for the next.
    let shown = Shown {
        client: &client.settings.id,
        is_stranger: false,
        issuer: &federation.issuer,
        token_id,
        // A job may have got it long before we started.
        issued: None,
        until: claims.expires.plus(std::time::Duration::from_mins(1)),
    };
    once(house, &shown)
}

/// Whether a filter names somebody of the platform's customers: an owner, a project or a namespace, whole.
/// That a job runs on the main branch, or is called `deploy`, everybody's jobs can say.
fn names_somebody(claim: &str, pattern: &str) -> bool {
    let pattern = match claim {
        "sub" => match KINDS.iter().find_map(|kind| pattern.strip_prefix(kind)) {
            Some(name) => name,
            // Of a kind that is not known here, what is before the star need not be a name.
            None if pattern.contains('*') => return false,
            None => {
                let kind = pattern.split(':').next().unwrap_or_default();
                return kind.chars().any(char::is_alphanumeric) && !ANYBODYS.contains(&kind);
            }
        },
        _ if OWNERS.contains(&claim) => pattern,
        _ => return false,
    };
    // `shop*` is `shopkeepers`, too: the name ends before the star begins.
    let name = match pattern.split_once('*') {
        Some((literal, _any)) => literal.split_once([':', '/']).map(|(name, _)| name),
        None => Some(pattern),
    };
    name.is_some_and(|name| name.chars().any(char::is_alphanumeric))
}

/// Whether a text is what a pattern says, to its end. Never more steps than pattern times text.
fn matches(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // Which beginnings of the text the pattern so far can stand for.
    let mut reached = vec![false; text.len().saturating_add(1)];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        let is_any = c == '*' && rest.next_if_eq(&'*').is_some();
        let mut next = vec![false; reached.len()];
        let mut before = false;
        for (at, is_reached) in next.iter_mut().enumerate() {
            let last = at.checked_sub(1).and_then(|before| text.get(before));
            let was = |at: usize| reached.get(at).copied().unwrap_or_default();
            *is_reached = if c == '*' {
                // Nothing, or one more character than before.
                let grows = last.is_some_and(|last| is_any || !matches!(last, ':' | '/'));
                was(at) || (before && grows)
            } else {
                last == Some(&c) && at.checked_sub(1).is_some_and(was)
            };
            before = *is_reached;
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

/// Claims that name an owner, as GitHub and GitLab write them.
const OWNERS: [&str; 10] = [
    "namespace_id",
    "namespace_path",
    "project_id",
    "project_path",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repositoryUuid",
    "workspaceUuid",
];

/// How platforms begin a `sub` before it names anybody.
const KINDS: [&str; 9] = [
    "repo:",
    "project_path:",
    "system:serviceaccount:",
    "organization:",
    "org/",
    "repository_owner:",
    "repository_owner_id:",
    "repository_id:",
    "spiffe://",
];

/// How a `sub` begins that a platform was told to make of something else than a name.
const ANYBODYS: [&str; 28] = [
    "actor",
    "actor_id",
    "base_ref",
    "branch",
    "check_run_id",
    "context",
    "environment",
    "environment_node_id",
    "event_name",
    "head_ref",
    "job_workflow_ref",
    "job_workflow_sha",
    "pipeline_id",
    "pipeline_source",
    "ref",
    "ref_path",
    "ref_protected",
    "ref_type",
    "repository_visibility",
    "run_attempt",
    "run_id",
    "run_number",
    "runner_environment",
    "sha",
    "user_login",
    "workflow",
    "workflow_ref",
    "workflow_sha",
];

/// Claims that are checked by themselves, and say nothing about who it is.
const PLAIN: [&str; 6] = ["aud", "exp", "iat", "iss", "jti", "nbf"];
const TEXT_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_whole_texts_and_a_star_for_one_part() {
        for (pattern, text) in [
            ("repo:a/b:ref:refs/heads/main", "repo:a/b:ref:refs/heads/main"),
            ("repo:a/*:ref:refs/heads/main", "repo:a/b:ref:refs/heads/main"),
            ("repo:a/b:ref:refs/heads/**", "repo:a/b:ref:refs/heads/x/y"),
            ("system:serviceaccount:shop:*", "system:serviceaccount:shop:orders"),
            ("a**c", "ac"),
            ("*", ""),
            ("**b**", "abc"),
            ("é*", "éa"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("repo:a/*:ref:refs/heads/main", "repo:a/b:environment:x:ref:refs/heads/main"),
            ("repo:a/*", "repo:a/b:ref:refs/heads/main"),
            ("repo:a/b:ref:refs/heads/*", "repo:a/b:ref:refs/heads/x/y"),
            ("repo:a/b", "repo:a/bc"),
            ("repo:a/b", "xrepo:a/b"),
            ("repo:a/b", "Repo:a/b"),
            ("repo:a.b/c", "repo:aXb/c"),
            ("a?", "ab"),
            ("", "a"),
            ("a", ""),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        let long = "a".repeat(2_000);
        assert!(!matches(&"*a".repeat(200), &format!("{long}b")));
    }
}
