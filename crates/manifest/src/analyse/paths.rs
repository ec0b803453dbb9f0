//! Two services that could both answer one request.
//!
//! Within a service a literal segment beats a parameter. Across services every overlap is an
//! error: which of two teams answers must not depend on spelling. Operations that no person may
//! use do not count as long as none of the two is granted: both are refused all the same.

use std::collections::BTreeMap;

use ringwall_base::Place;

use crate::catalogue::code;
use crate::model::{Model, Service};
use crate::resolve::Checker;

/// One public template in the trie.
#[derive(Debug)]
struct Claim {
    service: String,
    operation: String,
    template: String,
    is_granted: bool,
    place: Place,
}

#[derive(Debug, Default)]
struct Branch {
    claims: Vec<usize>,
    /// Segments without a parameter.
    literals: BTreeMap<String, Self>,
    /// Segments with a parameter, such as `{id}` or `{name}.json`.
    patterns: BTreeMap<String, Self>,
    /// `{rest*}`: takes all that is left.
    rests: Vec<usize>,
}

pub(super) fn run(checker: &mut Checker<'_>) {
    let claims = claims(&checker.model);
    let mut methods: BTreeMap<String, Branch> = BTreeMap::new();
    for (index, (method, claim)) in claims.iter().enumerate() {
        let segments: Vec<&str> = claim.template.split('/').skip(1).collect();
        let tree = methods.entry(method.clone()).or_default();
        let mut met = Vec::new();
        tree.meet(&segments, &mut met);
        if let Some((_, other)) =
            met.iter().filter_map(|met| claims.get(*met)).find(|(_, other)| {
                other.service != claim.service && (other.is_granted || claim.is_granted)
            })
        {
            shared(checker, method, claim, other);
        }
        tree.insert(&segments, index);
    }
    for (_, claim) in &claims {
        reserved(checker, claim);
    }
}

/// Public path of an operation.
pub(crate) fn public_path(service: &Service, path: &str) -> String {
    if path == "/" && !service.mount.is_empty() {
        return service.mount.clone();
    }
    format!("{}{path}", service.mount)
}

/// Whether the operation has an address outside: its service lets in people, or it is a webhook.
pub(crate) fn has_address(model: &Model, service: &Service, operation: &str) -> bool {
    let mut hooks = model.partners.values().filter_map(|partner| partner.webhook.as_ref());
    !service.people.is_empty()
        || hooks.any(|hook| hook.service == service.name && hook.operation == operation)
}

/// Whether anybody outside the fleet may reach the service.
pub(crate) fn is_public(model: &Model, service: &Service) -> bool {
    !service.people.is_empty()
        || model
            .partners
            .values()
            .filter_map(|partner| partner.webhook.as_ref())
            .any(|hook| hook.service == service.name)
}

fn claims(model: &Model) -> Vec<(String, Claim)> {
    let mut claims = Vec::new();
    for service in model.services.values().filter(|service| is_public(model, service)) {
        let granted: std::collections::BTreeSet<&str> =
            service.people.values().flatten().map(|grant| grant.operation.as_str()).collect();
        let hooks: Vec<&str> = model
            .partners
            .values()
            .filter_map(|partner| partner.webhook.as_ref())
            .filter(|hook| hook.service == service.name)
            .map(|hook| hook.operation.as_str())
            .collect();
        for operation in service.operations.values() {
            let name = operation.name.as_str();
            let is_hook = hooks.contains(&name);
            // A service without people is reached from outside by its webhook only.
            if service.people.is_empty() && !is_hook {
                continue;
            }
            let claim = Claim {
                service: service.name.clone(),
                operation: operation.name.clone(),
                template: public_path(service, &operation.path),
                is_granted: granted.contains(name) || is_hook,
                place: service.place.clone(),
            };
            claims.push((operation.method.clone(), claim));
        }
    }
    claims
}

fn shared(checker: &mut Checker<'_>, method: &str, claim: &Claim, other: &Claim) {
    let first = checker.at(&other.place);
    let label = format!("`{}.{}` is {method} {}", other.service, other.operation, other.template);
    let related = checker.findings.related(first, label);
    let at = checker.at(&claim.place);
    let message = format!(
        "`{}.{}` and `{}.{}` both claim {method} {}",
        claim.service, claim.operation, other.service, other.operation, claim.template
    );
    checker
        .findings
        .add(code::SHARED_PATH, at, message)
        .label("one request could go to either")
        .help(format!("give one a prefix: `mount = \"/{}\"`", claim.service))
        .related(related);
}

fn reserved(checker: &mut Checker<'_>, claim: &Claim) {
    let gateway = &checker.model.gateway;
    let own = [
        ("login_path", gateway.login_path.as_str()),
        ("logout_path", gateway.logout_path.as_str()),
        ("account_path", gateway.account_path.as_str()),
    ];
    let segments: Vec<&str> = claim.template.split('/').skip(1).collect();
    let fixed = RESERVED.iter().map(|path| ("", *path));
    let is_own = |path: &str| {
        let path: Vec<&str> = path.split('/').skip(1).collect();
        path.len() == segments.len() && path.iter().zip(&segments).all(|(a, b)| a == b)
    };
    let opened = [(gateway.opens.admin_api, ADMIN), (gateway.opens.registration, REGISTER)];
    let mut opened = opened.into_iter().filter(|(is_open, _)| *is_open);
    let below = opened.find(|(_, path)| is_below(&claim.template, path));
    let mut all = own.into_iter().chain(fixed);
    let met = below.map(|(_, path)| ("", path)).or_else(|| all.find(|(_, path)| is_own(path)));
    let Some((key, path)) = met else { return };
    let help = if let Some(page) = key.strip_suffix("_path") {
        format!(
            "move Ringwall's page: `gateway.{key} = \"/_{page}\"`, or mount the service: `mount = \
             \"/{}\"`",
            claim.service
        )
    } else {
        format!("mount the service: `mount = \"/{}\"`", claim.service)
    };
    let message =
        format!("`{}.{}` claims {path}, which Ringwall answers", claim.service, claim.operation);
    let at = checker.at(&claim.place);
    checker
        .findings
        .add(code::RESERVED_PATH, at, message)
        .label("this service would never see the request")
        .help(help);
}

/// Whether some path of the template is `path`, or below it.
fn is_below(template: &str, path: &str) -> bool {
    let mut segments = template.split('/');
    for own in path.split('/') {
        match segments.next() {
            Some(segment) if is_rest(segment) => return true,
            Some(segment) if segment == own || overlaps(segment, own) && segment.contains('{') => {}
            _ => return false,
        }
    }
    true
}

impl Branch {
    fn insert(&mut self, segments: &[&str], claim: usize) {
        match segments {
            [] => self.claims.push(claim),
            [rest] if is_rest(rest) => self.rests.push(claim),
            [first, others @ ..] => {
                let kind =
                    if first.contains('{') { &mut self.patterns } else { &mut self.literals };
                kind.entry((*first).to_owned()).or_default().insert(others, claim);
            }
        }
    }

    /// All claims that some path matches together with `segments`.
    fn meet(&self, segments: &[&str], met: &mut Vec<usize>) {
        match segments {
            [] => met.extend(&self.claims),
            [rest] if is_rest(rest) => self.all(met),
            [first, others @ ..] => {
                met.extend(&self.rests);
                if first.contains('{') {
                    let fits = self.literals.iter().filter(|(literal, _)| overlaps(first, literal));
                    fits.for_each(|(_, branch)| branch.meet(others, met));
                } else if let Some(branch) = self.literals.get(*first) {
                    branch.meet(others, met);
                }
                let fits = self.patterns.iter().filter(|(pattern, _)| overlaps(pattern, first));
                fits.for_each(|(_, branch)| branch.meet(others, met));
            }
        }
    }

    fn all(&self, met: &mut Vec<usize>) {
        met.extend(&self.claims);
        met.extend(&self.rests);
        for branch in self.literals.values().chain(self.patterns.values()) {
            branch.all(met);
        }
    }
}

fn is_rest(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with("*}")
}

/// Whether one segment can match both. Only what stands before the first and behind the last
/// parameter is compared: when in doubt they overlap, and the operator decides.
fn overlaps(a: &str, b: &str) -> bool {
    let ends = |text: &str| -> (String, String) {
        match (text.split_once('{'), text.rsplit_once('}')) {
            (Some((head, _)), Some((_, tail))) => (head.to_owned(), tail.to_owned()),
            _ => (text.to_owned(), text.to_owned()),
        }
    };
    let ((a_head, a_tail), (b_head, b_tail)) = (ends(a), ends(b));
    (a_head.starts_with(&b_head) || b_head.starts_with(&a_head))
        && (a_tail.ends_with(&b_tail) || b_tail.ends_with(&a_tail))
}

/// What is below is answered too, when the manifest wants it.
const ADMIN: &str = "/admin/v1";
/// Below it, if the manifest lets clients register themselves.
const REGISTER: &str = "/oauth/register";
/// What the identity service answers on the gateway's host.
const RESERVED: &[&str] = &[
    "/oauth/authorize",
    "/oauth/device",
    "/oauth/device_authorization",
    "/oauth/callback",
    "/oauth/upstream",
    "/oauth/email",
    "/oauth/invite",
    "/oauth/reset",
    "/oauth/par",
    "/oauth/passkey.js",
    "/oauth/token",
    "/oauth/revocations",
    "/oauth/revoke",
    "/oauth/introspect",
    "/oauth/jwks",
    "/oauth/userinfo",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource",
];
