//! One exchange with an ACME server: account, order, proof, certificate.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use ringwall_base::{Clock, Entropy, Secret, Timestamp};
use ringwall_net::{Certificate, Challenges, Fetch};
use rustls_pki_types::PrivateKeyDer;

use crate::carrier::Carrier;
use crate::schedule::Life;
use crate::{AcmeError, Custody, Kept};

/// What is asked for, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The server's directory.
    pub directory: String,
    /// `mailto:` address for its messages.
    pub contact: Option<String>,
    /// The names, in lower case, all in one certificate.
    pub names: Vec<String>,
    /// How control over a name is shown.
    pub challenge: Challenge,
}

/// How control over a name is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Challenge {
    /// RFC 8555 section 8.3: a file on port 80.
    Http01,
    /// RFC 8737: a certificate on port 443.
    TlsAlpn01,
}

/// What it needs of others.
#[derive(Clone, Debug)]
pub struct Seams {
    /// The way to the server.
    pub fetch: Fetch,
    /// Where proofs are put for the doors.
    pub challenges: Arc<Challenges>,
    /// Where keys are kept.
    pub custody: Arc<dyn Custody>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for jitter only.
    pub entropy: Arc<dyn Entropy>,
}

/// A client of one server.
#[derive(Debug)]
pub struct Acme {
    pub(crate) settings: Settings,
    pub(crate) seams: Seams,
}

/// The server's advice about renewal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Advice {
    pub(crate) window: Life,
    /// When to ask again.
    pub(crate) again: Duration,
}

/// Takes the proofs away again, however an order ends.
struct Cleared<'a>(&'a Challenges);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

impl Acme {
    /// A client that has done nothing yet.
    pub const fn new(settings: Settings, seams: Seams) -> Self {
        Self { settings, seams }
    }

    /// The last good certificate, if one is kept. It may have expired or lack a name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn kept(&self) -> Result<Option<Kept>, AcmeError> {
        self.seams.custody.get(CERTIFICATE)?.map(Kept::read).transpose()
    }

    /// Gets a new certificate and keeps it.
    ///
    /// # Errors
    /// When there is none; then nothing has changed.
    pub async fn order(&self, replaced: Option<&Kept>) -> Result<Kept, AcmeError> {
        let carrier = Carrier::new(self.seams.fetch.clone());
        let server = |source| self.server(source, carrier.wait());
        let account = self.account(&carrier).await?;
        let names: Vec<_> = self.settings.names.iter().cloned().map(Identifier::Dns).collect();
        let mut wanted = NewOrder::new(&names);
        let advised = match replaced {
            Some(kept) if self.advice_of(&account, kept).await.is_some() => kept.id(),
            Some(_) | None => None,
        };
        if let Some(id) = advised {
            // RFC 9773 section 5: renewals of known certificates escape rate limits.
            wanted = wanted.replaces(id.clone());
        }
        let mut order = account.new_order(&wanted).await.map_err(server)?;
        let cleared = Cleared(&self.seams.challenges);
        self.prove(&mut order, &carrier).await?;
        let status = order.poll_ready(&PATIENCE).await.map_err(server)?;
        if status != OrderStatus::Ready {
            return Err(self.not_seen(&mut order, &carrier).await);
        }
        drop(cleared);
        let key = KeyPair::generate()?;
        let mut request = CertificateParams::new(self.settings.names.clone())?;
        // The names are the subject's alternative names, and nothing else is asked for.
        request.distinguished_name = DistinguishedName::new();
        let request = request.serialize_request(&key)?;
        order.finalize_csr(request.der()).await.map_err(server)?;
        let chain = order.poll_certificate(&PATIENCE).await.map_err(server)?;
        let pem = Secret::new(format!("{}{chain}", key.serialize_pem()).into_bytes());
        let kept = Kept::read(pem)?.check(&self.settings.names, self.seams.clock.now())?;
        self.seams.custody.put(CERTIFICATE, kept.pem())?;
        Ok(kept)
    }

    /// When the server suggests to renew; `None` when it does not say.
    pub(crate) async fn advice(&self, kept: &Kept) -> Option<Advice> {
        let carrier = Carrier::new(self.seams.fetch.clone());
        let account = self.account(&carrier).await.ok()?;
        self.advice_of(&account, kept).await
    }

    async fn advice_of(&self, account: &Account, kept: &Kept) -> Option<Advice> {
        let (info, again) = account.renewal_info(kept.id()?).await.ok()?;
        let secs = |at: time::OffsetDateTime| {
            Timestamp::from_secs(u64::try_from(at.unix_timestamp()).unwrap_or_default())
        };
        let window =
            Life { begin: secs(info.suggested_window.start), end: secs(info.suggested_window.end) };
        // RFC 9773 section 4.2: a window that ends before it begins is none.
        (window.begin < window.end).then_some(Advice { window, again })
    }

    /// The account of before, or a new one, kept before it is used.
    async fn account(&self, carrier: &Carrier) -> Result<Account, AcmeError> {
        let server = |source| self.server(source, carrier.wait());
        let builder = Account::builder_with_http(Box::new(carrier.clone()));
        let record = account_record(&self.settings.directory);
        if let Some(kept) = self.seams.custody.get(&record)? {
            let credentials: AccountCredentials =
                serde_json::from_slice(kept.expose()).map_err(AcmeError::Account)?;
            return builder.from_credentials(credentials).await.map_err(server);
        }
        let contact: Vec<&str> = self.settings.contact.as_deref().into_iter().collect();
        let asked = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let made = builder.create(&asked, self.settings.directory.clone(), None).await;
        let (account, credentials) = made.map_err(server)?;
        let record_text = serde_json::to_vec(&credentials).map_err(AcmeError::Account)?;
        self.seams.custody.put(&record, &Secret::new(record_text))?;
        Ok(account)
    }

    /// Puts a proof where the server will look, for each name, and tells it so.
    async fn prove(&self, order: &mut Order, carrier: &Carrier) -> Result<(), AcmeError> {
        let server = |source| self.server(source, carrier.wait());
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(server)?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let name = authorization.identifier().to_string();
            if !self.settings.names.contains(&name) {
                return Err(AcmeError::Useless("the server asks about another name"));
            }
            let kind = self.settings.challenge;
            let Some(mut challenge) = authorization.challenge(kind.kind()) else {
                return Err(AcmeError::NoChallenge {
                    directory: self.settings.directory.clone(),
                    challenge: kind.name(),
                    name,
                });
            };
            let proof = challenge.key_authorization();
            match kind {
                Challenge::Http01 => {
                    self.seams.challenges.put_http(&challenge.token, proof.as_str());
                }
                Challenge::TlsAlpn01 => {
                    let certificate = self_signed(&name, proof.digest().as_ref())?;
                    self.seams.challenges.put_tls(&name, &certificate);
                }
            }
            challenge.set_ready().await.map_err(|source| match source {
                // Some servers look at once.
                instant_acme::Error::Api(problem) if carrier.wait().is_none() => {
                    AcmeError::NotSeen {
                        directory: self.settings.directory.clone(),
                        name: name.clone(),
                        why: problem.to_string(),
                    }
                }
                other => server(other),
            })?;
        }
        Ok(())
    }

    /// Which proof was not found, in the server's words.
    async fn not_seen(&self, order: &mut Order, carrier: &Carrier) -> AcmeError {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let authorization = match authorization {
                Ok(authorization) => authorization,
                Err(source) => return self.server(source, carrier.wait()),
            };
            let said = authorization.challenges.iter().find_map(|one| one.error.as_ref());
            if let Some(problem) = said {
                return AcmeError::NotSeen {
                    directory: self.settings.directory.clone(),
                    name: authorization.identifier().to_string(),
                    why: problem.detail.clone().unwrap_or_default(),
                };
            }
        }
        AcmeError::Useless("the order failed without a reason")
    }

    fn server(&self, source: instant_acme::Error, wait: Option<Duration>) -> AcmeError {
        AcmeError::Server { directory: self.settings.directory.clone(), source, wait }
    }
}

impl Challenge {
    const fn kind(self) -> ChallengeType {
        match self {
            Self::Http01 => ChallengeType::Http01,
            Self::TlsAlpn01 => ChallengeType::TlsAlpn01,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::TlsAlpn01 => "tls-alpn-01",
        }
    }
}

/// An account belongs to its server. The name is short and plain, as a vault wants it.
fn account_record(directory: &str) -> String {
    let hash = digest(&SHA256, directory.as_bytes());
    let name = hash.as_ref().iter().take(8).flat_map(|byte| [byte >> 4, byte & 15]);
    let name: String = name.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    format!("account-{name}")
}

/// RFC 8737 section 3: self-signed, the one name, and the digest in a critical extension.
fn self_signed(name: &str, digest: &[u8]) -> Result<Certificate, AcmeError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key)?;
    let der = PrivateKeyDer::try_from(key.serialize_der());
    let der = der.map_err(|_unknown| AcmeError::Useless("a new key cannot be read"))?;
    Ok(Certificate::of_challenge(certificate.der().clone(), &der)?)
}

/// The record of the certificate and its key.
const CERTIFICATE: &str = "certificate";

/// How an order is followed: every quarter of a second at first, and two minutes in all.
const PATIENCE: RetryPolicy = RetryPolicy::new().backoff(1.5).timeout(Duration::from_mins(2));
