//! The fuzzer's way in: any bytes as a file, as a form and as a GraphQL request.

use crate::limits::FINDINGS_MAX;
use crate::{graphql, upload};

/// Reads hostile bytes in every way. The contract: no panic, an end, and bounded findings.
pub fn fuzz(data: &[u8]) {
    let rule = upload::Rule { types: vec!["image/*".to_owned()], ..upload::Rule::default() };
    for content_type in ["application/zip", "multipart/form-data; boundary=x"] {
        for rule in [None, Some(&rule)] {
            let found = upload::check(content_type, data, rule);
            debug_assert!(found.len() <= FINDINGS_MAX, "findings are bounded");
            for one in found {
                debug_assert!(!one.to_string().contains('\n'), "a finding is one line");
            }
        }
    }
    let head = b"--x\r\ncontent-disposition: form-data; name=a; filename=b\r\n\r\n";
    upload::check("multipart/form-data; boundary=x", &[head, data, b"\r\n--x--"].concat(), None);
    let content_type = Some("application/json");
    for (is_get, content_type) in
        [(true, None), (false, content_type), (false, Some("application/graphql"))]
    {
        let query = std::str::from_utf8(data).ok().filter(|_| is_get);
        let request = graphql::Request { is_get, query, content_type, body: data };
        let found = graphql::check(&request, &graphql::Limits::default());
        debug_assert!(found.len() <= FINDINGS_MAX, "findings are bounded");
    }
}
