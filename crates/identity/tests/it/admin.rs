//! The admin API: attacks M1, M2, M3 and M6, and that its document says what it does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{Algorithm, Event, Secret, Sink, SinkError};
use ringwall_identity::{
    Access, Binding, CertificateName, Federation, Grant, IdTokenAlgorithm, NewClient, Party,
    Powers, TokenFormat,
};
use ringwall_jose::{JwkSet, PrivateKey};
use serde_json::{Value, json};

use crate::authenticator::Authenticator;
use crate::fixture::{
    Fixture, PASSWORD, Page, authorize_path, code_form, encoded, form_request, hidden,
    json as body, location, parameter, set_cookie, text,
};

/// The scopes of whoever may do everything.
const ALL: &str = "users.read users.write roles.write clients.read clients.write \
                   organisations.read organisations.write sessions.read sessions.write \
                   tokens.write keys.read keys.write";

/// The API is on; `root` is a program that may do everything, `clerk` one that may do little.
pub(crate) struct Office {
    pub(crate) f: Fixture,
    secrets: BTreeMap<&'static str, String>,
}

fn powers() -> Powers {
    let role = |name: &str, scopes: &str| {
        (name.to_owned(), scopes.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>())
    };
    let roles = [
        role("admin", ALL),
        role("helper", "users.read users.write roles.write clients.write"),
        role("customer", ""),
        role("support", ""),
    ];
    Powers {
        has_admin_api: true,
        roles: roles.into(),
        roles_of_organisations: ["customer".to_owned()].into(),
        ..Powers::default()
    }
}

fn scoped(scopes: &str) -> Vec<String> {
    scopes.split_whitespace().map(|scope| format!("ringwall:{scope}")).collect()
}

impl Office {
    pub(crate) fn new() -> Self {
        let f = Fixture::new();
        let mut secrets = BTreeMap::new();
        let clerk = "users.read users.write roles.write clients.read clients.write sessions.write";
        for (id, scopes) in [("root", ALL), ("clerk", clerk)] {
            let new =
                NewClient { id: id.to_owned(), scopes: scoped(scopes), ..NewClient::default() };
            let secret = f.identity.clients().add(new).unwrap().unwrap();
            secrets.insert(id, secret.expose().clone());
        }
        f.identity.empower(powers());
        f.sink.take();
        Self { f, secrets }
    }

    pub(crate) fn user(&self, name: &str, roles: &[&str]) -> String {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        let password = Secret::new(PASSWORD.to_owned());
        self.f.identity.users().add(name, &roles, &password).unwrap().subject
    }

    /// A program's token with all its scopes.
    pub(crate) async fn token(&self, id: &'static str) -> String {
        let basic = STANDARD.encode(format!("{id}:{}", self.secrets[id]));
        let all: Vec<String> = match id {
            "root" => scoped(ALL),
            _ => self.f.identity.clients().find(id).unwrap().settings.scopes.clone(),
        };
        let form = format!("grant_type=client_credentials&scope={}", encoded(&all.join(" ")));
        let header = format!("Basic {basic}");
        let reply =
            self.f.send(form_request("/oauth/token", &form, &[("authorization", &header)])).await;
        body(&reply)["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", text(&reply)))
            .to_owned()
    }

    /// A person's token by `web`, which may have every scope.
    pub(crate) async fn person(&self, name: &str, with_factor: bool) -> String {
        let clients = self.f.identity.clients();
        let web = clients.find("web").unwrap();
        let scopes = [&["openid".to_owned()][..], &scoped(ALL)].concat();
        clients.change(&web, NewClient { scopes: scopes.clone(), ..web.settings.clone() }).unwrap();
        self.f.clock.advance(std::time::Duration::from_secs(30));
        let session = if with_factor {
            self.two_factors(name).await
        } else {
            self.f.sign_in_with("", name).await
        };
        let path = authorize_path(&[("scope", &encoded(&scopes.join(" ")))]);
        let reply = self.f.get(&path, &session).await;
        let code =
            parameter(&location(&reply), "code").unwrap_or_else(|| panic!("{}", text(&reply)));
        let tokens = body(&self.f.post("/oauth/token", &code_form(&code, &[])).await);
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    async fn two_factors(&self, name: &str) -> String {
        let handout = self.f.identity.users().enrol(name).unwrap();
        let app = Authenticator::of(handout.uri.expose());
        let page = self.f.page("/login", "").await;
        let form = format!("username={name}&password={}", PASSWORD.replace(' ', "+"));
        let reply = self.f.submit(&page, "/login", &form).await;
        let (page, step) = (Page::of(&reply, ""), hidden(&reply, "step").unwrap());
        let form = format!("step={step}&code={}", app.code(self.f.now()));
        let reply = self.f.submit(&page, "/login", &form).await;
        set_cookie(&reply, "__Host-ringwall").unwrap_or_else(|| panic!("{}", text(&reply)))
    }

    pub(crate) async fn ask(&self, token: &str, line: &str, sent: &Value) -> Response<Bytes> {
        self.ask_with(token, line, sent, &[]).await
    }

    pub(crate) async fn ask_with(
        &self,
        token: &str,
        line: &str,
        sent: &Value,
        headers: &[(&str, &str)],
    ) -> Response<Bytes> {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(format!("/admin/v1{path}"));
        request = request.header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = if sent.is_null() {
            Bytes::new()
        } else {
            request = request.header("content-type", "application/json");
            Bytes::from(sent.to_string())
        };
        self.f.send(request.body(sent).unwrap()).await
    }

    /// Asks with the version that is there now.
    pub(crate) async fn change(&self, token: &str, line: &str, sent: &Value) -> Response<Bytes> {
        let (_, path) = line.split_once(' ').unwrap();
        let root = self.token("root").await;
        let now = self.ask(&root, &format!("GET {path}"), &Value::Null).await;
        let tag = now.headers().get("etag").map_or("\"\"", |tag| tag.to_str().unwrap()).to_owned();
        self.ask_with(token, line, sent, &[("if-match", &tag)]).await
    }
}

#[track_caller]
pub(crate) fn is(reply: &Response<Bytes>, status: u16, why: &str) {
    assert_eq!(reply.status().as_u16(), status, "{why}: {}", text(reply));
    if status >= 400 {
        assert_eq!(reply.headers()["content-type"], "application/problem+json", "{why}");
        assert_eq!(body(reply)["status"], status, "{why}");
    }
}

#[tokio::test]
async fn people_are_added_changed_and_listed() {
    let o = Office::new();
    let root = o.token("root").await;
    let new = json!({"name": "bob", "password": "tide and lantern 7", "roles": ["customer"]});
    let added = o.ask(&root, "POST /users", &new).await;
    is(&added, 201, "added");
    let id = body(&added)["id"].as_str().unwrap().to_owned();
    assert!(!text(&added).contains("lantern"), "no password comes back");
    is(&o.ask(&root, "POST /users", &new).await, 409, "again");
    let weak = json!({"name": "eve", "password": "eve"});
    is(&o.ask(&root, "POST /users", &weak).await, 422, "a weak password");
    let path = format!("/users/{id}");
    let shown = o.ask(&root, &format!("GET {path}"), &Value::Null).await;
    is(&shown, 200, "shown");
    assert_eq!(shown.headers()["etag"], added.headers()["etag"]);

    // A change names the version that it changes.
    let off = json!({"disabled": true});
    let patch = format!("PATCH {path}");
    is(&o.ask(&root, &patch, &off).await, 428, "no version");
    let old = [("if-match", "\"old\"")];
    is(&o.ask_with(&root, &patch, &off, &old).await, 412, "another version");
    is(&o.ask_with(&root, &patch, &off, &[("if-match", "*")]).await, 412, "any version");
    let changed = o.change(&root, &patch, &off).await;
    is(&changed, 200, "the version");
    assert_eq!(body(&changed)["disabled"], true);
    is(&o.change(&root, &patch, &json!({"disabled": false})).await, 200, "and back");
    let given = o.ask(&root, &format!("PUT {path}/roles/support"), &Value::Null).await;
    assert_eq!(body(&given)["roles"], json!(["customer", "support"]));
    is(&o.ask(&root, &format!("PUT {path}/roles/nothing"), &Value::Null).await, 422, "no role");
    let taken = o.ask(&root, &format!("DELETE {path}/roles/support"), &Value::Null).await;
    assert_eq!(body(&taken)["roles"], json!(["customer"]));
    let password = json!({"password": "another lantern 8"});
    is(&o.ask(&root, &format!("PUT {path}/password"), &password).await, 204, "password");

    // Lists come in pages.
    for n in 0..5 {
        o.user(&format!("p{n}"), &[]);
    }
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let page = o.ask(&root, &format!("GET /users?limit=3&after={after}"), &Value::Null).await;
        let page = body(&page);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        names.extend(items.iter().map(|one| one["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut after);
    }
    assert_eq!(names, ["ada", "bob", "p0", "p1", "p2", "p3", "p4"]);
    for wrong in ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=1&limit=2", "order=name"] {
        is(&o.ask(&root, &format!("GET /users?{wrong}"), &Value::Null).await, 400, wrong);
    }
}

#[tokio::test]
async fn clients_keys_sessions_and_tokens_are_administered() {
    let o = Office::new();
    let root = o.token("root").await;
    let new = json!({"id": "mobile", "access": "public", "grants": ["authorization_code"],
        "redirect_uris": ["https://mobile.example/back"], "scopes": ["openid"]});
    is(&o.ask(&root, "POST /clients", &new).await, 201, "public");
    let service = json!({"id": "service", "access": "secret", "grants": ["client_credentials"]});
    let added = o.ask(&root, "POST /clients", &service).await;
    assert!(body(&added)["secret"].as_str().unwrap().starts_with("rws_"));
    let shown = o.ask(&root, "GET /clients/service", &Value::Null).await;
    assert!(!text(&shown).contains("rws_"), "a secret is shown once");
    assert_eq!(shown.headers()["etag"], added.headers()["etag"]);
    let other = o.ask(&root, "POST /clients/service/secrets", &Value::Null).await;
    is(&other, 201, "one more secret");
    let mut turned = service.clone();
    turned["access"] = "public".into();
    is(&o.change(&root, "PUT /clients/service", &turned).await, 422, "its kind (M4)");
    turned["access"] = "secret".into();
    turned["requires"] = json!(["dpop"]);
    is(&o.change(&root, "PUT /clients/service", &turned).await, 200, "its demands");
    let renamed = json!({"id": "other", "access": "secret", "grants": ["client_credentials"]});
    is(&o.change(&root, "PUT /clients/service", &renamed).await, 422, "its id");
    is(&o.change(&root, "PATCH /clients/service", &json!({"disabled": true})).await, 200, "off");
    is(&o.change(&root, "DELETE /clients/service", &Value::Null).await, 204, "gone");
    is(&o.ask(&root, "GET /clients/service", &Value::Null).await, 404, "gone");

    let keys = body(&o.ask(&root, "GET /keys", &Value::Null).await);
    let before = keys["items"].as_array().unwrap().len();
    is(&o.ask(&root, "POST /keys", &json!({"signs": "id"})).await, 204, "a new key");
    is(&o.ask(&root, "POST /keys", &json!({"signs": "cheques"})).await, 422, "no such key");
    let keys = body(&o.ask(&root, "GET /keys", &Value::Null).await);
    assert_eq!(keys["items"].as_array().unwrap().len(), before + 1);
    let fresh = keys["items"].as_array().unwrap().iter().find(|key| key["state"] == "published");
    let kid = fresh.unwrap()["id"].as_str().unwrap().to_owned();
    let epoch = o.f.identity.epoch();
    is(&o.ask(&root, &format!("DELETE /keys/{kid}"), &Value::Null).await, 204, "destroyed");
    assert_ne!(o.f.identity.epoch(), epoch, "who verifies elsewhere is told");
    is(&o.ask(&root, &format!("DELETE /keys/{kid}"), &Value::Null).await, 404, "no more");

    let session = o.f.sign_in().await;
    let ada = o.f.identity.users().find("ada").unwrap().subject;
    let path = format!("/users/{ada}/sessions");
    let sessions = body(&o.ask(&root, &format!("GET {path}"), &Value::Null).await);
    let sid = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    is(&o.ask(&root, &format!("DELETE {path}/nothing"), &Value::Null).await, 404, "no session");
    is(&o.ask(&root, &format!("DELETE {path}/{sid}"), &Value::Null).await, 204, "ended");
    assert!(location(&o.f.get(&authorize_path(&[]), &session).await).contains("/login"));
    let end = json!({"by": "sub", "value": ada});
    is(&o.ask(&root, "POST /revocations", &end).await, 204, "all of a person");
    let end = json!({"by": "client_id", "value": "nobody"});
    is(&o.ask(&root, "POST /revocations", &end).await, 404, "nobody");
    let end = json!({"by": "client_id", "value": "root"});
    is(&o.ask(&root, "POST /revocations", &end).await, 204, "its own");
    is(&o.ask(&root, "GET /keys", &Value::Null).await, 401, "and they are over");
}

/// A client with nothing as it is when nobody says anything.
fn particular(id: &str, access: Access) -> NewClient {
    let address = |path: &str| format!("https://{id}.example/{path}");
    NewClient {
        id: id.to_owned(),
        access,
        grants: vec![Grant::ClientCredentials, Grant::AuthorizationCode],
        redirect_uris: vec![address("back")],
        scopes: vec!["openid".to_owned(), "books:read".to_owned()],
        roles: vec!["support".to_owned()],
        wants_es256: true,
        id_token: IdTokenAlgorithm::Rs256,
        requires_dpop: true,
        binding: Binding::Certificate,
        requires_par: true,
        party: Party::Third,
        post_logout_uris: vec![address("bye")],
        token_format: TokenFormat::Opaque,
        backchannel_logout_uri: Some(address("logout")),
        may_act_for: vec!["clerk".to_owned()],
        ..NewClient::default()
    }
}

#[tokio::test]
async fn a_put_keeps_what_it_does_not_name() {
    let o = Office::new();
    let (root, clients) = (o.token("root").await, o.f.identity.clients());
    let key = PrivateKey::generate(Algorithm::Es256).unwrap();
    let federation = Federation {
        issuer: "https://token.ci.example".to_owned(),
        jwks: JwkSet::new(vec![key.public().clone()]).unwrap().to_json().to_string(),
        claims: BTreeMap::from([("sub".to_owned(), "repo:shop/app".to_owned())]),
        may_repeat: true,
    };
    let name = CertificateName::parse("dns:robot.example");
    let kinds = [
        ("by-secret", "secret", Access::Secret),
        ("by-name", "certificate", Access::Certificate(name)),
        ("by-hash", "certificate", Access::SelfSigned(vec!["A".repeat(43)])),
        ("by-issuer", "federated", Access::Federated(federation)),
    ];
    for (id, kind, access) in kinds {
        clients.add(particular(id, access)).unwrap();
        let (line, before) = (format!("PUT /clients/{id}"), clients.find(id).unwrap());
        let mut sent = json!({"id": id, "access": kind, "grants": ["client_credentials"]});
        is(&o.change(&root, &line, &sent).await, 200, id);
        let narrowed =
            NewClient { grants: vec![Grant::ClientCredentials], ..before.settings.clone() };
        assert_eq!(clients.find(id).unwrap().settings, narrowed);
        // All demands, as they are shown, are the same demands.
        let shown = body(&o.ask(&root, &format!("GET /clients/{id}"), &Value::Null).await);
        sent["requires"] = shown["requires"].clone();
        is(&o.change(&root, &line, &sent).await, 200, id);
        assert_eq!(clients.find(id).unwrap().settings, narrowed);
        // What is named is what it says, and no more.
        sent["requires"] = json!(["par"]);
        sent["redirect_uris"] = json!([]);
        is(&o.change(&root, &line, &sent).await, 200, id);
        let named = NewClient {
            redirect_uris: Vec::new(),
            requires_dpop: false,
            binding: Binding::Free,
            party: Party::First,
            token_format: TokenFormat::Signed,
            ..narrowed
        };
        assert_eq!(clients.find(id).unwrap().settings, named);
    }
    let other = json!({"id": "by-name", "access": "federated", "grants": ["client_credentials"]});
    is(&o.change(&root, "PUT /clients/by-name", &other).await, 422, "its kind (M4)");
    let new = json!({"id": "new", "access": "certificate", "grants": ["client_credentials"]});
    is(&o.ask(&root, "POST /clients", &new).await, 422, "no certificate is named");
}

#[tokio::test]
async fn the_door_is_closed_until_the_manifest_opens_it() {
    let o = Office::new();
    let root = o.token("root").await;
    assert!(o.f.identity.claims("/admin/v1/users"));
    o.f.identity.empower(Powers::default());
    for path in ["/admin/v1", "/admin/v1/users", "/admin/v1/openapi.json"] {
        assert!(!o.f.identity.claims(path), "{path}");
    }
    let reply = o.ask(&root, "GET /users", &Value::Null).await;
    assert_eq!(reply.status(), 404);
    o.f.identity.empower(powers());
    for path in ["/admin/v10", "/admin", "/administrator", "/admin/v1x/users"] {
        assert!(!o.f.identity.claims(path), "{path}");
    }
}

#[tokio::test]
async fn only_tokens_for_it_get_in_and_each_scope_stands_alone() {
    let o = Office::new();
    let document = body(&o.ask("none", "GET /openapi.json", &Value::Null).await);
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let line = format!("{} {}", method.to_uppercase(), path.replace(['{', '}'], ""));
            is(&o.ask("nonsense", &line, &Value::Null).await, 401, &line);
            let scope = operation["security"][0]["oauth"][0].as_str().unwrap();
            let id = format!("all-but-{count}");
            // Everything but the one scope: 403, and the answer says which.
            let scopes: Vec<String> = scoped(ALL).into_iter().filter(|one| one != scope).collect();
            let new = NewClient { id: id.clone(), scopes: scopes.clone(), ..NewClient::default() };
            let secret = o.f.identity.clients().add(new).unwrap().unwrap().expose().clone();
            let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
            let form =
                format!("grant_type=client_credentials&scope={}", encoded(&scopes.join(" ")));
            let tokens =
                o.f.send(form_request("/oauth/token", &form, &[("authorization", &basic)]));
            let token = body(&tokens.await)["access_token"].as_str().unwrap().to_owned();
            let reply = o.ask(&token, &line, &Value::Null).await;
            is(&reply, 403, &line);
            let challenge = reply.headers()["www-authenticate"].to_str().unwrap();
            assert!(
                challenge.contains("insufficient_scope") && challenge.contains(scope),
                "{line}"
            );
            count += 1;
        }
    }
    assert!(count >= 22, "{count}");
    // The right to a scope is the client's as it is now.
    let root = o.token("root").await;
    let clients = o.f.identity.clients();
    clients.disable("root", true).unwrap();
    is(&o.ask(&root, "GET /users", &Value::Null).await, 401, "disabled");
}

#[tokio::test]
async fn people_administer_by_their_roles_after_two_factors() {
    let o = Office::new();
    o.user("chief", &["admin"]);
    let weak = o.person("chief", false).await;
    let reply = o.ask(&weak, "GET /users", &Value::Null).await;
    is(&reply, 403, "one factor");
    assert!(reply.headers()["www-authenticate"].to_str().unwrap().contains("aal2"));
    let chief = o.person("chief", true).await;
    is(&o.ask(&chief, "GET /users", &Value::Null).await, 200, "two factors");
    // Without a role for it, a scope in the token is worth nothing.
    let ada = o.person("ada", true).await;
    is(&o.ask(&ada, "GET /users", &Value::Null).await, 403, "a customer");
    let events = o.f.sink.take();
    let denied = events.iter().filter(|one| one.action == "admin-denied");
    assert_eq!(denied.filter(|one| one.person_name.as_deref() == Some("ada")).count(), 1);
}

/// M2 (OWASP API3:2023, mass assignment): members that are the server's, or
/// nobody's.
#[tokio::test]
async fn m2_members_that_the_route_does_not_take_are_refused() {
    let o = Office::new();
    let root = o.token("root").await;
    let ada = o.f.identity.users().find("ada").unwrap().subject;
    let user = json!({"name": "bob", "password": "tide and lantern 7"});
    let client = json!({"id": "new", "access": "secret", "grants": ["client_credentials"]});
    let cases = [
        (
            "POST /users".to_owned(),
            user,
            vec!["id", "verified", "tenant_id", "created", "second_factor", "disabled", "is_admin"],
        ),
        (
            format!("PATCH /users/{ada}"),
            json!({"disabled": false}),
            vec!["name", "roles", "id", "tenant_id"],
        ),
        (
            format!("PUT /users/{ada}/password"),
            json!({"password": "tide and lantern 7"}),
            vec!["roles", "phc"],
        ),
        (
            "POST /clients".to_owned(),
            client,
            vec!["owner", "disabled", "secret", "secret_hashes", "tenant_id", "may_act_for"],
        ),
        (
            "PUT /clients/clerk".to_owned(),
            json!({"id": "clerk", "access": "secret", "grants": ["client_credentials"]}),
            vec!["owner", "disabled", "secret", "party", "id_token", "backchannel_logout_uri"],
        ),
        ("POST /revocations".to_owned(), json!({"by": "jti", "value": "x"}), vec!["until"]),
        ("POST /keys".to_owned(), json!({"signs": "id"}), vec!["kid", "state"]),
    ];
    for (line, sent, members) in cases {
        for member in members {
            let mut with = sent.clone();
            with[member] = json!(true);
            let reply = o.change(&root, &line, &with).await;
            is(&reply, 422, &format!("{line} {member}"));
        }
        for wrong in ["[]", "null", "{", "{\"a\":1,\"a\":1}", "\u{feff}{}", ""] {
            let (method, path) = line.split_once(' ').unwrap();
            let request = Request::builder()
                .method(method)
                .uri(format!("/admin/v1{path}"))
                .header("authorization", format!("Bearer {root}"))
                .header("content-type", "application/json");
            let reply = o.f.send(request.body(Bytes::from(wrong)).unwrap()).await;
            is(&reply, 400, &format!("{line} {wrong}"));
        }
        let request = Request::builder().method(line.split_once(' ').unwrap().0);
        let request = request.uri(format!("/admin/v1{}", line.split_once(' ').unwrap().1));
        let request = request.header("authorization", format!("Bearer {root}"));
        let request = request.header("content-type", "text/plain");
        let reply = o.f.send(request.body(Bytes::from(sent.to_string())).unwrap()).await;
        is(&reply, 415, &line);
    }
    is(&o.ask(&root, "GET /users", &json!({})).await, 400, "a body where none belongs");
}

/// M3: whoever may do something does not give themselves, or anybody, more than they have.
#[tokio::test]
async fn m3_nobody_gives_more_than_they_have_and_the_last_who_gives_stays() {
    let o = Office::new();
    let (boss, helped) = (o.user("boss", &["admin"]), o.user("helped", &["customer"]));
    let helper_id = o.user("helper", &["helper"]);
    let helper = o.person("helper", true).await;
    let clerk = o.token("clerk").await;
    let more = json!({"id": "up", "access": "secret", "grants": ["client_credentials"],
        "scopes": ["ringwall:keys.write"]});
    let roles = json!({"id": "up", "access": "secret", "grants": ["client_credentials"],
        "roles": ["admin"]});
    let root = json!({"id": "root", "access": "secret", "grants": ["client_credentials"]});
    let own = json!({"id": "web", "access": "public", "grants": ["authorization_code"],
        "redirect_uris": ["https://evil.example/"]});
    let strong = json!({"name": "eve", "password": "tide and lantern 7", "roles": ["admin"]});
    let word = json!({"password": "tide and lantern 9"});
    let off = json!({"disabled": true});
    let cases = [
        (&helper, format!("PUT /users/{helper_id}/roles/admin"), Value::Null, "oneself"),
        (&helper, format!("DELETE /users/{helper_id}/roles/helper"), Value::Null, "oneself"),
        (&helper, format!("PATCH /users/{helper_id}"), off.clone(), "oneself"),
        (&helper, format!("PUT /users/{helper_id}/password"), word.clone(), "oneself"),
        (&helper, format!("PUT /users/{helped}/roles/admin"), Value::Null, "a higher role"),
        (&helper, "POST /users".to_owned(), strong.clone(), "a higher person"),
        (&helper, format!("PUT /users/{boss}/password"), word, "the password of a higher one"),
        (&helper, format!("DELETE /users/{boss}/factors"), Value::Null, "factors of a higher one"),
        (&helper, format!("PATCH /users/{boss}"), off.clone(), "a higher one"),
        (&helper, format!("DELETE /users/{boss}/roles/admin"), Value::Null, "a higher one"),
        (&helper, "PUT /clients/web".to_owned(), own, "the client that it came by"),
        (&clerk, "POST /clients".to_owned(), more.clone(), "a client that may do more"),
        (&clerk, "POST /clients".to_owned(), roles, "a client with a higher role"),
        (&clerk, "POST /clients/root/secrets".to_owned(), Value::Null, "a higher client's secret"),
        (&clerk, "PUT /clients/root".to_owned(), root, "a higher client"),
        (&clerk, "PATCH /clients/root".to_owned(), off.clone(), "a higher client"),
        (&clerk, "DELETE /clients/root".to_owned(), Value::Null, "a higher client"),
        (&clerk, "POST /clients/clerk/secrets".to_owned(), Value::Null, "its own secret"),
        (&clerk, "POST /users".to_owned(), strong, "a higher person"),
    ];
    for (token, line, sent, why) in cases {
        is(&o.change(token, &line, &sent).await, 403, &format!("{line}: {why}"));
    }
    let mut grown = more;
    grown["id"] = "clerk".into();
    is(&o.change(&clerk, "PUT /clients/clerk", &grown).await, 403, "its own scopes");
    // What is theirs to do works.
    let give = format!("PUT /users/{helped}/roles/support");
    is(&o.ask(&helper, &give, &Value::Null).await, 200, "a role without power");

    // The last who can give roles stays, whoever asks.
    let root = o.token("root").await;
    let take = format!("DELETE /users/{helper_id}/roles/helper");
    is(&o.ask(&root, &take, &Value::Null).await, 200, "boss is left");
    let last = format!("DELETE /users/{boss}/roles/admin");
    is(&o.ask(&root, &last, &Value::Null).await, 409, "the last one");
    is(&o.change(&root, &format!("PATCH /users/{boss}"), &off).await, 409, "the last one");
    let second = o.user("second", &["admin"]);
    is(&o.change(&root, &format!("PATCH /users/{second}"), &off).await, 200, "not the last one");
    is(&o.ask(&root, &last, &Value::Null).await, 409, "the other one is disabled");
}

/// M3: a client with powers or roles is as good as a role.
#[tokio::test]
async fn m3_who_may_not_give_roles_gives_none_by_way_of_a_client() {
    let mut o = Office::new();
    let clients = o.f.identity.clients();
    let filer = scoped("clients.read clients.write");
    let filer = NewClient { id: "filer".to_owned(), scopes: filer, ..NewClient::default() };
    let secret = clients.add(filer).unwrap().unwrap();
    let roles = vec!["support".to_owned()];
    let ledger = NewClient { id: "ledger".to_owned(), roles, ..NewClient::default() };
    clients.add(ledger).unwrap();
    o.secrets.insert("filer", secret.expose().clone());
    let filer = o.token("filer").await;
    let new = |scopes: &[&str]| json!({"id": "ci", "access": "secret", "grants": ["client_credentials"], "scopes": scopes});
    let powerful = new(&["ringwall:clients.write"]);
    is(&o.change(&filer, "POST /clients", &powerful).await, 403, "it stays when its maker goes");
    for line in ["POST /clients/ledger/secrets", "DELETE /clients/ledger"] {
        is(&o.change(&filer, line, &Value::Null).await, 403, line);
    }
    is(&o.change(&filer, "POST /clients", &new(&["read"])).await, 201, "without powers");
    o.f.identity.enlist(["billing".to_owned()]);
    let mut service = new(&["read"]);
    service["id"] = "billing".into();
    is(&o.change(&filer, "POST /clients", &service).await, 422, "a service of the fleet");
}

/// M1 (OWASP API1:2023): rows of another tenant do not exist, on any route.
#[tokio::test]
async fn m1_another_tenants_rows_do_not_exist() {
    let o = Office::new();
    let Office { f, secrets } = o;
    let f = f.with_rows(FOREIGN);
    f.identity.empower(powers());
    let o = Office { f, secrets };
    let root = o.token("root").await;
    let off = json!({"disabled": true});
    for (line, sent) in [
        ("GET /users/foreign-person", Value::Null),
        ("PATCH /users/foreign-person", off.clone()),
        ("PUT /users/foreign-person/password", json!({"password": "tide and lantern 7"})),
        ("DELETE /users/foreign-person/factors", Value::Null),
        ("PUT /users/foreign-person/roles/customer", Value::Null),
        ("DELETE /users/foreign-person/roles/customer", Value::Null),
        ("GET /users/foreign-person/sessions", Value::Null),
        ("DELETE /users/foreign-person/sessions", Value::Null),
        ("DELETE /users/foreign-person/sessions/foreign-session", Value::Null),
        ("GET /clients/foreign-client", Value::Null),
        ("PATCH /clients/foreign-client", off),
        ("DELETE /clients/foreign-client", Value::Null),
        ("POST /clients/foreign-client/secrets", Value::Null),
        ("POST /revocations", json!({"by": "sub", "value": "foreign-person"})),
        ("POST /revocations", json!({"by": "client_id", "value": "foreign-client"})),
        ("DELETE /keys/foreign-key", Value::Null),
    ] {
        is(&o.ask_with(&root, line, &sent, &[("if-match", "\"x\"")]).await, 404, line);
    }
    for list in ["/users", "/clients", "/keys"] {
        let page = o.ask(&root, &format!("GET {list}"), &Value::Null).await;
        assert!(!text(&page).contains("foreign"), "{list}");
    }
}

/// A log that takes nothing.
#[derive(Debug)]
struct Full;

impl Sink for Full {
    fn put(&self, _event: Event) -> Result<(), SinkError> {
        Err(SinkError::Deadline)
    }
}

/// M6: what is not recorded is not done.
#[tokio::test]
async fn m6_a_change_that_cannot_be_recorded_is_not_made() {
    let o = Office::new();
    let root = o.token("root").await;
    let bob = o.user("bob", &["customer"]);
    let before = o.ask(&root, &format!("GET /users/{bob}"), &Value::Null).await;
    let keys = body(&o.ask(&root, "GET /keys", &Value::Null).await);
    let tag = before.headers()["etag"].to_str().unwrap().to_owned();
    let Office { f, secrets } = o;
    let full: Arc<dyn Sink> = Arc::new(Full);
    let f = f.with_sink(&full);
    f.identity.empower(powers());
    let o = Office { f, secrets };
    for (line, sent) in [
        ("POST /users".to_owned(), json!({"name": "eve", "password": "tide and lantern 7"})),
        (format!("PATCH /users/{bob}"), json!({"disabled": true})),
        (format!("PUT /users/{bob}/roles/admin"), Value::Null),
        (format!("DELETE /users/{bob}/roles/customer"), Value::Null),
        ("POST /clients".to_owned(), json!({"id": "x", "access": "secret", "grants": []})),
        ("DELETE /clients/clerk".to_owned(), Value::Null),
        ("POST /keys".to_owned(), json!({"signs": "id"})),
        ("POST /revocations".to_owned(), json!({"by": "client_id", "value": "root"})),
    ] {
        is(&o.ask_with(&root, &line, &sent, &[("if-match", &tag)]).await, 503, &line);
    }
    let after = o.ask(&root, &format!("GET /users/{bob}"), &Value::Null).await;
    assert_eq!(text(&after), text(&before));
    assert_eq!(body(&o.ask(&root, "GET /keys", &Value::Null).await), keys);
    assert_eq!(o.f.identity.users().list(None, 99).unwrap().len(), 2);
    assert!(o.f.identity.clients().find("clerk").is_ok());
}

#[tokio::test]
async fn a_change_is_recorded_with_who_asked_for_it() {
    let o = Office::new();
    let root = o.token("root").await;
    o.f.sink.take();
    is(&o.ask(&root, "POST /keys", &json!({"signs": "id"})).await, 204, "a key");
    let events = o.f.sink.take();
    assert_eq!(events[0].action, "admin-request");
    assert_eq!(events[0].client.as_deref(), Some("root"));
    assert_eq!(events[0].operation.as_deref(), Some("POST /admin/v1/keys"));
    assert!(events.len() > 1, "and what was done follows");
}

/// Paths have one spelling, and nothing of the request comes back.
#[tokio::test]
async fn odd_requests_get_a_problem_and_nothing_of_themselves() {
    let o = Office::new();
    let root = o.token("root").await;
    for (line, status) in [
        ("GET /nothing", 404),
        ("GET /users/", 404),
        ("GET //users", 404),
        ("GET /users/..", 404),
        ("GET /users/%2e%2e", 404),
        ("GET /users/a%2Fb", 404),
        ("GET /users/<script>", 404),
        ("GET /clients/no such", 404),
        ("POST /users/x", 405),
        ("TRACE /users", 405),
        ("DELETE /keys", 405),
    ] {
        let (method, path) = line.split_once(' ').unwrap();
        let uri = format!("/admin/v1{}", path.replace(' ', "%20").replace(['<', '>'], "%3C"));
        let request = Request::builder().method(method).uri(uri);
        let request = request.header("authorization", format!("Bearer {root}"));
        let reply = o.f.send(request.body(Bytes::new()).unwrap()).await;
        is(&reply, status, line);
        assert!(!text(&reply).contains("script") && !text(&reply).contains("such"), "{line}");
    }
}

/// Every member of the document's schemas is one of the answers, and the other way round.
#[tokio::test]
async fn the_document_says_what_is_answered() {
    let o = Office::new();
    let root = o.token("root").await;
    o.f.sign_in().await;
    let ada = o.f.identity.users().find("ada").unwrap().subject;
    let document = body(&o.ask("", "GET /openapi.json", &Value::Null).await);
    let schemas = &document["components"]["schemas"];
    let names = |value: &Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    for (path, schema) in [
        ("/users".to_owned(), "User"),
        ("/roles".to_owned(), "Role"),
        (format!("/users/{ada}/sessions"), "Session"),
        ("/clients".to_owned(), "Client"),
        ("/keys".to_owned(), "Key"),
    ] {
        let page = body(&o.ask(&root, &format!("GET {path}"), &Value::Null).await);
        let list = &schemas[format!("{schema}s")];
        assert_eq!(names(&page), names(&list["properties"]), "{path}");
        assert_eq!(names(&page["items"][0]), names(&schemas[schema]["properties"]), "{schema}");
        let required = schemas[schema]["required"].as_array().unwrap().len();
        assert_eq!(required, names(&schemas[schema]["properties"]).len(), "{schema}");
    }
    // What a route takes is what its schema names: each member alone is known, though one may be wanting.
    let new = &schemas["NewClient"]["properties"];
    let mut whole = json!({"id": "x", "access": "secret", "grants": [Grant::ClientCredentials.name()],
            "organisation": "default"});
    for member in names(new) {
        if whole.get(&member).is_none() && member != "jwks" {
            whole[&member] = new[&member]["enum"].as_array().map_or(json!([]), |e| e[0].clone());
        }
    }
    is(&o.ask(&root, "POST /clients", &whole).await, 201, "every member of the schema");
    let shown = body(&o.ask(&root, "GET /clients/x", &Value::Null).await);
    let registered = names(&schemas["RegisteredClient"]["properties"]);
    assert!(names(&shown).is_subset(&registered));
}

const FOREIGN: &[&str] = &[
    "INSERT INTO identity_user (tenant_id, id, name, is_disabled, created)
     VALUES ('other', 'foreign-person', 'foreign', 0, 1)",
    "INSERT INTO identity_password (tenant_id, user_id, phc, changed)
     VALUES ('other', 'foreign-person', 'x', 1)",
    "INSERT INTO identity_role (tenant_id, user_id, role)
     VALUES ('other', 'foreign-person', 'customer')",
    "INSERT INTO identity_session (tenant_id, hash, sid, user_id, authenticated, seen, expires)
     VALUES ('other', x'00', 'foreign-session', 'foreign-person', 1, 1, 9000000000000000)",
    "INSERT INTO identity_client (tenant_id, id, settings, is_disabled, created)
     SELECT 'other', 'foreign-client', settings, 0, created FROM identity_client WHERE id = 'robot'",
    "INSERT INTO identity_key (tenant_id, kid, purpose, state, published)
     VALUES ('other', 'foreign-key', 'access', 'retiring', 1)",
];
