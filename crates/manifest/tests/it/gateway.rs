//! Every key of a complete gateway: read as meant, and a change of it told.

use std::net::IpAddr;
use std::time::Duration;

use ringwall_manifest::{
    Address, AuditRequests, Balance, CertificateKey, Draft, Effect, HashKey, Inputs, Mask, Model,
    Network, Protocol, RuleSet, Severity, Source, TlsVersion, Waf, Want, WantKind, check, format,
    plan, plan_text,
};

use crate::fleet::{examine, inputs};

pub(crate) const FULL: &str = include_str!("../data/gateway.toml");

pub(crate) fn model(text: &str) -> Model {
    examine(text).model.unwrap()
}

#[track_caller]
pub(crate) fn tells(from: &str, to: &str, want: &str) {
    let (old, new) = (model(FULL), model(&FULL.replacen(from, to, 1)));
    assert_eq!(plan_text(&plan(&old, &new)), want);
}

#[test]
fn the_complete_manifest_is_accepted_and_formatted() {
    let report = examine(FULL);
    let bad: Vec<_> = report.findings.iter().filter(|one| one.severity != Severity::Note).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(format(FULL).unwrap(), FULL);
}

#[test]
fn keys_of_the_door_are_read() {
    let model = model(FULL);
    let gateway = &model.gateway;
    assert_eq!(gateway.listen[0].to_string(), "[::]:8443");
    assert_eq!(gateway.http_port, Some(8080));
    assert_eq!(gateway.aliases, ["www.shop.localhost"]);
    assert_eq!(gateway.drain, Some(Duration::from_secs(30)));
    assert_eq!(gateway.tls.min, TlsVersion::V13);
    assert_eq!(gateway.tls.hosts["www.shop.localhost"].min, Some(TlsVersion::V12));
    let keys: Vec<_> = gateway.tls.certificates.iter().map(|one| one.key.clone()).collect();
    let (secret, file) = ("edge_key".to_owned(), "b.key".to_owned());
    assert_eq!(keys, [CertificateKey::Secret(secret), CertificateKey::File(file)]);
    assert_eq!(gateway.acme.as_ref().unwrap().names, ["shop.localhost", "www.shop.localhost"]);
    assert_eq!(gateway.cors.as_ref().unwrap().headers, ["x-token"]);
    assert_eq!(model.audit_requests, AuditRequests::Denied);
    assert_eq!(model.plans["gold"].quota.unwrap().count, 100_000);
    assert_eq!(model.limits.redis.as_ref().unwrap().secret.as_deref(), Some("redis"));
}

#[test]
fn keys_of_a_service_are_read() {
    let model = model(FULL);
    let users = &model.services["users"];
    let addresses: Vec<_> = users.upstreams.iter().map(|one| one.address.clone()).collect();
    assert_eq!(
        addresses,
        [
            Address::Tcp("127.0.0.1:5001".to_owned()),
            Address::Unix("/run/users.sock".to_owned()),
            Address::Dns("users.internal:5001".to_owned()),
            Address::Srv("_http._tcp.users.internal".to_owned()),
            Address::File("upstreams.txt".to_owned()),
        ]
    );
    assert_eq!((users.upstreams[0].weight, users.upstreams[1].weight), (2, 1));
    assert_eq!(users.zones, ["a", "b"]);
    assert_eq!(users.balance, Balance::Hash(HashKey::Header("x-tenant".to_owned())));
    assert_eq!(users.retry.unwrap().hedge, Some(Duration::from_millis(100)));
    let canary = users.canary.as_ref().unwrap();
    assert_eq!(canary.header, Some(("x-canary".to_owned(), "yes".to_owned())));
    assert_eq!(users.rewrite, [("/old".to_owned(), "/new".to_owned())]);
    assert_eq!(users.websocket.as_deref(), Some(&["feed".to_owned()][..]));
    let greeter = &model.services["greeter"];
    assert_eq!(greeter.protocol, Protocol::Http2);
    let grpc = greeter.grpc.as_ref().unwrap();
    assert_eq!((grpc.file.as_str(), grpc.passes_unknown), ("greeter.binpb", false));
    assert_eq!((grpc.message_bytes_max, grpc.messages_max), (Some(262_144), Some(1_000)));
    assert_eq!(greeter.operations["Greet"].path, "/t.Greeter/Greet");
}

#[test]
fn a_route_names_a_method_of_the_descriptors() {
    let named =
        FULL.replace("routes.hello = \"POST /hello\"", "routes.hello = \"POST /t.Greeter/Greet\"");
    let operations = &model(&named).services["greeter"].operations;
    assert_eq!(operations.keys().collect::<Vec<_>>(), ["hello"]);
    let other =
        FULL.replace("routes.hello = \"POST /hello\"", "routes.hello = \"POST /t.Greeter/Meet\"");
    let report = examine(&other);
    assert!(report.findings.iter().any(|one| one.code == "RW2028"), "{:?}", report.findings);
    assert_eq!(report.model.unwrap().services["greeter"].operations.len(), 2);
}

#[test]
fn a_network_holds_its_addresses_and_no_others() {
    let networks: Vec<Network> = model(FULL).gateway.proxy_protocol;
    let holds =
        |index: usize, text: &str| networks[index].contains(text.parse::<IpAddr>().unwrap());
    assert!(holds(0, "10.255.255.255") && holds(0, "::ffff:10.0.0.1"));
    assert!(!holds(0, "11.0.0.0") && !holds(0, "::1"));
    assert!(holds(1, "::1") && !holds(1, "::2"));
    let all = Network { address: "0.0.0.0".parse().unwrap(), prefix_bits: 0 };
    assert!(all.contains("255.1.2.3".parse().unwrap()));
}

#[test]
fn how_old_a_sign_in_may_be_is_read_and_told() {
    let line = "compress = [\"getUser\"]";
    let with = |ages: &str| FULL.replacen(line, &format!("{line}\nmax_age = {{ {ages} }}"), 1);
    let aged = |age: &str| model(&with(&format!("getUser = \"{age}\"")));
    let strict = aged("15m");
    assert_eq!(strict.services["users"].max_age["getUser"], Duration::from_mins(15));
    for (from, to, effect, said) in [
        (model(FULL), aged("15m"), Effect::Narrows, "900 s"),
        (aged("1h"), aged("15m"), Effect::Narrows, "900 s"),
        (aged("15m"), aged("1h"), Effect::Widens, "3600 s"),
        (aged("15m"), model(FULL), Effect::Widens, "any"),
    ] {
        let changes = plan(&from, &to);
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(changes[0].effect, effect, "{changes:?}");
        let text = plan_text(&changes);
        assert!(text.contains(&format!("oldest sign-in for users.getUser: {said}")), "{text}");
    }
    assert!(plan(&strict, &aged("900s")).is_empty());
    for (ages, code) in [
        ("getUser = \"59s\"", "RW1016"),
        ("getUser = \"90500ms\"", "RW1016"),
        ("getUser = \"soon\"", "RW1016"),
        ("getUsers = \"15m\"", "RW1005"),
    ] {
        let report = examine(&with(ages));
        let found: Vec<_> = report.findings.iter().map(|one| one.code).collect();
        assert!(found.contains(&code), "{ages}: {found:?}");
    }
    assert!(examine(&with("getUser = \"60s\"")).model.is_some(), "a minute is enough");
}

#[test]
fn what_the_firewall_does_is_read_and_told() {
    let full = model(FULL);
    let (users, greeter) = (&full.services["users"], &full.services["greeter"]);
    assert_eq!(full.waf_for(users, "getUser"), Waf::Block);
    assert_eq!(full.waf_for(users, "feed"), Waf::Log);
    assert_eq!(full.waf_for(greeter, "hello"), Waf::Off);
    assert_eq!((full.waf.set, full.waf.paranoia), (RuleSet::Crs, 2));
    assert_eq!((full.waf.inbound_threshold, full.waf.outbound_threshold), (7, 6));
    assert!(!full.waf.skips_proven);
    assert!(full.waf.shares_collections);
    assert_eq!(full.waf.before, ["waf/before/*.conf"]);
    assert_eq!(full.waf.files, ["waf/*.conf"]);
    assert_eq!(full.leaks_for(users, "getUser"), Waf::Block);
    assert_eq!(full.leaks_for(users, "feed"), Waf::Off);
    assert_eq!(model(&FULL.replace("leaks = \"block\"\n", "")).gateway.leaks, Waf::Log);
    let payment = &full.data["payment"];
    assert_eq!((&*payment.detect, payment.mask), (&["card", "iban"][..], Mask::Last4));
    tells("leaks = \"block\"", "leaks = \"log\"", "+ leaks     block becomes log\n");
    tells("feed = \"off\"", "feed = \"log\"", "- leaks     users.feed: off becomes log\n");
    tells(
        "[\"iban\", \"card\"]",
        "[\"card\"]",
        "+ data      iban found and protected as payment\n",
    );
    tells("waf = \"block\"", "waf = \"log\"", "+ firewall  block becomes log\n");
    tells("feed = \"log\"", "feed = \"off\"", "+ firewall  users.feed: log becomes off\n");
    tells(
        "waf = \"off\"",
        "",
        "- firewall  greeter.Greet: off becomes block\n- firewall  greeter.hello: off becomes block\n",
    );
    tells("rules = \"crs\"", "", "~ firewall  rules: crs becomes own\n");
    tells("paranoia = 2", "", "+ firewall  paranoia: 2 becomes 1\n");
    tells("inbound_threshold = 7", "", "- firewall  inbound threshold: 7 becomes 5\n");
    tells(
        "outbound_threshold = 6",
        "outbound_threshold = 8",
        "+ firewall  outbound threshold: 6 becomes 8\n",
    );
    tells(
        "proven = \"look\"",
        "proven = \"skip\"",
        "+ firewall  values that a schema proves: look becomes skip\n",
    );
    tells(
        "collections = \"shared\"",
        "collections = \"local\"",
        "~ firewall  collections: shared becomes local\n",
    );
    tells("\"waf/*.conf\"", "\"other/*.conf\"", "~ firewall  files with rules changed\n");
}

#[test]
fn collections_are_shared_only_where_there_is_a_store() {
    let alone = FULL.replace("redis = \"redis://127.0.0.1:6379\"\n", "");
    let alone = alone.replace("redis_secret = \"redis\"\n", "").replace("redis = {}\n", "");
    let codes = |text: &str| -> Vec<_> {
        let errors = examine(text).findings.into_iter();
        errors.map(|one| one.code).filter(|code| *code == "RW1065").collect()
    };
    assert_eq!(codes(&alone), ["RW1065"]);
    assert!(examine(&alone).model.is_none());
    assert!(codes(&alone.replace("collections = \"shared\"\n", "")).is_empty());
}

#[test]
fn one_operation_is_enough_for_the_firewall_to_need_rules() {
    let has = |text: &str| model(text).has_waf();
    let none = FULL.replace("waf = \"block\"\n", "").replace("waf = { feed = \"log\" }\n", "");
    assert!(has(FULL) && !has(&none));
    assert!(has(&FULL.replace("waf = \"block\"\n", "")), "feed logs");
    assert!(has(&none.replace("waf = \"off\"", "waf = \"log\"")), "greeter logs");
    let unknown = examine(&FULL.replace("waf = { feed", "waf = { feeds"));
    assert!(unknown.findings.iter().any(|one| one.code == "RW1005"), "{:?}", unknown.findings);
    assert!(examine(&FULL.replace("paranoia = 2", "paranoia = 5")).model.is_none());
}

#[test]
fn a_plan_tells_what_becomes_weaker() {
    let same = examine(FULL).model.unwrap();
    assert!(plan(&same, &model(&format!("\n{FULL}"))).is_empty());
    tells("min = \"1.3\"", "min = \"1.2\"", "+ tls       oldest TLS: 1.3 becomes 1.2\n");
    tells(
        "require = true",
        "require = false",
        "+ tls       a client certificate is no longer required\n",
    );
    tells(
        "require = false",
        "require = false, workloads = true, self_signed = true",
        "+ tls       certificates of services are taken for www.shop.localhost\n\
         + tls       self-signed certificates are taken for www.shop.localhost\n",
    );
    tells(
        "\"https://app.example\", ",
        "\"https://app.example\", \"https://new.example\", ",
        "+ cors      pages of https://new.example may call greeter with the visitor's cookies\n",
    );
    tells(
        "mirror = { upstream = \"127.0.0.1:5201\"",
        "mirror = { upstream = \"10.6.6.6:80\"",
        "+ mirror    copies of requests to users go to 10.6.6.6:80\n\
         - mirror    copies of requests to users go to 127.0.0.1:5201\n",
    );
    tells(
        "\"::1\"",
        "\"192.0.2.0/24\"",
        "+ gateway   192.0.2.0/24 is believed where a client comes from\n\
         - gateway   ::1/128 is believed where a client comes from\n",
    );
    tells(
        "requests = \"denied\"",
        "requests = \"all\"",
        "- audit     allowed requests are written again\n",
    );
}

#[test]
fn what_may_be_sent_is_read_and_told() {
    let full = model(FULL);
    let users = &full.services["users"];
    let (photo, is_for_all) = users.uploads_for("putPhoto").unwrap();
    assert!(!is_for_all && photo.passes_active);
    assert_eq!(photo.kinds, ["application/pdf", "image/png"]);
    assert_eq!((photo.file_bytes_max, photo.files_max), (Some(5 << 20), Some(1)));
    assert_eq!((photo.entries_max, photo.unpacked_bytes_max), (Some(1000), Some(64 << 20)));
    assert_eq!((photo.depth_max, photo.ratio_max), (Some(2), Some(50)));
    let (other, is_for_all) = users.uploads_for("feed").unwrap();
    assert!(is_for_all && other.kinds == ["image/*"] && other.depth_max.is_none());
    assert!(full.services["greeter"].uploads_for("hello").is_none());
    let graphql = users.graphql_for("graphql").unwrap();
    assert_eq!((graphql.depth_max, graphql.cost_max), (Some(8), Some(500)));
    assert_eq!((graphql.aliases_max, graphql.root_fields_max), (Some(10), Some(5)));
    assert_eq!((graphql.directives_max, graphql.batch_max), (Some(9), Some(2)));
    assert!(graphql.allows_introspection && graphql.counts == ["howMany"]);
    assert!(users.graphql_for("feed").is_none());
}

#[test]
fn a_plan_tells_which_content_becomes_free() {
    let kinds = "\"image/png\", \"application/pdf\"";
    for (from, to, want) in [
        (
            kinds,
            "\"image/png\"",
            "- content   users.putPhoto: files of application/pdf, image/png become image/png\n",
        ),
        (
            kinds,
            "",
            "+ content   users.putPhoto: files of application/pdf, image/png become every kind\n",
        ),
        (
            kinds,
            "\"image/gif\"",
            "~ content   users.putPhoto: files of application/pdf, image/png become image/gif\n",
        ),
        (
            "active = \"pass\"",
            "active = \"refuse\"",
            "- content   users.putPhoto: files that do something are refused\n",
        ),
        (
            "depth = 2",
            "depth = 3",
            "+ content   users.putPhoto: archives in archives: 2 becomes 3\n",
        ),
        ("files = 1", "files = 0", "- content   users.putPhoto: files: 1 becomes 0\n"),
        ("cost = 500", "cost = 5000", "+ content   users.graphql: cost: 500 becomes 5000\n"),
        ("depth = 8, ", "", "~ content   users.graphql: depth: 8 becomes the usual\n"),
        (
            "introspection = true",
            "introspection = false",
            "- content   users.graphql: questions for the schema are refused\n",
        ),
        ("[\"howMany\"]", "[]", "+ content   users.graphql: arguments that are counts changed\n"),
        (
            "operations = [\"graphql\"]",
            "operations = [\"feed\"]",
            "+ content   users.graphql: GraphQL is free\n- content   users.feed: GraphQL is held to a line\n",
        ),
    ] {
        tells(from, to, want);
    }
    let bare = FULL.lines().filter(|line| !line.starts_with("uploads")).collect::<Vec<_>>();
    let text = plan_text(&plan(&model(FULL), &model(&bare.join("\n"))));
    assert!(text.contains("+ content   users.putPhoto: files is free"), "{text}");
}

#[test]
fn a_line_about_content_that_cannot_hold_is_reported() {
    for (from, to, code) in [
        ("uploads.putPhoto", "uploads.putPhotos", "RW1005"),
        ("uploads.putPhoto", "uploads.feed", "RW2026"),
        ("\"image/png\"", "\"png\"", "RW1062"),
        ("\"image/png\"", "\"*/*\"", "RW1062"),
        ("\"image/png\"", "\"image/png; q=1\"", "RW1062"),
        ("\"image/png\"", "\"application/x-7z-compressed\"", "RW2032"),
        ("\"image/png\"", "\"text/html\"", "RW2032"),
        ("5 MiB", "5", "RW1015"),
        ("64 MiB", "0 B", "RW1015"),
        ("operations = [\"graphql\"]", "operations = []", "RW1062"),
        ("operations = [\"graphql\"], ", "", "RW1062"),
        ("operations = [\"graphql\"]", "operations = [\"grapql\"]", "RW1005"),
        ("active = \"pass\"", "active = \"yes\"", "RW0001"),
        ("entries = 1000", "entries = 0", "RW0001"),
    ] {
        assert!(FULL.contains(from), "{from}");
        let report = examine(&FULL.replacen(from, to, 1));
        let found: Vec<_> = report.findings.iter().map(|one| one.code).collect();
        assert!(found.contains(&code), "{to}: {found:?}");
        assert_eq!(report.model.is_some(), code.starts_with("RW20"), "{to}");
    }
}

#[test]
fn stored_documents_are_read_and_told() {
    let text = FULL.replacen("depth = 8,", "depth = 8, documents = \"queries\",", 1);
    let draft = Draft::read(Source::new("ringwall.toml", text.as_str()));
    let want =
        Want { kind: WantKind::GraphQl, path: "queries".to_owned(), service: "users".to_owned() };
    assert!(draft.wants().contains(&want), "{:?}", draft.wants());
    let with = |texts: &[&str]| {
        let texts = texts.iter().map(|&text| text.to_owned()).collect();
        let documents = [("users".to_owned(), texts)].into();
        check(&draft, &Inputs { documents, ..inputs() }).model
    };
    assert!(with(&[]).is_none(), "a folder without documents would refuse everything");
    let (one, two) = (with(&["{ a }"]).unwrap(), with(&["{ a }", "{ b }"]).unwrap());
    let said = |was: &Model, is: &Model| plan_text(&plan(was, is));
    let full = model(FULL);
    for (was, is, want) in [
        (&full, &one, "- content   users.graphql: every document becomes 1 stored documents\n"),
        (&one, &two, "+ content   users.graphql: 1 stored documents becomes 2 stored documents\n"),
        (&two, &one, "- content   users.graphql: 2 stored documents becomes 1 stored documents\n"),
        (&one, &full, "+ content   users.graphql: 1 stored documents becomes every document\n"),
    ] {
        assert_eq!(said(was, is), want);
    }
}
