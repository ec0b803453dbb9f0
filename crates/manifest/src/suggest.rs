//! "Did you mean": the nearest known name within two edits.

/// The nearest of `known` within two edits, if there is one.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Three letters can become any other three with two edits.
    let allowed = if word.chars().count() < 4 { 1 } else { 2 };
    known
        .into_iter()
        .filter(|name| *name != word)
        .filter_map(|name| Some((distance(word, name, allowed)?, name)))
        .min()
        .map(|(_, name)| name)
}

/// ``did you mean `users`?``
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, known).map(|name| format!("did you mean `{name}`?"))
}

/// Edits (insert, remove, change, swap neighbours) between two words, if at most `allowed`.
fn distance(a: &str, b: &str, allowed: usize) -> Option<usize> {
    let a: Vec<char> = a.chars().flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    if a.len().abs_diff(b.len()) > allowed || a.len() > WORD_MAX || b.len() > WORD_MAX {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
            let change = cell(&above, j) + usize::from(left != right);
            let mut best = change.min(cell(&above, j + 1) + 1).min(cell(&row, j) + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(right) && b.get(j - 1) == Some(left) {
                best = best.min(cell(&before, j - 1).saturating_add(1));
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().filter(|edits| *edits <= allowed)
}

/// Names are at most this long, so that a long word costs nothing.
const WORD_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_within_two_edits() {
        let known = ["upstream", "openapi", "people"];
        assert_eq!(nearest("upstraem", known), Some("upstream"));
        assert_eq!(nearest("peple", known), Some("people"));
        assert_eq!(nearest("upst", known), None);
        assert_eq!(nearest("run", ["ru", "abc"]), Some("ru"));
        assert_eq!(nearest("xyz", ["abz"]), None);
    }
}
