//! Files and GraphQL, sent by curl to the running program.

use std::process::Command;

use crate::library::Library;
use crate::program::run;

/// The smallest picture that has an end.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x01tEXta\0\0\0\0\0\0\0\0IEND\xae\x42\x60\x82";

/// A library whose laboratory has these lines too.
fn open(lines: &str) -> Library {
    Library::open_with(|text| {
        text.replace("own.shelf =", &format!("{lines}\nown.shelf ="))
            .replace("[gateway]", "[gateway]\nmode = \"block\"")
    })
}

/// What curl is answered: the body and the status.
fn curl(library: &Library, more: &[&str]) -> String {
    let (house, port) = (&library.house, library.house.port);
    let mut command = Command::new("curl");
    command.current_dir(house.path());
    command.args(["--silent", "--show-error", "--cacert"]).arg(house.state().join("ca.pem"));
    command.args(["--resolve", &format!("harbour.localhost:{port}:127.0.0.1")]);
    command.args(["--write-out", " %{http_code}"]).args(more);
    command.arg(format!("https://harbour.localhost:{port}/lab/echo"));
    let outcome = run(&mut command, "");
    format!("{}{}", outcome.out, outcome.err)
}

#[test]
fn a_file_that_is_not_what_its_line_takes_never_reaches_the_service() {
    let library = open("uploads.put = { kinds = [\"image/png\"], file = \"1 KiB\", files = 1 }");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(library.house.path().join(name), bytes).unwrap();
    };
    write("a.png", PNG);
    write("page.png", b"<html><script>secret-word</script>");
    write("large.png", &[PNG, &[0; 1024]].concat());
    let one = curl(&library, &["--form", "photo=@a.png"]);
    assert!(one.ends_with(" 200"), "{one}");
    let seen = library.upstream.seen().len();
    for (form, status) in [("photo=@page.png;type=image/png", 415), ("photo=@large.png", 413)] {
        let answer = curl(&library, &["--form", form]);
        assert!(answer.ends_with(&format!(" {status}")), "{answer}");
        assert!(answer.contains("RW3020"), "{answer}");
    }
    let two = curl(&library, &["--form", "photo=@a.png", "--form", "photo=@a.png"]);
    assert!(two.ends_with(" 413") && two.contains("RW3020"), "{two}");
    assert_eq!(library.upstream.seen().len(), seen);
    let events = library.house.events(&["--action", "request-rejected"]);
    let text = serde_json::to_string(&events).unwrap();
    assert_eq!(events.len(), 3, "{text}");
    assert!(text.contains("photo: a file whose bytes are text/html"), "{text}");
    assert!(!text.contains("secret-word"), "{text}");
}

#[test]
fn a_query_that_costs_too_much_never_reaches_the_service() {
    let library = open("graphql = { operations = [\"put\"], depth = 2 }");
    let json = ["--header", "content-type: application/json", "--data"];
    let ask = |query: &str| {
        let body = serde_json::json!({ "query": query }).to_string();
        curl(&library, &[&json[..], &[&body]].concat())
    };
    assert!(ask("{ a { b } }").ends_with(" 200"));
    let seen = library.upstream.seen().len();
    for query in ["{ a { b { c } } }", "{ __schema { types } }", "{ a(first: 5000) { b } }"] {
        let answer = ask(query);
        assert!(answer.ends_with(" 400") && answer.contains("RW3020"), "{query}: {answer}");
    }
    assert_eq!(library.upstream.seen().len(), seen);
}

#[test]
fn where_documents_are_stored_no_other_reaches_the_service() {
    let (house, upstream) = Library::closed(|text| {
        let line = "graphql = { operations = [\"put\"], documents = \"queries\" }";
        text.replace("own.shelf =", &format!("{line}\nown.shelf ="))
    });
    let none = house.run(&["check", "--format", "plain"]);
    assert!(none.code == 3 && none.err.contains("RW1062"), "{none:?}");
    house.write("queries/a.graphql", "query A { a {");
    let broken = house.run(&["check", "--format", "plain"]);
    let said = "`queries/a.graphql`: a text that is no GraphQL document";
    assert!(broken.code == 3 && broken.err.contains(said), "{broken:?}");
    house.write("queries/a.graphql", "query A { a { b } }\n");
    let mut sum = Command::new("sha256sum");
    let sum = sum.arg(house.path().join("queries/a.graphql")).output().unwrap();
    let id = String::from_utf8(sum.stdout).unwrap().split_once(' ').unwrap().0.to_owned();
    let server = house.serve();
    let library = Library { house, upstream, server };
    let ask = |body: serde_json::Value| {
        let body = body.to_string();
        curl(&library, &["--header", "content-type: application/json", "--data", &body])
    };
    for good in [
        serde_json::json!({ "query": "query A {\n  a { b }\n}" }),
        serde_json::json!({ "documentId": format!("sha256:{id}") }),
        serde_json::json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": id } } }),
    ] {
        assert!(ask(good.clone()).ends_with(" 200"), "{good}");
    }
    let seen = library.upstream.seen().len();
    for bad in [
        serde_json::json!({ "query": "{ a { b } }" }),
        serde_json::json!({ "documentId": format!("sha256:{}", "0".repeat(64)) }),
    ] {
        let answer = ask(bad.clone());
        assert!(answer.ends_with(" 400") && answer.contains("RW3020"), "{bad}: {answer}");
    }
    assert_eq!(library.upstream.seen().len(), seen);
}
