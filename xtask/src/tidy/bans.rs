//! Packages that must not be built, each with its reason (the same list as `deny.toml`).

const BANNED: &[(&str, &str)] = &[
    ("native-tls", "one TLS backend: rustls"),
    ("openssl", "one crypto backend: aws-lc-rs"),
    ("openssl-sys", "one crypto backend: aws-lc-rs"),
    ("ring", "one crypto backend: aws-lc-rs"),
    ("rsa", "no fix for Marvin (RUSTSEC-2023-0071)"),
];

/// Names every banned package in the output of `cargo tree --prefix none`. The lock file would not
/// do: it also lists optional packages that nobody turns on.
pub(super) fn check(tree: &str) -> Vec<String> {
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let mut found: Vec<String> = names
        .filter_map(|name| BANNED.iter().find(|(banned, _)| *banned == name))
        .map(|(name, reason)| format!("`{name}` is banned: {reason}"))
        .collect();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_crypto_backend_is_found() {
        let found = check("ring v0.17.14\nring-buffer v1.0.0\nrustls v0.23.46\n");
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
