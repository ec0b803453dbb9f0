//! Makes the stages of every door from a manifest.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ringwall_jose::Expected;
use ringwall_leaks::Scanner;
use ringwall_manifest::{Model, Service};
use ringwall_policy::{Engine, Inventory, Principal, Rule, Scope};

use super::{BuildError, Contracts, Line, Plans, catalogue};
use crate::firewall::Firewall;
use crate::limit;
use crate::manner::Manner;
use crate::metrics::Tally;
use crate::operation::Operation;
use crate::overload::Floodgate;
use crate::resource::Resources;
use crate::stage::authenticate::{self, Authenticate, Edge};
use crate::stage::authorize::Authorize;
use crate::stage::forward::{self, Forward};
use crate::stage::inspect::Inspect;
use crate::stage::normalize::{self, Normalize};
use crate::stage::review::Review;
use crate::stage::route::{Leaf, Router, Services, Tree};
use crate::stage::throttle::Throttle;
use crate::standing::{Includes, Standing};
use crate::upstreams::Backend;
use crate::{Core, Door};

/// Who answers for a service at a door, under which mount, and how it is treated there.
type Stands<'a> = (&'a Arc<Backend>, &'a str, &'a Arc<Manner>);

/// Operations, ready, by service.
type ByService<'a> = BTreeMap<&'a str, Vec<Arc<Operation>>>;

pub(super) struct Builder<'a> {
    pub(super) model: &'a Model,
    pub(super) core: &'a Core,
    firewall: Option<Arc<Firewall>>,
    fleet: Arc<str>,
    operations: ByService<'a>,
    engine: Arc<Engine>,
    includes: Arc<Includes>,
    /// Finds leaks in answers, where there are operations for which somebody looks.
    scanner: Option<Arc<Scanner>>,
    /// What becomes of upstreams when the snapshot comes into force.
    pub(super) plans: RefCell<Plans>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        (model, contracts): (&'a Model, Contracts<'_>),
        firewall: Option<Arc<Firewall>>,
        core: &'a Core,
    ) -> Result<Self, BuildError> {
        let engine = Arc::new(engine(model)?);
        let is_bare =
            |one: &&Service| one.grpc.is_some() && !contracts.descriptors.contains_key(&one.name);
        if let Some(bare) = model.services.values().find(is_bare) {
            return Err(BuildError::NoDescriptors { service: bare.name.clone() });
        }
        let of = |service: &Service| {
            let schemas = contracts.schemas.get(&service.name);
            let read = (schemas, contracts.descriptors.get(&service.name));
            catalogue::operations(model, service, read, (core.rates(), &engine))
        };
        let operations: ByService<'_> =
            model.services.values().map(|one| (one.name.as_str(), of(one))).collect();
        let looks = operations.values().flatten().any(|one| one.looks_for_leaks());
        let scanner = if looks { Some(Arc::new(Scanner::new()?)) } else { None };
        let includes = model.roles.iter().map(|(name, role)| (name.clone(), role.includes.clone()));
        let includes = Arc::new(includes.collect());
        let fleet = Arc::from(model.name.as_str());
        let plans = RefCell::default();
        Ok(Self { model, core, firewall, fleet, operations, engine, includes, scanner, plans })
    }

    /// Who may call what.
    pub(super) fn standing(&self, version: u64) -> Standing {
        let (engine, includes) = (Arc::clone(&self.engine), Arc::clone(&self.includes));
        Standing::new(version, self.model.gateway.mode, engine, includes)
    }

    pub(super) fn edge(&self) -> Result<Line, BuildError> {
        let gateway = &self.model.gateway;
        let host = gateway.host.to_ascii_lowercase();
        let origin = match gateway.port {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        };
        let aliases = gateway.aliases.iter().map(|alias| alias.to_ascii_lowercase());
        let hosts = std::iter::once(host).chain(aliases).collect();
        let expected = Expected { issuer: origin.clone(), audience: origin.clone() };
        let mounts = self.model.services.values().map(|service| service.mount.as_str());
        let local = self.core.seams().local.clone();
        let resources = local.is_some().then(|| Resources::new(origin.clone(), mounts));
        let edge = Edge {
            origin,
            tokens: self.core.tokens(&expected),
            reading: self.core.reading(),
            sessions: Arc::clone(&self.core.seams().sessions),
        };
        let floodgate = Floodgate::build(gateway.overload.as_ref(), self.core.overload());
        let login = local.is_some().then(|| gateway.login_path.clone());
        Ok(Line {
            normalize: Normalize::new(normalize::Settings::Edge { hosts, port: gateway.port }),
            route: Router::new(local, Services::All(Arc::new(self.public_tree()?))),
            throttle: self.throttle(limit::Plans::new(self.core.rates(), &self.model.plans)),
            authenticate: self.authenticate(authenticate::Settings::Edge(edge)),
            authorize: self.authorize(login),
            inspect: Inspect::new(true),
            forward: self.forward(forward::Settings::Edge).with(floodgate),
            review: Review::new(true, self.scanner.clone()).at_edge(),
            firewall: self.firewall.clone(),
            resources,
        })
    }

    pub(super) fn inbound(&self, service: &Service) -> Result<Line, BuildError> {
        let tree = self.tree(service, &self.app(service), Manner::inner(service))?;
        let settings = authenticate::Settings::Inbound {
            fleet: self.model.name.clone(),
            service: Arc::from(service.name.as_str()),
        };
        Ok(Line {
            normalize: Normalize::new(normalize::Settings::Inner),
            route: Router::new(None, Services::All(Arc::new(tree))),
            // What a person asked for was counted at the edge.
            throttle: self.throttle(limit::Plans::default()),
            authenticate: self.authenticate(settings),
            authorize: self.authorize(None),
            inspect: Inspect::new(true),
            forward: self.forward(forward::Settings::Inbound),
            review: Review::new(true, self.scanner.clone()),
            firewall: None,
            resources: None,
        })
    }

    pub(super) fn outbound(
        &self,
        caller: &Service,
        lines: &mut HashMap<Door, Line>,
    ) -> Result<(), BuildError> {
        let mut hosts = HashMap::new();
        for callee in self.model.services.values().filter(|other| other.name != caller.name) {
            let tree =
                Arc::new(self.tree(callee, &self.door(caller, callee), Manner::default())?);
            for name in callee.hosts.iter().chain([&callee.name]) {
                hosts.insert(name.to_ascii_lowercase(), Arc::clone(&tree));
            }
            let door =
                Door::Outbound { caller: caller.name.clone(), callee: Some(callee.name.clone()) };
            lines.insert(door, self.calls_of(caller, Services::All(tree)));
        }
        let door = Door::Outbound { caller: caller.name.clone(), callee: None };
        lines.insert(door, self.calls_of(caller, Services::ByHost(hosts)));
        Ok(())
    }

    fn calls_of(&self, caller: &Service, services: Services) -> Line {
        let settings = authenticate::Settings::Outbound {
            fleet: self.model.name.clone(),
            service: Arc::from(caller.name.as_str()),
        };
        Line {
            normalize: Normalize::new(normalize::Settings::Inner),
            route: Router::new(None, services),
            // Counted once, at the callee.
            throttle: Throttle::off(),
            authenticate: self.authenticate(settings),
            authorize: self.authorize(None),
            inspect: Inspect::new(false),
            forward: self.forward(forward::Settings::Outbound),
            review: Review::new(false, None),
            firewall: None,
            resources: None,
        }
    }

    /// What the public door offers. A path that two services claim belongs to the one that people
    /// are let in to; the checker refuses it when both are.
    fn public_tree(&self) -> Result<Tree, BuildError> {
        let mut tree = Tree::new();
        let (public, inner): (Vec<&Service>, Vec<&Service>) =
            self.model.services.values().partition(|service| !service.people.is_empty());
        for service in public {
            let manner = Arc::new(Manner::public(self.model, service));
            self.add(&mut tree, service, (&self.app(service), &service.mount, &manner))?;
        }
        for service in inner {
            let manner = Arc::new(Manner::public(self.model, service));
            let added = self.add(&mut tree, service, (&self.app(service), &service.mount, &manner));
            match added {
                Ok(()) | Err(BuildError::Path { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(tree)
    }

    fn tree(
        &self,
        service: &Service,
        backend: &Arc<Backend>,
        manner: Manner,
    ) -> Result<Tree, BuildError> {
        let mut tree = Tree::new();
        self.add(&mut tree, service, (backend, "", &Arc::new(manner)))?;
        Ok(tree)
    }

    fn add(
        &self,
        tree: &mut Tree,
        service: &Service,
        (backend, mount, manner): Stands<'_>,
    ) -> Result<(), BuildError> {
        let mut taken = None;
        let mount: Arc<str> = Arc::from(mount);
        for operation in self.operations.get(service.name.as_str()).into_iter().flatten() {
            let place = service.operations.get(&operation.name).map(|known| known.place.clone());
            let leaf = Leaf {
                operation: Arc::clone(operation),
                backend: Arc::clone(backend),
                mount: Arc::clone(&mount),
                manner: Arc::clone(manner),
                tally: Tally::default(),
            };
            match tree.add(leaf) {
                Some(Ok(())) => {}
                Some(Err(other)) => taken = Some((place, Arc::clone(operation), other.0)),
                None => {
                    let path = operation.template.clone();
                    return Err(BuildError::Template { place: place.unwrap_or_default(), path });
                }
            }
        }
        let Some((place, one, other)) = taken else { return Ok(()) };
        Err(BuildError::Path {
            place: place.unwrap_or_default(),
            one: format!("{}.{}", one.service, one.name),
            other: format!("{}.{}", other.service, other.name),
        })
    }

    fn throttle(&self, plans: limit::Plans) -> Throttle {
        let notes = Arc::clone(self.core.notes());
        Throttle::new(Arc::clone(self.core.rates()), notes, plans)
    }

    fn authenticate(&self, settings: authenticate::Settings) -> Authenticate {
        let keys = Arc::clone(&self.core.seams().keys);
        Authenticate::new(settings, keys, Arc::clone(&self.includes))
    }

    fn authorize(&self, login: Option<String>) -> Authorize {
        Authorize::new(Arc::clone(&self.engine), login)
    }

    fn forward(&self, settings: forward::Settings) -> Forward {
        let seams = self.core.seams();
        let signers = Arc::clone(&seams.signers);
        let terms = Arc::clone(self.core.terms());
        Forward::new(settings, Arc::clone(&self.fleet), seams.pool, signers, terms)
    }
}

/// The policy engine of a manifest.
fn engine(model: &Model) -> Result<Engine, ringwall_policy::BuildError> {
    let names = |service: &Service| service.operations.keys().cloned().collect();
    let inventory = Inventory {
        services: model.services.values().map(|one| (one.name.clone(), names(one))).collect(),
        roles: model.roles.keys().cloned().collect(),
    };
    let mut rules = Vec::new();
    for service in model.services.values() {
        for (role, grants) in &service.people {
            let principal = match role.as_str() {
                "anyone" => Principal::Anyone,
                name => Principal::Role(name.to_owned()),
            };
            rules.extend(grants.iter().map(|grant| rule(service, &principal, role, grant)));
        }
        for (caller, grants) in &service.callers {
            let principal = Principal::Service(caller.clone());
            rules.extend(grants.iter().map(|grant| rule(service, &principal, caller, grant)));
        }
    }
    Engine::build(&inventory, &rules, &model.policies)
}

fn rule(
    service: &Service,
    principal: &Principal,
    name: &str,
    grant: &ringwall_manifest::Grant,
) -> Rule {
    let key = match principal {
        Principal::Anyone | Principal::Role(_) => "people",
        Principal::Service(_) => "callers",
    };
    Rule {
        principal: principal.clone(),
        service: service.name.clone(),
        operation: grant.operation.clone(),
        scope: match grant.scope {
            ringwall_manifest::Scope::All => Scope::All,
            ringwall_manifest::Scope::OnBehalf => Scope::OnBehalf,
            ringwall_manifest::Scope::Own => Scope::Own,
        },
        place: grant.place.clone(),
        id: format!("{}.{key}.{name}", service.name),
    }
}
