//! A tree of path templates. A literal beats a pattern, a pattern a parameter, a parameter the
//! rest of the path; a dead end is left again, as Werkzeug and the OpenAPI text do.

use std::collections::HashMap;

/// Templates, and what stands at their ends.
#[derive(Debug)]
pub(super) struct Paths<T> {
    literals: HashMap<Box<str>, Self>,
    patterns: Patterns<T>,
    parameter: Option<Box<Self>>,
    rest: Option<T>,
    end: Option<T>,
}

type Patterns<T> = Vec<(Pattern, Paths<T>)>;

/// Values of the parameters, in the order of the template.
pub(super) type Values = Vec<String>;

/// A segment of literals and parameters, such as `{name}.json`.
#[derive(Debug, Eq, PartialEq)]
struct Pattern(Vec<Piece>);

#[derive(Debug, Eq, PartialEq)]
enum Piece {
    Literal(String),
    Parameter,
}

impl<T> Paths<T> {
    /// No template.
    pub(super) fn new() -> Self {
        Self {
            literals: HashMap::new(),
            patterns: Vec::new(),
            parameter: None,
            rest: None,
            end: None,
        }
    }

    /// The place at the end of a template, to be filled. `None` when the template cannot be read.
    pub(super) fn end(&mut self, template: &str) -> Option<&mut Option<T>> {
        let mut node = self;
        let mut segments = template.strip_prefix('/')?.split('/').peekable();
        while let Some(segment) = segments.next() {
            let pieces = pieces(segment)?;
            node = match pieces.as_slice() {
                [] => node.literals.entry("".into()).or_insert_with(Self::new),
                [Piece::Literal(text)] => {
                    node.literals.entry(text.as_str().into()).or_insert_with(Self::new)
                }
                [Piece::Parameter] if segment.ends_with("*}") => {
                    return segments.peek().is_none().then_some(&mut node.rest);
                }
                [Piece::Parameter] => node.parameter.get_or_insert_with(|| Box::new(Self::new())),
                _ => pattern(&mut node.patterns, pieces)?,
            };
        }
        Some(&mut node.end)
    }

    /// What stands at the end of the best template for a decoded path, and the parameters.
    pub(super) fn find(&self, path: &str) -> Option<(&T, Values)> {
        let mut values = Values::new();
        let found = self.walk(path.strip_prefix('/')?, &mut values)?;
        Some((found, values))
    }

    // The depth is bounded by the templates: each step down uses one of their segments.
    fn walk(&self, path: &str, values: &mut Values) -> Option<&T> {
        let (segment, below) = match path.split_once('/') {
            Some((segment, below)) => (segment, Some(below)),
            None => (path, None),
        };
        let depth = values.len();
        if let Some(found) =
            self.literals.get(segment).and_then(|node| descend(node, below, values))
        {
            return Some(found);
        }
        values.truncate(depth);
        for (pattern, node) in &self.patterns {
            if pattern.read(segment, values)
                && let Some(found) = descend(node, below, values)
            {
                return Some(found);
            }
            values.truncate(depth);
        }
        if let Some(node) = self.parameter.as_deref().filter(|_| !segment.is_empty()) {
            values.push(segment.to_owned());
            if let Some(found) = descend(node, below, values) {
                return Some(found);
            }
            values.truncate(depth);
        }
        let rest = self.rest.as_ref().filter(|_| !path.is_empty())?;
        values.push(path.to_owned());
        Some(rest)
    }
}

/// Names of a template's parameters, in order.
pub(crate) fn parameter_names(template: &str) -> Vec<String> {
    let opened = template.split('{').skip(1);
    let names = opened.filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    names.map(|name| name.trim_end_matches('*').to_owned()).collect()
}

fn descend<'a, T>(node: &'a Paths<T>, below: Option<&str>, values: &mut Values) -> Option<&'a T> {
    match below {
        Some(below) => node.walk(below, values),
        None => node.end.as_ref(),
    }
}

fn pattern<T>(patterns: &mut Patterns<T>, pieces: Vec<Piece>) -> Option<&mut Paths<T>> {
    let wanted = Pattern(pieces);
    let known = patterns.iter().position(|(known, _)| *known == wanted);
    if known.is_none() {
        patterns.push((wanted, Paths::new()));
    }
    let at = known.or_else(|| patterns.len().checked_sub(1))?;
    patterns.get_mut(at).map(|(_, node)| node)
}

fn pieces(segment: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = segment;
    while let Some((literal, opened)) = rest.split_once('{') {
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.to_owned()));
        } else if pieces.last() == Some(&Piece::Parameter) {
            // Two parameters side by side have no single reading.
            return None;
        }
        let (name, after) = opened.split_once('}')?;
        if name.is_empty() || name.contains('{') {
            return None;
        }
        pieces.push(Piece::Parameter);
        rest = after;
    }
    if rest.contains('}') {
        return None;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Some(pieces)
}

impl Pattern {
    /// Reads a segment; a parameter takes as little as it can, the last one all that is left.
    fn read(&self, segment: &str, values: &mut Values) -> bool {
        let mut rest = Some(segment);
        let mut is_open = false;
        for piece in &self.0 {
            let Some(text) = rest else { return false };
            (rest, is_open) = match piece {
                Piece::Parameter => (rest, true),
                Piece::Literal(literal) if is_open => {
                    let split = split_after_first(text, literal);
                    values.extend(split.map(|(value, _after)| value.to_owned()));
                    (split.map(|(_value, after)| after), false)
                }
                Piece::Literal(literal) => (text.strip_prefix(literal.as_str()), false),
            };
        }
        let Some(text) = rest else { return false };
        if is_open && !text.is_empty() {
            values.push(text.to_owned());
            return true;
        }
        !is_open && text.is_empty()
    }
}

/// Splits at the first `literal` that leaves a value before it.
fn split_after_first<'a>(text: &'a str, literal: &str) -> Option<(&'a str, &'a str)> {
    let mut found = text.match_indices(literal).filter(|(at, _)| *at > 0);
    let (at, _) = found.next()?;
    Some((text.get(..at)?, text.get(at.checked_add(literal.len())?..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(templates: &[&'static str]) -> Paths<&'static str> {
        let mut paths = Paths::new();
        for template in templates {
            *paths.end(template).unwrap() = Some(*template);
        }
        paths
    }

    type Found<'a> = (&'a str, &'a [&'a str]);

    #[track_caller]
    fn check(paths: &Paths<&'static str>, path: &str, want: Option<Found<'_>>) {
        let got = paths.find(path);
        let got = got.as_ref().map(|(template, values)| {
            (**template, values.iter().map(String::as_str).collect::<Vec<_>>())
        });
        assert_eq!(got.as_ref().map(|(t, v)| (*t, v.as_slice())), want, "{path}");
    }

    #[test]
    fn the_more_exact_template_wins_and_a_dead_end_is_left_again() {
        let paths = tree(&[
            "/",
            "/users",
            "/users/me",
            "/users/{id}",
            "/users/{id}/orders",
            "/users/me/keys/x",
            "/files/{name}.json",
            "/files/{name}",
            "/static/{rest*}",
            "/trail/",
            "/v/{a}-{b}",
        ]);
        check(&paths, "/", Some(("/", &[])));
        check(&paths, "/users", Some(("/users", &[])));
        check(&paths, "/users/me", Some(("/users/me", &[])));
        check(&paths, "/users/7", Some(("/users/{id}", &["7"])));
        check(&paths, "/users/me/orders", Some(("/users/{id}/orders", &["me"])));
        check(&paths, "/files/a.json", Some(("/files/{name}.json", &["a"])));
        check(&paths, "/files/a.txt", Some(("/files/{name}", &["a.txt"])));
        check(&paths, "/files/.json", Some(("/files/{name}", &[".json"])));
        check(&paths, "/static/a/b", Some(("/static/{rest*}", &["a/b"])));
        check(&paths, "/v/1-2-3", Some(("/v/{a}-{b}", &["1", "2-3"])));
        check(&paths, "/trail/", Some(("/trail/", &[])));
        for path in ["/trail", "/users/", "/users/7/", "/static", "/static/", "/x", "/v/-2"] {
            check(&paths, path, None);
        }
    }

    #[test]
    fn a_template_without_a_single_reading_is_refused() {
        for template in ["a", "/{a}{b}", "/{", "/{}", "/a}", "/{rest*}/more", "/{a{b}}"] {
            assert!(Paths::<()>::new().end(template).is_none(), "{template}");
        }
    }

    #[test]
    fn parameters_have_the_names_of_the_template() {
        assert_eq!(parameter_names("/a/{b}/{c}.{d}/{e*}"), ["b", "c", "d", "e"]);
    }
}
