//! What a schema proved, as the rules name it.

use ringwall_openapi::{Kind, Proof, ProofPlace, ProofStep};
use ringwall_waf::Part;

/// One value.
#[derive(Debug)]
pub(super) struct Proved {
    part: Part,
    name: String,
    value: String,
    kind: Kind,
}

impl Proved {
    pub(super) fn list(proofs: &[Proof]) -> Vec<Self> {
        proofs.iter().map(Self::new).collect()
    }

    fn new(proof: &Proof) -> Self {
        let part = match proof.place {
            ProofPlace::Cookie => Part::Cookie,
            ProofPlace::Form | ProofPlace::Json => Part::Body,
            ProofPlace::Header => Part::Header,
            ProofPlace::Query => Part::Query,
        };
        // The engine's own names of leaves: `json.items.array_0.sku`.
        let mut name =
            if proof.place == ProofPlace::Json { "json".to_owned() } else { String::new() };
        for step in &proof.path {
            if !name.is_empty() {
                name.push('.');
            }
            match step {
                ProofStep::Index(index) => {
                    name.push_str("array_");
                    name.push_str(&index.to_string());
                }
                ProofStep::Name(key) => name.push_str(key),
            }
        }
        Self { part, name, value: proof.value.clone(), kind: proof.kind }
    }

    /// For the engine.
    pub(super) fn shown(&self) -> ringwall_waf::Proof<'_> {
        let (part, name, value) = (self.part, self.name.as_bytes(), self.value.as_bytes());
        ringwall_waf::Proof { part, name, value }
    }

    /// For people: where it is as rules write it, and what proved it; never the value.
    pub(super) fn told(&self) -> (String, &'static str) {
        let list = match self.part {
            Part::Body | Part::Query => "ARGS",
            Part::Cookie => "REQUEST_COOKIES",
            Part::Header => "REQUEST_HEADERS",
        };
        (format!("{list}:{}", self.name), self.kind.name())
    }
}
