//! Parameters: how one is written in a request, and what it has to be.

use ringwall_base::ParameterPlace;

use crate::check::{Check, Direction};
use crate::compile::{Compiler, short};
use crate::json;
use crate::node::{Data, Member, Node};
use crate::number::Number;
use crate::query::Pair;
use crate::schema::{SchemaId, SchemaSet, Types};
use crate::{Limits, Violation, ViolationKind};

/// A declared parameter.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: ParameterPlace,
    pub(crate) is_required: bool,
    pub(crate) style: Style,
    pub(crate) schema: Option<SchemaId>,
}

/// How arrays and objects are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    /// `name[key]=value`.
    Deep,
    /// One text, its parts separated by the character.
    Joined(char),
    /// `content`: one JSON text.
    Json,
    /// One `name=value` for each element, or `key=value` for each member.
    Spread,
}

impl Parameter {
    pub(crate) fn read<'d>(
        node: &'d Node,
        pointer: &str,
        compiler: &mut Compiler<'d>,
    ) -> Result<Self, String> {
        let text = |name: &str| node.get(name).and_then(Node::text);
        let name = text("name").ok_or("parameter without `name`")?.to_owned();
        let place = match text("in") {
            Some("cookie") => ParameterPlace::Cookie,
            Some("header") => ParameterPlace::Header,
            Some("path") => ParameterPlace::Path,
            Some("query") => ParameterPlace::Query,
            _ => return Err(format!("parameter `{}` has no known `in`", short(&name))),
        };
        let explode = node.get("explode").and_then(Node::boolean);
        let content = node.get("content").and_then(|content| content.members().first());
        let (style, schema) = match content {
            Some(media) if crate::media_type::is_json(&media.name.to_ascii_lowercase()) => {
                (Style::Json, media.value.get("schema"))
            }
            Some(_) => return Err(format!("content of parameter `{}` is not JSON", short(&name))),
            None => (style(place, text("style"), explode)?, node.get("schema")),
        };
        let schema = schema.map(|schema| compiler.schema(schema, format!("{pointer}/schema")));
        let required = node.get("required").and_then(Node::boolean).unwrap_or(false);
        // A path without its parameter is another path.
        let is_required = required || place == ParameterPlace::Path;
        Ok(Self { name, place, is_required, style, schema })
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.place == other.place
    }

    /// Checks one written value: of a path segment, header or cookie.
    pub(crate) fn check_text(&self, set: &SchemaSet, text: &str) -> Vec<Violation> {
        let Some(id) = self.schema else { return Vec::new() };
        if self.style == Style::Json {
            return self.check_json(set, text);
        }
        let separator = match self.style {
            Style::Joined(separator) => separator,
            Style::Deep | Style::Json | Style::Spread => ',',
        };
        let types = set.types(id);
        let parts = |text: &str| text.split(separator).map(str::to_owned).collect::<Vec<_>>();
        if types.has(Types::ARRAY) {
            let parts = if text.is_empty() { Vec::new() } else { parts(text) };
            return self.check_node(set, &array(set, id, &parts));
        }
        if types.has(Types::OBJECT) && !types.has(Types::STRING) {
            return self.check_node(set, &object(set, id, &members_of(&parts(text), self.style)));
        }
        self.check_scalar(set, text)
    }

    /// Checks the pairs of a query or cookie that belong to this parameter.
    pub(crate) fn check_pairs(&self, set: &SchemaSet, pairs: &[&Pair]) -> Vec<Violation> {
        let Some(id) = self.schema else { return Vec::new() };
        let types = set.types(id);
        let is_list = types.has(Types::ARRAY) && self.style == Style::Spread;
        let is_object =
            types.has(Types::OBJECT) && matches!(self.style, Style::Spread | Style::Deep);
        if is_object && self.style == Style::Deep {
            let members: Vec<(String, String)> =
                pairs.iter().map(|pair| (pair.key_of(&self.name), pair.value.clone())).collect();
            return self.check_node(set, &object(set, id, &members));
        }
        if is_object && !is_list && !types.has(Types::STRING) {
            let members: Vec<(String, String)> =
                pairs.iter().map(|pair| (pair.name.clone(), pair.value.clone())).collect();
            return self.check_node(set, &object(set, id, &members));
        }
        if is_list {
            let values: Vec<String> = pairs.iter().map(|pair| pair.value.clone()).collect();
            return self.check_node(set, &array(set, id, &values));
        }
        match pairs {
            // Which of two values counts, every framework decides for itself.
            [_, _, ..] => vec![self.violation("", "given more than once")],
            [pair] if matches!(self.style, Style::Joined(_)) => self.check_joined(set, pair),
            [pair] => self.check_text(set, &pair.value),
            [] => Vec::new(),
        }
    }

    /// The names in a query that belong to this parameter.
    pub(crate) fn claims(&self, set: &SchemaSet, name: &str) -> bool {
        if self.style == Style::Deep {
            let rest = name.strip_prefix(&self.name).unwrap_or_default();
            return rest.starts_with('[') && rest.ends_with(']');
        }
        let Some(id) = self.schema else { return name == self.name };
        let types = set.types(id);
        let is_object = types.has(Types::OBJECT) && !types.has(Types::ARRAY.with(Types::STRING));
        if self.style == Style::Spread && is_object {
            return property(set, id, name).is_some();
        }
        name == self.name
    }

    pub(crate) fn violation(&self, below: &str, message: &str) -> Violation {
        let place = match self.place {
            ParameterPlace::Cookie => "cookie",
            ParameterPlace::Header => "header",
            ParameterPlace::Path => "path",
            ParameterPlace::Query => "query",
        };
        Violation {
            kind: ViolationKind::Parameter,
            pointer: format!("{place}.{}{below}", short(&self.name)),
            message: message.to_owned(),
        }
    }

    /// Separators count before percent-decoding: an encoded one belongs to a value.
    fn check_joined(&self, set: &SchemaSet, pair: &Pair) -> Vec<Violation> {
        let (Some(id), Style::Joined(separator)) = (self.schema, self.style) else {
            return Vec::new();
        };
        let types = set.types(id);
        let Some(parts) = pair.parts(separator) else {
            return vec![self.violation("", "malformed percent-encoding")];
        };
        if types.has(Types::ARRAY) {
            let parts = if pair.value.is_empty() { Vec::new() } else { parts };
            return self.check_node(set, &array(set, id, &parts));
        }
        if types.has(Types::OBJECT) && !types.has(Types::STRING) {
            return self.check_node(set, &object(set, id, &members_of(&parts, self.style)));
        }
        self.check_scalar(set, &pair.value)
    }

    fn check_json(&self, set: &SchemaSet, text: &str) -> Vec<Violation> {
        match json::parse(text.as_bytes(), &Limits::default()) {
            Ok(node) => self.check_node(set, &node),
            Err(error) => vec![self.violation("", &format!("not JSON: {}", error.message))],
        }
    }

    fn check_scalar(&self, set: &SchemaSet, text: &str) -> Vec<Violation> {
        let Some(id) = self.schema else { return Vec::new() };
        self.check_node(set, &scalar(set, id, text))
    }

    fn check_node(&self, set: &SchemaSet, node: &Node) -> Vec<Violation> {
        let Some(id) = self.schema else { return Vec::new() };
        let found = Check::new(set, Direction::Request).run(id, node);
        found.into_iter().map(|found| self.violation(&found.pointer, &found.message)).collect()
    }
}

fn style(
    place: ParameterPlace,
    style: Option<&str>,
    explode: Option<bool>,
) -> Result<Style, String> {
    let is_query = matches!(place, ParameterPlace::Query | ParameterPlace::Cookie);
    let explode = explode.unwrap_or(is_query && matches!(style, None | Some("form")));
    Ok(match style {
        None | Some("form") if is_query && explode => Style::Spread,
        None | Some("form") if is_query => Style::Joined(','),
        // `simple` with `explode` writes `key=value`, which `Spread` means outside queries.
        None | Some("simple") if !is_query && explode => Style::Spread,
        None | Some("simple") if !is_query => Style::Joined(','),
        Some("deepObject") if is_query => Style::Deep,
        Some("spaceDelimited") if is_query && !explode => Style::Joined(' '),
        Some("pipeDelimited") if is_query && !explode => Style::Joined('|'),
        Some("spaceDelimited" | "pipeDelimited") if is_query => Style::Spread,
        style => {
            let name = style.unwrap_or_default();
            return Err(format!("parameter style `{}` is not supported here", short(name)));
        }
    })
}

/// `a,1,b,2`, or `a=1,b=2` when exploded.
fn members_of(parts: &[String], style: Style) -> Vec<(String, String)> {
    if style == Style::Spread {
        let split = |part: &String| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name.to_owned(), value.to_owned())
        };
        return parts.iter().map(split).collect();
    }
    let pair = |chunk: &[String]| {
        let mut chunk = chunk.iter().cloned();
        (chunk.next().unwrap_or_default(), chunk.next().unwrap_or_default())
    };
    parts.chunks(2).map(pair).collect()
}

/// A text as an array of what the schema says that elements are.
pub(crate) fn array(set: &SchemaSet, id: SchemaId, values: &[String]) -> Node {
    let items = set.find_rule(id, |schema| schema.array.items);
    let element = |value: &String| match items {
        Some(id) => scalar(set, id, value),
        None => Node::new(Data::Text(value.clone())),
    };
    Node::new(Data::Array(values.iter().map(element).collect()))
}

/// Pairs as an object; names given twice become an array where the schema says so.
pub(crate) fn object(set: &SchemaSet, id: SchemaId, pairs: &[(String, String)]) -> Node {
    let mut members: Vec<Member> = Vec::new();
    for (index, (name, value)) in pairs.iter().enumerate() {
        let before = pairs.get(..index).unwrap_or_default();
        if before.iter().any(|(other, _)| other == name) {
            continue;
        }
        let schema = property(set, id, name);
        let is_list = schema.is_some_and(|id| set.types(id).has(Types::ARRAY));
        let all: Vec<String> = pairs
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value.clone())
            .collect();
        let value = match schema {
            Some(id) if is_list => array(set, id, &all),
            // Twice, but not declared as a list: an array, which the schema will refuse.
            _ if all.len() > 1 => {
                Node::new(Data::Array(all.into_iter().map(Data::Text).map(Node::new).collect()))
            }
            Some(id) => scalar(set, id, value),
            None => Node::new(Data::Text(value.clone())),
        };
        members.push(Member { at: 0, name: name.clone(), value });
    }
    Node::new(Data::Object(members))
}

/// A text as the type that the schema says it is, if it can be read so.
pub(crate) fn scalar(set: &SchemaSet, id: SchemaId, text: &str) -> Node {
    let types = set.types(id);
    if let Some(number) = number(text).filter(|_| types.has(Types::INTEGER.with(Types::NUMBER))) {
        return Node::new(Data::Number(number));
    }
    Node::new(match text {
        "true" if types.has(Types::BOOLEAN) => Data::Bool(true),
        "false" if types.has(Types::BOOLEAN) => Data::Bool(false),
        "" | "null" if types.has(Types::NULL) && !types.has(Types::STRING) => Data::Null,
        text => Data::Text(text.to_owned()),
    })
}

/// The grammar of JSON numbers: what other readers take for a number is not ours to guess.
fn number(text: &str) -> Option<Number> {
    if text.ends_with(char::is_whitespace) || text.starts_with(char::is_whitespace) {
        return None;
    }
    let limits = Limits { depth_max: 0, ..Limits::default() };
    json::parse(text.as_bytes(), &limits).ok()?.number()
}

/// The schema of a property, through `allOf`, `anyOf` and `oneOf`.
fn property(set: &SchemaSet, id: SchemaId, name: &str) -> Option<SchemaId> {
    set.find_rule(id, |schema| schema.object.properties.as_ref()?.get(name).copied())
}

impl SchemaSet {
    /// The first answer among a schema and those that it applies in place.
    fn find_rule<T>(
        &self,
        id: SchemaId,
        find: impl Fn(&crate::schema::Schema) -> Option<T>,
    ) -> Option<T> {
        let mut queue = vec![id];
        let mut seen = Vec::new();
        while let Some(id) = queue.pop() {
            let Some(schema) = self.get(id).filter(|_| !seen.contains(&id)) else { continue };
            seen.push(id);
            if let Some(found) = find(schema) {
                return Some(found);
            }
            let combine = &schema.combine;
            let branches = combine.all_of.iter().chain(&combine.any_of).chain(&combine.one_of);
            queue.extend(branches.copied());
        }
        None
    }
}
