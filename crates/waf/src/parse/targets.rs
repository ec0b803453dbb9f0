//! A rule's list of variables: `ARGS|!ARGS:/^csrf/|&REQUEST_HEADERS:Host`.

use std::sync::Arc;

use crate::body::xml::PathKind;
use crate::cursor::Cursor;
use crate::limits::TARGETS_MAX;
use crate::parse::error::Cause;
use crate::pattern;
use crate::variable::{Selector, Shape, Target, Targets, Variable};

/// Reads what `ctl:ruleRemoveTarget…` takes out of rules, where `XML` alone is all of it.
pub(crate) fn parse_removed(text: &[u8]) -> Result<Vec<Target>, Cause> {
    let text = text.strip_prefix(b"!").unwrap_or(text);
    if text.eq_ignore_ascii_case(b"XML") {
        let selector = Selector::All;
        return Ok(vec![Target { variable: Variable::Xml, selector, is_count: false }]);
    }
    Ok(parse(text)?.included)
}

/// Reads a list. An entry with `!` goes to the exclusions.
pub(crate) fn parse(text: &[u8]) -> Result<Targets, Cause> {
    let mut at = Cursor::new(text);
    let mut targets = Targets::default();
    loop {
        let is_excluded = at.eat(b'!');
        let is_count = !is_excluded && at.eat(b'&');
        let target = one(&mut at, is_count)?;
        if !is_excluded && target.variable == Variable::Xml && target.selector.is_all() {
            return Err(Cause::bad_value("a list of variables; `XML` needs a path", text));
        }
        let list = if is_excluded { &mut targets.excluded } else { &mut targets.included };
        list.push(target);
        if list.len() > TARGETS_MAX {
            return Err(Cause::Limit { what: "variables in a rule", max: TARGETS_MAX });
        }
        // Apache's reading of ModSecurity 2 takes a comma as well.
        if !at.eat(b'|') && !at.eat(b',') {
            break;
        }
        at.take_while(|byte| byte == b' ');
    }
    if at.is_empty() { Ok(targets) } else { Err(Cause::bad_value("a list of variables", text)) }
}

fn one(at: &mut Cursor<'_>, is_count: bool) -> Result<Target, Cause> {
    let name = at.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let Some(variable) = Variable::find(name) else {
        return Err(Cause::unknown("variable", name, Variable::names()));
    };
    if !at.eat(b':') {
        return Ok(Target { variable, selector: Selector::All, is_count });
    }
    if variable.shape() == Shape::Scalar {
        return Err(Cause::bad_value("a list of variables; it has no members", name));
    }
    let selector = selector(at, variable)?;
    Ok(Target { variable, selector, is_count })
}

fn selector(at: &mut Cursor<'_>, variable: Variable) -> Result<Selector, Cause> {
    if variable == Variable::Xml {
        let path = at.take_while(|byte| byte != b'|' && byte != b',');
        if PathKind::parse(path).is_none() {
            return Err(Cause::unsupported("XPath", path));
        }
        return Ok(Selector::Key(Arc::from(path)));
    }
    let is_quoted = at.eat(b'\'');
    if is_quoted {
        let text = at.take_while(|byte| byte != b'\'');
        if !at.eat(b'\'') {
            return Err(Cause::Quote);
        }
        return match text.strip_prefix(b"/").and_then(|text| text.strip_suffix(b"/")) {
            Some(text) => pattern_of(text),
            None => key(text),
        };
    }
    if at.eat(b'/') {
        let text = between_slashes(at)?;
        return pattern_of(&text);
    }
    key(at.take_while(|byte| byte != b'|' && byte != b','))
}

fn key(text: &[u8]) -> Result<Selector, Cause> {
    if text.is_empty() {
        return Err(Cause::bad_value("the name of a member", text));
    }
    Ok(Selector::Key(text.to_ascii_lowercase().into()))
}

/// Names of members have no case, and both ModSecurity engines match them so.
fn pattern_of(text: &[u8]) -> Result<Selector, Cause> {
    let caseless = [b"(?i)", text].concat();
    Ok(Selector::Pattern(pattern::compile(&caseless)?))
}

/// The pattern of `:/…/`; `\/` is a slash in it.
fn between_slashes(at: &mut Cursor<'_>) -> Result<Vec<u8>, Cause> {
    let mut text = Vec::new();
    loop {
        match (at.next(), at.peek()) {
            (None, _) => return Err(Cause::Quote),
            (Some(b'/'), None | Some(b'|' | b',')) => return Ok(text),
            (Some(b'\\'), Some(escaped)) => {
                if escaped != b'/' {
                    text.push(b'\\');
                }
                text.push(escaped);
                at.skip(1);
            }
            (Some(byte), _) => text.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> (Vec<String>, Vec<String>) {
        let targets = parse(text.as_bytes()).unwrap();
        let name = |target: &Target| {
            let count = if target.is_count { "&" } else { "" };
            let key = match &target.selector {
                Selector::All => String::new(),
                Selector::Key(key) => format!(":{}", String::from_utf8_lossy(key)),
                Selector::Pattern(pattern) => format!(":/{}/", pattern.as_str()),
            };
            format!("{count}{}{key}", target.variable.name())
        };
        let list = |list: &[Target]| list.iter().map(name).collect();
        (list(&targets.included), list(&targets.excluded))
    }

    #[test]
    fn lists_have_selectors_counts_and_exclusions() {
        let (included, excluded) =
            names("args|!ARGS:Foo|&REQUEST_HEADERS:Host|TX:/^a|b\\/c/|XML:/*|XML://@*");
        assert_eq!(
            included,
            ["ARGS", "&REQUEST_HEADERS:host", "TX:/(?i)^a|b/c/", "XML:/*", "XML://@*"]
        );
        assert_eq!(excluded, ["ARGS:foo"]);
        assert_eq!(names("ARGS:'/a b/'|ARGS:'x|y'").0, ["ARGS:/(?i)a b/", "ARGS:x|y"]);
        assert_eq!(names("ARGS|!XML").1, ["XML"]);
        for list in ["XML", "!xml", "XML:/*"] {
            assert_eq!(parse_removed(list.as_bytes()).unwrap().len(), 1, "{list}");
        }
    }

    #[test]
    fn what_selects_nothing_is_an_error() {
        for text in
            ["", "ARGS|", "ARGH", "REQUEST_URI:a", "XML", "XML:id(3)", "ARGS:/a", "ARGS:", "ARGS x"]
        {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
