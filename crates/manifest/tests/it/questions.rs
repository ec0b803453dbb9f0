use ringwall_manifest::{
    Draft, Effect, Graph, Inputs, Matrix, Model, Source, check, data, plan, plan_text, routes,
    schema, secrets, surface, why,
};

use crate::fleet::{SHOP, examine, inputs};

fn shop() -> Model {
    examine(SHOP).model.unwrap()
}

#[track_caller]
fn edited(from: &str, to: &str) -> Model {
    assert!(SHOP.contains(from), "{from}");
    let report = examine(&SHOP.replacen(from, to, 1));
    report.model.unwrap_or_else(|| panic!("{:#?}", report.findings))
}

#[test]
fn a_denial_names_the_nearest_line_and_the_smallest_change() {
    let text = why(&shop(), "anyone", "users.listUsers").unwrap().to_text();
    assert_eq!(
        text,
        "denied: anyone → users.listUsers\n\
         no line allows it (ringwall.toml:19 [services.users]). The nearest: line 27  \
         people.support = [\"getUser\"]\n\
         to allow it to support:  people.support = [\"getUser\", \"listUsers\"]"
    );
}

#[test]
fn a_permission_names_its_line() {
    let text = |who, what| why(&shop(), who, what).unwrap().to_text();
    assert_eq!(
        text("customer", "users.getUser"),
        "allowed: customer → users.getUser, only their own objects\n\
         by ringwall.toml:26:20  people.customer = [\"getUser:own\", \"updateUser:own\"]"
    );
    assert!(text("admin", "orders.cancelOrder").contains("people.support"));
    assert!(text("orders", "users.getUser").contains("callers.orders = [\"getUser\"]"));
    assert!(
        text("customer,support", "users.getUser")
            .starts_with("allowed: customer,support → users.getUser\n")
    );
    assert!(text("stripe", "payments.stripeWebhook").starts_with("allowed"));
    assert!(text("payments", "stripe POST /v1/charges").starts_with("allowed"));
    let denied = text("users", "stripe POST /v1/charges");
    assert!(denied.contains("callers.users = [\"POST /v1/charges\"]"), "{denied}");
    let denied = text("customer", "orders.cancelOrder");
    assert!(
        denied.ends_with(
            "people.customer = [\"createOrder\", \"listOrders:own\", \"getOrder:own\", \"cancelOrder\"]"
        ),
        "{denied}"
    );
}

#[test]
fn a_question_about_nothing_is_answered_with_what_was_meant() {
    let error = |who, what| why(&shop(), who, what).unwrap_err().to_string();
    assert_eq!(
        error("suport", "users.getUser"),
        "nobody has the name `suport`; did you mean `support`?"
    );
    assert_eq!(
        error("support", "users.getUzer"),
        "no operation `users.getUzer`; did you mean `users.getUser`?"
    );
}

#[test]
fn views_are_stable() {
    let model = shop();
    insta::assert_snapshot!("matrix", Matrix::of(&model).view().to_text());
    insta::assert_snapshot!("routes", routes(&model).to_text());
    insta::assert_snapshot!("surface", surface(&model).to_text());
    insta::assert_snapshot!("data", data(&model).to_text());
    insta::assert_snapshot!("secrets", secrets(&model).to_text());
    insta::assert_snapshot!("dot", Graph::of(&model).to_dot());
    insta::assert_snapshot!("svg", Graph::of(&model).to_svg());
}

#[test]
fn the_same_manifest_has_no_plan() {
    assert!(plan(&shop(), &shop()).is_empty());
    let moved = examine(&format!("# moved\n{SHOP}")).model.unwrap();
    assert!(plan(&shop(), &moved).is_empty(), "places are not meaning");
}

#[test]
fn a_plan_names_what_widens() {
    let wider =
        edited("people.anyone = [\"register\"]", "people.anyone = [\"register\", \"listUsers\"]");
    let changes = plan(&shop(), &wider);
    assert_eq!(
        plan_text(&changes),
        "+ edge      anyone → users.listUsers\n\
         + public    users.listUsers can now be reached from outside\n"
    );
    let back = plan(&wider, &shop());
    assert!(back.iter().all(|change| change.effect == Effect::Narrows), "{back:?}");
}

#[test]
fn a_plan_names_a_store_that_is_gained_or_lost() {
    let secrets = "secrets = { DATABASE_URL = \"orders_db\" }";
    let stores =
        "stores = { \"orders-db:5432\" = \"127.0.0.1:5432\", \"[::1]:6379\" = \"cache:65535\" }";
    let with = edited(secrets, &format!("{secrets}\n{stores}"));
    assert_eq!(with.services["orders"].stores["[::1]:6379"], "cache:65535");
    assert_eq!(
        plan_text(&plan(&shop(), &with)),
        "+ edge      orders → store [::1]:6379 (cache:65535), not inspected\n\
         + edge      orders → store orders-db:5432 (127.0.0.1:5432), not inspected\n"
    );
    assert!(plan(&with, &shop()).iter().all(|change| change.effect == Effect::Narrows));
}

#[test]
fn a_plan_names_data_that_newly_leaves() {
    let leaking = edited("data = [\"card\"]  # classes", "data = [\"card\", \"pii\"]  # classes");
    assert_eq!(plan_text(&plan(&shop(), &leaking)), "+ data      pii leaves to partner stripe\n");
    let logged = edited("logs = \"mask\"", "logs = \"keep\"");
    assert_eq!(plan_text(&plan(&shop(), &logged)), "+ data      pii leaves to logs logs\n");
}

#[test]
fn an_overlay_changes_addresses_and_limits_only() {
    let text = format!(
        "{SHOP}\n[env.prod]\nhost = \"shop.example.com\"\nupstream.users = [\"10.0.0.1:80\", \"10.0.0.2:80\"]\n\
         limits.default = \"7 per second\"\nlimits.orders.getOrder = \"9 per hour\"\n"
    );
    let draft = Draft::read(Source::new("ringwall.toml", text));
    let report = check(&draft, &Inputs { environment: Some("prod".to_owned()), ..inputs() });
    let model = report.model.unwrap();
    assert_eq!(model.gateway.host, "shop.example.com");
    assert_eq!(
        model.services["users"].upstreams,
        ["10.0.0.1:80", "10.0.0.2:80"].map(ringwall_manifest::Upstream::tcp)
    );
    assert_eq!(model.limits.default.unwrap().rate.unwrap().count, 7);
    assert_eq!(model.limits.operations.len(), 3);
    let report = check(&draft, &Inputs { environment: Some("prud".to_owned()), ..inputs() });
    assert_eq!(report.findings[0].code, "RW1032");
}

#[test]
fn included_files_bring_services_and_nothing_else() {
    let main = "ringwall = 1\nname = \"shop\"\ninclude = [\"services/*/ringwall.toml\"]\n";
    let mut draft = Draft::read(Source::new("ringwall.toml", main));
    let pattern = draft.includes().remove(0);
    let part = "[services.users]\nupstream = \"127.0.0.1:1\"\nopenapi = \"openapi.yaml\"\ncallers.users = [\"getUser\"]\n";
    draft.add(&pattern, Source::new("services/users/ringwall.toml", part));
    let wants = draft.wants();
    assert_eq!(wants[0].path, "services/users/openapi.yaml");
    let model = check(&draft, &inputs()).model.unwrap();
    assert_eq!(model.services["users"].dir.as_deref(), Some("services/users"));
    assert_eq!(model.services["users"].place.file, "services/users/ringwall.toml");
    let more = "[roles]\nroot = {}\n[services.users]\nupstream = \"127.0.0.1:2\"\n";
    draft.add(&pattern, Source::new("services/more/ringwall.toml", more));
    let codes: Vec<&str> =
        check(&draft, &inputs()).findings.iter().map(|one| one.code).take(2).collect();
    assert_eq!(codes, ["RW1031", "RW1033"]);
}

#[test]
fn drift_is_found_both_ways() {
    let text = SHOP.replacen(
        "openapi = \"users/openapi.yaml\"",
        "openapi = \"users/openapi.yaml\"\nflask = \"users\"",
        1,
    );
    let mut inputs = inputs();
    let lines = &[
        "register POST /users",
        "getUser GET /user/{id}",
        "updateUser PUT /users/{id}",
        "debug GET /debug",
    ];
    inputs.flask.insert("users".to_owned(), crate::fleet::contract("users", lines));
    let report = check(&Draft::read(Source::new("ringwall.toml", text)), &inputs);
    let drift =
        report.findings.iter().filter(|one| ["RW2020", "RW2021", "RW2022"].contains(&one.code));
    let mut found: Vec<&str> = drift.map(|one| one.code).collect();
    found.sort_unstable();
    assert_eq!(found, ["RW2020", "RW2021", "RW2022"]);
}

#[test]
fn the_schema_knows_every_table() {
    let schema = schema();
    let service = &schema["properties"]["services"]["additionalProperties"]["properties"];
    assert_eq!(service["upstream"]["anyOf"][0]["type"], "string");
    assert_eq!(
        schema["properties"]["limits"]["properties"]["default"]["anyOf"][0]["type"],
        "string"
    );
    assert_eq!(schema["additionalProperties"], false);
}
