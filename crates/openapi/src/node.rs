//! A parsed value that knows where it stood.

use std::fmt::Write as _;

use crate::number::Number;

/// A value with its place: for JSON the byte range in the text, for YAML the line in `at`.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: usize,
    pub(crate) end: usize,
    pub(crate) data: Data,
}

/// What a value is. Objects keep the order of the text.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Array(Vec<Node>),
    Bool(bool),
    /// Bytes that are no text, as a file has: only their number counts.
    File(usize),
    Null,
    Number(Number),
    Object(Vec<Member>),
    Text(String),
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Where the quoted name begins.
    pub(crate) at: usize,
    pub(crate) name: String,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn new(data: Data) -> Self {
        Self { at: 0, end: 0, data }
    }

    /// The node, which leaves `null` behind.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(Data::Null))
    }

    /// The member of that name, if this is an object that has one.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|member| member.name == name).map(|member| &member.value)
    }

    /// The members of an object; none for anything else.
    pub(crate) fn members(&self) -> &[Member] {
        match &self.data {
            Data::Object(members) => members,
            _ => &[],
        }
    }

    /// The elements of an array; none for anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.data {
            Data::Array(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match self.data {
            Data::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn number(&self) -> Option<Number> {
        match self.data {
            Data::Number(number) => Some(number),
            _ => None,
        }
    }

    /// A count such as `maxLength`.
    pub(crate) fn count(&self) -> Option<usize> {
        self.number()?.as_integer().and_then(|count| usize::try_from(count).ok())
    }

    /// Follows an RFC 6901 pointer.
    pub(crate) fn at_pointer(&self, pointer: &str) -> Option<&Self> {
        let mut node = self;
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            node = match &node.data {
                Data::Array(items) => items.get(token.parse::<usize>().ok()?)?,
                _ => node.get(&token)?,
            };
        }
        Some(node)
    }
}

/// Equality of JSON Schema: `1` equals `1.0`, and the order of members does not matter.
impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Number(left), Self::Number(right)) => left == right,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Array(left), Self::Array(right)) => {
                left.len() == right.len()
                    && left.iter().zip(right).all(|(left, right)| left.data == right.data)
            }
            (Self::Object(left), Self::Object(right)) => same_members(left, right),
            _ => false,
        }
    }
}

fn same_members(left: &[Member], right: &[Member]) -> bool {
    left.len() == right.len()
        && left.iter().all(|member| {
            let twin = right.iter().find(|twin| twin.name == member.name);
            twin.is_some_and(|twin| twin.value.data == member.value.data)
        })
}

/// Appends a token to a pointer.
pub(crate) fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for letter in token.chars() {
        match letter {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            letter => pointer.push(letter),
        }
    }
}

/// Appends an index to a pointer.
pub(crate) fn push_index(pointer: &mut String, index: usize) {
    let written = write!(pointer, "/{index}");
    debug_assert!(written.is_ok(), "writing to a string does not fail");
}
