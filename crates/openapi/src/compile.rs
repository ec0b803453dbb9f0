//! Compiles the schemas of a document.
//!
//! A queue, not recursion: how long a chain of references is, the author of the document decides.

mod text;

use std::collections::HashMap;

use crate::node::{Node, push_index, push_token};
use crate::schema::{
    ArrayRules, CombineRules, Condition, Discriminator, NumberRules, ObjectRules, Schema, SchemaId,
    SchemaSet, Types,
};
use crate::xml::XmlName;

/// Compiles schemas on demand, each one once.
#[derive(Debug)]
pub(crate) struct Compiler<'d> {
    root: &'d Node,
    dialect: Dialect,
    set: SchemaSet,
    known: HashMap<String, SchemaId>,
    queue: Vec<Waiting<'d>>,
    findings: Vec<Finding>,
}

/// A schema that is not compiled yet: its index, node and pointer.
type Waiting<'d> = (SchemaId, &'d Node, String);

/// Which words mean what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Dialect {
    /// OpenAPI 3.0: `nullable`, boolean `exclusiveMinimum`, no siblings of `$ref`.
    V30,
    /// OpenAPI 3.1: JSON Schema 2020-12.
    V31,
}

/// Something that cannot be enforced.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// The place of a node.
    pub(crate) at: usize,
    pub(crate) message: String,
}

/// A chain of references longer than this is a circle.
const HOPS_MAX: usize = 64;

/// Keywords that we would have to enforce and cannot.
const UNSUPPORTED: [&str; 3] = ["$dynamicRef", "$recursiveRef", "$id"];

impl<'d> Compiler<'d> {
    pub(crate) fn new(root: &'d Node, dialect: Dialect) -> Self {
        Self {
            root,
            dialect,
            set: SchemaSet::default(),
            known: HashMap::new(),
            queue: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// The index of a schema, which is compiled before `finish` returns.
    pub(crate) fn schema(&mut self, node: &'d Node, pointer: String) -> SchemaId {
        let (node, pointer) = match self.dialect {
            Dialect::V30 => self.follow(node, pointer, |_| true),
            Dialect::V31 => self.follow(node, pointer, |node| node.members().len() == 1),
        };
        if let Some(id) = self.known.get(&pointer) {
            return *id;
        }
        let id = self.set.schemas.len();
        // Until it is compiled, it accepts nothing.
        self.set.schemas.push(Schema { is_never: true, ..Schema::default() });
        self.known.insert(pointer.clone(), id);
        self.queue.push((id, node, pointer));
        id
    }

    pub(crate) fn finish(mut self) -> (SchemaSet, Vec<Finding>) {
        while let Some((id, node, pointer)) = self.queue.pop() {
            let schema = self.compile(node, &pointer);
            if let Some(slot) = self.set.schemas.get_mut(id) {
                *slot = schema;
            }
        }
        (self.set, self.findings)
    }

    /// Follows references to something that is none: parameters, bodies, responses.
    pub(crate) fn resolve(&mut self, node: &'d Node, pointer: String) -> (&'d Node, String) {
        self.follow(node, pointer, |_| true)
    }

    /// Follows references as long as the node is `lone`: nothing but a reference.
    fn follow(
        &mut self,
        node: &'d Node,
        pointer: String,
        is_lone: fn(&Node) -> bool,
    ) -> (&'d Node, String) {
        let (mut node, mut pointer) = (node, pointer);
        for _ in 0..HOPS_MAX {
            let reference = node.get("$ref").and_then(Node::text).filter(|_| is_lone(node));
            let Some(reference) = reference else { return (node, pointer) };
            let Some(target) = self.target(reference) else {
                self.find(node, format!("reference `{}` leads nowhere", short(reference)));
                return nowhere();
            };
            (node, pointer) = target;
        }
        self.find(node, "reference goes in a circle".to_owned());
        nowhere()
    }

    pub(crate) fn find(&mut self, node: &Node, message: String) {
        self.findings.push(Finding { at: node.at, message });
    }

    fn target(&self, reference: &str) -> Option<(&'d Node, String)> {
        let fragment = reference.strip_prefix('#')?;
        let pointer = percent_encoding::percent_decode_str(fragment).decode_utf8().ok()?;
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return None;
        }
        Some((self.root.at_pointer(&pointer)?, pointer.into_owned()))
    }

    fn compile(&mut self, node: &'d Node, pointer: &str) -> Schema {
        if let Some(accepts) = node.boolean() {
            return Schema { is_never: !accepts, ..Schema::default() };
        }
        if std::ptr::eq(node, &raw const NOWHERE) {
            return Schema { is_never: true, ..Schema::default() };
        }
        for keyword in UNSUPPORTED {
            if node.get(keyword).is_some() {
                self.find(node, format!("`{keyword}` is not supported"));
            }
        }
        let flag = |name: &str| node.get(name).and_then(Node::boolean).unwrap_or(false);
        Schema {
            is_never: false,
            is_nullable: self.dialect == Dialect::V30 && flag("nullable"),
            types: self.types(node),
            choices: choices(node),
            number: number(node),
            text: self.text_rules(node),
            array: self.array(node, pointer),
            object: self.object(node, pointer),
            combine: self.combine(node, pointer),
            is_read_only: flag("readOnly"),
            is_write_only: flag("writeOnly"),
            xml: XmlName::read(node, pointer).map(Box::new),
        }
    }

    fn types(&mut self, node: &'d Node) -> Types {
        let Some(value) = node.get("type") else { return Types::default() };
        let names: Vec<&str> = match value.text() {
            Some(name) => vec![name],
            None => value.items().iter().filter_map(Node::text).collect(),
        };
        let mut types = Types::default();
        for name in &names {
            match Types::parse(name) {
                Some(one) => types = types.with(one),
                None => self.find(value, format!("unknown type `{}`", short(name))),
            }
        }
        if names.is_empty() {
            self.find(value, "`type` names no type".to_owned());
        }
        types
    }

    fn array(&mut self, node: &'d Node, pointer: &str) -> ArrayRules {
        ArrayRules {
            prefix: self.list(node, pointer, "prefixItems"),
            items: self.one(node, pointer, "items"),
            leftover: self.one(node, pointer, "unevaluatedItems"),
            items_min: count(node, "minItems"),
            items_max: count(node, "maxItems"),
            is_unique: node.get("uniqueItems").and_then(Node::boolean).unwrap_or(false),
            contains: self.one(node, pointer, "contains"),
            contains_min: count(node, "minContains"),
            contains_max: count(node, "maxContains"),
        }
    }

    fn object(&mut self, node: &'d Node, pointer: &str) -> ObjectRules {
        let properties = node
            .get("properties")
            .map(|_| self.map(node, pointer, "properties").into_iter().collect());
        let mut patterns = Vec::new();
        for (name, id) in self.map(node, pointer, "patternProperties") {
            patterns.extend(self.pattern(node, &name).map(|regex| (regex, id)));
        }
        let dependent = node.get("dependentRequired").map(Node::members).unwrap_or_default();
        ObjectRules {
            properties,
            patterns,
            additional: self.one(node, pointer, "additionalProperties"),
            leftover: self.one(node, pointer, "unevaluatedProperties"),
            names: self.one(node, pointer, "propertyNames"),
            required: node.get("required").map(texts).unwrap_or_default(),
            members_min: count(node, "minProperties"),
            members_max: count(node, "maxProperties"),
            dependent_required: dependent
                .iter()
                .map(|member| (member.name.clone(), texts(&member.value)))
                .collect(),
            dependent_schemas: self.map(node, pointer, "dependentSchemas"),
        }
    }

    fn combine(&mut self, node: &'d Node, pointer: &str) -> CombineRules {
        let mut all_of = self.list(node, pointer, "allOf");
        if let Some(reference) = node.get("$ref").and_then(Node::text) {
            match self.target(reference) {
                Some((target, place)) => all_of.push(self.schema(target, place)),
                None => {
                    self.find(node, format!("reference `{}` leads nowhere", short(reference)));
                }
            }
        }
        let condition = self.one(node, pointer, "if").map(|test| Condition {
            test,
            then: self.one(node, pointer, "then"),
            otherwise: self.one(node, pointer, "else"),
        });
        CombineRules {
            all_of,
            any_of: self.list(node, pointer, "anyOf"),
            one_of: self.list(node, pointer, "oneOf"),
            not: self.one(node, pointer, "not"),
            condition,
            discriminator: self.discriminator(node, pointer),
        }
    }

    /// The mapping, and the implicit one: a branch `#/components/schemas/Cat` is called `Cat`.
    fn discriminator(&mut self, node: &'d Node, pointer: &str) -> Option<Discriminator> {
        let rule = node.get("discriminator")?;
        // Without branches it belongs to a parent whose children include it: following it from
        // there would go in a circle.
        if node.get("oneOf").is_none() && node.get("anyOf").is_none() {
            return None;
        }
        let property = rule.get("propertyName").and_then(Node::text)?.to_owned();
        let mut mapping = HashMap::new();
        for keyword in ["oneOf", "anyOf"] {
            let ids = self.list(node, pointer, keyword);
            let branches = node.get(keyword).map(Node::items).unwrap_or_default();
            for (branch, id) in branches.iter().zip(ids) {
                let reference = branch.get("$ref").and_then(Node::text).unwrap_or_default();
                let name = reference.rsplit('/').next().filter(|name| !name.is_empty());
                mapping.extend(name.map(|name| (name.to_owned(), id)));
            }
        }
        for member in rule.get("mapping").map(Node::members).unwrap_or_default() {
            let text = member.value.text().unwrap_or_default();
            // A bare name is short for a component.
            let target =
                self.target(text).or_else(|| self.target(&format!("#/components/schemas/{text}")));
            match target {
                Some((node, pointer)) => {
                    let id = self.schema(node, pointer);
                    mapping.insert(member.name.clone(), id);
                }
                None => self.find(rule, format!("mapping `{}` leads nowhere", short(text))),
            }
        }
        Some(Discriminator { property, mapping }).filter(|rule| !rule.mapping.is_empty())
    }

    fn one(&mut self, node: &'d Node, pointer: &str, keyword: &str) -> Option<SchemaId> {
        let child = node.get(keyword)?;
        Some(self.schema(child, format!("{pointer}/{keyword}")))
    }

    fn list(&mut self, node: &'d Node, pointer: &str, keyword: &str) -> Vec<SchemaId> {
        let items = node.get(keyword).map(Node::items).unwrap_or_default();
        let child = |(index, item)| {
            let mut pointer = format!("{pointer}/{keyword}");
            push_index(&mut pointer, index);
            self.schema(item, pointer)
        };
        items.iter().enumerate().map(child).collect()
    }

    fn map(&mut self, node: &'d Node, pointer: &str, keyword: &str) -> Vec<(String, SchemaId)> {
        let members = node.get(keyword).map(Node::members).unwrap_or_default();
        let child = |member: &'d crate::node::Member| {
            let mut pointer = format!("{pointer}/{keyword}");
            push_token(&mut pointer, &member.name);
            (member.name.clone(), self.schema(&member.value, pointer))
        };
        members.iter().map(child).collect()
    }
}

/// Stands for what a broken reference leads to; accepts nothing.
static NOWHERE: Node = Node { at: 0, end: 0, data: crate::node::Data::Null };

fn nowhere() -> (&'static Node, String) {
    (&NOWHERE, "#nowhere".to_owned())
}

fn number(node: &Node) -> NumberRules {
    let bound = |name: &str| node.get(name).and_then(Node::number);
    let flag = |name: &str| node.get(name).and_then(Node::boolean).unwrap_or(false);
    let mut rules = NumberRules {
        minimum: bound("minimum"),
        maximum: bound("maximum"),
        above: bound("exclusiveMinimum"),
        below: bound("exclusiveMaximum"),
        multiple_of: bound("multipleOf"),
    };
    if flag("exclusiveMinimum") {
        rules.above = rules.minimum.take();
    }
    if flag("exclusiveMaximum") {
        rules.below = rules.maximum.take();
    }
    rules
}

fn choices(node: &Node) -> Vec<Vec<crate::node::Data>> {
    let one_of = node
        .get("enum")
        .map(|list| list.items().iter().map(|item| item.data.clone()).collect::<Vec<_>>());
    let exactly = node.get("const").map(|value| vec![value.data.clone()]);
    one_of.into_iter().chain(exactly).collect()
}

fn count(node: &Node, keyword: &str) -> Option<usize> {
    node.get(keyword).and_then(Node::count)
}

fn texts(node: &Node) -> Vec<String> {
    node.items().iter().filter_map(Node::text).map(str::to_owned).collect()
}

/// At most 60 characters of what the author wrote.
pub(crate) fn short(text: &str) -> String {
    if text.chars().count() <= 60 {
        return text.escape_debug().to_string();
    }
    let start: String = text.chars().take(57).collect();
    format!("{}...", start.escape_debug())
}
