//! What `protoc --descriptor_set_out` writes, as it stands there: google/protobuf/descriptor.proto.

use crate::error::ReadError;
use crate::features::Features;
use crate::limits::SchemaLimits;
use crate::wire::{Reader, Wire};

/// One `.proto` file.
#[derive(Debug, Default)]
pub(crate) struct File<'b> {
    pub(crate) name: &'b str,
    pub(crate) package: &'b str,
    pub(crate) syntax: &'b str,
    pub(crate) edition: Option<u64>,
    pub(crate) messages: Vec<Message<'b>>,
    pub(crate) enums: Vec<Enum<'b>>,
    pub(crate) extensions: Vec<Field<'b>>,
    pub(crate) services: Vec<Service<'b>>,
    pub(crate) features: Features,
}

#[derive(Debug, Default)]
pub(crate) struct Message<'b> {
    pub(crate) name: &'b str,
    pub(crate) fields: Vec<Field<'b>>,
    pub(crate) messages: Vec<Self>,
    pub(crate) enums: Vec<Enum<'b>>,
    pub(crate) extensions: Vec<Field<'b>>,
    pub(crate) oneofs: usize,
    pub(crate) is_set: bool,
    pub(crate) is_map_entry: bool,
    pub(crate) features: Features,
}

#[derive(Debug, Default)]
pub(crate) struct Field<'b> {
    pub(crate) name: &'b str,
    pub(crate) extendee: &'b str,
    pub(crate) number: u64,
    pub(crate) label: u64,
    pub(crate) kind: u64,
    pub(crate) type_name: &'b str,
    pub(crate) oneof: Option<u64>,
    pub(crate) features: Features,
}

#[derive(Debug, Default)]
pub(crate) struct Enum<'b> {
    pub(crate) name: &'b str,
    pub(crate) numbers: Vec<u64>,
    pub(crate) features: Features,
}

#[derive(Debug, Default)]
pub(crate) struct Service<'b> {
    pub(crate) name: &'b str,
    pub(crate) methods: Vec<Method<'b>>,
}

#[derive(Debug, Default)]
pub(crate) struct Method<'b> {
    pub(crate) name: &'b str,
    pub(crate) input: &'b str,
    pub(crate) output: &'b str,
    pub(crate) client_streams: bool,
    pub(crate) server_streams: bool,
}

/// Reads a set of files.
pub(crate) fn files<'b>(
    bytes: &'b [u8],
    limits: &SchemaLimits,
) -> Result<Vec<File<'b>>, ReadError> {
    if bytes.len() > limits.bytes_max {
        return Err(ReadError::TooLarge { what: "bytes", limit: limits.bytes_max });
    }
    let mut count = Count { limits, types: 0, members: 0 };
    let mut files = Vec::new();
    each(bytes, |number, value| {
        if number == 1 {
            files.push(count.file(value.bytes()?)?);
        }
        Ok(())
    })?;
    Ok(files)
}

impl Message<'_> {
    fn options(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        self.features.add_options(bytes, MESSAGE_FEATURES)?;
        each(bytes, |number, value| {
            match number {
                1 => self.is_set = value.number()? != 0,
                7 => self.is_map_entry = value.number()? != 0,
                _ => {}
            }
            Ok(())
        })
    }
}

/// The number of one value of an enum.
fn number_of(bytes: &[u8]) -> Result<u64, ReadError> {
    let mut found = 0;
    each(bytes, |number, value| {
        if number == 2 {
            found = value.number()?;
        }
        Ok(())
    })?;
    Ok(found)
}

/// Counts what is read against the limits.
struct Count<'l> {
    limits: &'l SchemaLimits,
    types: usize,
    members: usize,
}

impl Count<'_> {
    fn file<'b>(&mut self, bytes: &'b [u8]) -> Result<File<'b>, ReadError> {
        let mut file = File::default();
        each(bytes, |number, value| {
            match number {
                1 => file.name = value.text()?,
                2 => file.package = value.text()?,
                4 => file.messages.push(self.message(value.bytes()?, 1)?),
                5 => file.enums.push(self.list(value.bytes()?)?),
                6 => file.services.push(self.service(value.bytes()?)?),
                7 => file.extensions.push(self.field(value.bytes()?)?),
                8 => file.features.add_options(value.bytes()?, FILE_FEATURES)?,
                12 => file.syntax = value.text()?,
                14 => file.edition = Some(value.number()?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(file)
    }

    fn message<'b>(&mut self, bytes: &'b [u8], depth: usize) -> Result<Message<'b>, ReadError> {
        self.type_()?;
        if depth > self.limits.depth_max {
            let limit = self.limits.depth_max;
            return Err(ReadError::TooLarge { what: "messages inside one another", limit });
        }
        let mut message = Message::default();
        each(bytes, |number, value| {
            match number {
                1 => message.name = value.text()?,
                2 => message.fields.push(self.field(value.bytes()?)?),
                3 => message.messages.push(self.message(value.bytes()?, depth + 1)?),
                4 => message.enums.push(self.list(value.bytes()?)?),
                6 => message.extensions.push(self.field(value.bytes()?)?),
                7 => message.options(value.bytes()?)?,
                8 => {
                    self.member()?;
                    message.oneofs += 1;
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(message)
    }

    fn field<'b>(&mut self, bytes: &'b [u8]) -> Result<Field<'b>, ReadError> {
        self.member()?;
        let mut field = Field::default();
        each(bytes, |number, value| {
            match number {
                1 => field.name = value.text()?,
                2 => field.extendee = value.text()?,
                3 => field.number = value.number()?,
                4 => field.label = value.number()?,
                5 => field.kind = value.number()?,
                6 => field.type_name = value.text()?,
                8 => field.features.add_options(value.bytes()?, FIELD_FEATURES)?,
                9 => field.oneof = Some(value.number()?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(field)
    }

    fn list<'b>(&mut self, bytes: &'b [u8]) -> Result<Enum<'b>, ReadError> {
        self.type_()?;
        let mut list = Enum::default();
        each(bytes, |number, value| {
            match number {
                1 => list.name = value.text()?,
                2 => {
                    self.member()?;
                    list.numbers.push(number_of(value.bytes()?)?);
                }
                3 => list.features.add_options(value.bytes()?, ENUM_FEATURES)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(list)
    }

    fn service<'b>(&mut self, bytes: &'b [u8]) -> Result<Service<'b>, ReadError> {
        let mut service = Service::default();
        each(bytes, |number, value| {
            match number {
                1 => service.name = value.text()?,
                2 => service.methods.push(self.method(value.bytes()?)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(service)
    }

    fn method<'b>(&mut self, bytes: &'b [u8]) -> Result<Method<'b>, ReadError> {
        self.member()?;
        let mut method = Method::default();
        each(bytes, |number, value| {
            match number {
                1 => method.name = value.text()?,
                2 => method.input = value.text()?,
                3 => method.output = value.text()?,
                5 => method.client_streams = value.number()? != 0,
                6 => method.server_streams = value.number()? != 0,
                _ => {}
            }
            Ok(())
        })?;
        Ok(method)
    }

    const fn type_(&mut self) -> Result<(), ReadError> {
        self.types += 1;
        let limit = self.limits.types_max;
        if self.types > limit {
            return Err(ReadError::TooLarge { what: "messages and enums", limit });
        }
        Ok(())
    }

    const fn member(&mut self) -> Result<(), ReadError> {
        self.members += 1;
        let limit = self.limits.members_max;
        if self.members > limit {
            return Err(ReadError::TooLarge { what: "members", limit });
        }
        Ok(())
    }
}

/// One value of a descriptor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Raw<'b> {
    Bytes(&'b [u8]),
    Number(u64),
    Other,
}

impl<'b> Raw<'b> {
    pub(crate) const fn bytes(self) -> Result<&'b [u8], ReadError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) | Self::Other => Err(ReadError::Malformed("a message is missing")),
        }
    }

    pub(crate) fn text(self) -> Result<&'b str, ReadError> {
        std::str::from_utf8(self.bytes()?).map_err(|_other| ReadError::Malformed("not text"))
    }

    pub(crate) const fn number(self) -> Result<u64, ReadError> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Bytes(_) | Self::Other => Err(ReadError::Malformed("a number is missing")),
        }
    }
}

/// Gives the fields of one message of a descriptor. Groups are only in options, and passed over.
pub(crate) fn each<'b>(
    bytes: &'b [u8],
    mut visit: impl FnMut(u32, Raw<'b>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut reader = Reader::new(bytes);
    let mut groups = 0_usize;
    while !reader.is_empty() {
        let (number, wire) = reader.tag()?;
        let value = match wire {
            Wire::Varint => Raw::Number(reader.varint()?),
            Wire::Length => Raw::Bytes(reader.length()?),
            Wire::Fixed32 => {
                reader.fixed32()?;
                Raw::Other
            }
            Wire::Fixed64 => {
                reader.fixed64()?;
                Raw::Other
            }
            Wire::GroupStart => {
                groups += 1;
                continue;
            }
            Wire::GroupEnd => {
                groups = groups.checked_sub(1).ok_or(ReadError::Malformed("a group ends"))?;
                continue;
            }
        };
        if groups == 0 {
            visit(number, value)?;
        }
    }
    if groups == 0 { Ok(()) } else { Err(ReadError::Malformed("a group does not end")) }
}

const FILE_FEATURES: u32 = 50;
const MESSAGE_FEATURES: u32 = 12;
const FIELD_FEATURES: u32 = 21;
const ENUM_FEATURES: u32 = 7;
