//! CPU time of reading and checking a manifest of 20 services with 1,000 operations, and of the
//! plan between two of them. Prints one JSON object a line. Budget: 50 ms each.

use std::collections::BTreeMap;

use ringwall_base::{Contract, Operation, Parameter, ParameterPlace};
use ringwall_manifest::{Draft, Inputs, Source, check, plan};

const SERVICES: usize = 20;
const OPERATIONS: usize = 50;
const RUNS: usize = 31;

fn main() {
    let (text, inputs) = fleet();
    let read = || check(&Draft::read(Source::new("ringwall.toml", text.as_str())), &inputs);
    let report = read();
    assert!(report.model.is_some(), "{:#?}", report.findings);
    measure("check", || assert!(read().model.is_some(), "usable before"));
    if let Some(model) = report.model {
        measure("check-plan", || assert!(plan(&model, &model).is_empty(), "nothing differs"));
    }
}

/// A manifest with a grant and an owner for every operation, and what its services offer.
#[expect(clippy::format_push_string, reason = "a bench may build its input slowly")]
fn fleet() -> (String, Inputs) {
    let mut text = String::from(
        "ringwall = 1\nname = \"big\"\n[roles]\nuser = {}\nstaff = { includes = [\"user\"] }\n",
    );
    let mut openapi = BTreeMap::new();
    for service in 0..SERVICES {
        let list = |suffix: &str| {
            (0..OPERATIONS).map(|one| format!("\"op{one}{suffix}\"")).collect::<Vec<_>>().join(", ")
        };
        let caller = (service + 1) % SERVICES;
        text.push_str(&format!(
            "[services.s{service}]\nupstream = \"127.0.0.1:{}\"\nopenapi = \"s{service}.yaml\"\n\
             people.user = [{}]\npeople.staff = [{}]\ncallers.s{caller} = [{}]\n",
            5_000 + service,
            list(":own"),
            list(""),
            list(":on-behalf"),
        ));
        openapi.insert(format!("s{service}"), contract(service));
    }
    text.push_str("[expect]\nnever = [\"anyone -> s1.*\", \"s0 -> s2.*\"]\n");
    (text, Inputs { openapi, ..Inputs::default() })
}

fn contract(service: usize) -> Contract {
    let operation = |one: usize| Operation {
        name: format!("op{one}"),
        method: ["GET", "POST", "PUT", "DELETE"].get(one % 4).copied().unwrap_or("GET").to_owned(),
        path: format!("/s{service}/things{}/{{id}}/parts/{{part}}", one / 4),
        parameters: vec![Parameter {
            name: "id".to_owned(),
            place: ParameterPlace::Path,
            required: true,
        }],
        ..Operation::default()
    };
    let operations = (0..OPERATIONS).map(operation).collect();
    Contract { operations, source: format!("s{service}.yaml"), has_schemas: true }
}

#[expect(clippy::print_stdout, reason = "the result of a bench is its output")]
fn measure(name: &str, work: impl Fn()) {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let before = cpu_micros();
            work();
            cpu_micros() - before
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |index: usize| times.get(index).copied().unwrap_or(0.0);
    println!(
        "{{\"bench\":\"{name}\",\"contender\":\"ringwall\",\"unit\":\"us_cpu\",\"median\":{:.0},\"min\":{:.0},\"max\":{:.0},\"n\":{RUNS}}}",
        at(RUNS / 2),
        at(0),
        at(RUNS - 1)
    );
}

/// CPU time of this thread so far (Linux).
fn cpu_micros() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos: f64 = text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
    nanos / 1_000.0
}
