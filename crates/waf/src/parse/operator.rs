//! A rule's operator: `@rx …`, `!@streq …`, or a bare pattern.

use std::net::IpAddr;
use std::sync::Arc;

use crate::cursor::{Cursor, is_space, trim, trim_start};
use crate::operator::{
    Comparison, Network, Number, Operator, PhraseSet, Rx, RxCache, StringTest, Verify, byte_range,
};
use crate::parse::Reader;
use crate::parse::error::Cause;
use crate::rule::Test;
use crate::text::Template;

/// Reads an operator.
pub(super) fn parse(reader: &mut Reader<'_>, text: &[u8]) -> Result<Test, Cause> {
    let text = trim_start(text);
    let (is_negated, rest) = match text.strip_prefix(b"!") {
        Some(rest) => (true, trim_start(rest)),
        None => (false, text),
    };
    let operator = match rest.strip_prefix(b"@") {
        Some(named) => {
            let mut at = Cursor::new(named);
            let name = at.take_while(|byte| !is_space(byte)).to_ascii_lowercase();
            at.take_while(is_space);
            named_operator(reader, &name, at.rest())?
        }
        None => rx(rest)?,
    };
    Ok(Test::Operator { operator, is_negated })
}

fn named_operator(reader: &mut Reader<'_>, name: &[u8], rest: &[u8]) -> Result<Operator, Cause> {
    let string = |kind| Ok(Operator::Text(kind, Template::parse(rest)));
    let number = |kind| Ok(Operator::Number(kind, Number::parse(rest)));
    match name {
        b"beginswith" => string(StringTest::BeginsWith),
        b"contains" | b"strmatch" => string(StringTest::Contains),
        b"containsword" => string(StringTest::ContainsWord),
        b"detectsqli" => Ok(Operator::DetectSqli),
        b"detectxss" => Ok(Operator::DetectXss),
        b"endswith" => string(StringTest::EndsWith),
        b"eq" => number(Comparison::Eq),
        b"ge" => number(Comparison::Ge),
        b"gt" => number(Comparison::Gt),
        b"ipmatch" => Ok(Operator::IpMatch(networks(rest.split(|byte| *byte == b','))?)),
        b"ipmatchf" | b"ipmatchfromfile" => {
            let data = files(reader, rest)?;
            let lines = data.split(|byte| *byte == b'\n').filter(|line| !is_comment(line));
            Ok(Operator::IpMatch(networks(lines)?))
        }
        b"le" => number(Comparison::Le),
        b"lt" => number(Comparison::Lt),
        b"nomatch" => Ok(Operator::NoMatch),
        b"pm" => Ok(Operator::Phrases(PhraseSet::parse(rest)?)),
        b"pmf" | b"pmfromfile" => {
            let data = files(reader, rest)?;
            let lines = data.split(|byte| *byte == b'\n').filter(|line| !is_comment(line));
            Ok(Operator::Phrases(PhraseSet::of(lines.map(|line| trim(line).to_vec()))?))
        }
        b"rx" | b"rxglobal" => rx(rest),
        b"streq" => string(StringTest::Equals),
        b"unconditionalmatch" => Ok(Operator::Unconditional),
        b"validatebyterange" => byte_range(rest).map(Operator::ByteRange),
        b"validateurlencoding" => Ok(Operator::UrlEncoding),
        b"validateutf8encoding" => Ok(Operator::Utf8Encoding),
        b"verifycc" => verify(Verify::CreditCard, rest),
        b"verifycpf" => verify(Verify::Cpf, rest),
        b"verifyssn" => verify(Verify::Ssn, rest),
        b"within" => string(StringTest::Within),
        b"fuzzyhash" | b"inspectfile" | b"validatedtd" | b"validatehash" | b"validateschema" => {
            Err(Cause::unsupported("operator", name))
        }
        // They need a database or the network; without them ModSecurity does not match either.
        b"geolookup" | b"gsblookup" | b"rbl" | b"rsub" => {
            reader.warn(format!("`@{}` never matches here", String::from_utf8_lossy(name)));
            Ok(Operator::NoMatch)
        }
        _ => Err(Cause::unknown("operator", name, NAMES.iter().copied())),
    }
}

/// A pattern; with macros in it only its parts are known now.
fn rx(text: &[u8]) -> Result<Operator, Cause> {
    let template = Template::parse(text);
    if template.has_references() {
        return Ok(Operator::RxMacro(template, RxCache::default()));
    }
    Ok(Operator::Rx(Rx::compile(text)?))
}

fn verify(kind: Verify, text: &[u8]) -> Result<Operator, Cause> {
    Ok(Operator::Verify(kind, Rx::compile_lines(text)?))
}

/// The files that an operator names, one after the other.
fn files(reader: &mut Reader<'_>, names: &[u8]) -> Result<Vec<u8>, Cause> {
    let mut all = Vec::new();
    for name in names.split(|byte| is_space(*byte)).filter(|name| !name.is_empty()) {
        all.append(&mut reader.data(name)?);
        all.push(b'\n');
    }
    if all.is_empty() { Err(Cause::bad_value("a file of phrases", names)) } else { Ok(all) }
}

fn is_comment(line: &[u8]) -> bool {
    let line = trim(line);
    line.is_empty() || line.starts_with(b"#")
}

fn networks<'t>(list: impl Iterator<Item = &'t [u8]>) -> Result<Arc<[Network]>, Cause> {
    list.map(trim).filter(|one| !one.is_empty()).map(network).collect()
}

fn network(text: &[u8]) -> Result<Network, Cause> {
    let bad = || Cause::bad_value("an address or a network", text);
    parsed_network(text).ok_or_else(bad)
}

fn parsed_network(text: &[u8]) -> Option<Network> {
    let text = std::str::from_utf8(text).ok()?;
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    Network::new(address.parse::<IpAddr>().ok()?, bits)
}

const NAMES: &[&str] = &[
    "beginsWith",
    "contains",
    "containsWord",
    "detectSQLi",
    "detectXSS",
    "endsWith",
    "eq",
    "ge",
    "geoLookup",
    "gt",
    "ipMatch",
    "ipMatchFromFile",
    "le",
    "lt",
    "noMatch",
    "pm",
    "pmFromFile",
    "rbl",
    "rx",
    "streq",
    "strmatch",
    "unconditionalMatch",
    "validateByteRange",
    "validateUrlEncoding",
    "validateUtf8Encoding",
    "verifyCC",
    "verifyCPF",
    "verifySSN",
    "within",
];
