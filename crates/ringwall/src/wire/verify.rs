//! `ringwall audit verify`: reads the log's files alone, also while a server writes to them.

use std::path::PathBuf;

use anyhow::{Context, Result};
use ringwall_audit::verify_against;
use ringwall_jose::base64url_decode;
use serde_json::json;

use crate::exit::Exit;
use crate::out::{Format, Out};
use crate::paths::Place;

/// Recomputes the whole log.
pub(crate) fn verify_audit(kept: &[PathBuf], place: &Place, out: &mut Out) -> Result<Exit> {
    let path = place.state().join("audit.pub.json");
    let text = std::fs::read(&path).with_context(|| {
        format!("cannot read {}, the key that checkpoints are signed with", path.display())
    })?;
    let key = raw_key(&text).context("audit.pub.json is not an Ed25519 key")?;
    let note = |path: &PathBuf| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let outside = kept.iter().map(note).collect::<Result<Vec<String>>>()?;
    match verify_against(&place.audit(), &key, &outside) {
        Ok(verified) => {
            let (events, checkpoints) = (verified.events, verified.checkpoints);
            if out.format() == Format::Json {
                out.json(&json!({ "events": events, "checkpoints": checkpoints, "root": verified.root.to_string() }))?;
            } else {
                out.talk(&format!("√ {events} events, {checkpoints} checkpoints: nothing was changed, removed or moved"));
                let unsigned = events.saturating_sub(verified.signed);
                if unsigned > 0 {
                    out.talk(&format!(
                        "  the newest {unsigned} are not under a signed checkpoint yet"
                    ));
                }
                out.talk(&format!("  root {}", verified.root));
                if outside.is_empty() {
                    out.talk("  only a copy outside shows a log that was cut or replaced: keep what `ringwall audit checkpoint` prints, and give it back with --checkpoint");
                }
            }
            Ok(Exit::Ok)
        }
        Err(problems) => {
            if out.format() == Format::Json {
                let problems: Vec<_> =
                    problems.iter().map(|problem| json!(problem.to_string())).collect();
                out.json(&json!({ "problems": problems }))?;
            }
            for problem in &problems {
                out.talk(&format!("× {problem}"));
            }
            out.talk(&format!("× the audit log does not verify: {} found", problems.len()));
            Ok(Exit::Findings)
        }
    }
}

/// The 32 bytes of an Ed25519 public key in its JWK (RFC 8037 section 2).
pub(super) fn raw_key(jwk: &[u8]) -> Option<Vec<u8>> {
    let jwk: serde_json::Value = serde_json::from_slice(jwk).ok()?;
    let is_ed25519 = jwk.get("crv")?.as_str()? == "Ed25519";
    let bytes = base64url_decode(jwk.get("x")?.as_str()?)?;
    (is_ed25519 && bytes.len() == 32).then_some(bytes)
}
