//! The fuzzer's way in: any bytes as a document, a body, a query and an answer.

use std::collections::HashSet;

use crate::violation::REPORTED_MAX;
use crate::{
    CutRule, Document, Fate, FieldRule, Filtered, RequestParts, Unknown, decode, filter_fields,
};

/// A document with most kinds of parameters and bodies, for hostile requests.
const DOCUMENT: &str = r##"{"openapi":"3.1.0","paths":{"/a/{id}":{"post":{"operationId":"op",
"parameters":[{"name":"id","in":"path","schema":{"type":"integer"}},
{"name":"list","in":"query","schema":{"type":"array","items":{"type":"integer"}}},
{"name":"deep","in":"query","style":"deepObject","schema":{"type":"object","properties":{"a":{"type":"number"}}}},
{"name":"pipe","in":"query","style":"pipeDelimited","explode":false,"schema":{"type":"array"}},
{"name":"when","in":"query","schema":{"type":"string","format":"date-time"}}],
"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Tree"}},
"application/x-www-form-urlencoded":{"schema":{"$ref":"#/components/schemas/Tree"}},
"multipart/form-data":{"schema":{"$ref":"#/components/schemas/Tree"}}}},
"responses":{"default":{"content":{"*/*":{"schema":{"$ref":"#/components/schemas/Tree"}}}}}}}},
"components":{"schemas":{"Tree":{"type":"object","properties":{"left":{"$ref":"#/components/schemas/Tree"},
"text":{"pattern":"^[a-z]+$","format":"email"},"list":{"uniqueItems":true,"contains":{"const":1}}},
"anyOf":[{"required":["left"]},{"required":["text"]}]}}}}"##;

/// Reads hostile bytes in every way. The contract: no panic, and a cut answer needs no second cut.
pub fn fuzz(data: &[u8]) {
    if let Ok(document) = Document::parse(data, "fuzz") {
        let contract = document.contract();
        let names: HashSet<&str> =
            contract.operations.iter().map(|operation| operation.name.as_str()).collect();
        debug_assert_eq!(names.len(), contract.operations.len(), "names are unique");
    }
    let Ok(Ok(schemas)) = Document::parse(DOCUMENT.as_bytes(), "a").map(|one| one.compile()) else {
        return;
    };
    let Some(operation) = schemas.operation("op") else { return };
    let types = ["application/json", "application/x-www-form-urlencoded"];
    for content_type in types.into_iter().chain(["multipart/form-data; boundary=x", "a/b"]) {
        let found = operation.check_body(Some(content_type), data).err().unwrap_or_default();
        debug_assert!(found.len() <= REPORTED_MAX, "reports are bounded");
    }
    let text = String::from_utf8_lossy(data);
    let parts = RequestParts {
        path_params: &[("id".to_owned(), text.clone().into_owned())],
        query: Some(&text),
        headers: &http::HeaderMap::new(),
        unknown: Unknown::Refuse,
    };
    debug_assert!(operation.check_request(&parts).is_err() || text.len() < 64, "ids are numbers");
    answers(operation, data);
    for coding in ["gzip", "deflate"] {
        let decoded = decode(Some(coding), data, 1024);
        debug_assert!(decoded.map_or(0, |body| body.len()) <= 1024, "the limit holds");
    }
}

fn answers(operation: &crate::OperationSchema, data: &[u8]) {
    let forbidden = [FieldRule { name: "text".to_owned(), ..FieldRule::default() }];
    let cut = CutRule { unknown_fields: Fate::Cut, forbidden: &forbidden };
    let json = Some("application/json");
    if let Filtered::Changed(kept, _) = operation.filter_response(200, json, data, &cut) {
        let again = operation.filter_response(200, json, &kept, &cut);
        debug_assert_eq!(again, Filtered::Unchanged, "one cut is enough");
    }
    if let Filtered::Changed(kept, _) = filter_fields(json, data, &cut) {
        debug_assert_eq!(filter_fields(json, &kept, &cut), Filtered::Unchanged, "one is enough");
    }
}
