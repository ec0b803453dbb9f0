//! Which keys exist, and which shape their values have.
//!
//! One table serves the checker (unknown keys, wrong shapes, did-you-mean) and the JSON Schema for
//! editors, so that the two cannot say different things.

use crate::catalogue::code;
use crate::finding::Findings;
use crate::node::{Entry, Node, Value};
use crate::suggest::nearest;

/// The shape of a value.
#[derive(Debug)]
pub(crate) enum Shape {
    Bool,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// The first that fits its kind.
    Either(&'static [Self]),
    /// A whole number between two bounds.
    Integer(i64, i64),
    List(&'static Self),
    /// A table with names of the operator's choice.
    Map(&'static Self),
    /// Named keys, and other names with a shape of their own.
    Open(&'static [Key], &'static Self),
    /// A table with these keys and no others.
    Table(&'static [Key]),
    Text,
}

/// A key of a table.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// Shown by editors.
    pub(crate) about: &'static str,
}

impl Shape {
    /// What it wants, for an error text.
    pub(crate) fn wants(&self) -> String {
        match self {
            Self::Bool => "`true` or `false`".to_owned(),
            Self::Choice(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
                words.join(" or ")
            }
            Self::Either(shapes) => {
                let wants: Vec<String> = shapes.iter().map(Self::wants).collect();
                wants.join(" or ")
            }
            Self::Integer(low, high) if low == high => format!("`{low}`"),
            Self::Integer(low, high) => format!("a whole number from {low} to {high}"),
            Self::List(item) => match item {
                Self::Text => "a list of texts".to_owned(),
                _ => "a list".to_owned(),
            },
            Self::Map(_) | Self::Open(..) | Self::Table(_) => "a table".to_owned(),
            Self::Text => "a text".to_owned(),
        }
    }

    /// Whether a value is of this kind; what is inside is looked at by [`check`].
    fn fits(&self, node: &Node) -> bool {
        match (self, &node.value) {
            (Self::Bool, Value::Bool(_))
            | (Self::List(_), Value::List(_))
            | (Self::Map(_) | Self::Open(..) | Self::Table(_), Value::Table(_))
            | (Self::Text, Value::Text(_)) => true,
            (Self::Choice(words), Value::Text(text)) => words.contains(&text.as_str()),
            (Self::Integer(low, high), Value::Integer(number)) => (low..=high).contains(&number),
            (Self::Either(shapes), _) => shapes.iter().any(|shape| shape.fits(node)),
            _ => false,
        }
    }
}

/// Reports every unknown key and every value of a wrong shape below `entry`.
pub(crate) fn check(path: &str, node: &Node, shape: &Shape, findings: &mut Findings<'_>) {
    if !shape.fits(node) {
        let name = path.rsplit('.').next().unwrap_or(path);
        let finding = findings.add(
            code::SYNTAX,
            node.at,
            format!("`{path}` is {}, and has to be {}", node.kind(), shape.wants()),
        );
        finding.label(format!("{} expected", shape.wants()));
        finding.help(example(name, shape, node));
        return;
    }
    match (shape, &node.value) {
        (Shape::Either(shapes), _) => {
            if let Some(inner) = shapes.iter().find(|inner| inner.fits(node)) {
                check(path, node, inner, findings);
            }
        }
        (Shape::List(item), Value::List(items)) => {
            for inner in items {
                check(path, inner, item, findings);
            }
        }
        (Shape::Table(keys), _) => check_keys(path, node, (keys, None), findings),
        (Shape::Open(keys, rest), _) => check_keys(path, node, (keys, Some(rest)), findings),
        (Shape::Map(rest), _) => check_keys(path, node, (&[], Some(rest)), findings),
        _ => {}
    }
}

fn check_keys(
    path: &str,
    node: &Node,
    (keys, rest): (&[Key], Option<&Shape>),
    findings: &mut Findings<'_>,
) {
    for entry in node.entries() {
        let inner =
            if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
        let known = keys.iter().find(|key| key.name == entry.key).map(|key| &key.shape);
        match known.or(rest) {
            Some(shape) => check(&inner, &entry.node, shape, findings),
            None => unknown(path, entry, keys, findings),
        }
    }
}

fn unknown(path: &str, entry: &Entry, keys: &[Key], findings: &mut Findings<'_>) {
    let names = || keys.iter().map(|key| key.name);
    let table =
        if path.is_empty() { "the top of the file".to_owned() } else { format!("`[{path}]`") };
    let message = format!("unknown key `{}` in {table}", entry.key);
    let help = if let Some(name) = nearest(&entry.key, names()) {
        format!("did you mean `{name}`?")
    } else if let Some(home) = home_of(&entry.key) {
        format!("`{}` belongs to {home}", entry.key)
    } else {
        format!("known keys: {}", names().collect::<Vec<_>>().join(", "))
    };
    let is_overlay = path.split('.').next() == Some("env");
    if is_overlay && nearest(&entry.key, names()).is_none() {
        let message = format!("`{}` cannot differ between environments", entry.key);
        findings
            .add(code::OVERLAY_GRANT, entry.at, message)
            .label("an overlay changes only `upstream`, `host`, `identity` and `limits`")
            .help("who may do what is the same everywhere: move this to the service itself");
        return;
    }
    findings.add(code::SYNTAX, entry.at, message).label("not known here").help(help);
}

/// The table that a key belongs to: the usual mistake is a line in the wrong table.
fn home_of(name: &str) -> Option<String> {
    let homes = [
        ("", crate::keys::ROOT),
        ("[gateway]", crate::keys::GATEWAY),
        ("[services.NAME]", crate::keys::SERVICE),
        ("[partners.NAME]", crate::keys::PARTNER),
        ("[data]", crate::keys::DATA),
        ("[roles]", crate::keys::ROLE),
        ("[secrets]", crate::keys::SECRET),
        ("[gateway.tls]", crate::keys::TLS),
        ("[gateway.cors]", crate::keys::CORS),
    ];
    let (table, _) = homes.iter().find(|(_, keys)| keys.iter().any(|key| key.name == name))?;
    Some(if table.is_empty() { "the top of the file".to_owned() } else { format!("`{table}`") })
}

/// A line that would be right.
fn example(name: &str, shape: &Shape, node: &Node) -> String {
    let shape = match shape {
        Shape::Either(shapes) => shapes.first().unwrap_or(shape),
        other => other,
    };
    match (shape, &node.value) {
        (Shape::Text, Value::Integer(number)) => format!("write `{name} = \"{number}\"`"),
        (Shape::Text, Value::Bool(value)) => format!("write `{name} = \"{value}\"`"),
        (Shape::Text, _) => format!("write `{name} = \"…\"`"),
        (Shape::List(_), Value::Text(text)) => format!("write `{name} = [\"{text}\"]`"),
        (Shape::List(_), _) => format!("write `{name} = [\"…\"]`"),
        (Shape::Bool, Value::Text(text)) if text == "true" || text == "false" => {
            format!("write `{name} = {text}`, without quotes")
        }
        (Shape::Bool, _) => format!("write `{name} = true`"),
        (Shape::Choice(words), Value::Text(text)) => nearest(text, words.iter().copied())
            .map_or_else(
                || format!("write one of {}", shape.wants()),
                |word| format!("did you mean `\"{word}\"`?"),
            ),
        (Shape::Choice(words), _) => {
            format!("write `{name} = \"{}\"`", words.first().unwrap_or(&""))
        }
        (Shape::Integer(low, high), _) if low == high => format!("write `{name} = {low}`"),
        (Shape::Integer(low, _), _) => format!("write `{name} = {low}`, or a larger number"),
        (Shape::Map(_) | Shape::Open(..) | Shape::Table(_), _) => {
            format!("write `{name} = {{ … }}` or a table of its own")
        }
        (Shape::Either(_), _) => format!("write {}", shape.wants()),
    }
}
