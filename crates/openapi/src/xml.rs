//! XML bodies: a strict reader, and elements as values by the `xml` object of a schema.
//!
//! No document type, so no entities of its own and nothing that is loaded; no processing
//! instruction; one encoding.

mod reader;
mod value;

use crate::node::Node;
pub(crate) use reader::parse;
pub(crate) use value::value;

/// An element.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Element {
    pub(crate) name: Name,
    /// Without declarations of namespaces.
    pub(crate) attributes: Vec<(Name, String)>,
    pub(crate) children: Vec<Self>,
    /// All text directly inside.
    pub(crate) text: String,
}

/// A name with its prefix, and what the prefix stands for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Name {
    pub(crate) prefix: String,
    pub(crate) local: String,
    pub(crate) namespace: String,
}

/// Why a text is not read. `at` is a byte offset.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct XmlError {
    pub(crate) at: usize,
    pub(crate) message: &'static str,
}

/// The `xml` object of a schema, and the name of the component that it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct XmlName {
    pub(crate) name: Option<String>,
    /// `#/components/schemas/Order`: what a root is called that has no other name.
    pub(crate) component: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) is_attribute: bool,
    pub(crate) is_wrapped: bool,
}

impl XmlName {
    pub(crate) fn read(node: &Node, pointer: &str) -> Option<Self> {
        let component = pointer.strip_prefix("/components/schemas/");
        let component = component.filter(|name| !name.contains('/')).map(str::to_owned);
        let rule = node.get("xml");
        if rule.is_none() && component.is_none() {
            return None;
        }
        let text = |name: &str| rule?.get(name)?.text().map(str::to_owned);
        let flag = |name: &str| rule.and_then(|rule| rule.get(name)?.boolean()).unwrap_or(false);
        Some(Self {
            name: text("name"),
            component,
            namespace: text("namespace"),
            prefix: text("prefix").filter(|prefix| !prefix.is_empty()),
            is_attribute: flag("attribute"),
            is_wrapped: flag("wrapped"),
        })
    }
}

#[cfg(test)]
mod tests;
