//! Directives that change rules which stand before them: `SecRuleRemove…`, `SecRuleUpdate…`.

use crate::limits::TARGETS_MAX;
use crate::parse::actions::{self, Actions};
use crate::parse::control;
use crate::parse::error::Cause;
use crate::parse::{Item, Reader, targets};
use crate::rule::{Choice, Disruptive, Link, Rule};

/// `SecRuleRemoveById` and its kin.
pub(super) fn remove(reader: &mut Reader<'_>, choice: &Choice) {
    warn_of_nothing(reader, choice);
    reader.items.retain(|item| match item {
        Item::Marker(_) => true,
        Item::Rule(rule) => !choice.chooses(rule),
    });
}

/// libmodsecurity 3 looks at rules that follow as well; here as in ModSecurity 2 and the language
/// they stand before, and who writes it the other way round has to know.
fn warn_of_nothing(reader: &mut Reader<'_>, choice: &Choice) {
    if chosen(reader, choice).next().is_none() {
        reader.warn("it changes nothing: no such rule stands before it");
    }
}

/// `SecRuleUpdateTargetById 1 "!ARGS:a"`; a third word names what the new variables replace.
pub(super) fn update_targets(
    reader: &mut Reader<'_>,
    choice: &Choice,
    words: &[&[u8]],
) -> Result<(), Cause> {
    let (list, replaced) = match words {
        [list] => (list, None),
        [list, replaced] => (list, Some(targets::parse(replaced)?)),
        _ => {
            let want = "rules, variables and perhaps the variables to replace";
            return Err(Cause::Arguments { directive: "SecRuleUpdateTarget".to_owned(), want });
        }
    };
    let added = targets::parse(list)?;
    warn_of_nothing(reader, choice);
    for rule in chosen(reader, choice) {
        let Some(first) = rule.links.first_mut() else { continue };
        if let Some(replaced) = &replaced {
            first
                .targets
                .included
                .retain(|old| !replaced.included.iter().any(|one| one.is_same(old)));
        }
        first.targets.included.extend(added.included.iter().cloned());
        first.targets.excluded.extend(added.excluded.iter().cloned());
        if first.targets.included.len().max(first.targets.excluded.len()) > TARGETS_MAX {
            return Err(Cause::Limit { what: "variables in a rule", max: TARGETS_MAX });
        }
    }
    Ok(())
}

/// `SecRuleUpdateActionById 1 "deny,status:404"`; `1:2` is the second member after the first.
pub(super) fn update_actions(
    reader: &mut Reader<'_>,
    choice: &Choice,
    member: usize,
    text: &[u8],
) -> Result<(), Cause> {
    let actions = actions::parse(text)?;
    if actions.id.is_some() || actions.is_chained || actions.phase.is_some() {
        return Err(Cause::Chain("id, phase and `chain` of a rule cannot be changed afterwards"));
    }
    warn_of_nothing(reader, choice);
    let defaults = reader.defaults.clone();
    for rule in chosen(reader, choice) {
        let inherited = defaults.get(&rule.phase).and_then(|actions| actions.disruptive.clone());
        if member == 0 {
            merge(rule, &actions, inherited);
        }
        if let Some(link) = rule.links.get_mut(member) {
            merge_link(link, &actions);
        }
    }
    Ok(())
}

fn chosen<'r>(reader: &'r mut Reader<'_>, choice: &Choice) -> impl Iterator<Item = &'r mut Rule> {
    reader.items.iter_mut().filter_map(move |item| match item {
        Item::Rule(rule) if choice.chooses(rule) => Some(&mut **rule),
        _ => None,
    })
}

fn merge(rule: &mut Rule, actions: &Actions, inherited: Option<Disruptive>) {
    match &actions.disruptive {
        None => {}
        Some(Disruptive::Block) => rule.disruptive = inherited.unwrap_or(Disruptive::Pass),
        Some(own) => rule.disruptive = own.clone(),
    }
    let new = actions.meta.clone();
    rule.meta.msg = new.msg.or(rule.meta.msg.take());
    rule.meta.logdata = new.logdata.or(rule.meta.logdata.take());
    rule.meta.severity = new.severity.or(rule.meta.severity);
    rule.meta.rev = new.rev.or(rule.meta.rev.take());
    rule.meta.ver = new.ver.or(rule.meta.ver.take());
    rule.meta.tags.extend(new.tags);
    rule.status = actions.status.or(rule.status);
    rule.is_audited = actions.audit_log.or(actions.log).unwrap_or(rule.is_audited);
    rule.is_logged = actions.log.unwrap_or(rule.is_logged);
    rule.skip = actions.skip.unwrap_or(rule.skip);
    rule.skip_after = actions.skip_after.clone().or(rule.skip_after.take());
}

fn merge_link(link: &mut Link, actions: &Actions) {
    if let Some(transformations) = &actions.transformations {
        link.transformations.clone_from(transformations);
    }
    link.is_capture |= actions.is_capture;
    link.is_multi_match |= actions.is_multi_match;
    link.effects.extend(actions.effects.iter().cloned());
}

/// `1`, `1-5`, `1:2`: rules, and the member of their chain.
pub(super) fn ids_and_member(text: &[u8]) -> Result<(Choice, usize), Cause> {
    let (ids, member) = match crate::cursor::split_once(text, b':') {
        Some((ids, member)) => (ids, actions::number(member)),
        None => (text, Some(0)),
    };
    let member = member.and_then(|member| usize::try_from(member).ok());
    let member = member.ok_or_else(|| Cause::bad_value("a member of a chain", text))?;
    Ok((Choice::Ids(control::ids(ids)?), member))
}
