//! `SecRule` and `SecAction`: one alone, or the next member of an open chain.

use crate::limits::{CHAIN_MAX, RULES_MAX, TRANSFORMATIONS_MAX};
use crate::parse::actions::{self, Actions};
use crate::parse::error::Cause;
use crate::parse::{Item, Reader, operator, targets};
use crate::quick::Quick;
use crate::rule::{Disruptive, Link, Phase, Rule, Test};
use crate::variable::Targets;

/// `SecRule VARIABLES OPERATOR [ACTIONS]`.
pub(super) fn rule(reader: &mut Reader<'_>, words: &[&[u8]]) -> Result<(), Cause> {
    let (list, test, actions) = match words {
        [list, test] => (list, test, &b""[..]),
        [list, test, actions] => (list, test, *actions),
        _ => {
            let want = "variables, an operator and, in most cases, actions";
            return Err(Cause::Arguments { directive: "SecRule".to_owned(), want });
        }
    };
    let read = parts(reader, list, test, actions);
    close_after(reader, read)
}

/// `SecAction ACTIONS`.
pub(super) fn action(reader: &mut Reader<'_>, words: &[&[u8]]) -> Result<(), Cause> {
    let [actions] = words else {
        return Err(Cause::Arguments { directive: "SecAction".to_owned(), want: "actions" });
    };
    let read = actions::parse(actions).map(|actions| (Targets::default(), Test::Always, actions));
    close_after(reader, read)
}

type Parts = (Targets, Test, Actions);

fn parts(
    reader: &mut Reader<'_>,
    list: &[u8],
    test: &[u8],
    actions: &[u8],
) -> Result<Parts, Cause> {
    let actions = actions::parse(actions)?;
    let targets = targets::parse(list)?;
    let test = operator::parse(reader, test)?;
    Ok((targets, test, actions))
}

/// A rule that cannot be read ends the chain it is in, so that one mistake makes one error.
fn close_after(reader: &mut Reader<'_>, read: Result<Parts, Cause>) -> Result<(), Cause> {
    let (targets, test, actions) = read.inspect_err(|_| reader.open = None)?;
    for name in &actions.ignored {
        reader.warn(format!("the action `{name}` does nothing here"));
    }
    let mut variables = targets.included.iter().map(|target| target.variable);
    if let Some(empty) = variables.find(|variable| variable.is_empty_here()) {
        let name = if empty.name().is_empty() { "an old variable" } else { empty.name() };
        reader.warn(format!("`{name}` is always empty here"));
    }
    let is_chained = actions.is_chained;
    let rule = match reader.open.take() {
        Some(open) => {
            let defaults = reader.defaults.get(&open.phase);
            let transformations = defaults.and_then(|list| list.transformations.clone());
            let inherited = Actions { transformations, ..Actions::default() };
            member(open, (targets, test, actions), &inherited)?
        }
        None => first(reader, targets, test, actions)?,
    };
    if is_chained {
        reader.open = Some(rule);
    } else {
        reader.items.push(Item::Rule(rule));
    }
    Ok(())
}

fn first(
    reader: &mut Reader<'_>,
    targets: Targets,
    test: Test,
    mut actions: Actions,
) -> Result<Box<Rule>, Cause> {
    let Some(id) = actions.id else { return Err(Cause::MissingId) };
    if let Some(place) = reader.ids.get(&id) {
        return Err(Cause::DuplicateId { id, first: format!("{}:{}", place.file, place.line) });
    }
    if reader.ids.len() >= RULES_MAX {
        return Err(Cause::Limit { what: "rules", max: RULES_MAX });
    }
    reader.ids.insert(id, reader.place.clone());
    let phase = actions.phase.unwrap_or(Phase::RequestBody);
    let inherited = reader.defaults.get(&phase).cloned().unwrap_or_default();
    let link = link(&mut actions, targets, test, &inherited)?;
    let disruptive = match actions.disruptive {
        None | Some(Disruptive::Block) => inherited.disruptive.unwrap_or(Disruptive::Pass),
        Some(own) => own,
    };
    let is_audited = actions.audit_log.or(actions.log).or(inherited.audit_log).or(inherited.log);
    Ok(Box::new(Rule {
        id,
        place: reader.place.clone(),
        phase,
        links: vec![link],
        meta: actions.meta,
        disruptive,
        status: actions.status.or(inherited.status),
        is_logged: actions.log.or(inherited.log).unwrap_or(true),
        is_audited: is_audited.unwrap_or(true),
        skip: actions.skip.unwrap_or(0),
        skip_after: actions.skip_after,
    }))
}

fn member(
    mut open: Box<Rule>,
    (targets, test, mut actions): Parts,
    inherited: &Actions,
) -> Result<Box<Rule>, Cause> {
    if let Some(broken) = belongs_to_the_first(&actions) {
        return Err(Cause::Chain(broken));
    }
    if open.links.len() >= CHAIN_MAX {
        return Err(Cause::Limit { what: "rules in a chain", max: CHAIN_MAX });
    }
    open.links.push(link(&mut actions, targets, test, inherited)?);
    Ok(open)
}

fn belongs_to_the_first(actions: &Actions) -> Option<&'static str> {
    let meta = &actions.meta;
    let has_meta = meta.msg.is_some()
        || meta.logdata.is_some()
        || meta.severity.is_some()
        || !meta.tags.is_empty()
        || [&meta.rev, &meta.ver, &meta.maturity, &meta.accuracy].iter().any(|one| one.is_some());
    if actions.id.is_some() || has_meta {
        Some("id, message, tags and the like belong to its first rule")
    } else if actions.phase.is_some() {
        Some("the phase belongs to its first rule")
    } else if actions.disruptive.is_some() {
        Some("what a match does to the request belongs to its first rule")
    } else if actions.skip.is_some() || actions.skip_after.is_some() {
        Some("`skip` and `skipAfter` belong to its first rule")
    } else {
        None
    }
}

fn link(
    actions: &mut Actions,
    targets: Targets,
    test: Test,
    inherited: &Actions,
) -> Result<Link, Cause> {
    let mut transformations = inherited.transformations.clone().unwrap_or_default();
    if actions.forgets_transformations {
        transformations.clear();
    }
    transformations.extend(actions.transformations.take().unwrap_or_default());
    if transformations.len() > TRANSFORMATIONS_MAX {
        return Err(Cause::Limit { what: "transformations in a rule", max: TRANSFORMATIONS_MAX });
    }
    let mut effects = inherited.effects.clone();
    effects.append(&mut actions.effects);
    Ok(Link {
        targets,
        test,
        transformations,
        pipeline: 0,
        gates: None,
        quick: Quick::default(),
        stages: None,
        is_multi_match: actions.is_multi_match,
        is_capture: actions.is_capture || inherited.is_capture,
        effects,
    })
}
