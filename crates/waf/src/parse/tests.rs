use super::*;
use crate::Ruleset;
use crate::limits::TRANSFORMATIONS_MAX;

/// A library of two files.
struct Shelf;

impl Library for Shelf {
    fn include(&self, pattern: &str, _from: &str) -> Result<Vec<Source>, LibraryError> {
        match pattern {
            "more.conf" => Ok(vec![source("more.conf", "SecAction \"id:7,pass\"\nSecNope\n")]),
            "self.conf" => Ok(vec![source("self.conf", "Include self.conf\n")]),
            "none/*.conf" => Ok(Vec::new()),
            _ => Err(LibraryError("not there".to_owned())),
        }
    }

    fn data(&self, path: &str, _from: &str) -> Result<Vec<u8>, LibraryError> {
        if path == "words.data" {
            return Ok(b"# comment\nfoo\n\n bar \n".to_vec());
        }
        Err(LibraryError("not there".to_owned()))
    }
}

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.into() }
}

fn load(text: &str) -> Result<Ruleset, LoadError> {
    Ruleset::load(&[source("a.conf", text)], &Shelf)
}

#[track_caller]
fn error(text: &str) -> String {
    load(text).expect_err("it should not load").to_string()
}

#[test]
fn a_mistake_has_its_file_its_line_and_a_hint() {
    let text = "# one\nSecRule ARGS \\\n  \"@rx (\" \"id:1\"\n";
    assert!(error(text).starts_with("a.conf:2: the pattern does not compile"), "{}", error(text));
    assert_eq!(
        error("SecRul ARGS x"),
        "a.conf:1: unknown directive `SecRul`; did you mean `SecRule`?"
    );
    assert!(error("Include more.conf").starts_with("more.conf:2: unknown directive"));
    let two = error("SecRule ARGS x \"id:1\"\nSecRule ARGS y \"id:1\"\nSecRule ARGZ z \"id:2\"");
    assert!(two.contains("a.conf:2: rule id 1 is used before at a.conf:1"), "{two}");
    assert!(two.contains("a.conf:3: unknown variable `ARGZ`; did you mean `ARGS`?"), "{two}");
}

#[test]
fn what_would_protect_less_in_silence_is_an_error() {
    let wrong = [
        "SecRule ARGS x",
        "SecRule ARGS \"@pmFromFile nope.data\" \"id:1\"",
        "SecRule ARGS \"@inspectFile /bin/x\" \"id:1\"",
        "SecRule ARGS x \"id:1,chain\"",
        "SecRule ARGS x \"id:1,chain\"\nSecMarker M",
        "SecRule ARGS x \"id:1,chain\"\nSecRule ARGS y \"id:2\"",
        "SecRule ARGS x \"id:1,chain\"\nSecRule ARGS y \"deny\"",
        "SecDefaultAction \"phase:1\"",
        "SecDefaultAction \"deny\"",
        "SecDefaultAction \"phase:1,deny\"\nSecDefaultAction \"phase:1,pass\"",
        "Include nope.conf",
        "Include self.conf",
        "SecRuleRemoveById 9-1",
        "SecRequestBodyLimit 0",
        "SecRuleScript x.lua",
        "SecRuleEngine Maybe",
        "SecParseXmlIntoArgs Perhaps",
        "SecAuditLogParts AXYZ",
        "SecXmlExternalEntity On",
    ];
    for text in wrong {
        assert!(load(text).is_err(), "{text}");
    }
}

#[test]
fn the_usual_files_load() {
    let text = "<IfModule security2_module>\nSecRuleEngine on\nsecrequestbodyaccess On\n\
        IncludeOptional none/*.conf\nIncludeOptional nope.conf\nSecTmpDir /tmp/\nSecStatusEngine Off\n\
        SecAuditLogRelevantStatus \"^(?:5|4(?!04))\"\nSecRule ARGS \"@pmf words.data\" \"id:1,phase:2,deny\"\n\
        SecRule ARGS|!ARGS:a \"x\" \"id:2,phase:1,chain,tag:t\"\nSecRule TX:1 \"@streq y\"\n\
        SecRuleRemoveById 1\nSecRuleUpdateTargetByTag t \"!ARGS:b\"\nSecRuleUpdateActionById 2 \"deny,status:404\"\n</IfModule>\n";
    let rules = load(text).unwrap();
    assert!(rules.has_rule(2) && !rules.has_rule(1));
    assert_eq!(rules.warnings().len(), 2, "{:?}", rules.warnings());
}

#[test]
fn there_is_an_end_to_errors() {
    assert_eq!(load(&"SecNope\n".repeat(500)).unwrap_err().errors.len(), ERRORS_MAX);
}

#[test]
fn what_loads_and_sees_nothing_is_said() {
    let said = |text: &str| {
        let rules = load(text).unwrap();
        rules.warnings().iter().map(|one| one.text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(said("SecRule ARGS|ENV:PATH x \"id:1\""), ["`ENV` is always empty here"]);
    assert_eq!(said("SecRule GEO:COUNTRY_CODE x \"id:1\""), ["`GEO` is always empty here"]);
    assert_eq!(
        said("SecRule FILES_TMPNAMES x \"id:1\""),
        ["`FILES_TMPNAMES` is always empty here"]
    );
    assert_eq!(
        said("SecRule STREAM_INPUT_BODY x \"id:1\""),
        ["`an old variable` is always empty here"]
    );
    assert_eq!(
        said("SecAction \"id:1,pass,ctl:hashEngine=On\""),
        ["the action `ctl:hashEngine` does nothing here"]
    );
    assert_eq!(
        said("SecDefaultAction \"phase:1,pass,t:trim\""),
        ["transformations in `SecDefaultAction` are for every rule without `t:none`"]
    );
    assert_eq!(
        said(
            "SecRuleRemoveById 1\nSecRuleUpdateTargetByTag t \"!ARGS:a\"\nSecRule ARGS x \"id:1,tag:t\""
        ),
        ["it changes nothing: no such rule stands before it"; 2]
    );
    assert_eq!(said("SecRule ARGS|FULL_REQUEST|PATH_INFO|REMOTE_USER x \"id:1\""), [""; 0]);
}

#[test]
fn a_rule_has_so_many_transformations_and_no_more() {
    let rule =
        |count: usize| format!("SecRule ARGS x \"id:1,phase:2{}\"", ",t:urlDecode".repeat(count));
    assert!(load(&rule(TRANSFORMATIONS_MAX)).is_ok());
    assert!(error(&rule(TRANSFORMATIONS_MAX + 1)).contains("transformations in a rule"));
}
