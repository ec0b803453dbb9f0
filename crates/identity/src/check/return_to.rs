//! Where a person goes after signing in: a path of ours, or home.

/// A path on this host; `/` for everything that could lead elsewhere.
pub(crate) fn return_to(asked: Option<&str>) -> &str {
    asked.filter(|path| is_local(path)).unwrap_or("/")
}

fn is_local(path: &str) -> bool {
    // Browsers read `//evil`, `/\evil` and `/<tab>/evil` as another host.
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= PATH_BYTES_MAX
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

const PATH_BYTES_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_local_path_is_kept() {
        assert_eq!(return_to(Some("/orders/1?x=y")), "/orders/1?x=y");
        for elsewhere in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "evil",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x=y",
            "",
            "/é",
        ] {
            assert_eq!(return_to(Some(elsewhere)), "/", "{elsewhere:?}");
        }
        assert_eq!(return_to(None), "/");
    }
}
