//! A root, the intermediate that works for it, and what they issue.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use ringwall_base::{Clock, Entropy, Secret, Timestamp};
use rustls_pki_types::CertificateDer;

use crate::certificate::pem;
use crate::profile::{self, Frame};
use crate::seat::{Seat, check_chain, frame};
use crate::spiffe_id::check_trust_domain;
use crate::{Certificate, CreateError, Host, IssueError, LoadError, SpiffeId};

/// What an authority may issue, and for how long.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The manifest's `name`: every workload is `spiffe://<trust_domain>/…`.
    pub trust_domain: String,
    /// DNS names below which servers may be; empty for any. With it, a stolen root is worth
    /// nothing for other sites. Written into the certificates, for new authorities only.
    pub permitted_dns: Vec<String>,
    /// Life of the root.
    pub root_life: Duration,
    /// Life of an intermediate.
    pub intermediate_life: Duration,
    /// Life of a server certificate.
    pub server_life: Duration,
    /// The longest life that a workload may ask for.
    pub workload_life_max: Duration,
}

/// What must be kept to have the authority again.
#[derive(Clone, Debug)]
pub struct Parts {
    /// DER.
    pub root_certificate: Vec<u8>,
    /// PKCS#8. Absent when the root is kept offline: then no intermediate can be made.
    pub root_key: Option<Secret<Vec<u8>>>,
    /// DER.
    pub intermediate_certificate: Vec<u8>,
    /// PKCS#8.
    pub intermediate_key: Secret<Vec<u8>>,
}

/// Issues certificates for one trust domain.
pub struct Authority {
    settings: Settings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    root_der: CertificateDer<'static>,
    root: Option<Seat>,
    intermediate: Seat,
}

impl Authority {
    /// Makes a new root and its first intermediate.
    ///
    /// # Errors
    /// When randomness fails or the name is no trust domain.
    pub fn create(
        settings: Settings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, CreateError> {
        check_trust_domain(&settings.trust_domain)?;
        let frame = frame(clock.now(), settings.root_life, entropy.as_ref())?;
        let key = new_key()?;
        let params = profile::root(&frame, &settings.trust_domain, &settings.permitted_dns);
        let der = params.self_signed(&key).map_err(IssueError::from)?.der().clone();
        let root = Seat::new(der, key, &frame)?;
        let intermediate = new_intermediate(&root, &settings, clock.now(), entropy.as_ref())?;
        let root_der = root.der.clone();
        Ok(Self { settings, clock, entropy, root_der, root: Some(root), intermediate })
    }

    /// Takes up an authority that was made before.
    ///
    /// # Errors
    /// When the parts do not belong together.
    pub fn load(
        parts: &Parts,
        settings: Settings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, LoadError> {
        check_trust_domain(&settings.trust_domain)?;
        let root_der = CertificateDer::from(parts.root_certificate.clone());
        check_chain(&parts.root_certificate, &parts.intermediate_certificate)?;
        let root = match &parts.root_key {
            Some(key) => Some(Seat::load("root", &parts.root_certificate, key)?),
            None => None,
        };
        let (der, key) = (&parts.intermediate_certificate, &parts.intermediate_key);
        let intermediate = Seat::load("intermediate", der, key)?;
        Ok(Self { settings, clock, entropy, root_der, root, intermediate })
    }

    /// Replaces the intermediate. Store the new [`Authority::parts`] before issuing with it;
    /// leaves of the old one stay good, because everybody trusts the root.
    ///
    /// # Errors
    /// When the root's key is elsewhere, or the root has expired.
    pub fn renew_intermediate(&mut self) -> Result<(), IssueError> {
        let root = self.root.as_ref().ok_or(IssueError::NoRootKey)?;
        let now = self.clock.now();
        self.intermediate = new_intermediate(root, &self.settings, now, self.entropy.as_ref())?;
        Ok(())
    }

    /// Issues a certificate for a TLS server under these names.
    ///
    /// # Errors
    /// When a name cannot be in a certificate, or the intermediate has expired.
    pub fn issue_server<N: AsRef<str>>(&self, names: &[N]) -> Result<Certificate, IssueError> {
        if names.is_empty() || names.len() > NAMES_MAX {
            return Err(IssueError::NameCount { count: names.len() });
        }
        let hosts: Result<Vec<Host>, _> =
            names.iter().map(|name| Host::parse(name.as_ref())).collect();
        let hosts = hosts?;
        self.issue(self.settings.server_life, |frame| profile::server(frame, &hosts))
    }

    /// Issues a certificate for a workload, usable as client and as server.
    ///
    /// # Errors
    /// When the id is of another trust domain, the life is too long, or the intermediate has
    /// expired.
    pub fn issue_workload(&self, id: &SpiffeId, life: Duration) -> Result<Certificate, IssueError> {
        if id.trust_domain() != self.settings.trust_domain {
            let ours = self.settings.trust_domain.clone();
            return Err(IssueError::TrustDomain { id: id.clone(), ours });
        }
        let max = self.settings.workload_life_max;
        if life < Duration::from_secs(1) || life > max {
            return Err(IssueError::Life { asked: life, max });
        }
        self.issue(life, |frame| profile::workload(frame, id))
    }

    /// What must be kept, sealed, to load this authority again.
    pub fn parts(&self) -> Parts {
        Parts {
            root_certificate: self.root_der.to_vec(),
            root_key: self.root.as_ref().map(Seat::key),
            intermediate_certificate: self.intermediate.der.to_vec(),
            intermediate_key: self.intermediate.key(),
        }
    }

    /// The certificates to trust: the root.
    pub fn bundle(&self) -> Vec<CertificateDer<'static>> {
        vec![self.root_der.clone()]
    }

    /// The certificates to trust, as PEM.
    pub fn bundle_pem(&self) -> String {
        pem(&self.root_der)
    }

    /// For whom this authority speaks.
    pub fn trust_domain(&self) -> &str {
        &self.settings.trust_domain
    }

    /// When [`Authority::renew_intermediate`] is due: at two thirds of its life.
    pub fn renew_at(&self) -> Timestamp {
        let life = self.intermediate.until.since(self.intermediate.from);
        self.intermediate.from.plus(life / 3 * 2)
    }

    fn issue(
        &self,
        life: Duration,
        profile: impl Fn(&Frame) -> Result<rcgen::CertificateParams, IssueError>,
    ) -> Result<Certificate, IssueError> {
        let frame = self.intermediate.frame(self.clock.now(), life, self.entropy.as_ref())?;
        let key = new_key()?;
        let leaf = profile(&frame)?.signed_by(&key, &self.intermediate.issuer)?;
        Ok(Certificate {
            chain: vec![leaf.der().clone(), self.intermediate.der.clone()],
            key: Secret::new(key.serialize_der()),
            serial: frame.serial,
            not_before: frame.not_before,
            not_after: frame.not_after,
        })
    }
}

fn new_intermediate(
    root: &Seat,
    settings: &Settings,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Seat, IssueError> {
    let frame = root.frame(now, settings.intermediate_life, entropy)?;
    let key = new_key()?;
    let params = profile::intermediate(&frame, &settings.trust_domain, &settings.permitted_dns);
    let der = params.signed_by(&key, &root.issuer)?.der().clone();
    Seat::new(der, key, &frame)
}

fn new_key() -> Result<KeyPair, IssueError> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

impl fmt::Debug for Authority {
    /// Without keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Settings {
    /// The lives of a development house: root 10 years, intermediate and servers 90 days,
    /// workloads at most a day (they ask for an hour).
    pub fn new(trust_domain: &str) -> Self {
        Self {
            trust_domain: trust_domain.to_owned(),
            permitted_dns: Vec::new(),
            root_life: DAY * 3_650,
            intermediate_life: DAY * 90,
            server_life: DAY * 90,
            workload_life_max: DAY,
        }
    }
}

const DAY: Duration = Duration::from_hours(24);

/// More names than any gateway of ours has; a larger certificate slows every handshake.
const NAMES_MAX: usize = 100;
