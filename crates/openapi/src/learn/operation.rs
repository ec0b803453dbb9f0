//! What was seen of one operation.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::exchange::{Content, Exchange, Request};
use super::path::Template;
use super::shape::{Members, Shape};
use super::support::{Seen, Slots, Support};

/// One method of one path.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Operation {
    /// As the manifest calls it.
    pub(super) name: Option<String>,
    /// Whether somebody gave the template; else it is guessed.
    pub(super) is_declared: bool,
    pub(super) template: Template,
    /// In the order of the template's parameters.
    pub(super) path: Vec<Shape>,
    pub(super) query: Members,
    /// Requests without a body.
    pub(super) bodiless: Support,
    /// By media type.
    pub(super) bodies: Slots<Payload>,
    /// By status, then by media type.
    pub(super) answers: Slots<Slots<Shape>>,
}

/// A body of one media type.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Payload {
    pub(super) json: Option<Shape>,
    pub(super) fields: Option<Members>,
}

impl Operation {
    pub(super) fn request(
        &mut self,
        exchange: &Exchange<'_>,
        request: &Request,
        seen: &mut Seen<'_>,
    ) {
        let values = self.template.values(exchange.path);
        self.path.resize_with(values.len(), Shape::default);
        for (shape, value) in self.path.iter_mut().zip(&values) {
            shape.written(value, seen);
        }
        self.query.written(&request.query, seen);
        let media_type = match &request.body {
            Content::Empty => return self.bodiless.note(seen.caller),
            Content::Json(media_type, _)
            | Content::Fields(media_type, _)
            | Content::Other(media_type) => media_type,
        };
        let Some(payload) = self.bodies.note(media_type, MEDIA_TYPES_MAX, seen) else { return };
        match &request.body {
            Content::Json(_, node) => payload.json.get_or_insert_default().note(node, seen),
            Content::Fields(_, pairs) => {
                payload.fields.get_or_insert_default().written(pairs, seen);
            }
            Content::Empty | Content::Other(_) => {}
        }
    }

    pub(super) fn answer(&mut self, exchange: &Exchange<'_>, seen: &mut Seen<'_>) {
        let Some(answer) = exchange.answer else { return };
        let status = answer.status.to_string();
        let Some(types) = self.answers.note(&status, STATUSES_MAX, seen) else { return };
        let Some((media_type, node)) = answer.content() else { return };
        let Some(shape) = types.note(&media_type, MEDIA_TYPES_MAX, seen) else { return };
        if let Some(node) = node {
            shape.note(&node, seen);
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        for (own, other) in self.path.iter_mut().zip(other.path) {
            own.join(other);
        }
        self.name = self.name.take().or(other.name);
        self.is_declared |= other.is_declared;
        self.query.join(other.query);
        self.bodiless.join(&other.bodiless);
        self.bodies.join(other.bodies, |own, other| {
            match (&mut own.json, other.json) {
                (Some(own), Some(other)) => own.join(other),
                (own, other) => *own = own.take().or(other),
            }
            match (&mut own.fields, other.fields) {
                (Some(own), Some(other)) => own.join(other),
                (own, other) => *own = own.take().or(other),
            }
        });
        self.answers.join(other.answers, |own, other| own.join(other, Shape::join));
    }
}

impl Operation {
    /// The names in its query, its bodies and its answers: what tells one resource from another.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        let fields = self.bodies.iter().flat_map(|(_, slot)| {
            let json = slot.value.json.as_ref().and_then(|shape| shape.object.as_deref());
            json.into_iter().chain(slot.value.fields.as_ref())
        });
        let answers = self.answers.iter().filter(|(status, _)| status.starts_with('2'));
        let answers = answers.flat_map(|(_, types)| types.value.iter());
        let answers = answers.filter_map(|(_, slot)| slot.value.object.as_deref());
        let all = fields.chain(answers).chain([&self.query]);
        all.flat_map(|members| members.known.iter().map(|(name, _)| name.as_str())).collect()
    }
}

const MEDIA_TYPES_MAX: usize = 8;

const STATUSES_MAX: usize = 24;
