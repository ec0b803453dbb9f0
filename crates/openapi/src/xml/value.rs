//! Elements as the values that a schema is about.

use std::collections::BTreeSet;

use super::{Element, Name, XmlName};
use crate::compile::short;
use crate::node::{Data, Member, Node};
use crate::schema::{SchemaId, SchemaSet, Types};
use crate::value::{Written, items_of, scalar};

/// A value, or why there is none.
type Found = Result<Node, String>;

/// A document as a value of a schema; `Err` when the root is another element.
pub(crate) fn value(set: &SchemaSet, id: SchemaId, root: &Element) -> Result<Node, String> {
    let rule = set.xml(id);
    let name = rule.and_then(|rule| rule.name.as_ref().or(rule.component.as_ref()));
    if name.is_some_and(|name| *name != root.name.local) || !fits(rule, &root.name) {
        return Err("the root is another element".to_owned());
    }
    element(set, id, root)
}

fn element(set: &SchemaSet, id: SchemaId, element: &Element) -> Found {
    let types = set.types(id);
    if types.has(Types::ARRAY) {
        // A list as a root, or as an element of a list: its children are the elements.
        return children(set, id, element, None);
    }
    let is_object = types.has(Types::OBJECT) || (types.is_any() && !element.children.is_empty());
    let is_plain = element.children.is_empty() && element.attributes.is_empty();
    if !is_object && is_plain {
        return Ok(scalar(set, id, Written { text: &element.text, ..Written::default() }));
    }
    object(set, id, element)
}

fn object(set: &SchemaSet, id: SchemaId, element: &Element) -> Found {
    if !element.text.trim().is_empty() {
        return Err(format!("text beside the elements of `{}`", short(&element.name.local)));
    }
    let mut members: Vec<Member> = Vec::new();
    let mut used = BTreeSet::new();
    let properties = set.properties(id);
    for (property, id) in properties.iter().copied() {
        let rule = set.xml(id);
        let name = rule.and_then(|rule| rule.name.as_deref()).unwrap_or(property);
        if rule.is_some_and(|rule| rule.is_attribute) {
            let found = element.attributes.iter();
            let found = found.enumerate().filter(|(_, (key, _))| is_called(rule, key, name));
            for (at, (_, text)) in found {
                used.insert((true, at));
                let text = Written { text, ..Written::default() };
                members.push(member(property, scalar(set, id, text)));
            }
            continue;
        }
        let is_list = set.types(id).has(Types::ARRAY);
        let is_wrapped = is_list && rule.is_some_and(|rule| rule.is_wrapped);
        let inner = items_of(set, id).and_then(|id| set.xml(id));
        // Elements of a list without a wrapper are called what the list's elements are called.
        let (rule, name) = match inner.and_then(|rule| rule.name.as_deref()) {
            Some(name) if is_list && !is_wrapped => (inner, name),
            _ => (rule, name),
        };
        let children = element.children.iter().enumerate();
        let own: Vec<(usize, &Element)> =
            children.filter(|(_, child)| is_called(rule, &child.name, name)).collect();
        used.extend(own.iter().map(|(at, _)| (false, *at)));
        let own: Vec<&Element> = own.into_iter().map(|(_, child)| child).collect();
        let node = content(set, (id, is_list, is_wrapped), &own)?;
        members.extend(node.map(|node| member(property, node)));
    }
    let known: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    members.extend(others(element, &used, &known));
    Ok(Node::new(Data::Object(members)))
}

/// The value of a property from its elements; `None` where there is none.
fn content(
    set: &SchemaSet,
    (id, is_list, is_wrapped): (SchemaId, bool, bool),
    own: &[&Element],
) -> Result<Option<Node>, String> {
    Ok(match own {
        [] => None,
        // Without a name of their own, the elements are called as the wrapper is.
        [wrapper] if is_wrapped => Some(children(set, id, wrapper, Some(&wrapper.name.local))?),
        own if is_list && !is_wrapped => Some(list(set, id, own)?),
        [one] => Some(element(set, id, one)?),
        [one, ..] => return Err(format!("`{}` is given more than once", short(&one.name.local))),
    })
}

/// The children of an element as a list; `Err` where another element is among them.
fn children(set: &SchemaSet, id: SchemaId, element: &Element, default: Option<&str>) -> Found {
    let inner = items_of(set, id).and_then(|id| set.xml(id));
    let name = inner.and_then(|rule| rule.name.as_deref()).or(default);
    let is_item = |item: &Element| name.is_none_or(|name| is_called(inner, &item.name, name));
    if !element.children.iter().all(is_item) || !element.text.trim().is_empty() {
        let name = short(&element.name.local);
        return Err(format!("the list `{name}` has something else in it"));
    }
    list(set, id, &element.children.iter().collect::<Vec<_>>())
}

fn list(set: &SchemaSet, id: SchemaId, own: &[&Element]) -> Found {
    let items = items_of(set, id);
    let item = |one: &&Element| items.map_or_else(|| Ok(plain(one)), |id| element(set, id, one));
    let items: Result<Vec<Node>, String> = own.iter().map(item).collect();
    Ok(Node::new(Data::Array(items?)))
}

/// Attributes and elements that no property is written as; the schema says what becomes of them.
/// Their names are not those of properties: `<id>` is not the attribute `id`.
fn others(element: &Element, used: &BTreeSet<(bool, usize)>, known: &[&str]) -> Vec<Member> {
    let attributes = element.attributes.iter().enumerate();
    let attributes = attributes.filter(|(at, _)| !used.contains(&(true, *at)));
    let attributes = attributes.map(|(_, (name, text))| {
        member(&format!("@{}", name.local), Node::new(Data::Text(text.clone())))
    });
    let children = element.children.iter().enumerate();
    let children = children.filter(|(at, _)| !used.contains(&(false, *at)));
    let children = children.map(|(_, child)| {
        let name = &child.name.local;
        let is_taken = known.contains(&name.as_str());
        member(&if is_taken { format!("<{name}>") } else { name.clone() }, plain(child))
    });
    attributes.chain(children).collect()
}

/// An element that no schema describes.
fn plain(element: &Element) -> Node {
    if element.children.is_empty() && element.attributes.is_empty() {
        return Node::new(Data::Text(element.text.clone()));
    }
    Node::new(Data::Object(others(element, &BTreeSet::new(), &[])))
}

fn member(name: &str, value: Node) -> Member {
    Member { at: 0, name: name.to_owned(), value }
}

fn is_called(rule: Option<&XmlName>, found: &Name, name: &str) -> bool {
    found.local == name && fits(rule, found)
}

/// Whether namespace and prefix are those that are declared. Where a namespace is, the prefix is
/// only short for it.
fn fits(rule: Option<&XmlName>, name: &Name) -> bool {
    match rule {
        Some(XmlName { namespace: Some(namespace), .. }) => name.namespace == *namespace,
        Some(XmlName { prefix: Some(prefix), .. }) => name.prefix == *prefix,
        _ => name.prefix.is_empty(),
    }
}

impl SchemaSet {
    /// What a schema says about its name in XML.
    fn xml(&self, id: SchemaId) -> Option<&XmlName> {
        self.get(id)?.xml.as_deref()
    }

    /// All properties of a schema and those that it applies in place, each once.
    fn properties(&self, id: SchemaId) -> Vec<(&str, SchemaId)> {
        let mut found: Vec<(&str, SchemaId)> = Vec::new();
        let properties = self.in_place(id).into_iter();
        let properties = properties.flat_map(|schema| schema.object.properties.iter().flatten());
        for (name, id) in properties {
            if !found.iter().any(|(known, _)| known == name) {
                found.push((name, *id));
            }
        }
        found
    }
}
