//! Reads `paths`: each operation with its parameters, bodies and responses.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use ringwall_base::{Operation, Parameter as Declared};

use crate::body::{Body, Media};
use crate::compile::{Compiler, short};
use crate::document::Places;
use crate::form::Encoding;
use crate::node::{Member, Node};
use crate::parameter::Parameter;
use crate::schema::{SchemaId, SchemaSet};
use crate::{DocumentError, OperationSchema, Schemas};

/// What `paths` says, before the schemas are compiled.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) notes: Vec<DocumentError>,
    operations: Vec<(Operation, Parts)>,
}

/// A status or class, such as `200`, `4xx` or `default`, and its media types.
pub(crate) type Response = (String, Vec<Media>);

#[derive(Clone, Debug)]
struct Parts {
    parameters: Vec<Parameter>,
    body: Option<Body>,
    responses: Vec<Response>,
}

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// More operations are refused.
const OPERATIONS_MAX: usize = 10_000;

pub(crate) fn read<'d>(
    root: &'d Node,
    compiler: &mut Compiler<'d>,
    places: &Places,
) -> Result<Found, Vec<DocumentError>> {
    let mut reader = Reader {
        compiler,
        places,
        base: base_path(root),
        notes: Vec::new(),
        errors: Vec::new(),
        names: HashSet::new(),
        operations: Vec::new(),
    };
    let mut unnamed = Vec::new();
    for member in root.get("paths").map(Node::members).unwrap_or_default() {
        reader.path(member, &mut unnamed);
    }
    for (index, at) in unnamed {
        reader.name(index, at);
    }
    if reader.operations.len() > OPERATIONS_MAX {
        let message = format!("more than {OPERATIONS_MAX} operations");
        reader.errors.push(places.error(root.at, message));
    }
    if reader.errors.is_empty() {
        Ok(Found { notes: reader.notes, operations: reader.operations })
    } else {
        Err(reader.errors)
    }
}

struct Reader<'d, 'c> {
    compiler: &'c mut Compiler<'d>,
    places: &'c Places,
    base: String,
    notes: Vec<DocumentError>,
    errors: Vec<DocumentError>,
    names: HashSet<String>,
    operations: Vec<(Operation, Parts)>,
}

impl<'d> Reader<'d, '_> {
    fn path(&mut self, member: &'d Member, unnamed: &mut Vec<(usize, usize)>) {
        if member.name.starts_with("x-") {
            return;
        }
        if !member.name.starts_with('/') {
            let message = format!("path `{}` does not begin with `/`", short(&member.name));
            self.errors.push(self.places.error(member.at, message));
            return;
        }
        let (item, pointer) = self.compiler.resolve(&member.value, pointer_of(&member.name));
        for child in item.members().iter().filter(|child| METHODS.contains(&child.name.as_str())) {
            let at = child.at;
            let method = (child.name.as_str(), format!("{pointer}/{}", child.name));
            let mut operation = self.operation(item, &child.value, method, &pointer);
            operation.0.path = format!("{}{}", self.base, member.name);
            operation.0.place = self.places.place(at);
            if operation.0.name.is_empty() {
                unnamed.push((self.operations.len(), at));
            } else if !self.names.insert(operation.0.name.clone()) {
                let message = format!("operationId `{}` is used twice", short(&operation.0.name));
                self.errors.push(self.places.error(at, message));
            }
            self.operations.push(operation);
        }
    }

    fn operation(
        &mut self,
        item: &'d Node,
        node: &'d Node,
        (method, pointer): (&str, String),
        shared: &str,
    ) -> (Operation, Parts) {
        let mut parameters = self.parameters(node, &pointer);
        // An operation's own parameter replaces the path's one of the same name and place.
        for parameter in self.parameters(item, shared) {
            if !parameters.iter().any(|own| own.is_same(&parameter)) {
                parameters.push(parameter);
            }
        }
        let body = node.get("requestBody").map(|body| self.body(body, &pointer));
        let mut responses = Vec::new();
        for member in node.get("responses").map(Node::members).unwrap_or_default() {
            let place = format!("{pointer}/responses/{}", member.name);
            let (response, place) = self.compiler.resolve(&member.value, place);
            responses.push((member.name.to_ascii_lowercase(), self.media(response, &place)));
        }
        let text = |name: &str| node.get(name).and_then(Node::text).map(str::to_owned);
        let operation = Operation {
            name: text("operationId").unwrap_or_default(),
            method: method.to_ascii_uppercase(),
            parameters: parameters
                .iter()
                .map(|parameter| Declared {
                    name: parameter.name.clone(),
                    place: parameter.place,
                    required: parameter.is_required,
                })
                .collect(),
            own: text("x-ringwall-own"),
            ..Operation::default()
        };
        (operation, Parts { parameters, body, responses })
    }

    fn parameters(&mut self, node: &'d Node, pointer: &str) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        let list = node.get("parameters").map(Node::items).unwrap_or_default();
        for (index, item) in list.iter().enumerate() {
            let place = format!("{pointer}/parameters/{index}");
            let (item, place) = self.compiler.resolve(item, place);
            match Parameter::read(item, &place, self.compiler) {
                Ok(parameter) => parameters.push(parameter),
                Err(message) => self.compiler.find(item, message),
            }
        }
        parameters
    }

    fn body(&mut self, node: &'d Node, pointer: &str) -> Body {
        let (node, place) = self.compiler.resolve(node, format!("{pointer}/requestBody"));
        let is_required = node.get("required").and_then(Node::boolean).unwrap_or(false);
        Body { is_required, media: self.media(node, &place) }
    }

    fn media(&mut self, node: &'d Node, pointer: &str) -> Vec<Media> {
        let mut media = Vec::new();
        for member in node.get("content").map(Node::members).unwrap_or_default() {
            let mut place = format!("{pointer}/content");
            crate::node::push_token(&mut place, &member.name);
            let schema = member.value.get("schema");
            let schema = schema.map(|node| self.compiler.schema(node, format!("{place}/schema")));
            let encodings = Encoding::read(&member.value, &place, self.compiler);
            media.push(Media::new(&member.name, schema, encodings));
        }
        media
    }

    /// Gives an operation a name made of its method and path.
    fn name(&mut self, index: usize, at: usize) {
        let Some((operation, _)) = self.operations.get_mut(index) else { return };
        let method = operation.method.to_ascii_lowercase();
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let path: String = operation.path.chars().map(plain).collect();
        let words: Vec<&str> = path.split('_').filter(|word| !word.is_empty()).collect();
        let stem = format!("{method}_{}", words.join("_")).trim_end_matches('_').to_owned();
        let mut name = stem.clone();
        let mut number = 2_usize;
        while !self.names.insert(name.clone()) {
            name = format!("{stem}_{number}");
            number = number.saturating_add(1);
        }
        let message = format!("no `operationId`: called `{}`", short(&name));
        operation.name = name;
        self.notes.push(self.places.error(at, message));
    }
}

impl Found {
    /// Joins the operations with their compiled schemas.
    pub(crate) fn finish(&self, set: SchemaSet) -> (Vec<Operation>, Schemas) {
        let set = Arc::new(set);
        let mut operations = Vec::new();
        let mut schemas = HashMap::new();
        for (operation, parts) in &self.operations {
            let mut operation = operation.clone();
            let request = parts.body.iter().flat_map(|body| &body.media);
            operation.request_fields = fields(&set, request);
            let response = parts.responses.iter().flat_map(|(_, media)| media);
            operation.response_fields = fields(&set, response);
            let schema = OperationSchema::new(
                Arc::clone(&set),
                parts.parameters.clone(),
                parts.body.clone(),
                parts.responses.clone(),
            );
            schemas.insert(operation.name.clone(), schema);
            operations.push(operation);
        }
        (operations, Schemas::new(schemas))
    }
}

/// Names of all properties that the schemas reach.
fn fields<'m>(set: &SchemaSet, media: impl Iterator<Item = &'m Media>) -> Vec<String> {
    let mut names = BTreeSet::new();
    let mut seen: HashSet<SchemaId> = HashSet::new();
    let mut queue: Vec<SchemaId> = media.filter_map(|media| media.schema).collect();
    while let Some(id) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(schema) = set.get(id) else { continue };
        let object = &schema.object;
        for (name, id) in object.properties.iter().flatten() {
            names.insert(name.clone());
            queue.push(*id);
        }
        queue.extend(object.patterns.iter().map(|(_, id)| *id));
        queue.extend(object.dependent_schemas.iter().map(|(_, id)| *id));
        queue
            .extend([object.additional, object.leftover, schema.array.items].into_iter().flatten());
        let combine = &schema.combine;
        let lists = [&schema.array.prefix, &combine.all_of, &combine.any_of, &combine.one_of];
        queue.extend(lists.into_iter().flatten().copied());
        let condition = combine.condition.iter();
        queue.extend(condition.flat_map(|rule| [rule.then, rule.otherwise]).flatten());
    }
    names.into_iter().collect()
}

fn pointer_of(path: &str) -> String {
    let mut pointer = "/paths".to_owned();
    crate::node::push_token(&mut pointer, path);
    pointer
}

/// The path of the first server: OpenAPI appends paths to it. Servers with variables have none.
fn base_path(root: &Node) -> String {
    let first = root.get("servers").and_then(|servers| servers.items().first());
    let url = first.and_then(|server| server.get("url")).and_then(Node::text).unwrap_or_default();
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
        None => url,
    };
    let path = path.trim_end_matches('/');
    let is_plain = path.starts_with('/') && !path.contains(['{', '?', '#', '%']);
    if is_plain { path.to_owned() } else { String::new() }
}
