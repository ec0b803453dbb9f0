use proptest::prelude::*;

use crate::fleet::{SHOP, examine};

#[test]
fn the_corpus_makes_nothing_panic() {
    let seeds: [&[u8]; 12] = [
        b"",
        b"\xff\xfe\x00",
        b"\xef\xbb\xbfringwall = 1\r\nname = \"a\"\r\n",
        b"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1",
        b"[[services]]\n[[services]]\nrun = 1",
        b"services = { a = { people = { x = [[[]]] } } }",
        b"x = \"\"\"\"\"\"\"\"\"\"",
        b"x = '''",
        b"[limits]\na.b.c.d = 1\ndefault = -9999999999999999999999",
        b"[expect]\nnever = [\"->\", \"-> ->\", \"a.b.c -> *.*\"]",
        b"ringwall = 1\nname = \"a\"\n[services.a]\nupstream = \"a:1\"\nroutes = { x = \"GET /{a*}\", y = \"GET /{\", z = \"GET /}{\" }\npeople.anyone = [\"*\", \":own\", \"\"]",
        SHOP.as_bytes(),
    ];
    for seed in seeds {
        ringwall_manifest::fuzz(seed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_edit_of_the_sample_makes_it_panic(at in 0..SHOP.len(), cut in 0_usize..40, put in ".{0,12}") {
        let mut bytes = SHOP.as_bytes().to_vec();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, put.bytes());
        ringwall_manifest::fuzz(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        for finding in examine(&text).findings {
            prop_assert!(finding.span.end <= text.len() && finding.span.start <= finding.span.end);
            prop_assert!(ringwall_manifest::page(finding.code).is_some());
        }
    }

    #[test]
    fn formatting_keeps_the_model(at in 0..SHOP.len(), put in "[ \n]{0,4}") {
        let mut text = SHOP.to_owned();
        if text.is_char_boundary(at) {
            text.insert_str(at, &put);
        }
        if let Ok(formatted) = ringwall_manifest::format(&text) {
            let (old, new) = (examine(&text), examine(&formatted));
            prop_assert_eq!(old.model.is_some(), new.model.is_some());
            if let (Some(old), Some(new)) = (old.model, new.model) {
                prop_assert!(ringwall_manifest::plan(&old, &new).is_empty());
            }
        }
    }
}
