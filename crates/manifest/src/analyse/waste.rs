//! Names that nothing uses, services that nobody reaches, grants that are wider than they look.

use std::collections::BTreeSet;

use ringwall_base::Place;

use super::paths::is_public;
use crate::catalogue::code;
use crate::model::{CertificateKey, ClientAccess, Model, OwnerRule, Scope, Service};
use crate::resolve::Checker;

pub(super) fn run(checker: &mut Checker<'_>) {
    roles(checker);
    secrets(checker);
    data(checker);
    detectors(checker);
    services(checker);
    grants(checker);
    exposed(checker);
    addresses(checker);
}

fn roles(checker: &mut Checker<'_>) {
    let model = &checker.model;
    let granted: BTreeSet<&String> =
        model.services.values().flat_map(|one| one.people.keys()).collect();
    let unused: Vec<(String, Place)> = model
        .roles
        .iter()
        .filter(|(name, role)| {
            !granted.contains(name)
                && !role.includes.iter().any(|included| granted.contains(included))
                && !model.roles.values().any(|other| other.includes.contains(name))
        })
        .map(|(name, role)| (name.clone(), role.place.clone()))
        .collect();
    for (name, place) in unused {
        let at = checker.at(&place);
        checker
            .findings
            .add(code::UNUSED_ROLE, at, format!("role `{name}` may do nothing"))
            .label("no service lets it in")
            .help(format!("write `people.{name} = [\"…\"]` in a service, or remove the role"));
    }
}

fn secrets(checker: &mut Checker<'_>) {
    let model = &checker.model;
    let injected = model.services.values().flat_map(|one| one.secrets.values());
    let partners = model.partners.values().flat_map(|one| {
        let auth = one.auth.as_ref().map(|(_, secret)| secret);
        auth.into_iter().chain(one.webhook.as_ref().map(|hook| &hook.secret))
    });
    let certificates = model.gateway.tls.certificates.iter().filter_map(|one| match &one.key {
        CertificateKey::Secret(name) => Some(name),
        CertificateKey::File(_) => None,
    });
    let clients = model.clients.values().filter_map(|client| match &client.access {
        ClientAccess::Secret(name) => Some(name),
        ClientAccess::Keys(_) | ClientAccess::Public => None,
    });
    let redis = model.limits.redis.iter().filter_map(|redis| redis.secret.as_ref());
    let oidc = model.gateway.oidc.iter().filter_map(|oidc| oidc.secret.as_ref());
    let mail = model.mail.iter().filter_map(|mail| mail.secret.as_ref());
    let used: BTreeSet<&String> = injected
        .chain(partners)
        .chain(certificates)
        .chain(clients)
        .chain(redis)
        .chain(mail)
        .chain(oidc)
        .collect();
    let unused: Vec<(String, Place)> = model
        .secrets
        .iter()
        .filter(|(name, _)| !used.contains(name))
        .map(|(name, rule)| (name.clone(), rule.place.clone()))
        .collect();
    for (name, place) in unused {
        let at = checker.at(&place);
        checker
            .findings
            .add(code::UNUSED_SECRET, at, format!("secret `{name}` is given to nobody"))
            .label("declared, not used")
            .help(format!(
                "write `secrets = {{ VARIABLE = \"{name}\" }}` in a service, or remove it"
            ));
    }
}

fn data(checker: &mut Checker<'_>) {
    let model = &checker.model;
    let unused: Vec<(String, Place)> = model
        .data
        .iter()
        .filter(|(name, _)| !model.services.values().any(|one| one.data.contains(name)))
        .map(|(name, class)| (name.clone(), class.place.clone()))
        .collect();
    for (name, place) in unused {
        let at = checker.at(&place);
        checker
            .findings
            .add(code::UNUSED_DATA, at, format!("no service handles data class `{name}`"))
            .label("protects nothing")
            .help(format!("write `data = [\"{name}\"]` in the services that handle it"));
    }
}

fn services(checker: &mut Checker<'_>) {
    let model = &checker.model;
    let lonely: Vec<(String, Place, bool)> = model
        .services
        .values()
        .filter(|one| !checker.incomplete.contains(&one.name))
        .filter(|one| one.operations.is_empty() || is_unreached(model, one))
        .map(|one| (one.name.clone(), one.place.clone(), one.operations.is_empty()))
        .collect();
    for (name, place, is_empty) in lonely {
        let at = checker.at(&place);
        if is_empty {
            checker
                .findings
                .add(code::NO_OPERATIONS, at, format!("service `{name}` has no operations"))
                .label("every request to it is refused")
                .help("name its `openapi` file or its `flask` source, or write `routes`");
        } else {
            checker
                .findings
                .add(code::UNREACHABLE_SERVICE, at, format!("nobody may call service `{name}`"))
                .label("no `people`, no `callers`, no webhook")
                .help("write who may do what: `callers.orders = [\"…\"]`");
        }
    }
}

fn is_unreached(model: &Model, service: &Service) -> bool {
    service.callers.is_empty() && !is_public(model, service)
}

/// `:own` without a place of the owner, and writes that need no sign-in.
fn grants(checker: &mut Checker<'_>) {
    let mut by_app: Vec<(String, String, Place)> = Vec::new();
    let mut anonymous: Vec<(String, Place)> = Vec::new();
    for service in checker.model.services.values() {
        for (role, grant) in
            service.people.iter().flat_map(|(role, list)| list.iter().map(move |one| (role, one)))
        {
            let name = format!("{}.{}", service.name, grant.operation);
            let rule: Option<&OwnerRule> = service.own.get(&grant.operation);
            if grant.scope == Scope::Own && rule.is_none() {
                let place = service
                    .operations
                    .get(&grant.operation)
                    .and_then(|one| one.parameters.iter().find(|one| one.name.contains("user")))
                    .map_or_else(
                        || "response.user_id".to_owned(),
                        |one| format!("path.{}", one.name),
                    );
                by_app.push((name.clone(), place, grant.place.clone()));
            }
            let method =
                service.operations.get(&grant.operation).map_or("GET", |one| one.method.as_str());
            if role == "anyone" && !["GET", "HEAD", "OPTIONS"].contains(&method) {
                anonymous.push((name, grant.place.clone()));
            }
        }
    }
    for (name, owner, place) in by_app {
        let at = checker.at(&place);
        let operation = name.split_once('.').map_or("", |(_, operation)| operation);
        checker
            .findings
            .add(code::OWNER_BY_APP, at, format!("the app has to state the owner of `{name}`"))
            .label("nothing says where the owner stands")
            .help(format!(
                "call `flask_ringwall.owns(…)` in the app, or write `own.{operation} = \"{owner}\"`; \
                 otherwise the answer is refused (RW3010)"
            ));
    }
    for (name, place) in anonymous {
        let at = checker.at(&place);
        checker
            .findings
            .add(code::ANONYMOUS_WRITE, at, format!("anybody may call `{name}` without signing in"))
            .label("it changes something")
            .help("right for registration and the like; give it a limit `per ip`");
    }
}

/// Detectors that find what everybody may see.
fn detectors(checker: &mut Checker<'_>) {
    let found: Vec<(String, Place)> = checker
        .model
        .data
        .iter()
        .filter(|(_, class)| class.see.is_none() && !class.detect.is_empty())
        .map(|(name, class)| (name.clone(), class.place.clone()))
        .collect();
    for (name, place) in found {
        let at = checker.at(&place);
        checker
            .findings
            .add(code::IDLE_DETECTOR, at, format!("what `{name}` detects is masked for nobody"))
            .label("without `see`, everybody who may call may see it")
            .help("say who may see the class: `see = [\"support\"]`, or `see = []` for nobody");
    }
}

/// Protected fields in answers that anybody may have.
fn exposed(checker: &mut Checker<'_>) {
    let model = &checker.model;
    let mut found: Vec<(String, String, Place)> = Vec::new();
    for service in model.services.values() {
        let classes = || service.data.iter().filter_map(|name| Some((name, model.data.get(name)?)));
        for grant in service.people.get("anyone").into_iter().flatten() {
            let answer = service.operations.get(&grant.operation).map(|one| &one.response_fields);
            let shown = classes()
                .filter(|(_, class)| class.see.is_none())
                .flat_map(|(name, class)| class.fields.iter().map(move |field| (name, field)))
                .find(|(_, field)| answer.is_some_and(|answer| answer.contains(field)));
            found.extend(shown.map(|(class, field)| {
                let operation = format!("{}.{}", service.name, grant.operation);
                (operation, format!("`{field}` ({class})"), grant.place.clone())
            }));
        }
    }
    for (operation, what, place) in found {
        let at = checker.at(&place);
        checker
            .findings
            .add(code::OVER_BROAD, at, format!("anybody may read {what} by `{operation}`"))
            .label("the answer holds protected data")
            .help("grant it to a role, or say who may see the class: `see = [\"support\"]`");
    }
}

/// Two services behind one address are one service with two names.
fn addresses(checker: &mut Checker<'_>) {
    let mut seen: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    let mut shared = Vec::new();
    for service in checker.model.services.values() {
        for address in &service.upstreams {
            let address = address.to_string();
            match seen.get(&address) {
                Some(other) if *other != service.name => {
                    shared.push((address, other.clone(), service.clone()));
                }
                _ => {
                    seen.insert(address, service.name.clone());
                }
            }
        }
    }
    for (address, other, service) in shared {
        let at = checker.at(&service.place);
        let message = format!("`{}` and `{other}` both listen on {address}", service.name);
        checker
            .findings
            .add(code::SHARED_UPSTREAM, at, message)
            .label("what is refused here may be reached there")
            .help("give each service its own port");
    }
}
