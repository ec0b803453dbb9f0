//! The shared file: every verifier, whatever its language, gives these answers.

use ringwall_base::Timestamp;
use ringwall_jose::{Expected, KeySet};
use serde_json::Value;

#[test]
fn every_shared_token_is_judged_as_the_file_says() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../data/internal_tokens.json")).unwrap();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(disagreement).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let names: std::collections::BTreeSet<_> =
        cases.iter().map(|c| c["name"].to_string()).collect();
    assert_eq!(names.len(), cases.len(), "names are unique");
}

fn disagreement(case: &Value) -> Option<String> {
    let keys = KeySet::parse(case["jwks"].to_string().as_bytes()).unwrap_or_default();
    let expected = Expected {
        issuer: case["expected"]["issuer"].as_str().unwrap().to_owned(),
        audience: case["expected"]["audience"].as_str().unwrap().to_owned(),
    };
    let now = Timestamp::from_secs(case["now"].as_u64().unwrap());
    let token = case["token"].as_str().unwrap();
    let result = match case["profile"].as_str().unwrap() {
        "access" => keys.verify_access(token, &expected, now).map(|_| ()),
        "internal" => keys.verify_internal(token, &expected, now).map(|_| ()),
        other => panic!("profile {other}"),
    };
    let got = result.as_ref().err().map_or("", |error| error.reason());
    let agrees = got == case["reason"].as_str().unwrap()
        && result.is_ok() == case["valid"].as_bool().unwrap();
    (!agrees).then(|| format!("{}: got `{got}`, want {}", case["name"], case["reason"]))
}
