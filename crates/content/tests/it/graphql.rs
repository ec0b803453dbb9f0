//! What another reader of GraphQL reads, we read; what it refuses, we refuse.

use std::io::Write;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringwall_content::graphql;

#[test]
fn what_graphql_core_reads_is_what_we_read() {
    let mut python = Command::new("python3");
    python.args(["-c", include_str!("graphql.py")]);
    let output = python.output().unwrap();
    std::io::stderr().write_all(&output.stderr).unwrap();
    assert!(output.status.success());
    let (mut read, mut refused, mut differ) = (0, 0, Vec::new());
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (verdict, text) = line.split_once(' ').unwrap();
        let text = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
        let why = graphql::refusal(&text);
        let agree = match verdict {
            "Y" => why.is_none(),
            // `E`: sets of fields without a field, which the specification has not.
            "E" | "N" => why.is_some(),
            // Definitions of types are read by it, and executed by nobody.
            "T" => why == Some("a document that is not to be executed"),
            _ => panic!("{line}"),
        };
        *if verdict == "Y" { &mut read } else { &mut refused } += 1;
        if !agree {
            differ.push(format!("{verdict} {why:?} {text:?}"));
        }
    }
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
    // Without graphql-core it has said that it is not run.
    let is_run = !String::from_utf8_lossy(&output.stderr).contains("NOT RUN: graphql-core");
    assert!(!is_run || (read > 500 && refused > 1_000), "{read} and {refused}");
}
