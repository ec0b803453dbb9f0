//! Fit: whether parameters and body are what the schema declares, and what that proves.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use ringwall_manifest::OwnerRule;
use ringwall_openapi::{BodyParts, Limits, Proof, RequestParts, Unknown, Violation, ViolationKind};

use crate::stage::authorize::Permit;
use crate::stage::normalize::Normal;
use crate::stage::route::Route;
use crate::{Refusal, own};

/// Holds path, query, fields and cookies to the schema, and says which values it proves harmless.
pub(super) fn parameters(request: &Normal, route: &Route) -> Result<Vec<Proof>, Refusal> {
    let Some(schema) = route.operation().schema() else { return Ok(Vec::new()) };
    let parts = RequestParts {
        path_params: route.values(),
        query: request.query(),
        headers: request.fields(),
        unknown: unknown(route),
    };
    schema.check_request(&parts).map_err(|violations| refuse(&violations))
}

/// Holds a body to the schema and to the owner that it has to name. Where rules look at it, says which
/// values are proved.
pub(super) fn body(
    fields: &HeaderMap,
    (bytes, has_rules): (&[u8], bool),
    route: &Route,
    (permit, owner): (&Permit, Option<&OwnerRule>),
) -> Result<Vec<Proof>, Refusal> {
    // Which of two types the service reads the body by, it decides for itself.
    let mut types = fields.get_all(CONTENT_TYPE).iter();
    let content_type = types.next().map(|value| value.to_str());
    if types.next().is_some() {
        return Err(Refusal::malformed("two content types"));
    }
    let content_type = content_type.transpose();
    let content_type =
        content_type.map_err(|_other| Refusal::malformed("content-type is not text"))?;
    let proofs = match route.operation().schema() {
        Some(schema) => {
            let limits = Limits::default();
            let parts = BodyParts { content_type, bytes, unknown: unknown(route), limits };
            let checked = if has_rules {
                schema.prove_body(&parts)
            } else {
                schema.check_body_as(&parts).map(|()| Vec::new())
            };
            checked.map_err(|violations| refuse(&violations))?
        }
        None => Vec::new(),
    };
    let Some(rule) = owner else { return Ok(proofs) };
    let is_form =
        content_type.is_some_and(|text| text.starts_with("application/x-www-form-urlencoded"));
    let is_own = permit.owner(rule).is_some_and(|owner| {
        if is_form {
            let is_in = |form| own::is_in_form(form, &rule.name, owner);
            !own::is_json_too(bytes) && std::str::from_utf8(bytes).is_ok_and(is_in)
        } else {
            own::is_in_json(bytes, &rule.name, owner)
        }
    });
    if is_own {
        return Ok(proofs);
    }
    let why = "permitted for own objects only, and the body names another owner".to_owned();
    Err(Refusal::Forbidden { why, line: permit.line().cloned() })
}

fn unknown(route: &Route) -> Unknown {
    if route.operation().refuses_unknown_parameters { Unknown::Refuse } else { Unknown::Pass }
}

fn refuse(violations: &[Violation]) -> Refusal {
    if violations.iter().any(|violation| violation.kind == ViolationKind::MediaType) {
        return Refusal::MediaType { why: "the schema does not declare this media type" };
    }
    let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
    Refusal::BadInput { why: texts.join("; ") }
}
