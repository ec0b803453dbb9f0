//! Content Security Policy Level 3, as far as a mistake in one can be seen.

use std::collections::BTreeMap;

use crate::suggest::did_you_mean;

/// A policy: its directives, in lower case, and the words of each.
#[derive(Debug)]
pub(super) struct Policy<'a>(BTreeMap<String, Vec<&'a str>>);

/// What is wrong with one, and what to write.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) why: String,
    pub(super) help: String,
}

/// Reads a policy. What browsers would pass over in silence is a fault here.
///
/// # Errors
/// What is wrong first.
pub(super) fn read(text: &str) -> Result<Policy<'_>, Fault> {
    let usual = || "write `csp = \"default-src 'self'\"`".to_owned();
    if !is_plain(text) {
        let why = "one line of visible ASCII, at most 8 KiB".to_owned();
        return Err(Fault { why, help: usual() });
    }
    if text.contains(',') {
        let why = "a comma begins a second policy".to_owned();
        return Err(Fault {
            why,
            help: "directives are parted by `;`, their words by spaces".to_owned(),
        });
    }
    let mut policy = BTreeMap::new();
    for directive in text.split(';') {
        let mut words = directive.split_ascii_whitespace();
        let Some(written) = words.next() else { continue };
        let name = written.to_ascii_lowercase();
        if !DIRECTIVES.contains(&name.as_str()) {
            let help = did_you_mean(&name, DIRECTIVES.iter().copied());
            let all = || format!("there are {}", DIRECTIVES.join(", "));
            let why = format!("`{written}` is no directive");
            return Err(Fault { why, help: help.unwrap_or_else(all) });
        }
        let words: Vec<&str> = words.collect();
        let is_bare = |word: &&&str| QUOTED.iter().any(|one| one.eq_ignore_ascii_case(word));
        let has_sources = name.contains("-src") || OTHER_SOURCES.contains(&name.as_str());
        if let Some(word) = words.iter().find(is_bare).filter(|_| has_sources) {
            let why = format!("`{word}` without quotes is the name of a host");
            return Err(Fault { why, help: format!("write `'{word}'`") });
        }
        if policy.insert(name, words).is_some() {
            let why = format!("`{written}` stands twice: only the first counts");
            return Err(Fault { why, help: "write one, with all its words".to_owned() });
        }
    }
    if policy.is_empty() {
        return Err(Fault { why: "no directive".to_owned(), help: usual() });
    }
    Ok(Policy(policy))
}

/// Whether a text can be the value of a field: visible ASCII and spaces, not too long.
pub(super) fn is_plain(text: &str) -> bool {
    text.len() <= FIELD_BYTES_MAX
        && !text.trim().is_empty()
        && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

impl Policy<'_> {
    /// Why an injected script would run all the same.
    pub(super) fn weakness(&self) -> Option<&'static str> {
        let rules = |name: &str| self.0.get(name).map(Vec::as_slice);
        let usual = rules("script-src").or_else(|| rules("default-src"));
        let of_kind = ["script-src-elem", "script-src-attr"];
        of_kind.iter().map(|name| rules(name).or(usual)).find_map(|words| weakness(words?))
    }
}

fn weakness(words: &[&str]) -> Option<&'static str> {
    let begins = |word: &str, start: &str| {
        word.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    let any = |start: &str| words.iter().any(|word| begins(word, start));
    if any("'nonce-") {
        return Some("a nonce in the manifest never changes, so whoever injects can read it");
    }
    let names_each = ["'sha256-", "'sha384-", "'sha512-", "'strict-dynamic'"].into_iter().any(any);
    (any("'unsafe-inline'") && !names_each)
        .then_some("`'unsafe-inline'` for scripts: what is injected into a page runs")
}

/// Directives of CSP Level 3 and of what builds on it.
const DIRECTIVES: &[&str] = &[
    "base-uri",
    "block-all-mixed-content",
    "child-src",
    "connect-src",
    "default-src",
    "fenced-frame-src",
    "font-src",
    "form-action",
    "frame-ancestors",
    "frame-src",
    "img-src",
    "manifest-src",
    "media-src",
    "object-src",
    "report-to",
    "report-uri",
    "require-trusted-types-for",
    "sandbox",
    "script-src",
    "script-src-attr",
    "script-src-elem",
    "style-src",
    "style-src-attr",
    "style-src-elem",
    "trusted-types",
    "upgrade-insecure-requests",
    "worker-src",
];

/// Directives with sources whose names do not say so.
const OTHER_SOURCES: [&str; 3] = ["base-uri", "form-action", "frame-ancestors"];

/// Words that mean something between quotes only.
const QUOTED: &[&str] = &[
    "none",
    "report-sample",
    "self",
    "strict-dynamic",
    "unsafe-eval",
    "unsafe-hashes",
    "unsafe-inline",
    "wasm-unsafe-eval",
];

/// 8 KiB: what servers and proxies take of one field.
const FIELD_BYTES_MAX: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_stops_no_injected_script_is_known() {
        for weak in [
            "script-src 'unsafe-inline'",
            "Default-Src 'self' 'UNSAFE-INLINE'",
            "script-src 'self'; script-src-attr 'unsafe-inline'",
            "script-src 'nonce-abc'",
        ] {
            assert!(read(weak).unwrap().weakness().is_some(), "{weak}");
        }
        for strong in [
            "default-src 'self'; style-src 'unsafe-inline'",
            "default-src 'unsafe-inline'; script-src 'self'",
            "script-src 'unsafe-inline' 'sha256-abc='",
            "img-src *",
        ] {
            assert!(read(strong).unwrap().weakness().is_none(), "{strong}");
        }
    }

    #[test]
    fn what_browsers_would_pass_over_is_a_fault() {
        for (bad, why) in [
            ("", "visible"),
            (";", "no directive"),
            ("default-src 'self'\r\nx: y", "visible"),
            ("default-src 'self', script-src *", "comma"),
            ("defualt-src 'self'", "no directive"),
            ("default-src self", "host"),
            ("base-uri None", "host"),
            ("img-src *; IMG-src a.example", "twice"),
            ("default-src 'self' é", "visible"),
        ] {
            let fault = read(bad).unwrap_err();
            assert!(fault.why.contains(why), "{bad}: {fault:?}");
        }
        assert_eq!(read("defualt-src *").unwrap_err().help, "did you mean `default-src`?");
        assert!(read(&format!("img-src {}", "a".repeat(FIELD_BYTES_MAX))).is_err());
    }
}
