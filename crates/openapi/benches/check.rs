//! CPU time of holding requests to a schema: bodies of 1 and 10 KiB, and the parameters of a head.
//! Prints one JSON object a line. Budget: 10 us for a JSON body of 1 KiB.

use ringwall_openapi::{Document, OperationSchema, RequestParts, Unknown};

const RUNS: usize = 11;

/// Calls of one run: the clock of a thread moves in steps of milliseconds.
const CALLS: u32 = 10_000;

const DOCUMENT: &str = include_str!("order.yaml");

fn main() {
    let read = || Document::parse(DOCUMENT.as_bytes(), "order.yaml").map(|read| read.compile());
    let schemas = read().ok().and_then(Result::ok).unwrap_or_default();
    let operation = schemas.operation("order");
    assert!(operation.is_some(), "the document does not compile");
    let Some(operation) = operation else { return };
    let small = order(4);
    let large = order(54);
    assert!((1_020..1_060).contains(&small.len()), "{} is not 1 KiB", small.len());
    assert!((10_000..11_000).contains(&large.len()), "{} is not 10 KiB", large.len());
    measure("openapi-json-1k", || body(operation, "application/json", &small));
    measure("openapi-json-10k", || body(operation, "application/json", &large));
    let form = "customer=0f8fad5b-d9cb-469f-a165-70867728950e&count=3&express=true&note=Ring+twice";
    measure("openapi-form", || body(operation, "application/x-www-form-urlencoded", form));
    let headers = http::HeaderMap::new();
    let parts = RequestParts {
        path_params: &[("shop".to_owned(), "12".to_owned())],
        query: Some("page=3&sort=price&tags=a&tags=b&filter[state]=open"),
        headers: &headers,
        unknown: Unknown::Refuse,
    };
    measure("openapi-query", || assert!(operation.check_request(&parts).is_ok(), "fits"));
}

fn body(operation: &OperationSchema, media_type: &str, body: &str) {
    let result = operation.check_body(Some(media_type), body.as_bytes());
    assert!(result.is_ok(), "{result:?}");
}

/// An order with so many items.
fn order(items: usize) -> String {
    let item = |number: usize| {
        format!(
            "{{\"sku\": \"ABC-{number:05}-XL\", \"title\": \"Wool blanket, {number} threads, made by hand\", \
             \"quantity\": {number}, \"price\": 129.95, \"gift\": false, \"tags\": [\"home\", \"winter\"], \
             \"options\": {{\"colour\": \"green\"}}}}"
        )
    };
    let items: Vec<String> = (1..=items).map(item).collect();
    format!(
        "{{\"id\": \"0f8fad5b-d9cb-469f-a165-70867728950e\", \"placed\": \"2026-11-22T20:15:00Z\", \
         \"customer\": {{\"name\": \"Zo\u{eb} O'Brien\", \"email\": \"zoe@example.org\"}}, \
         \"currency\": \"EUR\", \"express\": true, \"total\": 519.80, \
         \"note\": \"Ring twice, the bell is old; leave it with the neighbour at number 12 if nobody is in.\", \
         \"items\": [{}]}}",
        items.join(", ")
    )
}

#[expect(clippy::print_stdout, reason = "the result of a bench is its output")]
fn measure(name: &str, work: impl Fn()) {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let before = cpu_micros();
            for _ in 0..CALLS {
                work();
            }
            (cpu_micros() - before) / f64::from(CALLS)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |index: usize| times.get(index).copied().unwrap_or(0.0);
    println!(
        "{{\"bench\":\"{name}\",\"contender\":\"ringwall\",\"unit\":\"us_cpu\",\"median\":{:.2},\"min\":{:.2},\"max\":{:.2},\"n\":{RUNS}}}",
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
