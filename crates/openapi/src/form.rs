//! Forms as values: URL-encoded ones and multipart ones, by the `encoding` object.

use ringwall_base::ParameterPlace;

use crate::body::wrong;
use crate::compile::Compiler;
use crate::multipart::Part;
use crate::node::{Data, Member, Node};
use crate::parameter::{Parameter, Style};
use crate::proof::{Kind, Proof, ProofPlace, whole};
use crate::query::Pair;
use crate::schema::{SchemaId, SchemaSet, Types};
use crate::value::{Written, array, items_of, member, object, repeats, scalar, twice};
use crate::{Limits, Unknown, Violation, json, media_type};

/// How one property of a form is written.
#[derive(Clone, Debug)]
pub(crate) struct Encoding {
    property: String,
    /// Media types or ranges; empty: what the property's type says.
    types: Vec<String>,
    style: Option<Style>,
    /// Header fields of the part.
    fields: Vec<Parameter>,
}

impl Encoding {
    /// Reads the `encoding` object of a media type.
    pub(crate) fn read<'d>(
        media: &'d Node,
        pointer: &str,
        compiler: &mut Compiler<'d>,
    ) -> Vec<Self> {
        let mut encodings = Vec::new();
        for member in media.get("encoding").map(Node::members).unwrap_or_default() {
            let rule = &member.value;
            let place = format!("{pointer}/encoding/{}", member.name);
            let text = |name: &str| rule.get(name).and_then(Node::text);
            let explode = rule.get("explode").and_then(Node::boolean);
            let style = (text("style").is_some() || explode.is_some())
                .then(|| Style::read(ParameterPlace::Query, text("style"), explode));
            let style = style.transpose().unwrap_or_else(|why| {
                compiler.find(rule, why);
                None
            });
            let fields = fields(rule, &place, compiler);
            let types = text("contentType").unwrap_or_default().split(',');
            let types = types.map(|one| media_type::essence(one).0);
            let types = types.filter(|one| !one.is_empty()).collect();
            encodings.push(Self { property: member.name.clone(), types, style, fields });
        }
        encodings
    }
}

impl Encoding {
    fn is_json(&self) -> bool {
        !self.types.is_empty() && self.types.iter().all(|one| media_type::is_json(one))
    }
}

/// The declared header fields of a part.
fn fields<'d>(rule: &'d Node, pointer: &str, compiler: &mut Compiler<'d>) -> Vec<Parameter> {
    let mut fields = Vec::new();
    for header in rule.get("headers").map(Node::members).unwrap_or_default() {
        let place = format!("{pointer}/headers/{}", header.name);
        let (node, place) = compiler.resolve(&header.value, place);
        // OpenAPI: the type is said by `contentType`.
        let is_type = header.name.eq_ignore_ascii_case("content-type");
        match Parameter::header(&header.name, node, &place, compiler) {
            Ok(field) if !is_type => fields.push(field),
            Ok(_) => {}
            Err(why) => compiler.find(node, why),
        }
    }
    fields
}

/// Reads the fields of a form as the value that a schema is about.
#[derive(Debug)]
pub(crate) struct Form<'s> {
    pub(crate) set: &'s SchemaSet,
    pub(crate) id: SchemaId,
    pub(crate) encodings: &'s [Encoding],
    pub(crate) unknown: Unknown,
    /// What is wrong besides what the schema says.
    pub(crate) found: Vec<Violation>,
}

impl<'s> Form<'s> {
    /// The value of a URL-encoded form.
    pub(crate) fn urlencoded(&mut self, pairs: &[Pair]) -> Node {
        let mut members: Vec<Member> = Vec::new();
        for (pair, one) in pairs.iter().enumerate() {
            let name = self.owner(&one.name);
            if members.iter().any(|member| member.name == name) {
                continue;
            }
            self.knows(name);
            let own = pairs.iter().enumerate().skip(pair);
            let own: Vec<(usize, &Pair)> =
                own.filter(|(_, other)| self.owner(&other.name) == name).collect();
            let value = self.field(name, &own);
            members.push(Member { at: 0, name: name.to_owned(), value });
        }
        Node::new(Data::Object(members))
    }

    fn field(&mut self, name: &str, own: &[(usize, &Pair)]) -> Node {
        let texts: Vec<Written<'_>> = own
            .iter()
            .map(|(pair, one)| Written { text: &one.value, pair: *pair, part: 0 })
            .collect();
        let Some(id) = member(self.set, self.id, name) else {
            return single(&texts).unwrap_or_else(|| twice(&texts));
        };
        let style = self.encoding(name).and_then(|one| one.style);
        let types = self.set.types(id);
        match (style, own) {
            (Some(Style::Deep), own) => {
                let pairs: Vec<(&str, Written<'_>)> = own
                    .iter()
                    .zip(&texts)
                    .filter_map(|((_, one), text)| Some((one.key_of(name)?, *text)))
                    .collect();
                if pairs.len() < own.len() {
                    self.wrong(name, "has brackets inside brackets");
                }
                if repeats(self.set, id, &pairs) {
                    self.wrong(name, "has a member that is given more than once");
                }
                object(self.set, id, &pairs)
            }
            (Some(Style::Joined(separator)), [(pair, one)]) if types.has(Types::ARRAY) => {
                let parts = one.parts(separator).unwrap_or_default();
                let parts = if one.value.is_empty() { Vec::new() } else { parts };
                let is_plain = parts.len() < 2 || !one.value.contains([' ', '|']);
                let parts = Written::parts(parts.iter().map(String::as_str), *pair);
                let list = array(self.set, id, &parts);
                // Harmless words with a pipe between them are a command.
                if is_plain { list } else { nowhere(list) }
            }
            _ => self.values(name, id, &texts),
        }
    }

    /// Values of one name: a list, one value, or too many.
    fn values(&mut self, name: &str, id: SchemaId, texts: &[Written<'_>]) -> Node {
        // A list may be one JSON text, if it is said to be.
        let is_json = self.encoding(name).is_some_and(Encoding::is_json);
        if self.set.types(id).has(Types::ARRAY) && !is_json {
            let items = items_of(self.set, id);
            let items = texts.iter().map(|text| match items {
                Some(id) => self.value(name, id, *text),
                None => text.node(Data::Text(text.text.to_owned())),
            });
            return Node::new(Data::Array(items.collect()));
        }
        match texts {
            [text] => self.value(name, id, *text),
            // Which of them counts, every framework decides for itself.
            texts => {
                self.wrong(name, "given more than once");
                twice(texts)
            }
        }
    }

    /// One text: JSON where the property is an object or said to be JSON, else a plain value.
    fn value(&self, name: &str, id: SchemaId, text: Written<'_>) -> Node {
        let types = self.set.types(id);
        let is_json = match self.encoding(name).filter(|one| !one.types.is_empty()) {
            None => types.has(Types::OBJECT) && !types.has(Types::STRING),
            Some(encoding) => encoding.is_json(),
        };
        let node = is_json.then(|| json::parse(text.text.as_bytes(), &Limits::default()).ok());
        // What is no JSON stays a text, which the schema refuses where it wants an object.
        match node.flatten() {
            Some(node) => nowhere(node),
            None if is_json => text.node(Data::Text(text.text.to_owned())),
            None => scalar(self.set, id, text),
        }
    }

    /// The value of a multipart form.
    pub(crate) fn multipart(&mut self, parts: &[Part<'_>]) -> Node {
        let mut members: Vec<Member> = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            if members.iter().any(|member| member.name == part.name) {
                continue;
            }
            self.knows(&part.name);
            let own = parts.iter().enumerate().skip(at);
            let own: Vec<(usize, &Part<'_>)> =
                own.filter(|(_, other)| other.name == part.name && !other.is_none).collect();
            if own.is_empty() {
                continue;
            }
            let id = member(self.set, self.id, &part.name);
            let is_list = id.is_some_and(|id| self.set.types(id).has(Types::ARRAY));
            let inner = id.filter(|_| is_list).and_then(|id| items_of(self.set, id));
            let leaf = if is_list { inner } else { id };
            if own.len() > 1 && id.is_some() && !is_list {
                self.wrong(&part.name, "given more than once");
            }
            let nodes = own.iter().map(|(at, part)| self.part(leaf, *at, part));
            let mut nodes: Vec<Node> = nodes.collect();
            let value = match nodes.pop() {
                Some(only) if nodes.is_empty() && !is_list => only,
                last => {
                    nodes.extend(last);
                    Node::new(Data::Array(nodes))
                }
            };
            members.push(Member { at: 0, name: part.name.clone(), value });
        }
        Node::new(Data::Object(members))
    }

    fn part(&mut self, id: Option<SchemaId>, at: usize, part: &Part<'_>) -> Node {
        let place = Written { text: "", pair: at, part: 0 };
        let file = || place.node(Data::File(part.content.len()));
        let kinds = self.part_head(id, part);
        let Some(id) = id else {
            return if part.is_file { file() } else { self.part_text(None, place, part) };
        };
        let types = self.set.types(id);
        let is_json = match kinds.as_slice() {
            [] => types.has(Types::OBJECT) && !types.has(Types::STRING),
            list => list.iter().all(|one| media_type::is_json(one)),
        };
        if is_json {
            return match json::parse(part.content, &Limits::default()) {
                Ok(node) => nowhere(node),
                Err(error) => {
                    self.wrong(&part.name, &format!("not JSON: {}", error.message));
                    place.node(Data::Null)
                }
            };
        }
        // A file may be where nothing says what there is; a field there is still a text.
        let is_binary = self.set.is_binary(id)
            || (part.is_file && types.is_any())
            || kinds.iter().any(|one| !one.starts_with("text/") && !media_type::is_json(one));
        if is_binary {
            return file();
        }
        if part.is_file {
            self.wrong(&part.name, "is a file, which is not declared");
        }
        self.part_text(Some(id), place, part)
    }

    fn part_text(&mut self, id: Option<SchemaId>, place: Written<'_>, part: &Part<'_>) -> Node {
        match (part.text(), id) {
            (Ok(text), Some(id)) => scalar(self.set, id, Written { text, ..place }),
            (Ok(text), None) => place.node(Data::Text(text.to_owned())),
            (Err(why), _) => {
                self.wrong(&part.name, why);
                place.node(Data::Null)
            }
        }
    }

    /// Checks the head of a part; returns the media types that are declared for it.
    fn part_head(&mut self, id: Option<SchemaId>, part: &Part<'_>) -> Vec<String> {
        let set = self.set;
        let encoding = self.encoding(&part.name);
        let mut kinds = encoding.map(|one| one.types.clone()).unwrap_or_default();
        let media = id.and_then(|id| set.find_rule(id, |schema| schema.text.media.clone()));
        if kinds.is_empty() {
            kinds.extend(media);
        }
        for field in encoding.into_iter().flat_map(|one| &one.fields) {
            let checked = match part.field(&field.name) {
                Ok(Some(value)) => field.check_text(set, value).map(drop),
                Ok(None) if field.is_required => Err(vec![field.violation("", "is missing")]),
                Ok(None) => Ok(()),
                Err(why) => Err(vec![field.violation("", why)]),
            };
            for violation in checked.err().unwrap_or_default() {
                self.wrong(&part.name, &violation.to_string());
            }
        }
        match part.field("content-type") {
            Ok(written) => self.part_type(part, written, &kinds),
            Err(why) => self.wrong(&part.name, why),
        }
        kinds
    }

    fn part_type(&mut self, part: &Part<'_>, written: Option<&str>, kinds: &[String]) {
        // RFC 7578 section 4.4: the default is text.
        let (essence, parameters) = media_type::essence(written.unwrap_or("text/plain"));
        let is_covered = kinds.iter().any(|kind| media_type::covers(kind, &essence).is_some());
        // A browser sends the JSON of a form as a text.
        let is_json = kinds.iter().all(|kind| media_type::is_json(kind)) && written.is_none();
        if !kinds.is_empty() && !is_covered && !is_json {
            self.wrong(&part.name, "is not of a declared media type");
        }
        let charset = media_type::parameter(parameters, "charset");
        let is_text = match charset.as_ref().map(|one| one.as_deref().map(str::to_ascii_lowercase))
        {
            Ok(None) => true,
            Ok(Some(name)) if media_type::is_utf8(&name) => true,
            Ok(Some(name)) if name == "us-ascii" => part.content.is_ascii(),
            Ok(Some(_)) | Err(()) => false,
        };
        if !is_text && !part.is_file {
            self.wrong(&part.name, "is in another charset than UTF-8");
        }
    }

    /// Notes a field that is not declared.
    fn knows(&mut self, name: &str) {
        let is_unknown = self.unknown == Unknown::Refuse
            && self.set.is_listed(self.id)
            && !self.set.lists(self.id, name);
        if is_unknown {
            self.wrong(name, "is not a declared field");
        }
    }

    /// The property that a name belongs to: `filter[state]` to a `filter` of that style.
    fn owner<'a>(&self, name: &'a str) -> &'a str
    where
        's: 'a,
    {
        let is_deep = |one: &&Encoding| {
            let rest = name.strip_prefix(one.property.as_str());
            one.style == Some(Style::Deep) && rest.is_some_and(|rest| rest.starts_with('['))
        };
        self.encodings.iter().find(is_deep).map_or(name, |one| one.property.as_str())
    }

    fn encoding(&self, name: &str) -> Option<&'s Encoding> {
        self.encodings.iter().find(|one| one.property == name)
    }

    fn wrong(&mut self, name: &str, message: &str) {
        let mut pointer = String::new();
        crate::node::push_token(&mut pointer, name);
        self.found.push(wrong(pointer, message));
    }
}

/// What is proved about the fields of a form: their names, values and kinds.
pub(crate) fn proofs<'f>(
    node: &Node,
    leaves: &[crate::proof::Leaf<'_>],
    field: impl Fn(usize) -> Option<(&'f str, &'f str)>,
) -> Vec<Proof> {
    let proved = |(at, kind): (usize, Kind)| {
        let (name, value) = field(at)?;
        Proof::of(ProofPlace::Form, name, value, kind)
    };
    whole(node, leaves).into_iter().filter_map(proved).collect()
}

fn single(texts: &[Written<'_>]) -> Option<Node> {
    match texts {
        [text] => Some(text.node(Data::Text(text.text.to_owned()))),
        _ => None,
    }
}

/// A value whose places are those of another text: nothing is proved about where it was written.
fn nowhere(mut node: Node) -> Node {
    node.at = usize::MAX;
    match &mut node.data {
        Data::Array(items) => {
            for item in items {
                *item = nowhere(item.take());
            }
        }
        Data::Object(members) => {
            for member in members {
                member.value = nowhere(member.value.take());
            }
        }
        _ => {}
    }
    node
}

#[cfg(test)]
mod tests;
