//! `ctl:OPTION=VALUE`, and the choice of rules that exclusions make.

use std::sync::Arc;

use crate::cursor::{is_space, split_once, trim};
use crate::parse::actions::number;
use crate::parse::error::Cause;
use crate::parse::targets;
use crate::pattern;
use crate::rule::{
    AuditEngine, Choice, Chosen, Control, Engine, Literal, PartsChange, Processor, XmlIntoArgs,
};

/// Reads one option.
pub(crate) fn parse(text: &[u8]) -> Result<Control, Cause> {
    let Some((option, value)) = split_once(text, b'=') else {
        return Err(Cause::bad_value("ctl", text));
    };
    let value = trim(value);
    let option = trim(option).to_ascii_lowercase();
    Ok(match option.as_slice() {
        b"auditengine" => Control::AuditEngine(audit_engine(value)?),
        b"auditlogparts" => Control::AuditLogParts(parts(value)?),
        b"debugloglevel" | b"hashenforcement" | b"hashengine" => Control::Ignored,
        b"forcerequestbodyvariable" => Control::ForceRequestBodyVariable(on_off(value)?),
        b"parsexmlintoargs" => Control::ParseXmlIntoArgs(xml_into_args(value)?),
        b"requestbodyaccess" => Control::RequestBodyAccess(on_off(value)?),
        b"requestbodylimit" => Control::RequestBodyLimit(size(value)?),
        b"requestbodyprocessor" => Control::RequestBodyProcessor(processor(value)?),
        b"responsebodyaccess" => Control::ResponseBodyAccess(on_off(value)?),
        b"responsebodylimit" => Control::ResponseBodyLimit(size(value)?),
        b"ruleengine" => Control::RuleEngine(engine(value)?),
        b"ruleremovebyid" => Control::RemoveRules(chosen(Choice::Ids(ids(value)?))),
        b"ruleremovebymsg" => Control::RemoveRules(chosen(Choice::Msg(literal(value)?))),
        b"ruleremovebytag" => Control::RemoveRules(chosen(Choice::Tag(literal(value)?))),
        b"ruleremovetargetbyid" => remove_targets(value, |of| Ok(Choice::Ids(ids(of)?)))?,
        b"ruleremovetargetbymsg" => remove_targets(value, |of| Ok(Choice::Msg(literal(of)?)))?,
        b"ruleremovetargetbytag" => remove_targets(value, |of| Ok(Choice::Tag(literal(of)?)))?,
        _ => return Err(Cause::unknown("ctl option", &option, OPTIONS.iter().copied())),
    })
}

/// The options that are known and do nothing here, as warnings have them.
const IGNORED: [&str; 3] = ["ctl:debugLogLevel", "ctl:hashEnforcement", "ctl:hashEngine"];

/// What a warning says of an option that does nothing.
pub(crate) fn ignored(text: &[u8]) -> Option<&'static str> {
    let option = split_once(text, b'=').map_or(text, |(option, _)| trim(option));
    IGNORED.into_iter().find(|known| {
        known.strip_prefix("ctl:").is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(option))
    })
}

fn remove_targets(
    value: &[u8],
    choice: impl Fn(&[u8]) -> Result<Choice, Cause>,
) -> Result<Control, Cause> {
    let Some((rules, list)) = split_once(value, b';') else {
        return Err(Cause::bad_value("ctl: it takes `RULES;VARIABLE`", value));
    };
    let targets = targets::parse_removed(list)?;
    Ok(Control::RemoveTargets(chosen(choice(trim(rules))?), targets))
}

/// A choice whose rules are not looked up yet.
pub(crate) fn chosen(by: Choice) -> Chosen {
    Chosen { by, rules: Arc::from([]) }
}

/// `1`, `1-9`, several with commas or spaces between.
pub(crate) fn ids(text: &[u8]) -> Result<Vec<(u64, u64)>, Cause> {
    let bad = || Cause::bad_value("a rule id or a range of them", text);
    let mut ranges = Vec::new();
    for one in text.split(|byte| is_space(*byte) || *byte == b',').filter(|one| !one.is_empty()) {
        let range = match split_once(one, b'-') {
            Some((first, last)) => number(first).zip(number(last)),
            None => number(one).map(|id| (id, id)),
        };
        ranges.push(range.filter(|(first, last)| first <= last).ok_or_else(bad)?);
    }
    if ranges.is_empty() { Err(bad()) } else { Ok(ranges) }
}

/// A tag or a message.
pub(crate) fn literal(text: &[u8]) -> Result<Literal, Cause> {
    let is_pattern = text.iter().any(|byte| b"^$*+?()[]{}|\\".contains(byte))
        || text.windows(2).any(|pair| pair == b".*");
    let pattern = if is_pattern { Some(pattern::compile(text)?) } else { None };
    Ok(Literal { text: text.into(), pattern })
}

pub(crate) fn on_off(value: &[u8]) -> Result<bool, Cause> {
    match value.to_ascii_lowercase().as_slice() {
        b"on" => Ok(true),
        b"off" => Ok(false),
        _ => Err(Cause::bad_value("a switch, which is `On` or `Off`", value)),
    }
}

pub(crate) fn engine(value: &[u8]) -> Result<Engine, Cause> {
    match value.to_ascii_lowercase().as_slice() {
        b"on" => Ok(Engine::On),
        b"off" => Ok(Engine::Off),
        b"detectiononly" => Ok(Engine::DetectionOnly),
        _ => Err(Cause::bad_value("the engine: `On`, `Off` or `DetectionOnly`", value)),
    }
}

pub(crate) fn audit_engine(value: &[u8]) -> Result<AuditEngine, Cause> {
    match value.to_ascii_lowercase().as_slice() {
        b"on" => Ok(AuditEngine::On),
        b"off" => Ok(AuditEngine::Off),
        b"relevantonly" => Ok(AuditEngine::RelevantOnly),
        _ => Err(Cause::bad_value("the audit engine: `On`, `Off` or `RelevantOnly`", value)),
    }
}

/// A number of bytes or things; 0 is none of the language's limits.
pub(crate) fn size(value: &[u8]) -> Result<usize, Cause> {
    number(value)
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size > 0)
        .ok_or_else(|| Cause::bad_value("a limit, which is a positive number", value))
}

fn processor(value: &[u8]) -> Result<Processor, Cause> {
    match value.to_ascii_lowercase().as_slice() {
        b"bycontent" => Ok(Processor::ByContent),
        b"json" => Ok(Processor::Json),
        b"multipart" => Ok(Processor::Multipart),
        b"urlencoded" => Ok(Processor::UrlEncoded),
        b"xml" => Ok(Processor::Xml),
        _ => Err(Cause::bad_value("a body processor", value)),
    }
}

pub(crate) fn xml_into_args(value: &[u8]) -> Result<XmlIntoArgs, Cause> {
    match value.to_ascii_lowercase().as_slice() {
        b"off" => Ok(XmlIntoArgs::Off),
        b"on" => Ok(XmlIntoArgs::On),
        b"onlyargs" => Ok(XmlIntoArgs::OnlyArgs),
        _ => Err(Cause::bad_value("elements as arguments: `Off`, `On` or `OnlyArgs`", value)),
    }
}

/// `+E`, `-C`, `ABZ`: parts that there are.
pub(crate) fn parts(value: &[u8]) -> Result<PartsChange, Cause> {
    let (letters, change): (&[u8], fn(Vec<u8>) -> PartsChange) = match value.split_first() {
        Some((b'+', letters)) => (letters, PartsChange::Add),
        Some((b'-', letters)) => (letters, PartsChange::Remove),
        _ => (value, PartsChange::Set),
    };
    if letters.is_empty() || !letters.iter().all(|letter| matches!(letter, b'A'..=b'K' | b'Z')) {
        return Err(Cause::bad_value("parts of an audit entry", value));
    }
    Ok(change(letters.to_vec()))
}

const OPTIONS: &[&str] = &[
    "auditEngine",
    "auditLogParts",
    "forceRequestBodyVariable",
    "parseXmlIntoArgs",
    "requestBodyAccess",
    "requestBodyLimit",
    "requestBodyProcessor",
    "responseBodyAccess",
    "responseBodyLimit",
    "ruleEngine",
    "ruleRemoveById",
    "ruleRemoveByMsg",
    "ruleRemoveByTag",
    "ruleRemoveTargetById",
    "ruleRemoveTargetByMsg",
    "ruleRemoveTargetByTag",
];
