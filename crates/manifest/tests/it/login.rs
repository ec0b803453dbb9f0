//! Clients and administrators: what `plan` says of them, and what stays off.

use ringwall_manifest::{Model, plan, plan_text};

use crate::fleet::examine;

fn model(clients: &str) -> Model {
    let text =
        format!("ringwall = 1\nname = \"shop\"\n[gateway]\nhost = \"shop.localhost\"\n{clients}\n");
    let report = examine(&text);
    report.model.unwrap_or_else(|| panic!("{:?}", report.findings))
}

#[test]
fn what_clients_gain_and_lose_is_said() {
    let before = model(
        "[clients.web]\npublic = true\nredirect_uris = [\"https://shop.example/back\"]\n\
         organisation = \"acme\"\nrequire = [\"par\"]\n[clients.old]\npublic = true\n\
         redirect_uris = [\"http://127.0.0.1:8000/done\"]\nrequire = [\"dpop\"]",
    );
    let after = model(
        "admin_api = true\n[clients.web]\npublic = true\n\
         redirect_uris = [\"https://shop.example/back\", \"https://other.example/back\"]\n\
         grants = [\"authorization_code\", \"refresh_token\"]\n\
         [roles]\nhelper = { admin = [\"users.read\"], organisations = true }",
    );
    let text = plan_text(&plan(&before, &after));
    for line in [
        "+ admin     helper may users.read\n",
        "+ admin     organisations give out helper\n",
        "+ admin     the admin API is there\n",
        "+ client    web gets people back at https://other.example/back\n",
        "+ client    web is not held to par\n",
        "+ client    web is not held to people of acme\n",
        "+ client    web uses refresh_token\n",
        "- client    old gets tokens\n",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("old is not held"), "{text}");
    assert!(plan(&after, &after).is_empty());
}

#[test]
fn what_nobody_wrote_follows_from_the_rest_and_doors_stay_closed() {
    let model = model(
        "[clients.web]\npublic = true\nredirect_uris = [\"https://shop.example/back\"]\n\
         [clients.caller]\nsecret = \"caller\"\nacts_for = [\"web\"]\n[secrets]\ncaller = {}\n\
         [roles]\nhelper = { admin = [\"users.read\"] }\n\
         chief = { includes = [\"helper\"], admin = [\"users.write\"] }",
    );
    assert_eq!(model.clients["web"].grants, ["authorization_code"]);
    assert_eq!(model.clients["caller"].grants, ["client_credentials", "token_exchange"]);
    assert!(!model.roles["chief"].is_of_organisations);
    assert_eq!(model.roles["chief"].admin, ["users.read", "users.write"]);
    assert!(!model.gateway.opens.admin_api);
}

#[test]
fn a_service_cannot_stand_in_the_way_of_an_open_door() {
    let with = |path: &str, doors: &str| {
        let text = format!(
            "ringwall = 1\nname = \"shop\"\n[gateway]\nhost = \"shop.localhost\"\n{doors}\n\
             [services.books]\nupstream = \"127.0.0.1:1\"\nroutes = {{ one = \"GET {path}\" }}\n\
             people.anyone = [\"one\"]\n"
        );
        examine(&text).findings.iter().any(|finding| finding.code == "RW1021")
    };
    for (path, is_taken) in [
        ("/admin/v1", true),
        ("/admin/v1/users", true),
        ("/admin/{rest*}", true),
        ("/{one}/v1/users", true),
        ("/admin", false),
        ("/admin/v2/users", false),
        ("/administration/v1", false),
    ] {
        assert_eq!(with(path, "admin_api = true"), is_taken, "{path}");
        assert!(!with(path, ""), "{path}");
    }
    for (path, is_taken) in [
        ("/oauth/register", true),
        ("/oauth/register/{id}", true),
        ("/oauth/{rest*}", true),
        ("/oauth/registration", false),
    ] {
        assert_eq!(with(path, "registration = true"), is_taken, "{path}");
    }
}
