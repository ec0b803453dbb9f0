//! What comes with a request: each member known and once, nothing more (attack M2).

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::Problem;
use crate::answer::Call;
use crate::form::Form;

/// The parameters of the address; others than these are refused.
pub(super) fn query(call: &Call, known: &[&str]) -> Result<Form, Problem> {
    let text = call.request.uri().query().unwrap_or_default();
    let query = Form::parse(text.as_bytes())
        .map_err(|_malformed| Problem::malformed("the parameters are malformed"))?;
    if query.names().any(|name| !known.contains(&name)) {
        return Err(Problem::malformed("a parameter is unknown"));
    }
    Ok(query)
}

/// The body, where there is to be one.
pub(super) fn json(call: &Call, is_wanted: bool) -> Result<Value, Problem> {
    let body = call.request.body();
    if !is_wanted {
        let refused = Problem::malformed("this takes no body");
        return if body.is_empty() { Ok(Value::Null) } else { Err(refused) };
    }
    let media = call.request.headers().get(CONTENT_TYPE);
    let media = media.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        let detail = "the body is to be application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let object = ringwall_jose::parse_json(body);
    object.map(Value::Object).map_err(|_malformed| Problem::malformed("the body is no JSON object"))
}

/// The body as what the route takes: a member that it does not know is an error, not ignored.
pub(super) fn read<T: DeserializeOwned>(body: &Value) -> Result<T, Problem> {
    T::deserialize(body).map_err(|_error| {
        Problem::unprocessable("a member is unknown, missing, or not of its kind")
    })
}

/// `limit` and `after` of a list.
pub(super) fn page(query: &Form) -> Result<(u32, String), Problem> {
    let limit = match query.get("limit") {
        None => ITEMS,
        Some(text) => {
            let limit = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok());
            let limit = limit.flatten().filter(|limit| (1..=ITEMS_MAX).contains(limit));
            limit.ok_or(Problem::malformed("`limit` is a number from 1 to 100"))?
        }
    };
    Ok((limit, query.get("after").unwrap_or_default().to_owned()))
}

/// A page of a list: one more item than wanted says that there is another page.
pub(super) fn paged(mut items: Vec<(String, Value)>, limit: u32) -> Value {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next = is_more.then(|| items.last().map(|(key, _)| key.clone())).flatten();
    let items: Vec<Value> = items.into_iter().map(|(_, item)| item).collect();
    serde_json::json!({ "items": items, "next": next })
}

const ITEMS: u32 = 50;
pub(super) const ITEMS_MAX: u32 = 100;
