//! Files and GraphQL as real programs send them, held to lines of the manifest and watched without.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;

use ringwall_base::{Event, Outcome};
use ringwall_manifest::{GraphQl, Mode, Model, UploadRule, Waf};
use ringwall_waf::{NoLibrary, Ruleset, Source};

use crate::fleet::{Fleet, ask, code, grants, model, service, status};
use crate::upstream::Upstream;

/// Rules that look at nothing, so that a refusal is not theirs.
const NONE: &str = "SecRuleEngine On\nSecRequestBodyAccess Off\n";

/// The same, with a rule that reads bodies.
const SOME: &str = "SecRuleEngine On\nSecRequestBodyAccess On\nSecRequestBodyLimit 1000000\n\
    SecRule ARGS \"@contains wicked\" \"id:1,phase:2,deny,status:406\"\n";

fn rules(text: &str) -> Arc<Ruleset> {
    let source = Source { name: "test.conf".to_owned(), text: text.as_bytes().to_vec() };
    Arc::new(Ruleset::load(&[source], &NoLibrary).unwrap())
}

fn kinds(list: &[&str]) -> UploadRule {
    let kinds = list.iter().map(|&kind| kind.to_owned()).collect();
    UploadRule { kinds, ..UploadRule::default() }
}

fn shop(upstream: &Upstream) -> Model {
    let operations = [
        "putPhoto = PUT /photo",
        "putDocument = POST /document",
        "putDrawing = POST /drawing",
        "other = POST /other",
        "ask = POST /graphql",
        "askByGet = GET /graphql",
    ];
    let mut shop = service("shop", upstream.address, &operations);
    let all: Vec<&str> = operations.iter().filter_map(|one| one.split(' ').next()).collect();
    shop.people.insert("anyone".to_owned(), grants(&all));
    let photo = UploadRule {
        file_bytes_max: Some(100_000),
        files_max: Some(2),
        ..kinds(&["image/jpeg", "image/png"])
    };
    let document = UploadRule {
        entries_max: Some(5),
        depth_max: Some(1),
        ..kinds(&["application/gzip", "application/pdf", "application/zip"])
    };
    let drawing = UploadRule { passes_active: true, ..kinds(&["image/svg+xml"]) };
    let lines = [("putPhoto", photo), ("putDocument", document), ("putDrawing", drawing)];
    shop.uploads.operations = lines.map(|(name, line)| (name.to_owned(), line)).into();
    shop.uploads.all = Some(kinds(&["text/plain"]));
    shop.graphql = Some(GraphQl {
        operations: vec!["ask".to_owned(), "askByGet".to_owned()],
        depth_max: Some(5),
        aliases_max: Some(5),
        batch_max: Some(2),
        counts: vec!["howMany".to_owned()],
        ..GraphQl::default()
    });
    model(vec![shop])
}

fn free(upstream: &Upstream, waf: Waf) -> Model {
    let mut shop = service("shop", upstream.address, &["free = POST /free"]);
    shop.people.insert("anyone".to_owned(), grants(&["free"]));
    let mut model = model(vec![shop]);
    model.gateway.waf = waf;
    model
}

/// Runs cases of `content.py`: a name, what is wanted, what came.
fn run(fleet: &Fleet, cases: &str) -> Option<Vec<[String; 3]>> {
    let mut python = Command::new("python3");
    let port = fleet.edge().port().to_string();
    python.args(["-c", include_str!("content.py"), &port, cases]);
    let output = python.output().unwrap();
    std::io::stderr().write_all(&output.stderr).unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        [(); 3].map(|()| fields.next().unwrap())
    };
    // Without its packages it has said that it is not run.
    let is_run = !String::from_utf8_lossy(&output.stderr).contains("NOT RUN");
    is_run.then(|| text.lines().map(line).collect())
}

#[track_caller]
fn check(fleet: &Fleet, cases: &str, least: usize) {
    let Some(found) = run(fleet, cases) else { return };
    let wrong: Vec<_> = found.iter().filter(|[_, want, got]| want != got).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found.len() >= least, "{}", found.len());
}

#[test]
fn files_are_held_to_the_line_of_their_operation() {
    let upstream = Upstream::plain();
    check(&Fleet::new(&shop(&upstream)), "lines", 30);
}

#[test]
fn queries_are_held_to_the_line_of_their_service() {
    let upstream = Upstream::plain();
    check(&Fleet::new(&shop(&upstream)), "queries", 20);
}

#[test]
fn without_a_line_the_firewall_refuses_what_harms_anywhere() {
    let upstream = Upstream::plain();
    for text in [NONE, SOME] {
        let fleet = Fleet::judged(&free(&upstream, Waf::Block), &BTreeMap::new(), &rules(text));
        check(&fleet, "watched", 12);
    }
}

#[test]
fn without_a_line_and_without_the_firewall_nothing_is_looked_at() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&free(&upstream, Waf::Off));
    for [name, _, got] in run(&fleet, "watched").into_iter().flatten() {
        assert_eq!(got, "200", "{name}");
    }
}

#[test]
fn no_other_type_hides_what_harms_anywhere() {
    let upstream = Upstream::plain();
    let fleet = Fleet::judged(&free(&upstream, Waf::Block), &BTreeMap::new(), &rules(NONE));
    let file = "content-disposition: form-data; name=a; filename=a.php\r\n\r\ntext";
    let form = format!("--x\r\n{file}\r\n--x--\r\n");
    for (media_type, body, want) in [
        ("image/png; a=\u{e9}", PAGE, 415),
        ("multipart/form-data; boundary=x; a=\u{e9}", &form, 400),
        ("multipart/mixed; boundary=x", &form, 400),
        ("text/plain; a=\u{e9}", PAGE, 200),
    ] {
        let field = format!("content-type: {media_type}");
        let answer = ask(fleet.edge(), "POST /free", &[&field], body);
        assert_eq!(status(&answer), want, "{media_type}: {answer}");
    }
}

fn noted(fleet: &Fleet) -> Vec<Event> {
    let events = fleet.sink.take().into_iter();
    events.filter(|event| event.code == Some("RW3020")).collect()
}

const PAGE: &str = "<html><script>secret-word</script>";
const IMAGE: &[&str] = &["content-type: image/png"];

#[test]
fn where_the_firewall_logs_content_is_noted_and_passes() {
    let upstream = Upstream::plain();
    let log = |mut model: Model| {
        model.gateway.waf = Waf::Log;
        Fleet::judged(&model, &BTreeMap::new(), &rules(NONE))
    };
    for (fleet, line) in
        [(log(free(&upstream, Waf::Log)), "POST /free"), (log(shop(&upstream)), "PUT /photo")]
    {
        assert_eq!(status(&ask(fleet.edge(), line, IMAGE, PAGE)), 200, "{line}");
        assert_eq!(upstream.last().body, PAGE);
        let noted = noted(&fleet);
        assert_eq!(noted.len(), 1, "{line}");
        assert_eq!(noted[0].outcome, Outcome::WouldDeny);
    }
    let mut observed = shop(&upstream);
    observed.gateway.mode = Mode::Observe;
    let fleet = Fleet::new(&observed);
    assert_eq!(status(&ask(fleet.edge(), "PUT /photo", IMAGE, PAGE)), 200);
    assert_eq!(noted(&fleet)[0].outcome, Outcome::WouldDeny);
}

#[test]
fn a_refusal_names_the_rule_and_never_the_content() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream));
    let answer = ask(fleet.edge(), "PUT /photo", IMAGE, PAGE);
    assert_eq!((status(&answer), code(&answer).as_str()), (415, "RW3020"), "{answer}");
    assert!(upstream.seen().is_empty());
    let noted = noted(&fleet);
    let text = format!("{noted:?}");
    assert_eq!((noted.len(), noted[0].outcome), (1, Outcome::Failure));
    assert!(text.contains("text/html, which the operation does not take"), "{text}");
    assert!(!text.contains("secret-word"), "{text}");
    let metrics = fleet.core.metrics().unwrap();
    assert!(metrics.contains("error_type=\"RW3020\""), "{metrics}");
}

#[test]
fn for_the_watch_alone_a_body_is_held_no_longer_than_its_beginning() {
    let upstream = Upstream::plain();
    let fleet = Fleet::judged(&free(&upstream, Waf::Block), &BTreeMap::new(), &rules(NONE));
    // The last byte that is held, and the first that is not: then nothing is looked at.
    for (more, want) in [(64 * 1024 - PAGE.len(), 415), (64 * 1024 - PAGE.len() + 1, 200)] {
        let body = format!("{PAGE}{}", "x".repeat(more));
        let answer = ask(fleet.edge(), "POST /free", IMAGE, &body);
        assert_eq!(status(&answer), want, "{answer}");
        if want == 200 {
            assert_eq!(upstream.last().body.len(), body.len());
        }
    }
}
