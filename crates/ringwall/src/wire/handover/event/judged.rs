//! What rules found, on its way to another process.

use ringwall_base::RuleMatch;
use serde::{Deserialize, Serialize};

/// [`ringwall_base::Judged`] as it crosses.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Judged {
    matches: Vec<Matched>,
    left_out: usize,
    others: Vec<u64>,
    proven: usize,
    proven_places: Vec<String>,
    inbound_score: Option<u32>,
    outbound_score: Option<u32>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Matched {
    rule: u64,
    phase: u8,
    severity: Option<u8>,
    variable: String,
    value: Option<String>,
    message: String,
    is_disruptive: bool,
}

impl Judged {
    pub(super) fn pack(judged: ringwall_base::Judged) -> Self {
        let matches = judged.matches.into_iter().map(|one| Matched {
            rule: one.rule,
            phase: one.phase,
            severity: one.severity,
            variable: one.variable,
            value: one.value,
            message: one.message,
            is_disruptive: one.is_disruptive,
        });
        Self {
            matches: matches.collect(),
            left_out: judged.left_out,
            others: judged.others,
            proven: judged.proven,
            proven_places: judged.proven_places,
            inbound_score: judged.inbound_score,
            outbound_score: judged.outbound_score,
        }
    }

    pub(super) fn unpack(self) -> ringwall_base::Judged {
        let matches = self.matches.into_iter().map(|one| RuleMatch {
            rule: one.rule,
            phase: one.phase,
            severity: one.severity,
            variable: one.variable,
            value: one.value,
            message: one.message,
            is_disruptive: one.is_disruptive,
        });
        ringwall_base::Judged {
            matches: matches.collect(),
            left_out: self.left_out,
            others: self.others,
            proven: self.proven,
            proven_places: self.proven_places,
            inbound_score: self.inbound_score,
            outbound_score: self.outbound_score,
        }
    }
}
