//! M: the admin API.

use serde_json::{Value, json};

use crate::ground::{Ground, add};
use crate::house::PASSWORD;
use crate::library::Library;
use crate::request::Request;
use crate::suite::{Attack, plays, run, unsound};
use crate::wire::Answer;

pub(crate) const ROWS: &[Attack] = &[
    plays(
        "M1",
        "every route without a token, with one for something else, and with an id that is another's",
        "OWASP API1:2023, API5:2023, CWE-639",
        objects,
    ),
    plays(
        "M1",
        "a program of one organisation at every route, with whose it is not",
        "OWASP API1:2023, CWE-639, CWE-1230",
        tenants,
    ),
    plays("M2", "members that are the server's, or nobody's", "OWASP API3:2023, CWE-915", members),
    plays(
        "M3",
        "more for oneself, or for a friend; the last who gives roles",
        "OWASP API5:2023, CWE-269",
        growth,
    ),
    plays(
        "M6",
        "a change, done or refused, that is not on record",
        "CWE-778, OWASP ASVS 7.1.3",
        unrecorded,
    ),
];

const ALL: [&str; 13] = [
    "users.read",
    "users.write",
    "roles.write",
    "clients.read",
    "clients.write",
    "organisations.read",
    "organisations.write",
    "sessions.read",
    "sessions.write",
    "tokens.write",
    "keys.read",
    "keys.write",
    "unknown.write",
];

#[test]
fn nobody_becomes_an_administrator() {
    let opened = |text: String| {
        let known = ALL[..12].iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ");
        text.replace("[roles]", "admin_api = true\n\n[roles]").replace(
            "clerk = {}",
            &format!("clerk = {{}}\nchief = {{ admin = [{known}] }}\nhelper = {{ admin = [\"users.read\"] }}"),
        )
    };
    run(ROWS, &Ground::on(Library::open_with(opened)));
}

/// A program's token with these scopes, and no other.
#[track_caller]
fn program(ground: &Ground, id: &str, scopes: &[&str]) -> String {
    let scopes: Vec<String> = scopes.iter().map(|scope| format!("ringwall:{scope}")).collect();
    let words: Vec<&str> = scopes.iter().flat_map(|scope| ["--scope", scope]).collect();
    let secret = add(ground.house(), id, &[&["--bearer"], &words[..]].concat());
    let wanted = scopes.join(" ");
    let fields = [("grant_type", "client_credentials"), ("scope", wanted.as_str())];
    let answer = ground.send(&Request::token(&fields).basic(id, &secret));
    assert_eq!(answer.status, 200, "{}", answer.raw);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// What may do everything.
fn root(ground: &Ground, id: &str) -> String {
    program(ground, id, &ALL[..12])
}

/// Asks, with the version that is there now.
#[track_caller]
fn ask(ground: &Ground, token: &str, line: &str, body: &Value) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::new(&format!("{method} /admin/v1{path}")).label(line);
    if !token.is_empty() {
        request = request.bearer(token);
    }
    if ["PATCH", "PUT", "DELETE"].contains(&method) {
        let now = Request::new(&format!("GET /admin/v1{path}")).bearer(token);
        if let Some(tag) = ground.send(&now).field("etag") {
            request = request.field(format!("If-Match: {tag}"));
        }
    }
    if !body.is_null() {
        request = request.content("application/json", body.to_string());
    }
    let answer = ground.send(&request);
    assert!(unsound(&answer).is_none(), "{line}: {:?}: {}", unsound(&answer), answer.raw);
    answer
}

/// All operations: method, path with this in place of its parameters, and scope.
fn routes(ground: &Ground, id: &str) -> Vec<(String, String)> {
    let document = ground.house().get("/admin/v1/openapi.json").json();
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| {
        let filled = path.split('/').map(|one| if one.starts_with('{') { id } else { one });
        let filled = filled.collect::<Vec<_>>().join("/");
        item.as_object().unwrap().iter().map(move |(method, operation)| {
            let scope = operation["security"][0]["oauth"][0].as_str().unwrap();
            (format!("{} {filled}", method.to_uppercase()), scope.to_owned())
        })
    });
    let all: Vec<_> = all.collect();
    assert!(all.len() >= 22, "{all:?}");
    all
}

/// The `sub` of a person.
#[track_caller]
fn subject(ground: &Ground, token: &str, name: &str) -> String {
    let list = ask(ground, token, "GET /users?limit=100", &Value::Null).json();
    let mut all = list["items"].as_array().unwrap().iter();
    let found = all.find(|one| one["name"] == name).unwrap_or_else(|| panic!("{list}"));
    found["id"].as_str().unwrap().to_owned()
}

fn objects(ground: &Ground) {
    let house = ground.house();
    house.person("bea", "customer");
    let (bea, tokens) = (house.sign_in("bea"), ground.tokens());
    let root = root(ground, "root1");
    for (line, scope) in routes(ground, "nobody") {
        for token in ["", "x", &tokens.refresh, &tokens.id] {
            let status = ask(ground, token, &line, &Value::Null).status;
            assert_eq!(status, 401, "{line}: {token}");
        }
        // A person's, and a program's, that were not made for this.
        for token in [&tokens.access, &ground.program()] {
            let status = ask(ground, token, &line, &Value::Null).status;
            assert!([401, 403].contains(&status), "{line}: {status}");
        }
        // A session is no token here, whoever's it is.
        let (method, path) = line.split_once(' ').unwrap();
        let request = Request::new(&format!("{method} /admin/v1{path}")).field(&bea);
        assert_eq!(ground.send(&request).status, 401, "{line}");
        // Everything but the one scope.
        let scope = scope.strip_prefix("ringwall:").unwrap();
        let others: Vec<&str> = ALL[..12].iter().copied().filter(|one| *one != scope).collect();
        let id = format!("but.{}", line.replace([' ', '/'], "."));
        let other = program(ground, &id, &others);
        assert_eq!(ask(ground, &other, &line, &Value::Null).status, 403, "{line}");
    }
    // What is one person's is not found under another, and an id of one kind is none of another.
    let (ada, bea) = (subject(ground, &root, "ada"), subject(ground, &root, "bea"));
    let list = ask(ground, &root, &format!("GET /users/{ada}/sessions"), &Value::Null).json();
    let sid = list["items"][0]["id"].as_str().unwrap().to_owned();
    let kid = ask(ground, &root, "GET /keys", &Value::Null).json()["items"][0]["id"].clone();
    let kid = kid.as_str().unwrap();
    let not_found = [
        format!("DELETE /users/{bea}/sessions/{sid}"),
        format!("DELETE /users/{sid}/sessions"),
        format!("GET /users/{kid}"),
        "GET /users/web/sessions".to_owned(),
        "GET /users/ada".to_owned(),
        format!("GET /clients/{ada}"),
        format!("DELETE /clients/{kid}"),
        format!("POST /clients/{sid}/secrets"),
        format!("DELETE /keys/{sid}"),
        "DELETE /keys/web".to_owned(),
    ];
    for line in not_found {
        assert_eq!(ask(ground, &root, &line, &Value::Null).status, 404, "{line}");
    }
    assert_eq!(ground.send(&Request::new("GET /books/7").field(&ground.ada)).status, 200);
    let line = format!("DELETE /users/{bea}/sessions");
    assert_eq!(ask(ground, &root, &line, &Value::Null).status, 204, "the control");
}

/// `acme-admin` is of acme, and may do everything there.
fn tenants(ground: &Ground) {
    let house = ground.house();
    let root = root(ground, "root-m1");
    for slug in ["acme", "zeta"] {
        house.run(&["organisation", "add", slug]).good();
    }
    for name in ["acme/ann", "zeta/zoe", "dee"] {
        house.person(name, "customer");
    }
    let [ann, zoe, dee] = ["acme/ann", "zeta/zoe", "dee"].map(|name| subject(ground, &root, name));
    let scopes: Vec<String> = ALL[..12].iter().map(|scope| format!("ringwall:{scope}")).collect();
    let words: Vec<&str> = scopes.iter().flat_map(|scope| ["--scope", scope]).collect();
    let own = [&["--bearer", "--organisation", "acme"], &words[..]].concat();
    let secret = add(house, "acme-admin", &own);
    let wanted = scopes.join(" ");
    let fields = [("grant_type", "client_credentials"), ("scope", wanted.as_str())];
    let answer = ground.send(&Request::token(&fields).basic("acme-admin", &secret));
    let acme = answer.json()["access_token"].as_str().unwrap().to_owned();
    let list = ask(ground, &acme, "GET /users?limit=100", &Value::Null).json();
    let items = list["items"].as_array().unwrap();
    assert!(items.len() == 1 && items[0]["name"] == "acme/ann", "{list}");
    for foreign in [&zoe, &dee, "zeta", "default"] {
        let all = routes(ground, foreign).into_iter().map(|(line, _)| line);
        for line in all.filter(|line| line.contains(foreign)) {
            let status = ask(ground, &acme, &line, &sent(&line)).status;
            assert!([403, 404].contains(&status), "{line}: {status}");
        }
        let by = json!({"by": "sub", "value": foreign});
        let status = ask(ground, &acme, "POST /revocations", &by).status;
        assert!([403, 404].contains(&status), "{foreign}: {status}");
    }
    for line in ["POST /organisations", "POST /clients", "POST /keys", "GET /clients", "GET /keys"]
    {
        assert_eq!(ask(ground, &acme, line, &sent(line)).status, 403, "{line}");
    }
    let name = json!({"name": "zeta/new", "password": "tide and lantern 7"});
    assert_eq!(ask(ground, &acme, "POST /users", &name).status, 403);
    // Nothing has happened to them, and what is its own is.
    for (id, name) in [(&zoe, "zeta/zoe"), (&dee, "dee")] {
        let one = ask(ground, &root, &format!("GET /users/{id}"), &Value::Null).json();
        assert!(one["disabled"] == false && one["roles"] == json!(["customer"]), "{one}");
        house.sign_in(name);
    }
    let line = format!("PATCH /users/{ann}");
    assert_eq!(ask(ground, &acme, &line, &sent(&line)).status, 200, "the control");
}

/// What a route takes.
fn sent(line: &str) -> Value {
    match line {
        "POST /organisations" => json!({"id": "beta"}),
        "POST /clients" => json!({"id": "x", "access": "secret", "grants": []}),
        "POST /keys" => json!({"signs": "id"}),
        line if line.starts_with("PATCH /organisations") => json!({"name": "X"}),
        line if line.starts_with("PATCH") => json!({"disabled": true}),
        line if line.ends_with("/password") => json!({"password": "tide and lantern 7"}),
        line if line.starts_with("PUT /clients") => {
            json!({"id": "x", "access": "public", "grants": []})
        }
        _ => Value::Null,
    }
}

fn members(ground: &Ground) {
    let root = root(ground, "root2");
    let ada = subject(ground, &root, "ada");
    let client = json!({"id": "fresh", "access": "secret", "grants": ["client_credentials"]});
    let twin = json!({"id": "twin", "access": "public", "grants": ["authorization_code"]});
    let cases = [
        ("POST /users".to_owned(), json!({"name": "dot", "password": PASSWORD})),
        (format!("PATCH /users/{ada}"), json!({"disabled": false})),
        (format!("PUT /users/{ada}/password"), json!({"password": PASSWORD})),
        ("POST /clients".to_owned(), client),
        ("PUT /clients/twin".to_owned(), twin),
        ("POST /revocations".to_owned(), json!({"by": "jti", "value": "x"})),
        ("POST /keys".to_owned(), json!({"signs": "id"})),
    ];
    for (line, sent) in cases {
        for member in [
            "tenant_id",
            "verified",
            "email_verified",
            "owner",
            "is_admin",
            "sub",
            "kid",
            "created",
            "second_factor",
            "phc",
            "secret",
            "__proto__",
            "constructor",
            "until",
        ] {
            for value in [json!(true), Value::Null] {
                let mut with = sent.clone();
                with[member] = value;
                let status = ask(ground, &root, &line, &with).status;
                assert_eq!(status, 422, "{line} {member}");
            }
        }
        // The same member twice, of which one was looked at.
        let text = sent.to_string();
        let twice = text.replacen('{', "{\"disabled\":true,\"disabled\":false,", 1);
        let (method, path) = line.split_once(' ').unwrap();
        let request = Request::new(&format!("{method} /admin/v1{path}")).bearer(&root);
        let answer = ground.send(&request.content("application/json", twice));
        assert_eq!(answer.status, 400, "{line}: {}", answer.raw);
    }
    let list = ask(ground, &root, "GET /users?limit=100", &Value::Null).raw;
    assert!(!list.contains("\"dot\""), "{list}");
    assert_eq!(ask(ground, &root, "GET /clients/fresh", &Value::Null).status, 404);
}

fn growth(ground: &Ground) {
    let house = ground.house();
    house.person("pam", "chief");
    house.person("ray", "customer");
    let root = root(ground, "root3");
    let [pam, ray] = ["pam", "ray"].map(|name| subject(ground, &root, name));
    let clerk = program(
        ground,
        "clerk3",
        &["users.read", "users.write", "roles.write", "clients.read", "clients.write"],
    );
    let client = |more: &[(&str, Value)]| {
        let mut made = json!({"id": "up", "access": "secret", "grants": ["client_credentials"]});
        for (name, value) in more {
            made[*name] = value.clone();
        }
        made
    };
    let person = json!({"name": "sue", "password": PASSWORD, "roles": ["chief"]});
    let (word, off) = (json!({"password": PASSWORD}), json!({"disabled": true}));
    for (line, sent) in [
        (format!("PUT /users/{ray}/roles/chief"), Value::Null),
        ("POST /users".to_owned(), person),
        (format!("PUT /users/{pam}/password"), word),
        (format!("DELETE /users/{pam}/factors"), Value::Null),
        (format!("PATCH /users/{pam}"), off.clone()),
        (format!("DELETE /users/{pam}/roles/chief"), Value::Null),
        ("POST /clients".to_owned(), client(&[("scopes", json!(["ringwall:keys.write"]))])),
        ("POST /clients".to_owned(), client(&[("roles", json!(["chief"]))])),
        ("POST /clients/root3/secrets".to_owned(), Value::Null),
        ("POST /clients/clerk3/secrets".to_owned(), Value::Null),
        ("PATCH /clients/root3".to_owned(), off.clone()),
        ("DELETE /clients/root3".to_owned(), Value::Null),
        (
            "PUT /clients/clerk3".to_owned(),
            client(&[("id", json!("clerk3")), ("scopes", json!(["ringwall:keys.write"]))]),
        ),
    ] {
        let answer = ask(ground, &clerk, &line, &sent);
        assert_eq!(answer.status, 403, "{line}: {}", answer.raw);
    }
    // Somebody with a role for less, and without a second factor, does nothing at all.
    let weak = ground.tokens().access;
    assert!([401, 403].contains(&ask(ground, &weak, "GET /users", &Value::Null).status));
    let give = format!("PUT /users/{ray}/roles/clerk");
    assert_eq!(ask(ground, &clerk, &give, &Value::Null).status, 200, "the control");
    let last = format!("DELETE /users/{pam}/roles/chief");
    assert_eq!(ask(ground, &root, &last, &Value::Null).status, 409, "the last who gives roles");
    assert_eq!(ask(ground, &root, &format!("PATCH /users/{pam}"), &off).status, 409);
    house.person("tess", "chief");
    assert_eq!(ask(ground, &root, &last, &Value::Null).status, 200, "one of two");
}

fn unrecorded(ground: &Ground) {
    let root = root(ground, "root4");
    let reader = program(ground, "reader4", &["users.read"]);
    let count = |action: &str, id: &str| {
        let events = ground.house().events(&["--action", action, "--limit", "1000"]);
        events.iter().filter(|event| event.to_string().contains(id)).count()
    };
    let changes = [
        ("POST /keys", json!({"signs": "id"}), 204),
        ("POST /users", json!({"name": "val", "password": PASSWORD}), 201),
        ("POST /users", json!({"name": "val", "password": PASSWORD}), 409),
        ("POST /users", json!({"name": "wes", "password": "short"}), 422),
        ("DELETE /keys/nothing", Value::Null, 404),
        ("POST /revocations", json!({"by": "client_id", "value": "reader4"}), 204),
    ];
    for (at, (line, sent, status)) in changes.into_iter().enumerate() {
        assert_eq!(ask(ground, &root, line, &sent).status, status, "{line}");
        assert_eq!(count("admin-request", "root4"), at + 1, "{line}");
    }
    let reader = [reader, program(ground, "reader5", &["users.read"])];
    assert_eq!(ask(ground, &reader[0], "POST /keys", &json!({"signs": "id"})).status, 401);
    for _ in 0..3 {
        assert_eq!(ask(ground, &reader[1], "POST /keys", &json!({"signs": "id"})).status, 403);
    }
    assert_eq!(count("admin-denied", "reader5"), 3);
    let log = ground.house().events(&["--limit", "1000"]);
    let text = serde_json::to_string(&log).unwrap();
    assert!(!text.contains(PASSWORD), "no password is in the log");
    ground.house().run(&["audit", "verify"]).good();
}
