//! The web application firewall: whether it looks, and by which rules.

use std::collections::BTreeMap;

use ringwall_base::Place;

use super::{Model, Service};

/// Web application firewall.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Waf {
    /// Refuse what matches.
    Block,
    /// Record what matches.
    Log,
    /// Do not look.
    #[default]
    Off,
}

/// The rules of the firewall, and how strict they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WafRules {
    /// Which rule set.
    pub set: RuleSet,
    /// How suspicious it is: 1 to 4.
    pub paranoia: u8,
    /// The score at which a request is refused.
    pub inbound_threshold: u32,
    /// The score at which an answer is withheld.
    pub outbound_threshold: u32,
    /// Whether rules that look for attacks pass over values that an OpenAPI document proves harmless.
    pub skips_proven: bool,
    /// Patterns of `SecLang` files that are read before the rule set, relative to the manifest's
    /// folder: settings, and exclusions that act while a request is judged.
    pub before: Vec<String>,
    /// The same, read after it: own rules, and exclusions that change rules.
    pub files: Vec<String>,
    /// Whether collections that rules keep are shared with other gateways, in the store of limits.
    pub shares_collections: bool,
    /// The `[waf]` line.
    pub place: Place,
}

/// Which rules the firewall runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RuleSet {
    /// The OWASP Core Rule Set that is installed.
    Crs,
    /// Ringwall's own.
    #[default]
    Own,
}

/// What one service says about the firewall, or about leaks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct WafModes {
    /// For all its operations. `None`: as for the door.
    pub service: Option<Waf>,
    /// For single ones.
    pub operations: BTreeMap<String, Waf>,
}

impl Model {
    /// How the firewall looks at one operation at the public door.
    pub fn waf_for(&self, service: &Service, operation: &str) -> Waf {
        let own = service.waf.operations.get(operation).copied();
        own.or(service.waf.service).unwrap_or(self.gateway.waf)
    }

    /// What happens to leaks in the answers of one operation at the public door.
    pub fn leaks_for(&self, service: &Service, operation: &str) -> Waf {
        let own = service.leaks.operations.get(operation).copied();
        own.or(service.leaks.service).unwrap_or(self.gateway.leaks)
    }

    /// Whether the firewall looks at anything, so that there have to be rules.
    pub fn has_waf(&self) -> bool {
        let of = |service: &Service| service.waf.modes().any(|mode| mode != Waf::Off);
        self.gateway.waf != Waf::Off || self.services.values().any(of)
    }
}

impl WafModes {
    fn modes(&self) -> impl Iterator<Item = Waf> {
        self.service.into_iter().chain(self.operations.values().copied())
    }
}

impl Default for WafRules {
    fn default() -> Self {
        Self {
            set: RuleSet::default(),
            paranoia: 1,
            inbound_threshold: 5,
            outbound_threshold: 4,
            skips_proven: true,
            before: Vec::new(),
            files: Vec::new(),
            shares_collections: false,
            place: Place::default(),
        }
    }
}
