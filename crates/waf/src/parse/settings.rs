//! Directives that set something, one line each.

use std::sync::Arc;

use crate::parse::Reader;
use crate::parse::control::{audit_engine, engine, on_off, parts, size, xml_into_args};
use crate::parse::directive::arguments;
use crate::parse::error::{Cause, shown};
use crate::pattern;
use crate::rule::PartsChange;
use crate::settings::OverLimit;
use crate::transform::UnicodeMap;

/// Runs a directive of the table, or says that there is none of that name.
pub(super) fn run(reader: &mut Reader<'_>, name: &[u8], words: &[&[u8]]) -> Result<(), Cause> {
    let is_it = |known: &str| known.as_bytes().eq_ignore_ascii_case(name);
    if let Some((_, set)) = ONE_WORD.iter().find(|(known, _)| is_it(known)) {
        let [word] = words else { return Err(arguments(name, "one word")) };
        return set(reader, word);
    }
    if is_it("SecResponseBodyMimeType") {
        let types = words.iter().map(|one| one.to_ascii_lowercase());
        reader.settings.response_types.extend(types);
        return Ok(());
    }
    if is_it("SecResponseBodyMimeTypesClear") {
        reader.settings.response_types.clear();
        return Ok(());
    }
    if is_it("SecUnicodeMapFile") {
        return unicode_map(reader, words);
    }
    if let Some(refused) = REFUSED.iter().find(|known| is_it(known)) {
        return Err(Cause::unsupported("directive", refused.as_bytes()));
    }
    if DEPRECATED.iter().any(|known| is_it(known)) {
        reader.warn(format!("`{}` does nothing here", shown(name)));
        return Ok(());
    }
    if ELSEWHERE.iter().any(|known| is_it(known)) && !words.is_empty() {
        return Ok(());
    }
    Err(Cause::unknown("directive", name, names()))
}

type Set = fn(&mut Reader<'_>, &[u8]) -> Result<(), Cause>;

const ONE_WORD: &[(&str, Set)] = &[
    ("SecArgumentSeparator", |reader, word| {
        let [separator] = word else { return Err(Cause::bad_value("one character", word)) };
        reader.settings.argument_separator = *separator;
        Ok(())
    }),
    ("SecArgumentsLimit", |reader, word| {
        reader.settings.arguments_max = size(word)?;
        Ok(())
    }),
    ("SecAuditEngine", |reader, word| {
        reader.settings.audit.engine = audit_engine(word)?;
        Ok(())
    }),
    ("SecAuditLogParts", |reader, word| {
        let PartsChange::Set(letters) = parts(word)? else {
            return Err(Cause::bad_value("parts of an audit entry", word));
        };
        reader.settings.audit.parts = letters;
        Ok(())
    }),
    ("SecAuditLogRelevantStatus", |reader, word| {
        // The recommended configuration of ModSecurity has a look-ahead; this says the same.
        let word = if word == b"^(?:5|4(?!04))" { b"^(?:5|4(?:0[^4]|[^0]))" } else { word };
        reader.settings.audit.relevant_status = Some(pattern::compile(word)?);
        Ok(())
    }),
    ("SecCollectionTimeout", |reader, word| {
        reader.settings.collection_timeout_secs = u64::try_from(size(word)?).unwrap_or(u64::MAX);
        Ok(())
    }),
    ("SecComponentSignature", |reader, word| {
        reader.settings.signatures.push(shown(word));
        Ok(())
    }),
    ("SecCookieFormat", |_, word| match word {
        b"0" => Ok(()),
        _ => Err(Cause::unsupported("cookie format", word)),
    }),
    ("SecParseXmlIntoArgs", |reader, word| {
        reader.settings.xml_into_args = xml_into_args(word)?;
        Ok(())
    }),
    ("SecRequestBodyAccess", |reader, word| {
        reader.settings.request.is_read = on_off(word)?;
        Ok(())
    }),
    ("SecRequestBodyJsonDepthLimit", |reader, word| {
        reader.settings.json_depth_max = size(word)?;
        Ok(())
    }),
    ("SecRequestBodyLimit", |reader, word| {
        reader.settings.request.bytes_max = size(word)?;
        Ok(())
    }),
    ("SecRequestBodyLimitAction", |reader, word| {
        reader.settings.request.over_limit = over_limit(word)?;
        Ok(())
    }),
    ("SecRequestBodyNoFilesLimit", |reader, word| {
        reader.settings.no_files_bytes_max = size(word)?;
        Ok(())
    }),
    ("SecResponseBodyAccess", |reader, word| {
        reader.settings.response.is_read = on_off(word)?;
        Ok(())
    }),
    ("SecResponseBodyLimit", |reader, word| {
        reader.settings.response.bytes_max = size(word)?;
        Ok(())
    }),
    ("SecResponseBodyLimitAction", |reader, word| {
        reader.settings.response.over_limit = over_limit(word)?;
        Ok(())
    }),
    ("SecRuleEngine", |reader, word| {
        reader.settings.engine = engine(word)?;
        Ok(())
    }),
    ("SecUploadFileLimit", |reader, word| {
        reader.settings.files_max = size(word)?;
        Ok(())
    }),
    ("SecWebAppId", |reader, word| {
        reader.settings.web_app_id = word.to_vec();
        Ok(())
    }),
    ("SecXmlExternalEntity", |_, word| {
        if on_off(word)? {
            return Err(Cause::unsupported("external entities, which leak files:", word));
        }
        Ok(())
    }),
];

/// What the program around this engine decides: where logs and files go, and how fast regexes are.
const ELSEWHERE: &[&str] = &[
    "SecAuditLog",
    "SecAuditLogDirMode",
    "SecAuditLogFileMode",
    "SecAuditLogFormat",
    "SecAuditLogPrefix",
    "SecAuditLogStorageDir",
    "SecAuditLogType",
    "SecDataDir",
    "SecDebugLog",
    "SecDebugLogLevel",
    "SecGeoLookupDb",
    "SecHttpBlKey",
    "SecPcreMatchLimit",
    "SecPcreMatchLimitRecursion",
    "SecRuleInheritance",
    "SecRulePerfTime",
    "SecRxPreFilter",
    "SecSensorId",
    "SecServerSignature",
    "SecTmpDir",
    "SecTmpSaveUploadedFiles",
    "SecUploadDir",
    "SecUploadFileMode",
    "SecUploadKeepFiles",
];

/// Accepted by the language, without a meaning here.
const DEPRECATED: &[&str] = &[
    "SecAuditLog2",
    "SecCacheTransformations",
    "SecChrootDir",
    "SecConnEngine",
    "SecConnReadStateLimit",
    "SecConnWriteStateLimit",
    "SecContentInjection",
    "SecCookieV0Separator",
    "SecDisableBackendCompression",
    "SecGsbLookupDb",
    "SecGuardianLog",
    "SecHashEngine",
    "SecHashKey",
    "SecHashMethodPm",
    "SecHashMethodRx",
    "SecHashParam",
    "SecInterceptOnError",
    "SecReadStateLimit",
    "SecRequestBodyInMemoryLimit",
    "SecRequestEncoding",
    "SecStatusEngine",
    "SecStreamInBodyInspection",
    "SecStreamOutBodyInspection",
    "SecUnicodeCodePage",
    "SecWriteStateLimit",
];

/// Rules that would come from elsewhere, or run other programs: never ignored in silence.
const REFUSED: &[&str] = &[
    "SecDataset",
    "SecIgnoreRuleCompilationErrors",
    "SecRemoteRules",
    "SecRemoteRulesFailAction",
    "SecResponseBodyJsonDepthLimit",
    "SecRuleScript",
];

/// Directives that stand in `directive.rs`, for the hint of an error.
const OTHERS: &[&str] = &[
    "Include",
    "SecAction",
    "SecDefaultAction",
    "SecMarker",
    "SecResponseBodyMimeType",
    "SecResponseBodyMimeTypesClear",
    "SecRule",
    "SecRuleRemoveById",
    "SecRuleRemoveByMsg",
    "SecRuleRemoveByTag",
    "SecRuleUpdateActionById",
    "SecRuleUpdateTargetById",
    "SecRuleUpdateTargetByMsg",
    "SecRuleUpdateTargetByTag",
    "SecUnicodeMapFile",
];

fn names() -> impl Iterator<Item = &'static str> {
    let set = ONE_WORD.iter().map(|(name, _)| *name);
    set.chain([OTHERS, ELSEWHERE].into_iter().flatten().copied())
}

fn over_limit(word: &[u8]) -> Result<OverLimit, Cause> {
    match word.to_ascii_lowercase().as_slice() {
        b"processpartial" => Ok(OverLimit::ProcessPartial),
        b"reject" => Ok(OverLimit::Reject),
        _ => Err(Cause::bad_value("a limit's action: `Reject` or `ProcessPartial`", word)),
    }
}

/// `SecUnicodeMapFile unicode.mapping 20127`.
fn unicode_map(reader: &mut Reader<'_>, words: &[&[u8]]) -> Result<(), Cause> {
    let (path, page) = match words {
        [path] => (path, b"20127".as_slice()),
        [path, page] => (path, *page),
        _ => return Err(arguments(b"SecUnicodeMapFile", "a file and a code page")),
    };
    let data = reader.data(path)?;
    let Some(map) = UnicodeMap::parse(&data, page) else {
        return Err(Cause::bad_value("a code page of the map", page));
    };
    reader.settings.unicode_map = Some(Arc::new(map));
    Ok(())
}
