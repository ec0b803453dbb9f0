//! Clients that are changed, by whom, and tokens that an operator ends: attack M4.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use ringwall_base::{Algorithm, Secret};
use ringwall_identity::{
    Access, ClientError, Declared, Grant, NewClient, Owner, WithdrawError, Withdrawn,
};
use ringwall_jose::{JwkSet, PrivateKey};
use serde_json::Value;

use crate::fixture::{Fixture, form_request, json as body};

/// What the token endpoint says to a program.
async fn asks(f: &Fixture, id: &str, secret: &str) -> (StatusCode, Value) {
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let form = "grant_type=client_credentials";
    let reply = f.send(form_request("/oauth/token", form, &[("authorization", &basic)])).await;
    (reply.status(), body(&reply))
}

/// Whether a token of the program still holds, as the program learns it.
async fn holds(f: &Fixture, (id, secret): (&str, &str), token: &str) -> bool {
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let form = format!("token={token}");
    let reply =
        f.send(form_request("/oauth/introspect", &form, &[("authorization", &basic)])).await;
    body(&reply)["active"] == true
}

async fn token(f: &Fixture) -> String {
    let (status, body) = asks(f, "robot", &f.secret).await;
    assert_eq!(status, StatusCode::OK);
    body["access_token"].as_str().unwrap().to_owned()
}

fn declared(id: &str) -> Declared {
    let settings = NewClient { id: id.to_owned(), ..NewClient::default() };
    Declared { settings, secret: Some(Secret::new(SECRET.to_owned())) }
}

fn actions(f: &Fixture) -> Vec<(String, Option<String>)> {
    f.sink.take().into_iter().map(|one| (one.action.to_owned(), one.client)).collect()
}

#[tokio::test]
async fn a_client_acts_only_for_clients_that_are_there() {
    let f = Fixture::new();
    let clients = f.identity.clients();
    let mut new = NewClient { id: "caller".to_owned(), ..NewClient::default() };
    new.grants.push(Grant::TokenExchange);
    new.may_act_for = vec!["robot".to_owned(), "nobody".to_owned()];
    let refused = clients.add(new.clone()).unwrap_err();
    assert!(matches!(&refused, ClientError::UnknownClient(id) if id == "nobody"), "{refused}");
    new.may_act_for.pop();
    clients.add(new.clone()).unwrap();
    let before = clients.find("caller").unwrap();
    new.may_act_for = vec!["nobody".to_owned()];
    assert!(matches!(clients.change(&before, new), Err(ClientError::UnknownClient(_))));
}

#[tokio::test]
async fn settings_change_while_the_kind_of_client_does_not() {
    let f = Fixture::new();
    let clients = f.identity.clients();
    let before = clients.find("robot").unwrap();
    let same = before.settings.clone();
    for access in [Access::Public, Access::Key("{\"keys\": []}".to_owned())] {
        let grants = vec![Grant::AuthorizationCode];
        let other = NewClient { access, grants, ..same.clone() };
        let refused = clients.change(&before, other).unwrap_err();
        assert!(matches!(refused, ClientError::Kind), "{refused}");
    }
    let renamed = NewClient { id: "other".to_owned(), ..same.clone() };
    assert!(matches!(clients.change(&before, renamed), Err(ClientError::Kind)));
    // Who has more keeps its tokens; who has less does not, as they say what it had.
    let first = token(&f).await;
    let more = NewClient { scopes: vec!["read".into(), "write".into(), "all".into()], ..same };
    clients.change(&before, more.clone()).unwrap();
    assert!(holds(&f, ("robot", &f.secret), &first).await);
    let stale = clients.change(&before, before.settings.clone());
    assert!(matches!(stale, Err(ClientError::Stale)), "changed since it was read");
    let before = clients.find("robot").unwrap();
    clients.change(&before, NewClient { scopes: vec!["read".into()], ..more }).unwrap();
    assert!(!holds(&f, ("robot", &f.secret), &first).await);
    f.clock.advance(Duration::from_secs(1));
    let (status, _) = asks(&f, "robot", &f.secret).await;
    assert_eq!(status, StatusCode::OK, "it gets new ones");
    assert!(actions(&f).contains(&("client-changed".to_owned(), Some("robot".to_owned()))));
}

#[tokio::test]
async fn a_deleted_client_leaves_nothing_behind() {
    let f = Fixture::new();
    let old = token(&f).await;
    f.identity.clients().delete("robot").unwrap();
    assert!(matches!(f.identity.clients().delete("robot"), Err(ClientError::NotFound)));
    assert_eq!(asks(&f, "robot", &f.secret).await.0, StatusCode::UNAUTHORIZED);
    let f = f.restart();
    assert_eq!(asks(&f, "robot", &f.secret).await.0, StatusCode::UNAUTHORIZED);
    // Another with the same id gets neither its secret nor its tokens.
    let new = NewClient { id: "robot".to_owned(), ..NewClient::default() };
    let secret = f.identity.clients().add(new).unwrap().unwrap().expose().clone();
    assert_eq!(asks(&f, "robot", &f.secret).await.0, StatusCode::UNAUTHORIZED);
    assert!(!holds(&f, ("robot", &secret), &old).await);
}

#[tokio::test]
async fn the_manifest_makes_changes_and_disables_its_clients_and_no_others() {
    let f = Fixture::new();
    let clients = f.identity.clients();
    assert_eq!(
        clients.apply(&[declared("billing"), declared("mail")]).unwrap(),
        ["billing", "mail"]
    );
    assert_eq!(actions(&f).len(), 2);
    assert!(clients.apply(&[declared("billing"), declared("mail")]).unwrap().is_empty());
    assert!(actions(&f).is_empty(), "doing it again does nothing");
    assert_eq!(asks(&f, "billing", SECRET).await.0, StatusCode::OK);
    assert_eq!(clients.find("billing").unwrap().settings.owner, Owner::Manifest);
    // Commands do not change it.
    let billing = clients.find("billing").unwrap();
    for refused in [
        clients.disable("billing", true),
        clients.delete("billing"),
        clients.change(
            &billing,
            NewClient { roles: vec!["admin".into()], ..declared("billing").settings },
        ),
        clients.add_secret("billing").map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, ClientError::Owned(Owner::Manifest)), "{refused}");
    }
    // Another secret: the old one is over at once.
    let mut turned = declared("billing");
    turned.secret = Some(Secret::new(OTHER.to_owned()));
    assert_eq!(clients.apply(&[turned, declared("mail")]).unwrap(), ["billing"]);
    assert_eq!(asks(&f, "billing", SECRET).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(asks(&f, "billing", OTHER).await.0, StatusCode::OK);
    // Taken out of the file, and in again.
    assert_eq!(clients.apply(&[declared("mail")]).unwrap(), ["billing"]);
    assert_eq!(asks(&f, "billing", OTHER).await.0, StatusCode::UNAUTHORIZED);
    assert!(clients.apply(&[declared("mail")]).unwrap().is_empty());
    assert_eq!(clients.apply(&[declared("billing"), declared("mail")]).unwrap(), ["billing"]);
    assert_eq!(asks(&f, "billing", SECRET).await.0, StatusCode::OK);
    // The operator's own is not touched, and not taken over either: nothing else is done then.
    assert_eq!(asks(&f, "robot", &f.secret).await.0, StatusCode::OK);
    let refused = clients.apply(&[declared("robot"), declared("new")]).unwrap_err();
    assert!(matches!(refused, ClientError::Owned(Owner::Command)), "{refused}");
    assert!(clients.find("new").is_err());
    let f = f.restart();
    assert_eq!(asks(&f, "billing", SECRET).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_secret_that_somebody_chose_is_long() {
    let f = Fixture::new();
    for (secret, is_good) in [("", false), (&"s".repeat(31), false), (&"s".repeat(32), true)] {
        let mut one = declared("billing");
        one.secret = Some(Secret::new(secret.to_owned()));
        assert_eq!(f.identity.clients().apply(&[one]).is_ok(), is_good, "{secret}");
    }
    let none = Declared { secret: None, ..declared("mail") };
    assert!(matches!(f.identity.clients().apply(&[none]), Err(ClientError::WeakSecret)));
}

#[tokio::test]
async fn an_operator_ends_one_token_or_all_of_a_client() {
    let f = Fixture::new();
    let (one, two) = (token(&f).await, token(&f).await);
    let robot = ("robot", f.secret.as_str());
    let claims: Value = {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let middle = one.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).unwrap()).unwrap()
    };
    let jti = claims["jti"].as_str().unwrap().to_owned();
    f.identity.withdraw(&Withdrawn::Token(jti)).unwrap();
    assert!(!holds(&f, robot, &one).await);
    assert!(holds(&f, robot, &two).await);
    f.identity.withdraw(&Withdrawn::Client("robot".to_owned())).unwrap();
    assert!(!holds(&f, robot, &two).await);
    for what in [
        Withdrawn::Client("nobody".to_owned()),
        Withdrawn::Subject("nobody".to_owned()),
        Withdrawn::Token(String::new()),
        Withdrawn::Token("a b".to_owned()),
        Withdrawn::Session("x".repeat(129)),
    ] {
        let refused = f.identity.withdraw(&what).unwrap_err();
        assert!(matches!(refused, WithdrawError::NotFound | WithdrawError::Id), "{refused}");
    }
    let f = f.restart();
    assert!(!holds(&f, ("robot", &f.secret.clone()), &two).await, "a restart keeps it");
}

/// Who comes back within the same second is let in.
#[tokio::test]
async fn what_is_given_after_a_revocation_holds_and_what_came_before_does_not() {
    let f = Fixture::new();
    let robot = ("robot", f.secret.as_str());
    f.clock.advance(Duration::from_millis(250));
    let before = token(&f).await;
    f.clock.advance(Duration::from_millis(250));
    f.identity.withdraw(&Withdrawn::Client("robot".to_owned())).unwrap();
    let meanwhile = token(&f).await;
    f.clock.advance(Duration::from_micros(1));
    let after = token(&f).await;
    for (token, want) in [(before, false), (meanwhile, false), (after, true)] {
        assert_eq!(holds(&f, robot, &token).await, want);
    }
}

const SECRET: &str = "a secret of the file that is long enough";
const OTHER: &str = "another secret of the file, as long as it";

/// A key is changed by having two for a while: what was given by the first one goes on.
#[tokio::test]
async fn one_key_more_ends_no_tokens_and_one_less_does() {
    let f = Fixture::new();
    let clients = f.identity.clients();
    let keys = [(); 2].map(|()| PrivateKey::generate(Algorithm::Es256).unwrap().public().clone());
    let access =
        |keys: &[_]| Access::Key(JwkSet::new(keys.to_vec()).unwrap().to_json().to_string());
    let first = access(&keys[..1]);
    clients.add(NewClient { id: "job".to_owned(), access: first, ..NewClient::default() }).unwrap();
    let change = |access: Access| {
        let (before, epoch) = (clients.find("job").unwrap(), f.identity.epoch());
        clients.change(&before, NewClient { access, ..before.settings.clone() }).unwrap();
        f.identity.epoch() != epoch
    };
    assert!(!change(access(&keys)), "one more");
    assert!(change(access(&keys[1..])), "one less");
}
