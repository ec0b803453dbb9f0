//! Patterns such as `services/*/ringwall.toml`: a `*` stands for any part of one path segment.

use std::path::Path;

/// Files below `folder` that match, sorted, as relative paths. A pattern that climbs out of the
/// folder matches nothing.
pub(crate) fn expand(folder: &Path, pattern: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for segment in pattern.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
        if segment == ".." {
            return Vec::new();
        }
        found = found.iter().flat_map(|start| step(folder, start, segment)).collect();
    }
    found.retain(|path| folder.join(path).is_file());
    found.sort();
    found.truncate(FILES_MAX);
    found
}

fn step(folder: &Path, start: &str, segment: &str) -> Vec<String> {
    let join =
        |name: &str| if start.is_empty() { name.to_owned() } else { format!("{start}/{name}") };
    if !segment.contains('*') {
        return vec![join(segment)];
    }
    let Ok(entries) = std::fs::read_dir(folder.join(start)) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| !name.starts_with('.') && matches(segment, name))
        .map(|name| join(&name))
        .collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// A manifest of more files than this is a mistake in a pattern.
const FILES_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_part_of_one_segment() {
        assert!(matches("*.cedar", "orders.cedar"));
        assert!(matches("a*b*c", "a-b-c"));
        assert!(!matches("a*b*c", "a-c"));
        assert!(!matches("*.cedar", "orders.cedar.bak"));
        assert!(matches("exact", "exact"));
    }

    #[test]
    fn a_pattern_that_climbs_out_matches_nothing() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir_all(folder.path().join("in/a"))?;
        std::fs::write(folder.path().join("in/a/x.toml"), "")?;
        assert_eq!(expand(&folder.path().join("in"), "*/x.toml"), ["a/x.toml"]);
        assert!(expand(&folder.path().join("in/a"), "../a/x.toml").is_empty());
        Ok(())
    }
}
