//! A rule's action list: `id:1,phase:2,deny,t:none,setvar:'tx.score=+5'`.

use std::sync::Arc;

use crate::cursor::{Cursor, is_space, trim, trim_end};
use crate::limits::TRANSFORMATIONS_MAX;
use crate::parse::error::{Cause, shown};
use crate::parse::{control, effect};
use crate::rule::{Allowed, Disruptive, Effect, Meta, Phase};
use crate::text::Template;
use crate::transform::Transformation;

/// What a list says; nothing is inherited yet.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an action of the language")]
pub(crate) struct Actions {
    pub(crate) id: Option<u64>,
    pub(crate) phase: Option<Phase>,
    pub(crate) is_chained: bool,
    pub(crate) meta: Meta,
    pub(crate) disruptive: Option<Disruptive>,
    pub(crate) status: Option<u16>,
    pub(crate) log: Option<bool>,
    pub(crate) audit_log: Option<bool>,
    pub(crate) skip: Option<u32>,
    pub(crate) skip_after: Option<Arc<[u8]>>,
    pub(crate) is_capture: bool,
    pub(crate) is_multi_match: bool,
    /// `None`: no `t` at all.
    pub(crate) transformations: Option<Vec<Transformation>>,
    /// `t:none`: those of `SecDefaultAction` are not wanted.
    pub(crate) forgets_transformations: bool,
    pub(crate) effects: Vec<Effect>,
    /// Actions that are known, old, and do nothing here.
    pub(crate) ignored: Vec<&'static str>,
}

/// Reads a list.
pub(crate) fn parse(text: &[u8]) -> Result<Actions, Cause> {
    let mut actions = Actions::default();
    let mut at = Cursor::new(text);
    loop {
        at.take_while(|byte| is_space(byte) || byte == b',');
        if at.is_empty() {
            return Ok(actions);
        }
        let name = trim(at.take_while(|byte| byte != b':' && byte != b',')).to_ascii_lowercase();
        let value = if at.eat(b':') { Some(value(&mut at)?) } else { None };
        actions.apply(&name, value.as_deref())?;
    }
}

/// A value in single quotes, where `\'` is a quote, or up to the next comma.
fn value(at: &mut Cursor<'_>) -> Result<Vec<u8>, Cause> {
    at.take_while(is_space);
    if !at.eat(b'\'') {
        return Ok(trim_end(at.take_while(|byte| byte != b',')).to_vec());
    }
    let mut value = Vec::new();
    loop {
        match (at.next(), at.peek()) {
            (None, _) => return Err(Cause::Quote),
            (Some(b'\\'), Some(b'\'')) => {
                value.push(b'\'');
                at.skip(1);
            }
            (Some(b'\''), next) => {
                // What follows the quote has to be the end or a comma, or the value was meant longer.
                let _rest = at.take_while(is_space);
                return match (next, at.peek()) {
                    (_, None | Some(b',')) => Ok(value),
                    _ => Err(Cause::Quote),
                };
            }
            (Some(byte), _) => value.push(byte),
        }
    }
}

impl Actions {
    fn apply(&mut self, name: &[u8], value: Option<&[u8]>) -> Result<(), Cause> {
        let Some(action) = ACTIONS.iter().find(|action| action.name.as_bytes() == name) else {
            return Err(Cause::unknown("action", name, ACTIONS.iter().map(|action| action.name)));
        };
        if action.takes_value && value.is_none_or(<[u8]>::is_empty) {
            return Err(Cause::BadValue { what: action.name, value: String::new() });
        }
        (action.apply)(self, value.unwrap_or_default())
    }

    fn disrupt(&mut self, disruptive: Disruptive) {
        self.disruptive = Some(disruptive);
    }
}

/// An action and what it does to the list.
struct Action {
    name: &'static str,
    takes_value: bool,
    apply: fn(&mut Actions, &[u8]) -> Result<(), Cause>,
}

const fn with_value(
    name: &'static str,
    apply: fn(&mut Actions, &[u8]) -> Result<(), Cause>,
) -> Action {
    Action { name, takes_value: true, apply }
}

const fn bare(name: &'static str, apply: fn(&mut Actions, &[u8]) -> Result<(), Cause>) -> Action {
    Action { name, takes_value: false, apply }
}

const ACTIONS: &[Action] = &[
    with_value("accuracy", |actions, value| {
        actions.meta.accuracy = Some(shown(value).into());
        Ok(())
    }),
    bare("allow", |actions, value| {
        let allowed = match value {
            b"" => Allowed::All,
            _ if value.eq_ignore_ascii_case(b"phase") => Allowed::Phase,
            _ if value.eq_ignore_ascii_case(b"request") => Allowed::Request,
            _ => return Err(Cause::bad_value("allow", value)),
        };
        actions.disrupt(Disruptive::Allow(allowed));
        Ok(())
    }),
    bare("append", |actions, _| ignore(actions, "append")),
    bare("auditlog", |actions, _| {
        actions.audit_log = Some(true);
        Ok(())
    }),
    bare("block", |actions, _| {
        actions.disrupt(Disruptive::Block);
        Ok(())
    }),
    bare("capture", |actions, _| {
        actions.is_capture = true;
        Ok(())
    }),
    bare("chain", |actions, _| {
        actions.is_chained = true;
        Ok(())
    }),
    with_value("ctl", |actions, value| {
        actions.effects.push(Effect::Control(control::parse(value)?));
        actions.ignored.extend(control::ignored(value));
        Ok(())
    }),
    bare("deny", |actions, _| {
        actions.disrupt(Disruptive::Deny);
        Ok(())
    }),
    bare("deprecatevar", |actions, _| ignore(actions, "deprecatevar")),
    bare("drop", |actions, _| {
        actions.disrupt(Disruptive::Drop);
        Ok(())
    }),
    bare("exec", |_, value| Err(Cause::unsupported("action `exec` with", value))),
    with_value("expirevar", |actions, value| {
        actions.effects.push(effect::expire_var(value)?);
        Ok(())
    }),
    with_value("id", |actions, value| {
        actions.id = Some(number(value).filter(|id| *id > 0).ok_or_else(|| bad("id", value))?);
        Ok(())
    }),
    with_value("initcol", |actions, value| {
        actions.effects.push(effect::init_collection(value)?);
        Ok(())
    }),
    bare("log", |actions, _| {
        actions.log = Some(true);
        Ok(())
    }),
    with_value("logdata", |actions, value| {
        actions.meta.logdata = Some(Template::parse(value));
        Ok(())
    }),
    with_value("maturity", |actions, value| {
        actions.meta.maturity = Some(shown(value).into());
        Ok(())
    }),
    with_value("msg", |actions, value| {
        actions.meta.msg = Some(Template::parse(value));
        Ok(())
    }),
    bare("multimatch", |actions, _| {
        actions.is_multi_match = true;
        Ok(())
    }),
    bare("noauditlog", |actions, _| {
        actions.audit_log = Some(false);
        Ok(())
    }),
    bare("nolog", |actions, _| {
        actions.log = Some(false);
        Ok(())
    }),
    bare("pass", |actions, _| {
        actions.disrupt(Disruptive::Pass);
        Ok(())
    }),
    bare("pause", |actions, _| ignore(actions, "pause")),
    with_value("phase", |actions, value| {
        actions.phase = Some(phase(value)?);
        Ok(())
    }),
    bare("prepend", |actions, _| ignore(actions, "prepend")),
    bare("proxy", |_, value| Err(Cause::unsupported("action `proxy` with", value))),
    with_value("redirect", |actions, value| {
        actions.disrupt(Disruptive::Redirect(Template::parse(value)));
        Ok(())
    }),
    with_value("rev", |actions, value| {
        actions.meta.rev = Some(shown(value).into());
        Ok(())
    }),
    bare("sanitisearg", |actions, _| ignore(actions, "sanitiseArg")),
    bare("sanitisematched", |actions, _| ignore(actions, "sanitiseMatched")),
    bare("sanitisematchedbytes", |actions, _| ignore(actions, "sanitiseMatchedBytes")),
    bare("sanitiserequestheader", |actions, _| ignore(actions, "sanitiseRequestHeader")),
    bare("sanitiseresponseheader", |actions, _| ignore(actions, "sanitiseResponseHeader")),
    bare("sanitizearg", |actions, _| ignore(actions, "sanitiseArg")),
    bare("sanitizematched", |actions, _| ignore(actions, "sanitiseMatched")),
    bare("sanitizematchedbytes", |actions, _| ignore(actions, "sanitiseMatchedBytes")),
    bare("sanitizerequestheader", |actions, _| ignore(actions, "sanitiseRequestHeader")),
    bare("sanitizeresponseheader", |actions, _| ignore(actions, "sanitiseResponseHeader")),
    bare("setenv", |actions, _| ignore(actions, "setenv")),
    with_value("setrsc", |actions, value| {
        actions.effects.push(effect::init_named("resource", value));
        Ok(())
    }),
    with_value("setsid", |actions, value| {
        actions.effects.push(effect::init_named("session", value));
        Ok(())
    }),
    with_value("setuid", |actions, value| {
        actions.effects.push(effect::init_named("user", value));
        Ok(())
    }),
    with_value("setvar", |actions, value| {
        actions.effects.push(effect::set_var(value)?);
        Ok(())
    }),
    with_value("severity", |actions, value| {
        actions.meta.severity = Some(severity(value)?);
        Ok(())
    }),
    with_value("skip", |actions, value| {
        let count = number(value).and_then(|count| u32::try_from(count).ok());
        actions.skip = Some(count.ok_or_else(|| bad("skip", value))?);
        Ok(())
    }),
    with_value("skipafter", |actions, value| {
        actions.skip_after = Some(value.into());
        Ok(())
    }),
    with_value("status", |actions, value| {
        let status = number(value).and_then(|status| u16::try_from(status).ok());
        let status = status.filter(|status| (100..600).contains(status));
        actions.status = Some(status.ok_or_else(|| bad("status", value))?);
        Ok(())
    }),
    with_value("t", |actions, value| {
        let list = actions.transformations.get_or_insert_default();
        if value.eq_ignore_ascii_case(b"none") {
            list.clear();
            actions.forgets_transformations = true;
        } else if list.len() >= TRANSFORMATIONS_MAX {
            return Err(Cause::Limit {
                what: "transformations in a rule",
                max: TRANSFORMATIONS_MAX,
            });
        } else {
            list.push(Transformation::find(value)?);
        }
        Ok(())
    }),
    with_value("tag", |actions, value| {
        actions.meta.tags.push(Template::parse(value));
        Ok(())
    }),
    with_value("ver", |actions, value| {
        actions.meta.ver = Some(shown(value).into());
        Ok(())
    }),
    bare("xmlns", |actions, _| ignore(actions, "xmlns")),
];

#[expect(clippy::unnecessary_wraps, reason = "it stands in a table of functions that may fail")]
fn ignore(actions: &mut Actions, name: &'static str) -> Result<(), Cause> {
    actions.ignored.push(name);
    Ok(())
}

fn bad(what: &'static str, value: &[u8]) -> Cause {
    Cause::bad_value(what, value)
}

/// A number without sign, which is the whole text.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(trim(text)).ok()?.parse().ok()
}

fn phase(value: &[u8]) -> Result<Phase, Cause> {
    match value.to_ascii_lowercase().as_slice() {
        b"1" => Ok(Phase::RequestHeaders),
        b"2" | b"request" => Ok(Phase::RequestBody),
        b"3" => Ok(Phase::ResponseHeaders),
        b"4" | b"response" => Ok(Phase::ResponseBody),
        b"5" | b"logging" => Ok(Phase::Logging),
        _ => Err(Cause::bad_value("phase", value)),
    }
}

fn severity(value: &[u8]) -> Result<u8, Cause> {
    let names = ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"];
    let lower = value.to_ascii_lowercase();
    let named = names.iter().position(|name| name.as_bytes() == lower);
    let level = named.or_else(|| number(value).and_then(|level| usize::try_from(level).ok()));
    level
        .and_then(|level| u8::try_from(level).ok())
        .filter(|level| *level < 8)
        .ok_or_else(|| Cause::bad_value("severity", value))
}

#[cfg(test)]
mod tests;
