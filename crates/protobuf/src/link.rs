//! From files to a schema: names become places, features are handed down.

use std::collections::{HashMap, HashSet};

use crate::descriptor::{self as raw, File};
use crate::error::ReadError;
use crate::features::Features;
use crate::schema::{Enum, Field, Message, Method, Schema, Shape};
use crate::wire::NUMBER_MAX;

/// Where a name leads.
#[derive(Clone, Copy, Debug)]
enum Place {
    Enum(usize),
    Message(usize),
}

type Body<'f, 'b> = (usize, &'f raw::Message<'b>, Features);
type Extension<'f, 'b> = (String, &'f raw::Field<'b>, Features);

/// Links files.
#[derive(Debug, Default)]
pub(crate) struct Linker<'f, 'b> {
    places: HashMap<String, Place>,
    enums: Vec<Enum>,
    messages: Vec<Message>,
    /// Fields to be linked when all names are known, of a message or an extension.
    bodies: Vec<Body<'f, 'b>>,
    extensions: Vec<Extension<'f, 'b>>,
}

impl<'f, 'b> Linker<'f, 'b> {
    pub(crate) fn link(files: &'f [File<'b>]) -> Result<Schema, ReadError> {
        let mut linker = Self::default();
        for file in files {
            linker.declare_file(file)?;
        }
        for (at, message, features) in std::mem::take(&mut linker.bodies) {
            linker.body(at, message, features)?;
        }
        for (scope, field, features) in std::mem::take(&mut linker.extensions) {
            linker.extension(&scope, field, features)?;
        }
        for message in &mut linker.messages {
            message.finish()?;
        }
        let methods = linker.methods(files)?;
        let names = linker.places.into_iter().filter_map(|(name, place)| match place {
            Place::Message(at) => Some((name, at)),
            Place::Enum(_) => None,
        });
        let (messages, enums) = (linker.messages, linker.enums);
        Ok(Schema { messages, enums, names: names.collect(), methods })
    }

    fn declare_file(&mut self, file: &'f File<'b>) -> Result<(), ReadError> {
        let base = Features::of_file(file.syntax, file.edition);
        let why = "an edition that is not known";
        let base = base.ok_or_else(|| declaration(file.name, why))?;
        let features = file.features.under(base);
        for list in &file.enums {
            self.declare_enum(file.package, list, features)?;
        }
        for message in &file.messages {
            self.declare(file.package, message, features)?;
        }
        for field in &file.extensions {
            self.extensions.push((file.package.to_owned(), field, features));
        }
        Ok(())
    }

    fn declare(
        &mut self,
        scope: &str,
        message: &'f raw::Message<'b>,
        above: Features,
    ) -> Result<(), ReadError> {
        let (name, features) = (full(scope, message.name), message.features.under(above));
        let at = self.messages.len();
        self.place(&name, Place::Message(at))?;
        self.messages.push(Message {
            is_any: name == "google.protobuf.Any",
            name: name.clone(),
            oneofs: message.oneofs,
            is_map_entry: message.is_map_entry,
            is_set: message.is_set,
            ..Message::default()
        });
        self.bodies.push((at, message, features));
        for list in &message.enums {
            self.declare_enum(&name, list, features)?;
        }
        for inner in &message.messages {
            self.declare(&name, inner, features)?;
        }
        for field in &message.extensions {
            self.extensions.push((name.clone(), field, features));
        }
        Ok(())
    }

    fn declare_enum(
        &mut self,
        scope: &str,
        list: &raw::Enum<'_>,
        above: Features,
    ) -> Result<(), ReadError> {
        self.place(&full(scope, list.name), Place::Enum(self.enums.len()))?;
        let mut numbers = Vec::with_capacity(list.numbers.len());
        for number in &list.numbers {
            let number = i32::try_from(number.cast_signed());
            numbers.push(number.map_err(|_wide| declaration(list.name, "a value of 64 bits"))?);
        }
        numbers.sort_unstable();
        let is_closed = list.features.under(above).is_closed();
        self.enums.push(Enum { numbers, is_closed });
        Ok(())
    }

    fn place(&mut self, name: &str, place: Place) -> Result<(), ReadError> {
        match self.places.insert(name.to_owned(), place) {
            None => Ok(()),
            Some(_) => Err(ReadError::Twice { name: name.to_owned() }),
        }
    }

    fn body(
        &mut self,
        at: usize,
        message: &raw::Message<'_>,
        features: Features,
    ) -> Result<(), ReadError> {
        let mut fields = Vec::with_capacity(message.fields.len());
        let scope = self.messages.get(at).map(|one| one.name.clone()).unwrap_or_default();
        for field in &message.fields {
            fields.push(self.field(field, (field.name, &scope), features)?);
        }
        if let Some(message) = self.messages.get_mut(at) {
            message.fields = fields;
        }
        Ok(())
    }

    fn extension(
        &mut self,
        scope: &str,
        field: &raw::Field<'_>,
        features: Features,
    ) -> Result<(), ReadError> {
        let name = format!("[{}]", full(scope, field.name));
        let linked = self.field(field, (&name, scope), features)?;
        match self.find(field.extendee, &name)? {
            Place::Message(at) => {
                if let Some(message) = self.messages.get_mut(at) {
                    message.fields.push(linked);
                }
                Ok(())
            }
            Place::Enum(_) => Err(declaration(&name, "extends what is no message")),
        }
    }

    fn field(
        &self,
        field: &raw::Field<'_>,
        (name, scope): (&str, &str),
        above: Features,
    ) -> Result<Field, ReadError> {
        let wrong = |why| declaration(&full(scope, field.name), why);
        let features = field.features.under(above);
        let number =
            u32::try_from(field.number).ok().filter(|number| (1..=NUMBER_MAX).contains(number));
        let number = number.ok_or_else(|| wrong("a field number out of range"))?;
        let oneof = field.oneof.map(usize::try_from).transpose();
        let oneof = oneof.map_err(|_large| wrong("a oneof that does not exist"))?;
        Ok(Field {
            number,
            name: name.to_owned(),
            shape: self.shape(field, &full(scope, field.name), features)?,
            is_repeated: field.label == REPEATED,
            is_required: field.label == REQUIRED || features.is_required(),
            oneof,
        })
    }

    fn shape(
        &self,
        field: &raw::Field<'_>,
        user: &str,
        features: Features,
    ) -> Result<Shape, ReadError> {
        Ok(match field.kind {
            1 => Shape::Double,
            2 => Shape::Float,
            3 => Shape::Int64,
            4 => Shape::Uint64,
            5 => Shape::Int32,
            6 => Shape::Fixed64,
            7 => Shape::Fixed32,
            8 => Shape::Bool,
            9 => Shape::Text { is_verified: features.is_verified() },
            12 => Shape::Bytes,
            13 => Shape::Uint32,
            15 => Shape::Sfixed32,
            16 => Shape::Sfixed64,
            17 => Shape::Sint32,
            18 => Shape::Sint64,
            10 | 11 | 14 => match (field.kind, self.find(field.type_name, user)?) {
                (14, Place::Enum(at)) => Shape::Enum(at),
                (10, Place::Message(at)) => Shape::Group(at),
                (11, Place::Message(at)) => self.nested(at, features),
                _ => return Err(declaration(user, "names a type of another kind")),
            },
            _ => return Err(declaration(user, "a type that does not exist")),
        })
    }

    /// A message in a field. Maps keep their length, whatever the file says of groups.
    fn nested(&self, at: usize, features: Features) -> Shape {
        let is_map = self.messages.get(at).is_some_and(|message| message.is_map_entry);
        if features.is_group() && !is_map { Shape::Group(at) } else { Shape::Message(at) }
    }

    fn find(&self, name: &str, user: &str) -> Result<Place, ReadError> {
        let place = name.strip_prefix('.').and_then(|name| self.places.get(name));
        place.copied().ok_or_else(|| ReadError::Missing {
            user: user.to_owned(),
            name: name.trim_start_matches('.').to_owned(),
        })
    }

    fn methods(&self, files: &[File<'_>]) -> Result<Vec<Method>, ReadError> {
        let mut methods = Vec::new();
        for file in files {
            for service in &file.services {
                let name = full(file.package, service.name);
                let of_service = service.methods.iter().map(|method| self.method(&name, method));
                methods.extend(of_service.collect::<Result<Vec<_>, _>>()?);
            }
        }
        let mut seen = HashSet::new();
        match methods.iter().map(Method::path).find(|path| !seen.insert(path.clone())) {
            None => Ok(methods),
            Some(name) => Err(ReadError::Twice { name }),
        }
    }

    fn method(&self, service: &str, method: &raw::Method<'_>) -> Result<Method, ReadError> {
        let user = full(service, method.name);
        let message = |name| match self.find(name, &user)? {
            Place::Message(at) => Ok(at),
            Place::Enum(_) => Err(declaration(&user, "takes or gives what is no message")),
        };
        let (input_at, output_at) = (message(method.input)?, message(method.output)?);
        let name_of = |at| self.messages.get(at).map(|one: &Message| one.name.clone());
        Ok(Method {
            service: service.to_owned(),
            name: method.name.to_owned(),
            input: name_of(input_at).unwrap_or_default(),
            output: name_of(output_at).unwrap_or_default(),
            client_streams: method.client_streams,
            server_streams: method.server_streams,
            input_at,
        })
    }
}

impl Message {
    fn finish(&mut self) -> Result<(), ReadError> {
        self.fields.sort_by_key(|field| field.number);
        let is_twice = |pair: &[Field]| matches!(pair, [one, two] if one.number == two.number);
        if let Some([one, ..]) = self.fields.windows(2).find(|pair| is_twice(pair)) {
            return Err(ReadError::Twice { name: format!("{}.{}", self.name, one.number) });
        }
        let oneofs = self.oneofs;
        if self.fields.iter().any(|field| field.oneof.is_some_and(|oneof| oneof >= oneofs)) {
            return Err(declaration(&self.name, "a oneof that does not exist"));
        }
        let is_any = |number, wanted: fn(Shape) -> bool| {
            self.find(number).is_some_and(|(_, field)| wanted(field.shape) && !field.is_repeated)
        };
        // What is called so and is something else is read as what it is.
        self.is_any &= is_any(1, |shape| matches!(shape, Shape::Text { .. }))
            && is_any(2, |shape| shape == Shape::Bytes);
        if self.is_map_entry && !(self.find(1).is_some() && self.find(2).is_some()) {
            return Err(declaration(&self.name, "a map without key or value"));
        }
        self.required = self.fields.iter().filter(|field| field.is_required).count();
        Ok(())
    }
}

fn full(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

fn declaration(name: &str, why: &'static str) -> ReadError {
    ReadError::Declaration { name: name.to_owned(), why }
}

const REQUIRED: u64 = 2;
const REPEATED: u64 = 3;
