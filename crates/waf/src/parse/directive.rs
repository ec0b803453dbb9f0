//! The directives by name, and what each takes.

use crate::parse::actions;
use crate::parse::error::{Cause, shown};
use crate::parse::{Item, Reader, chain, control, exclusion, settings};
use crate::rule::Choice;

/// Runs one directive.
pub(super) fn run(
    reader: &mut Reader<'_>,
    name: &[u8],
    words: &[&[u8]],
    depth: usize,
) -> Result<(), Cause> {
    let lower = name.to_ascii_lowercase();
    let goes_on = matches!(lower.as_slice(), b"secrule" | b"secaction");
    // A script is a rule, and may stand in a chain; it is refused as what it is.
    let is_script = lower == b"secrulescript";
    if !goes_on && reader.open.take().is_some() && !is_script {
        return Err(Cause::Chain("the rule before has `chain`, and this is no rule"));
    }
    match lower.as_slice() {
        b"secrule" => chain::rule(reader, words),
        b"secaction" => chain::action(reader, words),
        b"secmarker" => marker(reader, words),
        b"secdefaultaction" => default_action(reader, words),
        b"include" | b"includeoptional" => {
            let [pattern] = words else { return Err(arguments(name, "a file")) };
            reader.include(pattern, lower.ends_with(b"optional"), depth)
        }
        // Rule files made for Apache are wrapped so; the module is us.
        b"<ifmodule" | b"</ifmodule>" => Ok(()),
        _ => match exclusion_of(&lower) {
            Some(exclusion) => exclusion(reader, name, words),
            None => settings::run(reader, name, words),
        },
    }
}

pub(super) fn arguments(directive: &[u8], want: &'static str) -> Cause {
    Cause::Arguments { directive: shown(directive), want }
}

fn marker(reader: &mut Reader<'_>, words: &[&[u8]]) -> Result<(), Cause> {
    let [label] = words else { return Err(arguments(b"SecMarker", "a label")) };
    reader.items.push(Item::Marker((*label).into()));
    Ok(())
}

type Exclusion = fn(&mut Reader<'_>, &[u8], &[&[u8]]) -> Result<(), Cause>;

fn exclusion_of(lower: &[u8]) -> Option<Exclusion> {
    Some(match lower {
        b"secruleremovebyid" => |reader, _, words| {
            let ids = control::ids(&words.join(&b' '))?;
            exclusion::remove(reader, &Choice::Ids(ids));
            Ok(())
        },
        b"secruleremovebytag" => |reader, name, words| {
            let [tag] = words else { return Err(arguments(name, "a tag")) };
            exclusion::remove(reader, &Choice::Tag(control::literal(tag)?));
            Ok(())
        },
        b"secruleremovebymsg" => |reader, name, words| {
            let [msg] = words else { return Err(arguments(name, "a message")) };
            exclusion::remove(reader, &Choice::Msg(control::literal(msg)?));
            Ok(())
        },
        b"secruleupdatetargetbyid" => |reader, name, words| {
            let Some((ids, list)) = words.split_first() else {
                return Err(arguments(name, "rules and variables"));
            };
            exclusion::update_targets(reader, &Choice::Ids(control::ids(ids)?), list)
        },
        b"secruleupdatetargetbytag" => |reader, name, words| {
            let Some((tag, list)) = words.split_first() else {
                return Err(arguments(name, "a tag and variables"));
            };
            exclusion::update_targets(reader, &Choice::Tag(control::literal(tag)?), list)
        },
        b"secruleupdatetargetbymsg" => |reader, name, words| {
            let Some((msg, list)) = words.split_first() else {
                return Err(arguments(name, "a message and variables"));
            };
            exclusion::update_targets(reader, &Choice::Msg(control::literal(msg)?), list)
        },
        b"secruleupdateactionbyid" => |reader, name, words| {
            let [ids, actions] = words else { return Err(arguments(name, "rules and actions")) };
            let (choice, member) = exclusion::ids_and_member(ids)?;
            exclusion::update_actions(reader, &choice, member, actions)
        },
        _ => return None,
    })
}

/// The rules of a default list are seclang-spec ADR-0014's.
fn default_action(reader: &mut Reader<'_>, words: &[&[u8]]) -> Result<(), Cause> {
    let [list] = words else { return Err(arguments(b"SecDefaultAction", "actions")) };
    let actions = actions::parse(list)?;
    let broken = Cause::DefaultAction;
    let Some(phase) = actions.phase else { return Err(broken("has no phase")) };
    if actions.disruptive.is_none() {
        return Err(broken("says neither `pass` nor `deny` nor another verdict"));
    }
    if matches!(actions.disruptive, Some(crate::rule::Disruptive::Block)) {
        return Err(broken("says `block`, which means what it says itself"));
    }
    if actions.is_chained || actions.skip.is_some() || actions.skip_after.is_some() {
        return Err(broken("may have neither `chain` nor `skip`"));
    }
    let meta = &actions.meta;
    let has_meta = actions.id.is_some()
        || meta.msg.is_some()
        || meta.logdata.is_some()
        || meta.severity.is_some()
        || meta.rev.is_some()
        || meta.ver.is_some()
        || !meta.tags.is_empty();
    if has_meta {
        return Err(broken("may have no id, message, tag or severity"));
    }
    // Old rule files have them, and ModSecurity 2 takes them with a warning too.
    if actions.transformations.is_some() {
        reader.warn("transformations in `SecDefaultAction` are for every rule without `t:none`");
    }
    if reader.defaults.insert(phase, actions).is_some() {
        return Err(broken("stands twice for one phase"));
    }
    Ok(())
}
