//! How a refusal is told: to browsers, to programs, to gRPC.

use ringwall_gateway::Pages;
use ringwall_manifest::Model;

use crate::fleet::{Fleet, ask, body, code, field, get, grants, model, service, status};
use crate::upstream::Upstream;

fn shop(upstream: &Upstream) -> Model {
    let mut users = service(
        "users",
        upstream.address,
        &["list = GET /users", "hello = POST /greeter.Greeter/SayHello"],
    );
    users.people.insert("support".to_owned(), grants(&["list", "hello"]));
    model(vec![users])
}

const PAGE: &str = "accept: text/html,application/xhtml+xml,*/*;q=0.8";

#[test]
fn a_browser_gets_a_page_and_a_program_a_problem() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream));
    let edge = fleet.edge();
    let page = get(edge, "/%3Cscript%3Ealert(1)%3C/script%3E", &[PAGE]);
    assert_eq!(status(&page), 404);
    assert_eq!(field(&page, "content-type"), Some("text/html; charset=utf-8"));
    assert!(page.contains("RW3006") && !page.contains("script"), "{page}");
    let id = field(&page, "ringwall-request").unwrap();
    assert!(body(&page).contains(id));
    for accept in ["accept: */*", "accept: application/json", "accept: text/html;q=0", "x-a: b"] {
        assert_eq!(code(&get(edge, "/nowhere", &[accept])), "RW3006", "{accept}");
    }
    let own = ("404.html".to_owned(), "<p>gone: {{request_id}}</p>".to_owned());
    fleet.core.show(Some(Pages::new([own]).unwrap()));
    let page = get(edge, "/nowhere", &[PAGE]);
    let id = field(&page, "ringwall-request").unwrap();
    assert_eq!(body(&page), format!("<p>gone: {id}</p>"));
}

#[test]
fn grpc_gets_its_own_status_in_a_success() {
    let upstream = Upstream::plain();
    let fleet = Fleet::new(&shop(&upstream));
    let edge = fleet.edge();
    let told = |path: &str, media_type: &str, token: &str| {
        let fields = [format!("content-type: {media_type}"), token.to_owned()];
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let answer = ask(edge, &format!("POST {path}"), &fields, "");
        assert_eq!(status(&answer), 200, "{answer}");
        assert_eq!(body(&answer), "", "{answer}");
        let kind = field(&answer, "content-type").unwrap().to_owned();
        (kind, field(&answer, "grpc-status").unwrap().to_owned())
    };
    let grpc = |kind: &str, status: &str| (kind.to_owned(), status.to_owned());
    let hello = "/greeter.Greeter/SayHello";
    assert_eq!(told(hello, "application/grpc", "x: y"), grpc("application/grpc", "7"));
    assert_eq!(told("/other.Thing/Do", "application/grpc", "x: y"), grpc("application/grpc", "12"));
    let bad = "authorization: Bearer nonsense";
    assert_eq!(told(hello, "application/grpc+proto", bad), grpc("application/grpc", "16"));
    let web = "application/grpc-web-text";
    assert_eq!(told(hello, "application/grpc-web-text+proto", "x: y"), grpc(web, "7"));
    let events = fleet.sink.take();
    assert!(events.iter().all(|event| event.code.is_some()), "a refusal is one in the log");
}
