//! The rules that are in the program: what the engine does for any rule set, and a rule set of our
//! own for those who have no other.
//!
//! Its ids begin at 7,700,000, where no other known set has any. The names of its scores are those
//! of the Core Rule Set, so that whoever reads a score reads both.

use crate::parse::{Library, LibraryError, Source};

/// How suspicious rules are, and what they may come to. Both rule sets read it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Strictness {
    /// 1 to 4.
    pub paranoia: u8,
    /// The score at which a request is refused.
    pub inbound_threshold: u32,
    /// The score at which an answer is withheld.
    pub outbound_threshold: u32,
}

/// The files that are in the program.
#[derive(Clone, Copy, Debug)]
pub struct OwnRules;

impl Strictness {
    /// As `SecLang`, to be read before the rules. `paranoia_level` is the name in CRS 3.
    pub fn source(&self) -> Source {
        let Self { paranoia, inbound_threshold, outbound_threshold } = self;
        let text = format!(
            "SecAction \"id:7700010,phase:1,pass,nolog,t:none,\
             setvar:tx.blocking_paranoia_level={paranoia},\
             setvar:tx.detection_paranoia_level={paranoia},setvar:tx.paranoia_level={paranoia},\
             setvar:tx.inbound_anomaly_score_threshold={inbound_threshold},\
             setvar:tx.outbound_anomaly_score_threshold={outbound_threshold}\"\n"
        );
        Source { name: "ringwall:strictness".to_owned(), text: text.into_bytes() }
    }
}

impl Default for Strictness {
    fn default() -> Self {
        Self { paranoia: 1, inbound_threshold: 5, outbound_threshold: 4 }
    }
}

impl OwnRules {
    /// Bodies, their readers and limits: read before any rule set.
    pub fn engine() -> Source {
        source("engine.conf", include_str!("../rules/engine.conf"))
    }

    /// The rule set, in the order of its files.
    pub fn sources() -> Vec<Source> {
        RULES.iter().map(|(name, text)| source(name, text)).collect()
    }
}

impl Library for OwnRules {
    fn include(&self, pattern: &str, from: &str) -> Result<Vec<Source>, LibraryError> {
        Err(LibraryError(format!("`{from}` has no file `{pattern}` beside it")))
    }

    fn data(&self, path: &str, _from: &str) -> Result<Vec<u8>, LibraryError> {
        let found = DATA.iter().find(|(name, _)| *name == path);
        let text = found.map(|(_, text)| text.as_bytes().to_vec());
        text.ok_or_else(|| LibraryError("there is no such file in the program".to_owned()))
    }
}

fn source(name: &str, text: &str) -> Source {
    Source { name: format!("{PREFIX}{name}"), text: text.as_bytes().to_vec() }
}

/// What names of files in the program begin with: no path on disk does.
const PREFIX: &str = "ringwall:";

const RULES: &[(&str, &str)] = &[
    ("protocol.conf", include_str!("../rules/protocol.conf")),
    ("injection.conf", include_str!("../rules/injection.conf")),
    ("commands.conf", include_str!("../rules/commands.conf")),
    ("scanners.conf", include_str!("../rules/scanners.conf")),
    ("uploads.conf", include_str!("../rules/uploads.conf")),
    ("answers.conf", include_str!("../rules/answers.conf")),
    ("score.conf", include_str!("../rules/score.conf")),
];

const DATA: &[(&str, &str)] = &[
    ("database-errors.data", include_str!("../rules/database-errors.data")),
    ("scanners.data", include_str!("../rules/scanners.data")),
    ("system-files.data", include_str!("../rules/system-files.data")),
];
