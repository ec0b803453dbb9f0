//! What the engine directives say: bodies, limits, audit.

use std::sync::Arc;

use crate::pattern::Pattern;
use crate::rule::{AuditEngine, Engine, XmlIntoArgs};
use crate::transform::UnicodeMap;

/// The settings of a rule set, before `ctl` changes some for one transaction.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) engine: Engine,
    pub(crate) request: BodySettings,
    /// Of a request body, without the files in it.
    pub(crate) no_files_bytes_max: usize,
    pub(crate) json_depth_max: usize,
    pub(crate) xml_into_args: XmlIntoArgs,
    pub(crate) arguments_max: usize,
    pub(crate) argument_separator: u8,
    pub(crate) files_max: usize,
    pub(crate) response: BodySettings,
    /// Media types of answers that are looked at, in lower case.
    pub(crate) response_types: Vec<Vec<u8>>,
    pub(crate) audit: Audit,
    pub(crate) signatures: Vec<String>,
    pub(crate) web_app_id: Vec<u8>,
    pub(crate) collection_timeout_secs: u64,
    pub(crate) unicode_map: Option<Arc<UnicodeMap>>,
}

/// Whether a body is read, and how much of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodySettings {
    pub(crate) is_read: bool,
    pub(crate) bytes_max: usize,
    pub(crate) over_limit: OverLimit,
}

/// What happens to a body that is too large.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OverLimit {
    ProcessPartial,
    Reject,
}

/// What is written of a transaction.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    pub(crate) engine: AuditEngine,
    pub(crate) parts: Vec<u8>,
    pub(crate) relevant_status: Option<Pattern>,
}

impl Settings {
    /// Whether answers of this `Content-Type` are looked at; parameters do not count.
    pub(crate) fn has_response_type(&self, content_type: &[u8]) -> bool {
        let bare = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
        let bare = crate::cursor::trim(bare);
        self.response_types.iter().any(|one| one.eq_ignore_ascii_case(bare))
    }
}

impl Default for Settings {
    /// What ModSecurity 2 has before the first directive, except where the language leaves it open
    /// and less is safer: JSON depth.
    fn default() -> Self {
        let body =
            BodySettings { is_read: false, bytes_max: 128 << 20, over_limit: OverLimit::Reject };
        Self {
            engine: Engine::Off,
            request: body,
            no_files_bytes_max: 1 << 20,
            json_depth_max: 64,
            xml_into_args: XmlIntoArgs::Off,
            arguments_max: 1_000,
            argument_separator: b'&',
            files_max: 100,
            response: BodySettings { bytes_max: 512 << 10, ..body },
            response_types: vec![b"text/plain".to_vec(), b"text/html".to_vec()],
            audit: Audit {
                engine: AuditEngine::Off,
                parts: b"ABCFHZ".to_vec(),
                relevant_status: None,
            },
            signatures: Vec::new(),
            web_app_id: b"default".to_vec(),
            collection_timeout_secs: 3_600,
            unicode_map: None,
        }
    }
}
