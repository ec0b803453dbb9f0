//! `Content-Disposition: form-data; name="a"; filename="b"`: two parameters, each at most once.

use crate::arena::Arena;
use crate::body::multipart::Flags;
use crate::cursor::Cursor;

/// The parameters.
#[derive(Debug, Default)]
pub(super) struct Named<'a> {
    pub(super) name: Option<&'a [u8]>,
    pub(super) filename: Option<&'a [u8]>,
}

const INVALID: &str = "invalid Content-Disposition header";

pub(super) fn parse<'a>(
    text: &'a [u8],
    arena: &'a Arena,
    flags: &mut Flags,
) -> Result<Named<'a>, &'static str> {
    let mut at = Cursor::new(text);
    let mut named = Named::default();
    if !at.eat_all(b"form-data") {
        return Err(INVALID);
    }
    blank(&mut at);
    while !at.is_empty() {
        if !at.eat(b';') {
            flags.invalid_quoting |= is_after_quote(text, &at);
            return Err(INVALID);
        }
        blank(&mut at);
        let name = at.take_while(|byte| !matches!(byte, b'=' | b'\t' | b' '));
        blank(&mut at);
        if !at.eat(b'=') {
            return Err(INVALID);
        }
        blank(&mut at);
        let value = value(&mut at, arena, flags)?;
        let place = match name {
            b"name" => &mut named.name,
            b"filename" => &mut named.filename,
            _ => return Err(INVALID),
        };
        if place.replace(value).is_some() {
            return Err(INVALID);
        }
        blank(&mut at);
    }
    Ok(named)
}

fn blank(at: &mut Cursor<'_>) {
    at.take_while(|byte| matches!(byte, b' ' | b'\t'));
}

fn is_after_quote(text: &[u8], at: &Cursor<'_>) -> bool {
    let before = text.len().checked_sub(at.rest().len() + 1).and_then(|at| text.get(at));
    matches!(before, Some(b'"' | b'\''))
}

/// In double quotes, in single ones (which are flagged), or a token.
fn value<'a>(
    at: &mut Cursor<'a>,
    arena: &'a Arena,
    flags: &mut Flags,
) -> Result<&'a [u8], &'static str> {
    let quote = match at.peek() {
        None => return Err(INVALID),
        Some(quote @ (b'"' | b'\'')) => quote,
        Some(_) => {
            let token = at.take_while(is_token);
            flags.invalid_quoting |= token.contains(&b'\'');
            return Ok(token);
        }
    };
    at.skip(1);
    flags.invalid_quoting |= quote == b'\'';
    let mut value = arena.grow(at.rest().len());
    loop {
        match at.next().ok_or(INVALID)? {
            b'\\' => match at.peek().ok_or(INVALID)? {
                escaped if escaped == quote || escaped == b'\\' => {
                    value.push(escaped);
                    at.skip(1);
                }
                // Old browsers send paths with backslashes.
                _ => value.push(b'\\'),
            },
            byte if byte == quote => return Ok(value.into_bump_slice()),
            byte => value.push(byte),
        }
    }
}

/// RFC 2616, section 2.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte)
}
