//! Services and messages, ready for checks.

use std::collections::HashMap;

use ringwall_base::{Contract, Operation, Place};

use crate::check::{self, Rules};
use crate::descriptor::files;
use crate::error::ReadError;
use crate::leaf::Show;
use crate::limits::SchemaLimits;
use crate::link::Linker;
use crate::violation::Violation;

/// What a descriptor set declares.
#[derive(Debug)]
pub struct Schema {
    pub(crate) messages: Vec<Message>,
    pub(crate) enums: Vec<Enum>,
    /// Places of messages by their full name.
    pub(crate) names: HashMap<String, usize>,
    pub(crate) methods: Vec<Method>,
}

/// One method of a service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Method {
    /// Package and service, such as `shop.v1.Orders`.
    pub service: String,
    /// Its own name.
    pub name: String,
    /// Full name of the message that is sent.
    pub input: String,
    /// Full name of the message that comes back.
    pub output: String,
    /// Whether a client sends any number of messages.
    pub client_streams: bool,
    /// Whether the service answers with any number of messages.
    pub server_streams: bool,
    pub(crate) input_at: usize,
}

/// One message.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) name: String,
    /// By number.
    pub(crate) fields: Vec<Field>,
    pub(crate) oneofs: usize,
    /// How many fields are required.
    pub(crate) required: usize,
    pub(crate) is_any: bool,
    pub(crate) is_map_entry: bool,
    /// The old format of message sets, which is not read.
    pub(crate) is_set: bool,
}

/// One field.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) is_repeated: bool,
    pub(crate) is_required: bool,
    pub(crate) oneof: Option<usize>,
}

/// What stands in a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    Bool,
    Bytes,
    Double,
    Enum(usize),
    Fixed32,
    Fixed64,
    Float,
    Group(usize),
    Int32,
    Int64,
    Message(usize),
    Sfixed32,
    Sfixed64,
    Sint32,
    Sint64,
    Text { is_verified: bool },
    Uint32,
    Uint64,
}

/// One enum.
#[derive(Debug)]
pub(crate) struct Enum {
    /// In order.
    pub(crate) numbers: Vec<i32>,
    pub(crate) is_closed: bool,
}

impl Schema {
    /// Reads a `FileDescriptorSet`, as `protoc --include_imports --descriptor_set_out` and
    /// `buf build -o` write it.
    ///
    /// # Errors
    ///
    /// It is no descriptor set, is over a limit, has no service, or names what it does not have.
    pub fn read(bytes: &[u8], limits: &SchemaLimits) -> Result<Self, ReadError> {
        let schema = Linker::link(&files(bytes, limits)?)?;
        if schema.methods.is_empty() { Err(ReadError::NoService) } else { Ok(schema) }
    }

    /// All methods, in the order of the files.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// The method of a path such as `/shop.v1.Orders/Place`.
    pub fn method(&self, path: &str) -> Option<&Method> {
        let (service, name) = path.strip_prefix('/')?.split_once('/')?;
        self.methods.iter().find(|one| one.service == service && one.name == name)
    }

    /// The methods as operations. One is named after its method; after its service too where two
    /// services have a method of that name.
    pub fn contract(&self, source: &str) -> Contract {
        let mut known: HashMap<&str, usize> = HashMap::new();
        for method in &self.methods {
            *known.entry(method.name.as_str()).or_default() += 1;
        }
        let operation = |method: &Method| {
            let is_unique = known.get(method.name.as_str()) == Some(&1);
            let name = if is_unique { method.name.clone() } else { method.full_name() };
            let place = Place { file: source.to_owned(), ..Place::default() };
            let (method, path) = ("POST".to_owned(), method.path());
            Operation { name, method, path, place, ..Operation::default() }
        };
        let operations = self.methods.iter().map(operation).collect();
        Contract { operations, source: source.to_owned(), has_schemas: false }
    }

    /// Checks one message that is sent to a method, and shows its leaves in the order of the bytes.
    /// Leaves that come before a violation have been shown already.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub fn check(
        &self,
        method: &Method,
        bytes: &[u8],
        rules: &Rules,
        show: &mut Show<'_>,
    ) -> Result<(), Violation> {
        check::message(self, (method.input_at, bytes), rules, Some(show)).map(drop)
    }

    /// Checks one message whose leaves nobody wants, and says how many fields and packed numbers it
    /// has.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub fn weigh(&self, method: &Method, bytes: &[u8], rules: &Rules) -> Result<usize, Violation> {
        check::message(self, (method.input_at, bytes), rules, None)
    }
}

impl Method {
    fn full_name(&self) -> String {
        format!("{}.{}", self.service, self.name)
    }

    /// Its path in HTTP, such as `/shop.v1.Orders/Place`.
    pub fn path(&self) -> String {
        format!("/{}/{}", self.service, self.name)
    }
}

impl Message {
    /// The place of a field.
    pub(crate) fn find(&self, number: u32) -> Option<(usize, &Field)> {
        // Most messages number their fields from one, without gaps.
        let near = usize::try_from(number).ok()?.checked_sub(1)?;
        if let Some(field) = self.fields.get(near).filter(|field| field.number == number) {
            return Some((near, field));
        }
        let at = self.fields.binary_search_by_key(&number, |field| field.number).ok()?;
        Some((at, self.fields.get(at)?))
    }
}

impl Shape {
    /// Whether many of it may stand in one field with a length.
    pub(crate) const fn is_packable(self) -> bool {
        !matches!(self, Self::Bytes | Self::Group(_) | Self::Message(_) | Self::Text { .. })
    }
}
