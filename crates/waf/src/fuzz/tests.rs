use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

#[test]
fn odd_bytes_do_no_harm() {
    let seeds: [&[u8]; 6] = [
        b"",
        b"SecRule ARGS \"@rx (\" \"id:1\"",
        b"SecRuleEngine On\nSecRule ARGS|REQUEST_BODY|XML:/* \"@rx a\" \"id:1,phase:2,deny,t:jsDecode,multiMatch\"",
        b"--a\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\xff\x00%\r\n--a--",
        b"{\"a\":[1,\"\\u0041\"]}",
        b"<a b='%3c'>\\x41&#x41;%u0041</a>",
    ];
    for seed in seeds {
        fuzz(seed);
        for end in 0..seed.len() {
            as_rules(seed.get(..end).unwrap());
            as_value(seed.get(..end).unwrap());
        }
    }
    assert_eq!(own_rules().rule_count(), 6);
}

/// Words of a language, and now and then any bytes, one after the other.
fn text_of(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        8 => select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(word, 0..40).prop_map(|words| words.concat())
}

const RULE_WORDS: &[&str] = &[
    "SecRule ",
    "SecAction ",
    "SecMarker ",
    "SecRuleEngine On\n",
    "SecDefaultAction ",
    "ARGS",
    "|",
    "!",
    "&",
    "REQUEST_HEADERS:",
    "/^a/",
    "TX:1",
    "XML:/*",
    " ",
    "\"",
    "'",
    "@rx ",
    "@pm ",
    "@within ",
    "!@eq ",
    "@detectSQLi",
    "@ipMatch ",
    "10.0.0.0/8",
    "(?i)a+",
    "(?!b)",
    "[a-z",
    "id:1",
    "id:2",
    ",",
    "phase:2",
    "deny",
    "chain",
    "capture",
    "multiMatch",
    "t:none",
    "t:urlDecodeUni",
    "t:base64Decode",
    "setvar:tx.a=+%{ARGS.b}",
    "ctl:ruleRemoveById=1",
    "ctl:ruleRemoveTargetById=1;ARGS:a",
    "skipAfter:E",
    "msg:'%{MATCHED_VAR}'",
    "\n",
    "\\\n",
    "SecRuleUpdateTargetById 1 ",
    "SecRuleRemoveByTag ",
    "#",
];

const BODY_WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\"a\"",
    "\\u00",
    "\\ud83d",
    "true",
    "null",
    "-1",
    ".5e",
    "0",
    "<a>",
    "</a>",
    "<a b='c'",
    "/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?xml ",
    "?>",
    "<!DOCTYPE a [",
    "<!ENTITY e 'x'>",
    "&e;",
    "&#x41;",
    "&lt;",
    "--a\r\n",
    "--a--\r\n",
    "--a",
    "--b\r\n",
    "\r\n",
    "\n",
    "\r\n\r\n",
    "Content-Disposition: form-data; name=\"x\"",
    "; filename=\"y\"",
    "; filename*=utf-8''z",
    "Content-Type: text/plain",
    " folded",
    "a=b",
    "&",
    ";",
    "=",
    "%41",
    "%u0041",
    "%",
    "+",
    "\0",
];

const VALUE_WORDS: &[&str] = &[
    "%",
    "%4",
    "%41",
    "%u",
    "%uff1c",
    "%25",
    "+",
    "\\",
    "\\x41",
    "\\u0041",
    "\\101",
    "\\a",
    "&",
    "&lt;",
    "&#60;",
    "&#x3c",
    "&nbsp",
    "/*",
    "*/",
    "//",
    "--",
    "#",
    "<!--",
    "-->",
    "/",
    "./",
    "../",
    "\\..\\",
    " ",
    "\t",
    "\n",
    "^",
    "\"",
    "'",
    "0x41",
    "QQ==",
    "Q-_",
    "=",
    "\0",
    "\u{e9}",
    "\u{ff1c}",
    "a",
    "Z",
    ",",
    ";",
    "union",
    "select",
    "1",
    "<script",
    " onload=",
    "javascript:",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn rules_of_any_kind_load_or_are_refused(data in text_of(RULE_WORDS)) {
        as_rules(&data);
    }

    #[test]
    fn bodies_of_any_kind_are_read_to_an_end(data in text_of(BODY_WORDS)) {
        as_request(&own_rules(), &data);
    }

    #[test]
    fn values_of_any_kind_are_transformed(data in text_of(VALUE_WORDS)) {
        as_value(&data);
        as_request(&own_rules(), &data);
    }

    #[test]
    fn bytes_of_any_kind_do_no_harm(data in vec(any::<u8>(), 0..200)) {
        fuzz(&data);
    }
}
