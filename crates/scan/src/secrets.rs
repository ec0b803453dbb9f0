//! Secrets committed in code: named with their place, never copied.

use std::sync::LazyLock;

use regex::Regex;

/// A value that looks like a secret. The value itself is not kept.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct SecretHit {
    /// File.
    pub file: String,
    /// Line, from one.
    pub line: u32,
    /// The name that it is assigned to.
    pub name: String,
}

/// Whether a named text looks like a secret that somebody committed.
pub(crate) fn is_secret(name: &str, value: &str) -> bool {
    if CREDENTIALS_IN_URL.as_ref().is_some_and(|pattern| pattern.is_match(value)) {
        return true;
    }
    let is_named = NAME.as_ref().is_some_and(|pattern| pattern.is_match(name));
    let looks_real = value.len() >= LENGTH_MIN
        && !value.contains(char::is_whitespace)
        && !PLACEHOLDER.as_ref().is_some_and(|pattern| pattern.is_match(value));
    is_named && looks_real
}

/// Whether a name alone says that its value is a secret.
pub(crate) fn is_named(name: &str) -> bool {
    NAME.as_ref().is_some_and(|pattern| pattern.is_match(name))
}

/// The hits in a `.env` file.
pub(crate) fn in_env_file(file: &str, text: &str) -> Vec<SecretHit> {
    let lines = text.lines().zip(1_u32..);
    let hits = lines.filter_map(|(line, number)| {
        let (name, value) = line.trim_start_matches("export ").split_once('=')?;
        let (name, value) = (name.trim(), value.trim().trim_matches(['"', '\'']));
        let is_hit = !name.starts_with('#') && is_secret(name, value);
        is_hit.then(|| SecretHit { file: file.to_owned(), line: number, name: name.to_owned() })
    });
    hits.collect()
}

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(secret|passwd|password|token|api_?key|private_?key|access_?key|stripe_?key)")
        .ok()
});
static PLACEHOLDER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(\$\{|<|%|your|change|example|xxx|todo|none$|null$|test$|dummy)|^\.\.\.|^/|^https?://[^@]*$").ok()
});
static CREDENTIALS_IN_URL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@{$]+@").ok());

/// Shorter values are names and switches far more often than secrets.
const LENGTH_MIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_values_are_told_from_placeholders() {
        for (name, value) in [
            ("SECRET_KEY", "mrfrIMEngCl0pAKqIIBS_g"),
            ("SQLALCHEMY_DATABASE_URI", "mysql+pymysql://shop:pfm_2020@db:3306/user"),
            ("stripe_key", "sk_live_0123456789"),
        ] {
            assert!(is_secret(name, value), "{name}");
        }
        for (name, value) in [
            ("SECRET_KEY", "change-me-please"),
            ("SECRET_KEY", "${SECRET_KEY}"),
            ("token_url", "https://login.example.com/token"),
            ("PASSWORD", "short"),
            ("GREETING", "hello-there-friend"),
            ("DB", "sqlite:///users.db"),
        ] {
            assert!(!is_secret(name, value), "{name}={value}");
        }
    }

    #[test]
    fn an_env_file_gives_names_and_lines() {
        let hits = in_env_file(
            ".env",
            "# SECRET_KEY=commented-out\nDEBUG=1\nexport API_KEY='abcdefgh123'\n",
        );
        assert_eq!(hits, [SecretHit { file: ".env".into(), line: 3, name: "API_KEY".into() }]);
    }
}
