//! Parameters: how one is written in a request, and what it has to be.

mod style;

use ringwall_base::ParameterPlace;

use crate::check::{Check, Direction, Found};
use crate::compile::{Compiler, short};
use crate::node::Node;
use crate::proof::{Kind, whole};
use crate::query::Pair;
use crate::schema::{SchemaId, SchemaSet, Types};
use crate::value::{Written, array, object, property, repeats, scalar};
use crate::{Limits, Violation, ViolationKind, json};
pub(crate) use style::Style;

/// A declared parameter.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: ParameterPlace,
    pub(crate) is_required: bool,
    pub(crate) style: Style,
    pub(crate) schema: Option<SchemaId>,
    /// `allowEmptyValue`: an empty value says only that the parameter is there.
    pub(crate) may_be_empty: bool,
}

/// How something is written, and what it has to be.
type Form = (Style, Option<SchemaId>);

/// Which of the values that belong to a parameter are proved harmless, by their index.
pub(crate) type Proved = Vec<(usize, Kind)>;

/// What is wrong with the values of a parameter, or what is proved about them.
pub(crate) type Checked = Result<Proved, Vec<Violation>>;

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
        let (style, schema) = Self::form(node, pointer, place, compiler)
            .map_err(|why| format!("parameter `{}`: {why}", short(&name)))?;
        let required = node.get("required").and_then(Node::boolean).unwrap_or(false);
        // A path without its parameter is another path.
        let is_required = required || place == ParameterPlace::Path;
        let flag = |name: &str| node.get(name).and_then(Node::boolean).unwrap_or(false);
        let may_be_empty = flag("allowEmptyValue") && place == ParameterPlace::Query;
        Ok(Self { name, place, is_required, style, schema, may_be_empty })
    }

    /// A header of a part of a multipart body, which is a parameter without name and place.
    pub(crate) fn header<'d>(
        name: &str,
        node: &'d Node,
        pointer: &str,
        compiler: &mut Compiler<'d>,
    ) -> Result<Self, String> {
        let place = ParameterPlace::Header;
        let (style, schema) = Self::form(node, pointer, place, compiler)
            .map_err(|why| format!("header `{}`: {why}", short(name)))?;
        let is_required = node.get("required").and_then(Node::boolean).unwrap_or(false);
        let name = name.to_owned();
        Ok(Self { name, place, is_required, style, schema, may_be_empty: false })
    }

    fn form<'d>(
        node: &'d Node,
        pointer: &str,
        place: ParameterPlace,
        compiler: &mut Compiler<'d>,
    ) -> Result<Form, String> {
        let content = node.get("content").and_then(|content| content.members().first());
        let Some(media) = content else {
            let explode = node.get("explode").and_then(Node::boolean);
            let style = Style::read(place, node.get("style").and_then(Node::text), explode)?;
            let schema = node.get("schema");
            let place = format!("{pointer}/schema");
            return Ok((style, schema.map(|schema| compiler.schema(schema, place))));
        };
        let (essence, _) = crate::media_type::essence(&media.name);
        let style = match essence.as_str() {
            "text/plain" => Style::Text,
            json if crate::media_type::is_json(json) => Style::Json,
            _ => return Err("content is neither JSON nor text".to_owned()),
        };
        let mut place = format!("{pointer}/content");
        crate::node::push_token(&mut place, &media.name);
        place.push_str("/schema");
        let schema = media.value.get("schema");
        Ok((style, schema.map(|schema| compiler.schema(schema, place))))
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.place == other.place
    }

    /// Checks one written value: of a path segment, header or cookie.
    pub(crate) fn check_text(&self, set: &SchemaSet, text: &str) -> Checked {
        let Some(id) = self.schema else { return Ok(Vec::new()) };
        let Some(parts) = self.style.cut(&self.name, text, set.types(id)) else {
            return Err(vec![self.violation("", "is not written in the declared style")]);
        };
        self.check_parts(set, id, &parts.iter().map(String::as_str).collect::<Vec<_>>(), text)
    }

    /// Checks the pairs of a query that belong to this parameter.
    pub(crate) fn check_pairs<'p>(&self, set: &SchemaSet, pairs: &[&'p Pair]) -> Checked {
        let Some(id) = self.schema else { return Ok(Vec::new()) };
        let types = set.types(id);
        let written = |pair: usize, text| Written { text, pair, part: 0 };
        let is_list = types.has(Types::ARRAY) && self.style == Style::Spread;
        let is_object =
            types.has(Types::OBJECT) && matches!(self.style, Style::Spread | Style::Deep);
        if is_object && (self.style == Style::Deep || (!is_list && !types.has(Types::STRING))) {
            let member = |(pair, one): (usize, &&'p Pair)| {
                let key = match self.style {
                    Style::Deep => one.key_of(&self.name)?,
                    _ => one.name.as_str(),
                };
                Some((key, written(pair, &one.value)))
            };
            let members = pairs.iter().enumerate().map(member).collect::<Option<Vec<_>>>();
            // How deeper brackets are read, each framework decides for itself.
            let members =
                members.ok_or_else(|| vec![self.violation("", "has brackets inside brackets")])?;
            if repeats(set, id, &members) {
                return Err(vec![self.violation("", "has a member that is given more than once")]);
            }
            return self.check_node(set, &object(set, id, &members));
        }
        if is_list {
            let values = pairs.iter().enumerate();
            let values: Vec<Written<'_>> =
                values.map(|(pair, one)| written(pair, &one.value)).collect();
            return self.check_node(set, &array(set, id, &values));
        }
        match pairs {
            // Which of two values counts, every framework decides for itself.
            [_, _, ..] => Err(vec![self.violation("", "given more than once")]),
            [pair] if pair.value.is_empty() && self.may_be_empty => Ok(Vec::new()),
            [pair] => match self.style {
                // Separators count before percent-decoding: an encoded one belongs to a value.
                Style::Joined(separator) => match pair.parts(separator) {
                    Some(parts) => {
                        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                        self.check_parts(set, id, &parts, &pair.value)
                    }
                    None => Err(vec![self.violation("", "malformed percent-encoding")]),
                },
                _ => self.check_text(set, &pair.value),
            },
            [] => Ok(Vec::new()),
        }
    }

    /// The names in a query that belong to this parameter.
    pub(crate) fn claims(&self, set: &SchemaSet, name: &str) -> bool {
        if self.style == Style::Deep {
            let rest = name.strip_prefix(&self.name).unwrap_or_default();
            return rest.starts_with('[') && rest.ends_with(']');
        }
        match self.schema.filter(|_| self.is_spread_object(set)) {
            Some(id) => property(set, id, name).is_some(),
            None => name == self.name,
        }
    }

    /// Whether names that belong to no parameter belong to this one: the members of any name of an
    /// object that is spread over the query.
    pub(crate) fn claims_rest(&self, set: &SchemaSet, name: &str) -> bool {
        self.schema.is_some_and(|id| self.is_spread_object(set) && set.lists(id, name))
    }

    fn is_spread_object(&self, set: &SchemaSet) -> bool {
        let types = self.schema.map(|id| set.types(id)).unwrap_or_default();
        self.style == Style::Spread
            && types.has(Types::OBJECT)
            && !types.has(Types::ARRAY.with(Types::STRING))
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

    /// Checks one text, which is cut into parts where the schema wants a list or an object.
    fn check_parts(&self, set: &SchemaSet, id: SchemaId, parts: &[&str], text: &str) -> Checked {
        if self.style == Style::Json {
            return self.check_json(set, text);
        }
        let types = set.types(id);
        if types.has(Types::ARRAY) && self.style != Style::Text {
            let parts = if text.is_empty() { &[][..] } else { parts };
            let values = Written::parts(parts.iter().copied(), 0);
            let proved = self.check_node(set, &array(set, id, &values))?;
            // Harmless words with a pipe between them are a command.
            let is_plain = parts.len() < 2 || !text.contains([' ', '|']);
            return Ok(if is_plain { proved } else { Vec::new() });
        }
        if types.has(Types::OBJECT) && !types.has(Types::STRING) {
            // The text has names as well, which nothing is proved about.
            let node = object(set, id, &self.style.members(parts));
            return self.check_node(set, &node).map(|_| Vec::new());
        }
        let text = if self.style.is_cut_off() { parts.first().copied() } else { Some(text) };
        let text = Written { text: text.unwrap_or_default(), ..Written::default() };
        self.check_node(set, &scalar(set, id, text))
    }

    fn check_json(&self, set: &SchemaSet, text: &str) -> Checked {
        match json::parse(text.as_bytes(), &Limits::default()) {
            Ok(node) => self.check_node(set, &node).map(|_| Vec::new()),
            Err(error) => Err(vec![self.violation("", &format!("not JSON: {}", error.message))]),
        }
    }

    /// Checks a value. A written value is proved harmless when all its parts are.
    fn check_node(&self, set: &SchemaSet, node: &Node) -> Checked {
        let Some(id) = self.schema else { return Ok(Vec::new()) };
        let leaves = Check::new(set, Direction::Request).prove(id, node).map_err(|found| {
            let violation = |one: Found| self.violation(&one.pointer, &one.message);
            found.into_iter().map(violation).collect::<Vec<_>>()
        })?;
        Ok(whole(node, &leaves))
    }
}
