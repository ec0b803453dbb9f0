use super::*;
use crate::memory::InMemory;
use crate::{NoLibrary, Source};

pub(super) fn rules(text: &str) -> Ruleset {
    let text =
        format!("SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess On\n{text}");
    Ruleset::load(&[Source { name: "t".to_owned(), text: text.into() }], &NoLibrary)
        .unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn connection() -> Connection<'static> {
    Connection {
        client_address: "192.0.2.7",
        client_port: 4_000,
        server_address: "192.0.2.1",
        server_port: 443,
        unique_id: "id-1",
        user: "ann",
        now_secs: 1_700_000_000,
    }
}

/// Runs a `POST` through all phases: the ids that matched, and the rule and status that stopped it.
fn run(text: &str, target: &str, content_type: &str, body: &str) -> (Vec<u64>, Option<(u64, u16)>) {
    run_with(&rules(text), &InMemory::new(10), target, content_type, body)
}

fn run_with(
    rules: &Ruleset,
    memory: &InMemory,
    target: &str,
    content_type: &str,
    body: &str,
) -> (Vec<u64>, Option<(u64, u16)>) {
    let arena = Arena::new();
    let headers = [
        (&b"Host"[..], &b"a.example"[..]),
        (b"Content-Type", content_type.as_bytes()),
        (b"Cookie", b"one=1; two=2"),
    ];
    let head = RequestHead {
        method: b"POST",
        target: target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers: &headers,
    };
    let mut transaction = Transaction::begin(rules, &arena, memory, connection(), head);
    transaction.request_body(body.as_bytes());
    let headers = [(&b"Content-Type"[..], &b"text/html; charset=utf-8"[..])];
    transaction.response_head(ResponseHead {
        status: 200,
        protocol: b"HTTP/1.1",
        headers: &headers,
    });
    transaction.response_body(b"<html>secret</html>");
    let stopped = transaction.intervention().map(|one| (one.rule_id, one.status));
    (transaction.finish().iter().map(Match::id).collect(), stopped)
}

fn form(text: &str, body: &str) -> (Vec<u64>, Option<(u64, u16)>) {
    run(text, "/p?q=1", "application/x-www-form-urlencoded", body)
}

#[test]
fn a_rule_that_denies_stops_the_phases_before_the_last() {
    let text = "SecRule ARGS:a \"@streq evil\" \"id:1,phase:2,deny,status:406\"\n\
        SecAction \"id:2,phase:2,pass\"\nSecAction \"id:3,phase:3,pass\"\nSecAction \"id:4,phase:5,deny\"";
    assert_eq!(form(text, "a=evil"), (vec![1, 4], Some((1, 406))));
    assert_eq!(form(text, "a=good"), (vec![2, 3, 4], None));
    let watched = text.replace("SecRule ARGS:a", "SecRuleEngine DetectionOnly\nSecRule ARGS:a");
    assert_eq!(form(&watched, "a=evil"), (vec![1, 2, 3, 4], None));
}

#[test]
fn chains_match_when_each_link_does_and_act_at_once() {
    let text = "SecRule ARGS \"@rx ^(a)(b)\" \"id:1,phase:2,capture,pass,setvar:tx.seen=+1,chain\"\n\
        SecRule TX:2 \"@streq b\" \"chain\"\nSecRule MATCHED_VAR_NAME \"@streq TX:2\"\n\
        SecRule ARGS \"@rx x\" \"id:2,phase:2,pass,setvar:tx.half=1,chain\"\nSecRule ARGS \"@streq no\"\n\
        SecRule TX:seen|TX:half \"@eq 1\" \"id:3,phase:2,pass\"";
    assert_eq!(form(text, "k=abx").0, [1, 3, 3]);
}

#[test]
fn markers_skips_and_removals_lead_past_rules() {
    let text = "SecAction \"id:1,phase:1,pass,skipAfter:END\"\nSecAction \"id:2,phase:1,pass\"\n\
        SecAction \"id:20,phase:2,pass\"\nSecMarker END\nSecAction \"id:3,phase:1,pass,skip:1\"\n\
        SecAction \"id:4,phase:1,pass\"\nSecAction \"id:5,phase:1,pass,skipAfter:NOWHERE\"\n\
        SecAction \"id:6,phase:1,pass\"\n\
        SecAction \"id:7,phase:2,pass,ctl:ruleRemoveById=8-9,ctl:ruleRemoveTargetByTag=t;ARGS:a\"\n\
        SecAction \"id:8,phase:2,pass\"\nSecRule ARGS x \"id:10,phase:2,pass,tag:t\"";
    assert_eq!(form(text, "a=x&b=x").0, [1, 3, 5, 20, 7, 10]);
}

#[test]
fn values_go_through_their_pipeline_once_and_multi_match_sees_each_stage() {
    let text = "SecRule ARGS \"@rx ^%41$\" \"id:1,phase:2,pass,t:urlDecode,multiMatch\"\n\
        SecRule ARGS \"@rx ^Ab\" \"id:4,phase:2,pass,t:urlDecode,multiMatch\"\n\
        SecRule ARGS \"@streq a\" \"id:2,phase:2,pass,t:urlDecode,t:lowercase\"\n\
        SecRule ARGS \"@streq A\" \"id:3,phase:2,pass,t:urlDecode\"";
    assert_eq!(form(text, "a=%2541").0, [1, 2, 3]);
    // The text of an early stage says nothing of a late one.
    assert_eq!(form(text, "a=%2541b").0, [4]);
}

#[test]
fn bodies_are_read_as_what_they_are() {
    let text = "SecRule REQUEST_HEADERS:Content-Type json \"id:1,phase:1,pass,ctl:requestBodyProcessor=JSON\"\n\
        SecRule REQUEST_HEADERS:Content-Type xml \"id:2,phase:1,pass,ctl:requestBodyProcessor=XML\"\n\
        SecRule ARGS|XML:/*|XML://@* \"@streq evil\" \"id:3,phase:2,pass\"\n\
        SecRule REQBODY_ERROR \"@eq 1\" \"id:4,phase:2,deny,status:400\"\n\
        SecRule FILES \"@endsWith .php\" \"id:5,phase:2,pass\"";
    let judge = |kind: &str, body: &str| run(text, "/", kind, body);
    assert_eq!(judge("application/json", r#"{"a":["evil"]}"#).0, [1, 3]);
    assert_eq!(judge("application/json", r#"{"a":"#), (vec![1, 4], Some((4, 400))));
    assert_eq!(judge("text/xml", "<a b='evil'>evil</a>").0, [2, 3, 3]);
    let part = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.php\"\r\n\r\nevil\r\n--B--\r\n";
    assert_eq!(judge("multipart/form-data; boundary=B", part).0, [5]);
    assert_eq!(judge("text/plain", "evil").0, Vec::<u64>::new());
}

#[test]
fn a_body_whose_type_says_nothing_is_read_as_what_it_begins_like() {
    let text = "SecAction \"id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=BYCONTENT\"\n\
        SecRule ARGS|XML:/*|XML://@* \"@streq e'vil\" \"id:2,phase:2,pass\"\n\
        SecRule REQBODY_ERROR \"@eq 1\" \"id:3,phase:2,deny\"\n\
        SecRule ARGS|ARGS_NAMES \"@rx \\x00\" \"id:4,phase:2,pass\"\n\
        SecRule REQBODY_PROCESSOR \"@rx ^$\" \"id:5,phase:2,pass\"";
    let judge = |body: &str| run(text, "/", "application/octet-stream", body);
    for body in [
        r#"{"a":["e\u0027vil"]}"#,
        "\u{feff} \n[\"e'vil\"]",
        r#""e\u0027vil""#,
        "<a b='e&apos;vil'/>",
        "a=e%27vil",
        "b[c]=\u{1}&a=e%27vil",
        "{{ x }}&a=e%27vil",
    ] {
        assert_eq!(judge(body), (vec![1, 2], None), "{body}");
    }
    assert_eq!(judge("{\0\"\0a\0").0, [1, 4]);
    assert_eq!(judge("\0[\0\"").0, [1, 4]);
    // Files are nobody's to read.
    for body in ["PK\u{3}\u{4}\u{14}\0a=e'vil", "\n\"\u{12}a=e'vil&a=e'vil"] {
        assert!(!judge(body).0.contains(&2), "{body:?}");
    }
    assert_eq!(judge("PK\u{3}\u{4}\u{14}\0").0, [1, 5]);
}

#[test]
fn what_nobody_reads_may_be_as_large_as_a_file() {
    let text = "SecRequestBodyNoFilesLimit 8\n\
        SecRule REQUEST_HEADERS:Content-Type json \"id:1,phase:1,pass,ctl:requestBodyProcessor=JSON\"\n\
        SecRule ARGS x \"id:2,phase:5,pass\"";
    let judge = |kind: &str, body: &str| run(text, "/", kind, body);
    assert_eq!(judge("image/png", "\u{1}0123456789"), (vec![], None));
    assert_eq!(judge("application/json", r#"["x",  "x"]"#), (vec![1], Some((0, 413))));
    // It is not read before it is refused.
    let cut = format!("{text}\nSecRequestBodyLimitAction ProcessPartial");
    assert_eq!(run(&cut, "/", "application/json", r#"["x",  "x"]"#), (vec![1, 2, 2], None));
}

#[test]
fn reading_a_body_is_work() {
    let text = "SecAction \"id:5,phase:5,pass\"";
    let body = format!("a={}", "b".repeat(1_000));
    assert_eq!(with_work(text, 3_000, body.as_bytes()), (None, false, vec![5]));
    assert_eq!(with_work(text, 2_000, body.as_bytes()), (Some(413), true, vec![5]));
}

#[test]
fn answers_are_judged_too() {
    let text = "SecRule RESPONSE_BODY secret \"id:1,phase:4,deny\"\nSecRule RESPONSE_STATUS \"@eq 200\" \"id:2,phase:3,pass\"";
    assert_eq!(form(text, ""), (vec![2, 1], Some((1, 403))));
}

#[test]
fn a_body_over_its_limit_is_refused_or_cut() {
    let text = "SecRequestBodyLimit 4\nSecRule ARGS \"@streq 123\" \"id:1,phase:2,pass\"\nSecRule INBOUND_DATA_ERROR \"@eq 1\" \"id:2,phase:2,pass\"";
    assert_eq!(form(text, "a=12"), (vec![], None));
    assert_eq!(form(text, "a=123"), (vec![], Some((0, 413))));
    let cut = format!("SecRequestBodyLimitAction ProcessPartial\n{text}");
    assert_eq!(form(&cut, "a=123"), (vec![2], None));
}

#[test]
fn collections_are_kept_between_transactions() {
    let rules = rules(
        "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}\"\n\
         SecAction \"id:2,phase:1,pass,setvar:ip.hits=+1,expirevar:ip.hits=60\"\n\
         SecRule IP:hits \"@ge 2\" \"id:3,phase:1,drop\"",
    );
    let memory = InMemory::new(10);
    let again = || run_with(&rules, &memory, "/", "", "").1;
    assert_eq!((again(), again()), (None, Some((3, 403))));
}

#[test]
fn two_transactions_at_once_lose_no_count() {
    let rules = rules(
        "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}\"\n\
         SecAction \"id:2,phase:1,pass,setvar:ip.hits=+1,setvar:ip.hits=+1,setvar:!ip.old\"\n\
         SecRule IP:hits \"@ge 6\" \"id:3,phase:1,drop\"",
    );
    let memory = InMemory::new(10);
    let arenas = [Arena::new(), Arena::new()];
    let head = RequestHead { method: b"GET", target: b"/", protocol: b"HTTP/1.1", headers: &[] };
    let begin = |arena| Transaction::begin(&rules, arena, &memory, connection(), head);
    let mut both = arenas.each_ref().map(begin);
    assert_eq!(both.each_mut().map(|one| one.finish().len()), [2, 2]);
    assert_eq!(run_with(&rules, &memory, "/", "", "").1, Some((3, 403)));
}

#[test]
fn allow_lets_through_as_far_as_it_says() {
    let rest = "SecAction \"id:2,phase:1,pass\"\nSecAction \"id:3,phase:2,pass\"\nSecAction \"id:4,phase:3,pass\"\nSecAction \"id:5,phase:5,pass\"";
    let check = |allow: &str, want: &[u64]| {
        assert_eq!(
            form(&format!("SecAction \"id:1,phase:1,{allow}\"\n{rest}"), "").0,
            want,
            "{allow}"
        );
    };
    check("allow", &[1, 5]);
    check("allow:phase", &[1, 3, 4, 5]);
    check("allow:request", &[1, 4, 5]);
}

#[test]
fn counting_negation_and_exclusion() {
    let text = "SecRule &ARGS \"@eq 3\" \"id:1,phase:2,pass\"\nSecRule ARGS|!ARGS:q \"!@rx ^x\" \"id:2,phase:2,pass\"\n\
        SecRule &ARGS:nope \"@eq 0\" \"id:3,phase:2,pass\"\nSecRule ARGS:nope \"!@rx x\" \"id:4,phase:2,pass\"\n\
        SecRule REQUEST_COOKIES_NAMES|ARGS_NAMES:/^B/ \"@within one b\" \"id:5,phase:2,pass,logdata:'%{MATCHED_VAR_NAME}'\"";
    assert_eq!(form(text, "a=y&b=x").0, [1, 2, 3, 5, 5]);
}

#[test]
fn a_pattern_that_runs_away_matches() {
    let text = "SecRule ARGS:a \"@rx ^(?:a+)+(?!b)$\" \"id:1,phase:2,deny\"\nSecRule TX:msc_pcre_limits_exceeded \"@eq 1\" \"id:2,phase:5,pass\"";
    assert_eq!(form(text, &format!("a={}c", "a".repeat(60))), (vec![1, 2], Some((1, 403))));
}

#[test]
fn a_log_line_holds_no_line_end_of_a_request() {
    let rules = rules(
        "SecRule ARGS x \"id:1,phase:1,pass,msg:'m',logdata:'%{MATCHED_VAR}',tag:'t',severity:2\"",
    );
    let arena = Arena::new();
    let head = RequestHead {
        method: b"GET",
        target: b"/?a=x%0a%22y",
        protocol: b"HTTP/1.1",
        headers: &[],
    };
    let memory = InMemory::new(1);
    let mut transaction = Transaction::begin(&rules, &arena, &memory, connection(), head);
    let line = transaction.finish().first().unwrap().log_line();
    assert!(
        line.contains(r#"[id "1"] [msg "m"] [data "x\x0a\"y"] [severity "CRITICAL"] [tag "t"]"#),
        "{line}"
    );
}

#[test]
fn the_whole_request_is_there_when_a_rule_asks_for_it() {
    let text = "SecRule FULL_REQUEST \"@rx ^POST /p\\?q=1 HTTP/1\\.1\\r\\nHost: a\\.example\\r\\n(?s:.*)\\r\\n\\r\\na=1$\" \"id:1,phase:2,pass\"\n\
        SecRule FULL_REQUEST_LENGTH \"@gt 100\" \"id:2,phase:2,pass\"\n\
        SecRule FULL_REQUEST \"@endsWith two=2\" \"id:3,phase:1,pass,t:trim\"\n\
        SecRule PATH_INFO \"@streq /p\" \"id:4,phase:1,pass\"\n\
        SecRule REMOTE_USER \"@streq ann\" \"id:5,phase:1,pass\"";
    assert_eq!(form(text, "a=1").0, [3, 4, 5, 1, 2]);
}

/// Runs phases 1 and 2 with so much work, and phase 5: what stopped it, whether the work was too
/// much, and what matched.
fn with_work(text: &str, steps: usize, body: &[u8]) -> (Option<u16>, bool, Vec<u64>) {
    let rules = rules(text).with_work_max(steps);
    let arena = Arena::new();
    let headers = [(&b"Content-Type"[..], &b"application/x-www-form-urlencoded"[..])];
    let head =
        RequestHead { method: b"POST", target: b"/", protocol: b"HTTP/1.1", headers: &headers };
    let mut transaction = Transaction::begin(&rules, &arena, &crate::NoMemory, connection(), head);
    transaction.request_body(body);
    let stopped = transaction.intervention().map(|one| one.status);
    let ids = transaction.finish().iter().map(Match::id).collect();
    (stopped, transaction.is_exhausted(), ids)
}

#[test]
fn more_work_than_one_request_may_cost_is_refused() {
    let text = "SecRule ARGS \"@rx x\" \"id:1,phase:2,pass,t:urlDecode,t:removeNulls\"\n\
        SecRule ARGS_NAMES \"!@rx a\" \"id:2,phase:2,pass\"\nSecAction \"id:5,phase:5,pass\"";
    let body = format!("a={}x", "b".repeat(1_000));
    assert_eq!(with_work(text, 10_000, body.as_bytes()), (None, false, vec![1, 5]));
    assert_eq!(with_work(text, 1_000, body.as_bytes()), (Some(413), true, vec![5]));
    let many = "a&".repeat(900);
    assert_eq!(with_work(text, 10_000, many.as_bytes()), (Some(413), true, vec![5]));
    // Where nothing may be stopped, it is said all the same.
    let watched = format!("SecRuleEngine DetectionOnly\n{text}");
    assert_eq!(with_work(&watched, 10_000, many.as_bytes()), (None, true, vec![5]));
}

#[test]
fn a_pattern_that_runs_away_costs_what_it_takes() {
    let text = "SecRule ARGS \"@rx ^(?!b)(?:a+)+$\" \"id:1,phase:2,pass\"\nSecAction \"id:2,phase:2,pass\"";
    let body = b"x=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
    // Cut off, it counts as a match.
    assert_eq!(with_work(text, 1_000_000, body), (None, false, vec![1, 2]));
    assert_eq!(with_work(text, 200_000, body), (Some(413), true, vec![1]));
}

#[test]
fn names_of_json_leaves_do_not_grow_without_end() {
    let text = "SecRule REQUEST_HEADERS:Content-Type json \"id:1,phase:1,pass,ctl:requestBodyProcessor=JSON\"\nSecRule ARGS x \"id:2,phase:2,pass\"";
    let body = |leaves: usize| format!("{{\"{}\":[{}0]}}", "k".repeat(60_000), "0,".repeat(leaves));
    assert_eq!(run(text, "/", "application/json", &body(16)).1, None);
    assert_eq!(run(text, "/", "application/json", &body(17)).1, Some((0, 413)));
}

#[test]
fn transformations_of_the_defaults_are_for_every_rule_that_does_not_say_none() {
    let text = "SecDefaultAction \"phase:2,pass,t:lowercase\"\n\
        SecRule ARGS:a \"@streq abc\" \"id:1\"\n\
        SecRule ARGS:a \"@streq abc\" \"id:2,t:none\"\n\
        SecRule ARGS:a \"@streq bc\" \"id:3,t:trimLeft,chain\"\nSecRule ARGS:a \"@streq abc\"\n\
        SecRule ARGS:a \"@streq abc\" \"id:4,chain\"\nSecRule ARGS:a \"@streq ABC\" \"t:none\"\n\
        SecRule ARGS:a \"@streq ABC\" \"id:5,phase:1,pass\"\n";
    assert_eq!(run(text, "/?a=ABC", "text/plain", "").0, [5, 1, 4]);
}

#[test]
fn patterns_of_card_numbers_may_look_around() {
    let text = "SecRule ARGS \"@verifyCC (?<!pub-)\\d{16}\" \"id:1,phase:2,pass\"\n";
    assert_eq!(run(text, "/?a=x%0A5484605089158216", "text/plain", "").0, [1]);
    assert_eq!(run(text, "/?a=5484605089158217", "text/plain", "").0, [0_u64; 0]);
    assert_eq!(run(text, "/?a=pub-5484605089158216", "text/plain", "").0, [0_u64; 0]);
}

#[test]
fn elements_are_arguments_where_a_rule_or_a_setting_says_so() {
    const XML: &str = "SecAction \"id:1,phase:1,nolog,pass,ctl:requestBodyProcessor=XML\"\n\
        SecRule ARGS:xml.a.b \"@streq c\" \"id:2,phase:2,pass\"\n\
        SecRule ARGS_POST_NAMES \"@streq xml.a.b\" \"id:3,phase:2,pass\"\n\
        SecRule XML:/* \"@streq c\" \"id:4,phase:2,pass\"\n\
        SecRule REQBODY_ERROR \"@eq 1\" \"id:5,phase:2,pass\"\n";
    let body = "<a><b>c</b><d/></a>";
    let with = |settings: &str| run(&format!("{settings}\n{XML}"), "/", "text/xml", body).0;
    assert_eq!(with(""), [1, 4]);
    assert_eq!(with("SecParseXmlIntoArgs On"), [1, 2, 3, 4]);
    assert_eq!(with("SecParseXmlIntoArgs OnlyArgs"), [1, 2, 3]);
    assert_eq!(with("SecArgumentsLimit 1\nSecParseXmlIntoArgs OnlyArgs"), [1, 2, 3, 5]);
    let asked = "SecAction \"id:9,phase:1,pass,ctl:parseXmlIntoArgs=On\"";
    assert_eq!(with(asked), [9, 1, 2, 3, 4]);
}

#[test]
fn a_json_body_with_more_values_than_arguments_cannot_be_read() {
    let text = "SecArgumentsLimit 2\n\
        SecAction \"id:1,phase:1,nolog,pass,ctl:requestBodyProcessor=JSON\"\n\
        SecRule &ARGS \"@eq 2\" \"id:2,phase:2,pass\"\n\
        SecRule REQBODY_ERROR \"@eq 1\" \"id:3,phase:2,pass\"\n";
    assert_eq!(run(text, "/", "application/json", "[1,2]").0, [1, 2]);
    assert_eq!(run(text, "/", "application/json", "[1,2,3]").0, [1, 2, 3]);
    assert_eq!(run(text, "/?a=b", "application/json", "[1,2]").0, [1, 2, 3]);
}

#[test]
fn a_caller_who_stops_nothing_hears_of_every_rule_and_of_the_first_that_denies() {
    let set = rules(
        "SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess On\n\
         SecAction \"id:1,phase:1,deny,status:401\"\n\
         SecAction \"id:2,phase:1,deny,status:402\"\n\
         SecRule ARGS:a \"@streq bad\" \"id:3,phase:2,deny,status:403\"\n\
         SecRule ARGS:a \"@streq let\" \"id:4,phase:2,allow\"\n\
         SecRule RESPONSE_BODY \"@contains secret\" \"id:5,phase:4,deny\"\n\
         SecAction \"id:6,phase:5,pass\"\n",
    );
    let ids = |body: &[u8]| {
        let arena = Arena::new();
        let headers = [(&b"Content-Type"[..], &b"application/x-www-form-urlencoded"[..])];
        let (method, target) = (&b"POST"[..], &b"/"[..]);
        let head = RequestHead { method, target, protocol: b"HTTP/1.1", headers: &headers };
        let memory = InMemory::new(1);
        let mut watched =
            Transaction::begin_watching(&set, &arena, &memory, connection(), (head, &[]));
        watched.request_body(body);
        let headers = [(&b"Content-Type"[..], &b"text/html"[..])];
        watched.response_head(ResponseHead {
            status: 200,
            protocol: b"HTTP/1.1",
            headers: &headers,
        });
        watched.response_body(b"<p>secret</p>");
        assert_eq!(watched.intervention().map(|one| (one.rule_id, one.status)), Some((1, 401)));
        watched.finish().iter().map(Match::id).collect::<Vec<u64>>()
    };
    assert_eq!(ids(b"a=bad"), [1, 2, 3, 5, 6]);
    assert_eq!(ids(b"a=let"), [1, 2, 4, 6], "what is let through nobody denies later");
    assert_eq!(run_with(&set, &InMemory::new(1), "/", "", "").0, [1, 6]);
}
