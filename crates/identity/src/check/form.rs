//! A form in the body of a POST, and nowhere else.

use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};

use crate::answer::{Call, Refusal};
use crate::form::{FORM_BYTES_MAX, Form, FormError};

pub(crate) fn form(call: &Call) -> Result<Form, Refusal> {
    if call.request.method() != Method::POST {
        return Err(Refusal::method());
    }
    // Parameters in a URL end up in logs (attack T4).
    if call.request.uri().query().is_some() {
        return Err(Refusal::client("invalid_request", "parameters belong in the body"));
    }
    let content_type = call.request.headers().get(CONTENT_TYPE);
    let media = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::client("invalid_request", "the body is not a form"));
    }
    if call.request.body().len() > FORM_BYTES_MAX {
        return Err(Refusal::Client {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            error: "invalid_request",
            why: "the form is too large",
        });
    }
    Form::parse(call.request.body()).map_err(|error| match error {
        FormError::Duplicate => Refusal::client("invalid_request", "a parameter stands twice"),
        FormError::Encoding | FormError::TooLarge => {
            Refusal::client("invalid_request", "the form is malformed")
        }
    })
}
