//! Route: which operation a request asks for.
//!
//! The limits and rules of all later stages come from the operation. An unknown path is refused:
//! what the contract does not name does not exist. The fleet's own pages (sign-in, tokens) are
//! told apart here, and nothing of a service can stand in their place.

mod paths;

use std::collections::HashMap;
use std::sync::Arc;

use http::{Method, Request, Response};
use ringwall_manifest::Waf;
use ringwall_net::Body;

use crate::cors::preflight_for;
use crate::manner::Manner;
use crate::metrics::Tally;
use crate::operation::Operation;
use crate::stage::normalize::Normal;
use crate::upstreams::Backend;
use crate::{Local, Refusal};
use paths::Paths;
pub(crate) use paths::parameter_names;

/// Finds operations.
#[derive(Debug)]
pub(crate) struct Router {
    local: Option<Arc<dyn Local>>,
    services: Services,
}

/// Whose operations a door offers.
#[derive(Debug)]
pub(crate) enum Services {
    /// All that this tree has.
    All(Arc<Tree>),
    /// Those of one service, told by the host that the caller named: host and port, or host alone.
    ByHost(HashMap<String, Arc<Tree>>),
}

/// Operations by path and method.
#[derive(Debug)]
pub(crate) struct Tree(Paths<Methods>);

type Methods = Vec<Offer>;

/// What one method of a path leads to.
type Offer = (Method, Arc<Leaf>);

/// An operation, as one door offers it.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// The operation.
    pub(crate) operation: Arc<Operation>,
    /// Who answers it.
    pub(crate) backend: Arc<Backend>,
    /// What stands before the service's own path at this door.
    pub(crate) mount: Arc<str>,
    /// How its service's requests are treated at this door.
    pub(crate) manner: Arc<Manner>,
    /// Its counters at this door.
    pub(crate) tally: Tally,
}

/// The operation that is asked for. Only [`Router::run`] makes one.
#[derive(Debug)]
pub(crate) struct Route {
    leaf: Arc<Leaf>,
    values: Vec<(String, String)>,
}

/// Whose the request is.
#[derive(Debug)]
pub(crate) enum Found {
    /// The fleet's own page.
    Local(Arc<dyn Local>),
    /// A service's operation.
    Operation(Route),
    /// A browser asks whether another site's page may call; with the methods of the path.
    Preflight(Route, Vec<Method>),
}

/// Two operations claim one method and path.
#[derive(Debug)]
pub(crate) struct Taken(pub(crate) Arc<Operation>);

impl Router {
    pub(crate) fn new(local: Option<Arc<dyn Local>>, services: Services) -> Self {
        Self { local, services }
    }

    /// Returns the operation, or refuses what no contract names.
    pub(crate) fn run(&self, request: &Normal) -> Result<Found, Refusal> {
        if let Some(local) = self.local.as_ref().filter(|local| local.claims(request.path())) {
            return Ok(Found::Local(Arc::clone(local)));
        }
        let tree = self.services.tree(request.host()).ok_or(Refusal::NoRoute)?;
        let Some((methods, values)) = tree.0.find(request.path()) else {
            return Err(tree.without_slash(request));
        };
        if *request.method() == Method::OPTIONS
            && let Some(found) = preflight(methods, request)
        {
            return Ok(found);
        }
        let leaf = pick(methods, request.method()).ok_or_else(|| not_taken(methods))?;
        let leaf = Arc::clone(leaf);
        let names = leaf.operation.parameter_names.iter().cloned();
        let values = names.zip(values).collect();
        Ok(Found::Operation(Route { leaf, values }))
    }
}

impl Router {
    /// Whether the firewall, with this usual mode, may have to look at a request, before anything
    /// of it was checked: a path in which nothing is encoded is matched as it stands.
    pub(crate) fn may_watch(&self, request: &Request<Body>, usual: Waf) -> bool {
        let path = request.uri().path();
        let Services::All(tree) = &self.services else { return true };
        if path.contains('%') || *request.method() == Method::OPTIONS {
            return true;
        }
        let is_ours = self.local.as_ref().is_some_and(|local| local.claims(path));
        let found = tree.0.find(path).filter(|_| !is_ours);
        let leaf = found.and_then(|(methods, _)| pick(methods, request.method()));
        leaf.map_or(usual, |leaf| leaf.operation.waf) != Waf::Off
    }
}

impl Services {
    fn tree(&self, host: &str) -> Option<&Tree> {
        match self {
            Self::All(tree) => Some(tree),
            Self::ByHost(hosts) => {
                let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
                hosts.get(host).or_else(|| hosts.get(name)).map(Arc::as_ref)
            }
        }
    }
}

impl Tree {
    /// A tree without operations.
    pub(crate) fn new() -> Self {
        Self(Paths::new())
    }

    /// Adds an operation under its mount. Returns `None` when its template cannot be read.
    pub(crate) fn add(&mut self, leaf: Leaf) -> Option<Result<(), Taken>> {
        let template = format!("{}{}", leaf.mount, leaf.operation.template);
        let method = leaf.operation.method.clone();
        let methods = self.0.end(&template)?.get_or_insert_with(Vec::new);
        if let Some((_, taken)) = methods.iter().find(|(known, _)| *known == method) {
            return Some(Err(Taken(Arc::clone(&taken.operation))));
        }
        methods.push((method, Arc::new(leaf)));
        Some(Ok(()))
    }

    // Flask answers a path that lacks only its final slash with a redirect, and so do we: the
    // request must not get to the app as another one than was matched.
    fn without_slash(&self, request: &Normal) -> Refusal {
        let slashed = format!("{}/", request.path());
        if request.path().ends_with('/') || self.0.find(&slashed).is_none() {
            return Refusal::NoRoute;
        }
        let query = request.query().map(|query| format!("?{query}")).unwrap_or_default();
        Refusal::Moved { location: format!("{}/{query}", request.raw_path()) }
    }
}

impl Route {
    /// The operation.
    pub(crate) fn operation(&self) -> &Operation {
        &self.leaf.operation
    }

    /// The operation as this door offers it, to keep.
    pub(crate) fn share(&self) -> Arc<Leaf> {
        Arc::clone(&self.leaf)
    }

    /// Who answers.
    pub(crate) fn backend(&self) -> &Backend {
        &self.leaf.backend
    }

    /// What stands before the service's own path.
    pub(crate) fn mount(&self) -> &str {
        &self.leaf.mount
    }

    /// How its service's requests are treated.
    pub(crate) fn manner(&self) -> &Arc<Manner> {
        &self.leaf.manner
    }

    /// Answers a preflight, or refuses another site's.
    pub(crate) fn preflight(
        &self,
        request: &Normal,
        methods: &[Method],
    ) -> Result<Response<Body>, Refusal> {
        match &self.leaf.manner.cors {
            Some(cors) => cors.preflight(request.fields(), methods),
            None => Err(Refusal::NoRoute),
        }
    }

    /// Path parameters by name, decoded.
    pub(crate) fn values(&self) -> &[(String, String)] {
        &self.values
    }
}

/// RFC 9110 section 9.3.2: HEAD is GET without content.
fn pick<'a>(methods: &'a [Offer], method: &Method) -> Option<&'a Arc<Leaf>> {
    let of = |wanted: &Method| methods.iter().find(|(known, _)| known == wanted);
    let found = of(method).or_else(|| of(&Method::GET).filter(|_| *method == Method::HEAD));
    found.map(|(_, leaf)| leaf)
}

/// The operation that a preflight is about. An app that declares `OPTIONS` itself, in a service
/// without a cross-origin rule, answers itself.
fn preflight(methods: &[Offer], request: &Normal) -> Option<Found> {
    let wanted = preflight_for(request.method(), request.fields())?;
    let leaf = pick(methods, &wanted).filter(|leaf| leaf.manner.cors.is_some())?;
    let leaf = Arc::clone(leaf);
    let own = methods.iter().filter(|(_, other)| Arc::ptr_eq(&other.manner, &leaf.manner));
    let methods = own.map(|(method, _)| method.clone()).collect();
    Some(Found::Preflight(Route { leaf, values: Vec::new() }, methods))
}

fn not_taken(methods: &[Offer]) -> Refusal {
    let mut names: Vec<&str> = methods.iter().map(|(method, _)| method.as_str()).collect();
    if names.contains(&"GET") && !names.contains(&"HEAD") {
        names.push("HEAD");
    }
    names.sort_unstable();
    Refusal::Method { allow: names.join(", ") }
}
