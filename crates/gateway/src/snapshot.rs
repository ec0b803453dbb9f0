//! One manifest, ready to be enforced: immutable, replaced whole.

mod builder;
mod backends;
mod catalogue;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ringwall_base::Place;
use ringwall_manifest::{AuditRequests, Mode, Model, Partner};
use ringwall_openapi::Schemas;
use ringwall_protobuf::Schema;

use crate::firewall::Firewall;
use crate::resource::Resources;
use crate::stage::authenticate::Authenticate;
use crate::stage::authorize::Authorize;
use crate::stage::forward::Forward;
use crate::stage::inspect::Inspect;
use crate::stage::normalize::Normalize;
use crate::stage::review::{Review, Wardrobe};
use crate::stage::route::Router;
use crate::stage::throttle::Throttle;
use crate::standing::Standing;
use crate::upstreams::{Plan, Upstreams};
use crate::{Core, Door};
use builder::Builder;

/// One manifest, ready.
#[derive(Debug)]
pub(crate) struct Snapshot {
    version: u64,
    mode: Mode,
    standing: Arc<Standing>,
    compresses: bool,
    writes_allowed: bool,
    lines: HashMap<Door, Line>,
    partners: BTreeMap<String, Partner>,
    plans: Plans,
    wardrobe: Wardrobe,
}

/// What was read of services, by their names.
#[derive(Clone, Copy, Debug)]
pub struct Contracts<'a> {
    /// Compiled OpenAPI files.
    pub schemas: &'a BTreeMap<String, Arc<Schemas>>,
    /// Descriptors of gRPC.
    pub descriptors: &'a BTreeMap<String, Arc<Schema>>,
}

/// Upstreams, and what a manifest makes of them.
type Plans = Vec<(Arc<Upstreams>, Plan)>;

/// The stages of one door.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) normalize: Normalize,
    pub(crate) route: Router,
    pub(crate) throttle: Throttle,
    pub(crate) authenticate: Authenticate,
    pub(crate) authorize: Authorize,
    pub(crate) inspect: Inspect,
    pub(crate) forward: Forward,
    pub(crate) review: Review,
    /// What judges requests by rules; where it is on.
    pub(crate) firewall: Option<Arc<Firewall>>,
    /// Where tokens come from; at the public door only.
    pub(crate) resources: Option<Resources>,
}

/// Why a manifest cannot be enforced.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Two operations claim one method and path.
    #[error("{place}: `{one}` and `{other}` claim the same method and path")]
    Path {
        /// Where one is declared.
        place: Place,
        /// One operation.
        one: String,
        /// The other.
        other: String,
    },
    /// The policies cannot be loaded.
    #[error("the policies cannot be enforced")]
    Policy(#[from] ringwall_policy::BuildError),
    /// The firewall is on, and has nothing to judge by.
    #[error("the firewall is on, and there are no rules for it")]
    NoRules,
    /// A service speaks gRPC by descriptors that were not handed in.
    #[error("the descriptors of `{service}` were not read")]
    NoDescriptors {
        /// The service.
        service: String,
    },
    /// The detectors of leaks cannot be built.
    #[error(transparent)]
    Leaks(#[from] ringwall_leaks::BuildError),
    /// A path template has no single reading.
    #[error("{place}: the path `{path}` cannot be read")]
    Template {
        /// Where it is declared.
        place: Place,
        /// The template.
        path: String,
    },
}

impl Snapshot {
    /// Makes a manifest ready. Everything that can be wrong is found here.
    pub(crate) fn build(
        (model, contracts): (&Model, Contracts<'_>),
        firewall: Option<Arc<Firewall>>,
        core: &Core,
        version: u64,
    ) -> Result<Self, BuildError> {
        let builder = Builder::new((model, contracts), firewall, core)?;
        let mut lines = HashMap::new();
        lines.insert(Door::Edge, builder.edge()?);
        for service in model.services.values() {
            let door = Door::Inbound { service: service.name.clone() };
            lines.insert(door, builder.inbound(service)?);
            builder.outbound(service, &mut lines)?;
        }
        let partners = model.partners.clone();
        let standing = Arc::new(builder.standing(version));
        let plans = builder.plans.into_inner();
        let gateway = &model.gateway;
        let (mode, compresses) = (gateway.mode, gateway.compresses);
        let writes_allowed = model.audit_requests == AuditRequests::All;
        let wardrobe = Wardrobe::own(&gateway.headers);
        Ok(Self {
            version,
            mode,
            standing,
            compresses,
            writes_allowed,
            lines,
            partners,
            plans,
            wardrobe,
        })
    }

    /// Brings the endpoints of this manifest into force: from now on, also for requests that an
    /// older snapshot admitted.
    pub(crate) fn apply(&self, now: Duration) {
        for (upstreams, plan) in &self.plans {
            upstreams.apply(plan.clone(), now);
        }
    }

    /// The stages of a door.
    pub(crate) fn line(&self, door: &Door) -> Option<&Line> {
        self.lines.get(door)
    }

    /// A third party, and what may be sent to it.
    pub(crate) fn partner(&self, name: &str) -> Option<&Partner> {
        self.partners.get(name)
    }

    /// Whether refusals are enforced.
    pub(crate) const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether allowed requests are written to the audit log.
    pub(crate) const fn writes_allowed(&self) -> bool {
        self.writes_allowed
    }

    /// Whether the public door compresses answers.
    pub(crate) const fn compresses(&self) -> bool {
        self.compresses
    }

    /// What is added to answers of Ringwall's own at the public door.
    pub(crate) const fn wardrobe(&self) -> &Wardrobe {
        &self.wardrobe
    }

    /// What it says of callers that an older one let in.
    pub(crate) const fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// Counts loads.
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }
}
