//! Messages of gRPC: one is held back and checked here, those of a stream while they pass.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::Request;
use ringwall_manifest::OwnerRule;
use ringwall_net::{Body, CollectError};

use crate::Refusal;
use crate::messages::{Checked, Coding, Late, Messages, Shown, Verdict};
use crate::record::Record;
use crate::stage::authorize::Permit;

use super::{stream, too_large};

/// What goes with a body of messages that is sent on.
pub(super) type Passed = (Option<Arc<AtomicBool>>, Option<Late>);

/// Where its owner has to stand, if it has to, and who that has to be.
type Owner<'a> = Option<(&'a OwnerRule, &'a Permit)>;

/// Holds a request to its descriptors.
pub(super) async fn inspect(
    request: &mut Request<Body>,
    messages: &Arc<Messages>,
    (bytes_max, owner): (usize, Owner<'_>),
    record: &mut Record<'_>,
) -> Result<Passed, Refusal> {
    let coding = match Messages::coding(request.headers()) {
        Ok(coding) => coding,
        Err(verdict) => {
            record.waive(verdict.refusal())?;
            return open(request, bytes_max, record);
        }
    };
    if messages.is_stream() {
        // The owner would stand in any of them, or in none.
        if owner.is_some() {
            record.waive(not_own(owner))?;
        }
        let passed = open(request, bytes_max, record)?;
        let late = Late::default();
        let body = std::mem::take(request.body_mut());
        let told = (late.clone(), record.enforces());
        *request.body_mut() = Body::boxed(Checked::new(body, messages, coding, told));
        return Ok((passed.0, Some(late)));
    }
    let body = std::mem::take(request.body_mut());
    let collected = body.collect(bytes_max).await.map_err(|error| match error {
        CollectError::TooLarge(_) => too_large(bytes_max),
        CollectError::Body(_) => Refusal::malformed("the body broke off"),
    })?;
    *request.body_mut() = Body::from(collected.bytes.clone());
    let mut shown = Shown::default();
    let mut owners = Vec::new();
    let wants_leaves = record.rules().is_some();
    let checked = one(messages, &collected.bytes, coding, &mut |leaf| {
        if let Some((rule, _)) = owner
            && leaf.path == rule.name
        {
            owners.push(leaf.value.text().into_owned());
        }
        if wants_leaves {
            shown.add(&leaf);
        }
    });
    if let Err(verdict) = checked {
        record.waive(verdict.refusal())?;
    }
    let named = owner.and_then(|(rule, permit)| permit.owner(rule));
    let is_own = |found: &[Vec<u8>]| matches!(found, [one] if named.is_some_and(|named| named.as_bytes() == one.as_slice()));
    if owner.is_some() && !is_own(&owners) {
        record.waive(not_own(owner))?;
    }
    if shown.is_over() {
        let verdict = Verdict::limit("more fields than rules look at");
        record.look(|_guard| Some(verdict.refusal()))?;
    }
    record.look(|guard| guard.arguments(shown.into_list()))?;
    Ok((None, None))
}

/// The one message of a method that takes one.
fn one(
    messages: &Messages,
    bytes: &[u8],
    coding: Coding,
    show: &mut ringwall_protobuf::Show<'_>,
) -> Result<(), Verdict> {
    let mut frames = messages.frames();
    frames.push(bytes);
    let message = frames.next()?.ok_or_else(|| Verdict::new("no whole message"))?;
    if !frames.is_empty() {
        return Err(Verdict::new("more than the one message that the method takes"));
    }
    messages.check(&message, coding, show)
}

/// Lets a body through that is not held: rules see its head.
fn open(
    request: &mut Request<Body>,
    bytes_max: usize,
    record: &mut Record<'_>,
) -> Result<Passed, Refusal> {
    record.look(|guard| guard.body(Bytes::new()))?;
    Ok((stream(request.body_mut(), bytes_max)?, None))
}

fn not_own(owner: Owner<'_>) -> Refusal {
    let why =
        "permitted for own objects only, and the message names no owner or another".to_owned();
    Refusal::Forbidden { why, line: owner.and_then(|(_, permit)| permit.line().cloned()) }
}
