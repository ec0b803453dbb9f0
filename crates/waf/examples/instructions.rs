//! One request, many times, for `valgrind`: what is made at the first sight of it (the states of
//! lazy automata) is made before `steady`, of which alone the instructions are counted.
//!
//! `valgrind --tool=callgrind --toggle-collect='instructions::steady' instructions RULES-FOLDER
//! get|query|form|json|json10|budget|load|first COUNT [PARANOIA]`
//!
//! `budget` is a body that spends nearly all the work that a request may cost; `load` counts the loading of the rules instead of requests; `first` a request of each kind right
//! after it, when what is built at its first use is not there yet.
//!
//! Prints the CPU time of one request in nanoseconds. The bench `waf` runs it beside its twin for
//! libmodsecurity, `benches/modsecurity.c`.

#![expect(clippy::type_complexity, reason = "headers are pairs of byte slices")]

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use ringwall_waf::{
    Arena, Connection, Library, LibraryError, NoMemory, RequestHead, ResponseHead, Ruleset, Source,
    Transaction,
};

struct Folder;

impl Library for Folder {
    fn include(&self, pattern: &str, _from: &str) -> Result<Vec<Source>, LibraryError> {
        Err(LibraryError(pattern.to_owned()))
    }

    fn data(&self, path: &str, from: &str) -> Result<Vec<u8>, LibraryError> {
        let file = Path::new(from).with_file_name(path);
        fs::read(&file).map_err(|error| LibraryError(error.to_string()))
    }
}

const SETUP: &str = "SecRuleEngine On\nSecRequestBodyAccess On\n\
    SecRule REQUEST_HEADERS:Content-Type \"^application/json\" \
    \"id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON\"\n";

const BROWSER: &[(&[u8], &[u8])] = &[
    (b"Host", b"shop.example"),
    (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    (b"Accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    (b"Accept-Language", b"en-US,en;q=0.5"),
    (b"Accept-Encoding", b"gzip, deflate, br"),
    (b"Referer", b"https://shop.example/catalog?page=2"),
    (b"Cookie", b"session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; lang=en; cart=3"),
    (b"Connection", b"keep-alive"),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let [_, folder, kind, count, rest @ ..] = arguments.as_slice() else {
        return ExitCode::FAILURE;
    };
    let paranoia = rest.first().map_or("1", String::as_str);
    let Some(sources) = sources(Path::new(folder), paranoia) else { return ExitCode::FAILURE };
    let Ok(rules) = Ruleset::load(&sources, &Folder) else { return ExitCode::FAILURE };
    let mut arena = Arena::new();
    for _ in 0..if kind == "first" { 0 } else { 10 } {
        judge(&rules, &arena, kind);
        arena.reset();
    }
    let count = count.parse().unwrap_or(0);
    let before = cpu_ns();
    let stopped = match kind.as_str() {
        "load" => steady_loads(&sources, count),
        _ => steady(&rules, &mut arena, kind, count),
    };
    let spent = cpu_ns().saturating_sub(before).checked_div(count.try_into().unwrap_or(0));
    if writeln!(io::stdout(), "{}", spent.unwrap_or(0)).is_err() {
        return ExitCode::FAILURE;
    }
    if stopped == 0 { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

/// The time that this thread was on a processor; 0 where the system does not say.
fn cpu_ns() -> u64 {
    let text = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0)
}

/// What is counted.
#[inline(never)]
fn steady(rules: &Ruleset, arena: &mut Arena, kind: &str, count: usize) -> usize {
    let mut stopped = 0;
    for _ in 0..count {
        stopped += usize::from(judge(rules, arena, kind));
        arena.reset();
    }
    stopped
}

/// As [`steady`], for loading.
#[inline(never)]
fn steady_loads(sources: &[Source], count: usize) -> usize {
    (0..count).map(|_| usize::from(Ruleset::load(sources, &Folder).is_err())).sum()
}

fn sources(folder: &Path, paranoia: &str) -> Option<Vec<Source>> {
    let example = fs::read_to_string(folder.join("crs-setup.conf.example")).ok()?;
    let level = format!(
        "SecAction \"id:900001,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level={paranoia}\"\n"
    );
    let text = format!("{SETUP}{level}{example}").into_bytes();
    let mut sources = vec![Source { name: "setup".to_owned(), text }];
    let mut files: Vec<_> = fs::read_dir(folder.join("rules")).ok()?.flatten().collect();
    files.sort_by_key(fs::DirEntry::path);
    for path in files.iter().map(fs::DirEntry::path) {
        if path.extension().is_some_and(|extension| extension == "conf") {
            let text = fs::read(&path).ok()?;
            sources.push(Source { name: path.to_string_lossy().into_owned(), text });
        }
    }
    Some(sources)
}

/// An order of about 10 KiB, each item with another name and number.
fn long_json() -> String {
    let colours = ["red", "green", "blue", "white", "black", "grey", "brown"];
    let things = ["chair", "table", "lamp", "shelf", "bench", "stool", "carpet", "mirror", "clock"];
    let item = |at: usize| {
        let colour = colours.get(at % 7).unwrap_or(&"");
        let thing = things.get(at % 9).unwrap_or(&"");
        let (sku, price) = (1_000 + at * 37, at % 90 + 5);
        format!(
            "{{\"sku\":\"AB-{sku}\",\"title\":\"Large {colour} {thing} no {at}\",\"count\":{},\"price\":{price}.9}}",
            at % 4
        )
    };
    let items: Vec<String> = (0..140).map(item).collect();
    format!("{{\"order\":1,\"items\":[{}]}}", items.join(","))
}

fn judge(rules: &Ruleset, arena: &Arena, kind: &str) -> bool {
    let connection = Connection {
        client_address: "192.0.2.7",
        client_port: 50_000,
        server_address: "192.0.2.1",
        server_port: 443,
        unique_id: "0123456789",
        user: "",
        now_secs: 1_700_000_000,
    };
    let form = "name=Jane+Doe&email=jane%40example.org&street=Long+Street+12&city=Springfield&zip=12345\
        &country=US&phone=%2B1+555+0100&note=Please+ring+twice&newsletter=yes&terms=accepted";
    let items =
        "{\"sku\":\"AB-1234\",\"title\":\"Garden chair\",\"count\":2,\"price\":49.9},".repeat(14);
    let json = match kind {
        "json10" => long_json(),
        // A long name stands in the name of each leaf under it.
        "budget" => format!("{{\"{}\":[{}0]}}", "k".repeat(60_000), "0,".repeat(16)),
        _ => format!("{{\"order\":1,\"items\":[{}]}}", items.trim_end_matches(',')),
    };
    let (target, content_type, body): (&[u8], &[u8], &[u8]) = match kind {
        "query" => {
            (b"/search?q=garden+chair&page=2&sort=price&order=asc&lang=en&ref=home", b"", b"")
        }
        "form" => (b"/account", b"application/x-www-form-urlencoded", form.as_bytes()),
        "json" | "json10" | "budget" => (b"/orders", b"application/json", json.as_bytes()),
        _ => (b"/", b"", b""),
    };
    let length = body.len().to_string();
    let mut headers = match kind {
        "get" => BROWSER.get(..3).unwrap_or_default().to_vec(),
        _ => BROWSER.to_vec(),
    };
    let method: &[u8] = if body.is_empty() { b"GET" } else { b"POST" };
    if !body.is_empty() {
        headers.push((b"Content-Type", content_type));
        headers.push((b"Content-Length", length.as_bytes()));
    }
    let head = RequestHead { method, target, protocol: b"HTTP/1.1", headers: &headers };
    let mut transaction = Transaction::begin(rules, arena, &NoMemory, connection, head);
    transaction.request_body(body);
    transaction.response_head(ResponseHead { status: 200, protocol: b"HTTP/1.1", headers: &[] });
    transaction.finish();
    if kind == "budget" {
        let (steps, is_all) = (transaction.work_steps(), transaction.is_exhausted());
        // That nobody reads the steps is no reason to stop.
        writeln!(io::stderr(), "{steps} steps, exhausted: {is_all}").unwrap_or_default();
    }
    transaction.intervention().is_some()
}
