//! The parameters in the address of a page.

use crate::answer::{Call, Refusal};
use crate::form::Form;

pub(crate) fn query(call: &Call) -> Result<Form, Refusal> {
    Form::parse(call.request.uri().query().unwrap_or_default().as_bytes())
        .map_err(|_malformed| Refusal::person("The request is malformed."))
}
