//! Patterns such as `services/*/ringwall.toml`: a `*` stands for any part of one path segment.

use std::io;
use std::path::Path;

/// Files below `folder` that match, sorted, as relative paths. A pattern that climbs out of the
/// folder matches nothing; one that matches too many is an error, because nobody would hear of those
/// that are left out.
pub(crate) fn expand(folder: &Path, pattern: &str) -> io::Result<Vec<String>> {
    let mut found = vec![String::new()];
    for segment in pattern.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
        if segment == ".." {
            return Ok(Vec::new());
        }
        found = found.iter().flat_map(|start| step(folder, start, segment)).collect();
        bounded(&found, pattern, PLACES_MAX)?;
    }
    found.retain(|path| folder.join(path).is_file());
    bounded(&found, pattern, FILES_MAX)?;
    found.sort();
    Ok(found)
}

fn bounded(found: &[String], pattern: &str, max: usize) -> io::Result<()> {
    if found.len() <= max {
        return Ok(());
    }
    Err(io::Error::other(format!("more than {FILES_MAX} files match `{pattern}`")))
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

/// Names that are looked at on the way: most folders hold other files, too.
const PLACES_MAX: usize = 100_000;

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
    fn a_pattern_that_climbs_out_matches_nothing() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir_all(folder.path().join("in/a"))?;
        std::fs::write(folder.path().join("in/a/x.toml"), "")?;
        assert_eq!(expand(&folder.path().join("in"), "*/x.toml")?, ["a/x.toml"]);
        assert!(expand(&folder.path().join("in/a"), "../a/x.toml")?.is_empty());
        Ok(())
    }

    #[test]
    fn the_last_file_of_the_limit_is_found_and_one_more_is_an_error() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        for number in 0..FILES_MAX {
            std::fs::write(folder.path().join(format!("{number}.conf")), "")?;
        }
        assert_eq!(expand(folder.path(), "*.conf")?.len(), FILES_MAX);
        std::fs::write(folder.path().join("more.conf"), "")?;
        let error = expand(folder.path(), "*.conf").unwrap_err().to_string();
        assert_eq!(error, "more than 1000 files match `*.conf`");
        Ok(())
    }
}
