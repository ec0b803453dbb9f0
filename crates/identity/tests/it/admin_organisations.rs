//! Organisations and the admin API: who administers one, and who all (attacks M1, M3).

use serde_json::{Value, json};

use crate::admin::{Office, is};
use crate::fixture::{json as body, text};

/// Somebody of another organisation.
struct Foreign<'a> {
    name: &'a str,
    organisation: &'a str,
    id: String,
    sid: String,
    key: String,
}

impl Foreign<'_> {
    /// Every route that there is, about them.
    fn lines(&self, document: &Value) -> Vec<(String, Value)> {
        let mut lines = Vec::new();
        for (template, item) in document["paths"].as_object().unwrap() {
            let place = match template.split('/').nth(1).unwrap() {
                "users" => &self.id,
                "clients" => "web",
                "keys" => &self.key,
                _ => self.organisation,
            };
            let path = template.replace("{id}", place).replace("{sid}", &self.sid);
            let path = path.replace("{role}", "support");
            for method in item.as_object().unwrap().keys() {
                let line = format!("{} {path}", method.to_uppercase());
                lines.extend(self.bodies(&line).into_iter().map(|sent| (line.clone(), sent)));
            }
        }
        lines
    }

    fn bodies(&self, line: &str) -> Vec<Value> {
        match line {
            // Lists have one's own only; see below.
            "GET /users" | "GET /roles" | "GET /organisations" => Vec::new(),
            "POST /users" => {
                vec![json!({"name": format!("{}2", self.name), "password": "tide and lantern 7"})]
            }
            "POST /organisations" => vec![json!({"id": "beta"})],
            "POST /keys" => vec![json!({"signs": "id"})],
            "POST /clients" => vec![json!({"id": "x", "access": "secret", "grants": []})],
            "POST /revocations" => vec![
                json!({"by": "sub", "value": self.id}),
                json!({"by": "sid", "value": self.sid}),
                json!({"by": "jti", "value": "any"}),
                json!({"by": "client_id", "value": "web"}),
            ],
            line if line.starts_with("PATCH /organisations") => vec![json!({"name": "X"})],
            line if line.starts_with("PATCH") => vec![json!({"disabled": true})],
            line if line.ends_with("/password") => vec![json!({"password": "tide and lantern 7"})],
            line if line.starts_with("PUT /clients") => {
                vec![json!({"id": "web", "access": "public", "grants": []})]
            }
            _ => vec![Value::Null],
        }
    }
}

/// `acme/boss` administers, `acme/bob` does not.
async fn office() -> (Office, String) {
    let o = Office::new();
    for slug in ["acme", "zeta"] {
        o.f.identity.organisations().add(slug, None).unwrap();
    }
    o.user("acme/bob", &["customer"]);
    o.user("acme/boss", &["admin"]);
    let boss = o.person("acme/boss", true).await;
    (o, boss)
}

/// M1: an administrator of one organisation meets nobody of another, on any route that there is.
#[tokio::test]
async fn m1_an_administrator_of_one_organisation_reaches_nothing_of_others() {
    let (o, boss) = office().await;
    let root = o.token("root").await;
    let keys = body(&o.ask(&root, "GET /keys", &Value::Null).await);
    let key = keys["items"][0]["id"].as_str().unwrap().to_owned();
    let document = body(&o.ask(&root, "GET /openapi.json", &Value::Null).await);
    let mut count = 0;
    for (name, organisation) in [("eve", "default"), ("zeta/eve", "zeta")] {
        let id = o.user(name, &["customer"]);
        o.f.sign_in_with("", name).await;
        let account = o.f.identity.users().find(name).unwrap();
        let sid = o.f.identity.users().sessions(&account).unwrap()[0].sid.clone();
        let foreign = Foreign { name, organisation, id, sid, key: key.clone() };
        let here = format!("GET /users/{}", foreign.id);
        let before = text(&o.ask(&root, &here, &Value::Null).await);
        for (line, sent) in foreign.lines(&document) {
            let reply = o.ask_with(&boss, &line, &sent, &[("if-match", "\"x\"")]).await;
            let status = reply.status().as_u16();
            assert!([403, 404].contains(&status), "{line} {sent}: {}", text(&reply));
            count += 1;
        }
        assert_eq!(text(&o.ask(&root, &here, &Value::Null).await), before);
        assert_eq!(o.f.identity.users().sessions(&account).unwrap().len(), 1);
        let line = format!("GET /users?organisation={organisation}");
        is(&o.ask(&boss, &line, &Value::Null).await, 404, &line);
    }
    assert!(count > 50, "{count} requests");
    for (line, names) in [
        ("GET /users", json!(["acme/bob", "acme/boss"])),
        ("GET /users?organisation=acme", json!(["acme/bob", "acme/boss"])),
        ("GET /users?after=acme%2Fbob", json!(["acme/boss"])),
        ("GET /users?after=zeta", json!([])),
        ("GET /organisations", json!(["acme"])),
    ] {
        let page = body(&o.ask(&boss, line, &Value::Null).await);
        let items = page["items"].as_array().unwrap();
        let found: Vec<_> = items.iter().map(|one| one["name"].clone()).collect();
        assert_eq!(json!(found), names, "{line}");
    }
}

/// M3: of their own they administer all, but not themselves, and not whether it is there.
#[tokio::test]
async fn m3_an_administrator_of_one_organisation_administers_it() {
    let (o, boss) = office().await;
    let root = o.token("root").await;
    let subject = |name| o.f.identity.users().find(name).unwrap().subject;
    let off = json!({"disabled": true});
    let line = format!("PATCH /users/{}", subject("acme/bob"));
    is(&o.change(&boss, &line, &off).await, 200, "own");
    is(&o.change(&boss, "PATCH /organisations/acme", &json!({"name": "Acme"})).await, 200, "name");
    is(&o.change(&boss, "PATCH /organisations/acme", &off).await, 403, "oneself");
    is(&o.ask(&boss, "DELETE /organisations/acme", &Value::Null).await, 403, "oneself");
    let new = json!({"name": "acme/eve", "password": "tide and lantern 7"});
    let added = o.ask(&boss, "POST /users", &new).await;
    is(&added, 201, "a colleague");
    assert_eq!(body(&added)["organisation"], "acme");
    // The last one who can give roles there stays, but not against who administers all.
    o.user("chief", &["admin"]);
    let line = format!("PATCH /users/{}", subject("acme/boss"));
    is(&o.change(&root, &line, &off).await, 200, "a rogue");
}

/// M3: who administers one organisation gives its people what the manifest opens to organisations.
#[tokio::test]
async fn m3_roles_of_the_house_are_not_given_by_an_organisation() {
    let (o, boss) = office().await;
    let root = o.token("root").await;
    let bob = o.f.identity.users().find("acme/bob").unwrap().subject;
    let give = format!("PUT /users/{bob}/roles/support");
    is(&o.ask(&boss, &give, &Value::Null).await, 403, "of the house");
    let new = json!({"name": "acme/eve", "password": "tide and lantern 7", "roles": ["support"]});
    is(&o.ask(&boss, "POST /users", &new).await, 403, "a new one with it");
    is(&o.ask(&root, &give, &Value::Null).await, 200, "who administers all");
    is(&o.ask(&boss, &give.replace("PUT", "DELETE"), &Value::Null).await, 200, "taken");
    let roles = body(&o.ask(&boss, "GET /roles", &Value::Null).await);
    let named = |name: &str| {
        let items = roles["items"].as_array().unwrap();
        items.iter().find(|one| one["name"] == name).unwrap()["organisations"].clone()
    };
    assert_eq!((named("customer"), named("support")), (json!(true), json!(false)));
    let give = give.replace("support", "customer");
    is(&o.ask(&boss, &give, &Value::Null).await, 200, "opened to organisations");
}

/// An administrator of all adds organisations, and ends them.
#[tokio::test]
async fn organisations_are_added_changed_and_removed() {
    let o = Office::new();
    let root = o.token("root").await;
    let added = o.ask(&root, "POST /organisations", &json!({"id": "acme", "name": "Acme"})).await;
    is(&added, 201, "acme");
    assert_eq!(body(&added)["name"], "Acme");
    is(&o.ask(&root, "POST /organisations", &json!({"id": "acme"})).await, 409, "twice");
    is(&o.ask(&root, "POST /organisations", &json!({"id": "Acme"})).await, 422, "no slug");
    let new = json!({"name": "acme/ada", "password": "tide and lantern 7"});
    is(&o.ask(&root, "POST /users", &new).await, 201, "acme/ada");
    let nowhere = json!({"name": "nowhere/ada", "password": "tide and lantern 7"});
    is(&o.ask(&root, "POST /users", &nowhere).await, 422, "nowhere");
    let page = body(&o.ask(&root, "GET /users?limit=1", &Value::Null).await);
    assert_eq!(
        (&page["items"][0]["name"], &page["next"]),
        (&json!("acme/ada"), &json!("acme/ada"))
    );
    let page = body(&o.ask(&root, "GET /users?after=acme%2Fada", &Value::Null).await);
    assert_eq!(page["items"][0]["name"], "ada");
    is(&o.change(&root, "DELETE /organisations/acme", &Value::Null).await, 409, "inhabited");
    let off = json!({"disabled": true});
    is(&o.change(&root, "PATCH /organisations/acme", &off).await, 200, "disabled");
    is(&o.change(&root, "PATCH /organisations/default", &off).await, 409, "always there");
    is(&o.ask(&root, "POST /organisations", &json!({"id": "beta"})).await, 201, "beta");
    is(&o.change(&root, "DELETE /organisations/beta", &Value::Null).await, 204, "removed");
    is(&o.ask(&root, "GET /organisations/beta", &Value::Null).await, 404, "gone");
}
