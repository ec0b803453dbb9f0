//! Who may do what, read off the resolved manifest: the one judgement that the matrix, `why`, the
//! plan and the proof of promises share.

use std::fmt;

use ringwall_base::Place;

use crate::model::{Grant, Logs, Model, Scope, Service, Viewer};

/// Someone who may call.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Caller {
    /// Anybody, also without signing in.
    Anyone,
    /// A person with one role.
    Role(String),
    /// Another service.
    Service(String),
    /// A third party, by its webhook.
    Partner(String),
}

/// Why a call is allowed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Access {
    /// What narrows it.
    pub scope: Scope,
    /// The line that gives it.
    pub place: Place,
    /// The role, service or `anyone` that the line names.
    pub by: String,
}

impl Caller {
    /// The bare name.
    pub fn name(&self) -> &str {
        match self {
            Self::Anyone => "anyone",
            Self::Role(name) | Self::Service(name) | Self::Partner(name) => name,
        }
    }

    /// Everybody that a manifest knows: `anyone`, roles, services, partners with a webhook.
    pub fn all(model: &Model) -> Vec<Self> {
        let partners = model.partners.iter().filter(|(_, partner)| partner.webhook.is_some());
        std::iter::once(Self::Anyone)
            .chain(model.roles.keys().cloned().map(Self::Role))
            .chain(model.services.keys().cloned().map(Self::Service))
            .chain(partners.map(|(name, _)| Self::Partner(name.clone())))
            .collect()
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Access {
    /// The line that lets `caller` do `operation` of `service`, the widest first.
    pub fn of(model: &Model, caller: &Caller, service: &str, operation: &str) -> Option<Self> {
        let service = model.services.get(service)?;
        match caller {
            Caller::Anyone => granted(service, ["anyone"], operation),
            Caller::Role(role) => {
                let included = model.roles.get(role).map_or(&[][..], |role| &role.includes);
                let names = std::iter::once(role.as_str())
                    .chain(included.iter().map(String::as_str))
                    .chain(["anyone"]);
                granted(service, names, operation)
            }
            Caller::Service(name) => {
                let grants = service.callers.get(name)?;
                widest(grants, operation).map(|grant| Self::by(name, grant))
            }
            Caller::Partner(name) => {
                let hook = model.partners.get(name)?.webhook.as_ref()?;
                (hook.service == service.name && hook.operation == operation).then(|| Self {
                    scope: Scope::All,
                    place: hook.place.clone(),
                    by: name.clone(),
                })
            }
        }
    }

    fn by(name: &str, grant: &Grant) -> Self {
        Self { scope: grant.scope, place: grant.place.clone(), by: name.to_owned() }
    }
}

fn granted<'a>(
    service: &Service,
    roles: impl IntoIterator<Item = &'a str>,
    operation: &str,
) -> Option<Access> {
    let mut narrow = None;
    for role in roles {
        let grants = service.people.get(role).map_or(&[][..], Vec::as_slice);
        match widest(grants, operation) {
            Some(grant) if grant.scope == Scope::All => return Some(Access::by(role, grant)),
            Some(grant) if narrow.is_none() => narrow = Some(Access::by(role, grant)),
            _ => {}
        }
    }
    narrow
}

fn widest<'a>(grants: &'a [Grant], operation: &str) -> Option<&'a Grant> {
    grants.iter().filter(|grant| grant.operation == operation).min_by_key(|grant| {
        match grant.scope {
            Scope::All => 0,
            Scope::OnBehalf | Scope::Own => 1,
        }
    })
}

/// One way that a data class takes.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Flow {
    /// The class.
    pub class: String,
    /// The service that it comes from; empty for logs and partners.
    pub from: String,
    /// Who receives it.
    pub to: String,
    /// `logs`, `partner`, `people` or `service`.
    pub kind: &'static str,
    /// Whether people get only their own.
    pub is_own: bool,
    /// The line that allows it.
    pub place: Place,
}

/// All ways that data classes take, in a fixed order.
pub fn flows(model: &Model) -> Vec<Flow> {
    let mut flows = Vec::new();
    for (name, class) in &model.data {
        let flow = |from: &str, to: &str, kind, place: &Place| Flow {
            class: name.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
            kind,
            is_own: false,
            place: place.clone(),
        };
        if class.logs == Logs::Keep {
            flows.push(flow("", "logs", "logs", &class.place));
        }
        for (partner, about) in model.partners.iter().filter(|(_, one)| one.data.contains(name)) {
            flows.push(flow("", partner, "partner", &about.place));
        }
        for service in model.services.values().filter(|one| one.data.contains(name)) {
            let people = service.people.iter().map(|(to, grants)| ("people", to, grants));
            let callers = service.callers.iter().map(|(to, grants)| ("service", to, grants));
            for (kind, to, grants) in people.chain(callers) {
                let sees = sees(class.see.as_deref(), kind, to);
                let all_own = grants.iter().all(|grant| grant.scope == Scope::Own);
                let is_own = kind == "people" && (all_own || sees == Some(true));
                flows.extend(
                    grants.first().filter(|_| sees.is_some()).map(|first| Flow {
                        is_own,
                        ..flow(&service.name, to, kind, &first.place)
                    }),
                );
            }
        }
    }
    flows.sort();
    flows
}

/// Whether a receiver may see a class, and if so, whether only its own.
fn sees(viewers: Option<&[Viewer]>, kind: &str, name: &str) -> Option<bool> {
    let Some(viewers) = viewers else { return Some(false) };
    viewers.iter().find_map(|viewer| match viewer {
        Viewer::Role { name: role, own } if kind == "people" && role == name => Some(*own),
        Viewer::Service(service) if kind == "service" && service == name => Some(false),
        Viewer::Role { .. } | Viewer::Service(_) => None,
    })
}
