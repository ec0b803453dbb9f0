//! A form was sent from a page of ours, as far as the browser says.

use http::StatusCode;
use http::header::ORIGIN;

use crate::answer::{Call, Refusal};
use crate::identity::House;

pub(crate) fn same_site(house: &House, call: &Call) -> Result<(), Refusal> {
    let headers = call.request.headers();
    let origins_agree = headers
        .get_all(ORIGIN)
        .iter()
        .all(|origin| origin.as_bytes() == house.settings.issuer.as_bytes());
    // `none` is a person who typed the address; it cannot be a form on another site.
    let site_agrees = headers
        .get_all("sec-fetch-site")
        .iter()
        .all(|site| site == "same-origin" || site == "none");
    if origins_agree && site_agrees {
        return Ok(());
    }
    Err(Refusal::Person { status: StatusCode::FORBIDDEN, why: "This form came from another site." })
}
