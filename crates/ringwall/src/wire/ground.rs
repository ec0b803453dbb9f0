//! What lies under the state folder: store, vault, audit log, authority, accounts.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use arc_swap::ArcSwap;
use ringwall_api::Taps;
use ringwall_audit::{Ahead, Log};
use ringwall_base::{Algorithm, Clock, Entropy, Secret, Signer, Sink, SystemClock, SystemEntropy};
use ringwall_ca::Authority;
use ringwall_identity::{Blocklist, Identity, ThrottleSettings};
use ringwall_jose::PrivateKey;
use ringwall_manifest::Model;
use ringwall_store::Store;
use ringwall_vault::{RootFile, RootKey, Vault};

use super::custody;
use super::groundwork::Groundwork;
use super::key_vault::VaultKeys;
use super::relay::Relay;
use super::verify::raw_key;
use crate::paths::Place;
use crate::rules::Sets;

/// Everything durable, opened.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) vault: Arc<Vault>,
    log: ArcSwap<Log>,
    log_key: LogKey,
    relay: Arc<Relay>,
    store: Arc<Store>,
    pub(crate) identity: Identity,
    /// What paths in the manifest are relative to.
    pub(crate) folder: PathBuf,
    /// The rule sets of the firewall.
    pub(crate) sets: Sets,
    authority: Mutex<Authority>,
    /// Where the root key is kept; none when it was handed in from outside.
    root_file: Option<RootFile>,
}

impl Ground {
    /// Opens the state folder, or makes a new one. Fails when another process has it open.
    pub(crate) fn open(place: &Place, model: Option<&Model>) -> Result<Self> {
        Self::open_upon(place, model, Groundwork::default())
    }

    /// As [`Ground::open`], where some of it was done before.
    pub(crate) fn open_upon(
        place: &Place,
        model: Option<&Model>,
        groundwork: Groundwork,
    ) -> Result<Self> {
        make_private(place.state())?;
        make_private(&place.run())?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::open().context("no randomness")?);
        let relay = Arc::new(Relay::new(Arc::clone(&clock)));
        let sink: Arc<dyn Sink> = Arc::<Relay>::clone(&relay);

        // Before the database: a crash between the two leaves a key for nothing, and never a
        // database whose key was not written yet.
        let custody = Custody::find(place, entropy.as_ref())?;
        let mut migrations = ringwall_vault::MIGRATIONS.to_vec();
        migrations.extend_from_slice(ringwall_identity::MIGRATIONS);
        let store = Store::open(&place.database(), Arc::clone(&clock), &migrations);
        let store =
            Arc::new(store.with_context(|| format!("cannot open {}", place.database().display()))?);

        let open = |root: RootKey| {
            let (store, entropy) = (Arc::clone(&store), Arc::clone(&entropy));
            Vault::open(store, root, entropy, Arc::clone(&clock), Arc::clone(&sink))
        };
        let vault = Arc::new(custody.unseal(open)?);
        let root_file = custody.into_file();
        let log_key = LogKey::find(place, &vault)?;
        let log = log_key.open(place, &clock, &entropy, groundwork.log)?;
        relay.attach(Arc::<Log>::clone(&log)).context("the audit log takes no events")?;

        let authority = authority(&vault, model, &clock, &entropy)?;
        replace(&place.ca(), authority.bundle_pem().as_bytes(), 0o644)?;
        let seams = ringwall_identity::Seams {
            store: Arc::clone(&store),
            vault: Arc::new(VaultKeys(Arc::clone(&vault))),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            sink: Arc::clone(&sink),
        };
        let identity =
            Identity::open(settings(place, model)?, seams).context("accounts cannot be opened")?;
        let authority = Mutex::new(authority);
        let folder = place.folder();
        let log = ArcSwap::new(log);
        Ok(Self {
            clock,
            entropy,
            sink,
            vault,
            log,
            log_key,
            relay,
            store,
            identity,
            folder,
            sets: Sets::of(place),
            authority,
            root_file,
        })
    }

    /// Requests that were recorded since number `from`.
    pub(crate) fn tap(&self, from: Option<u64>) -> Taps {
        self.relay.tap().look(from, &*self.clock)
    }

    /// The audit log.
    pub(crate) fn log(&self) -> Arc<Log> {
        self.log.load_full()
    }

    /// Lets another process open the state folder. Reads go on here, changes are refused, and
    /// events wait for [`Ground::forward`] or [`Ground::retake`].
    pub(crate) fn release(&self) -> Result<()> {
        self.relay.hold();
        self.log().close();
        self.store.release().context("the store could not be finished")
    }

    /// Events go to another process from now on, those first that waited.
    pub(crate) fn forward(&self, taker: Arc<dyn Sink>) -> Result<()> {
        self.relay.attach(taker).context("the new process takes no events")
    }

    /// Takes the state folder back, because nobody took over.
    pub(crate) fn retake(&self, place: &Place) -> Result<()> {
        self.store.retake().context("the store was not taken back")?;
        let log = self.log_key.open(place, &self.clock, &self.entropy, None)?;
        self.log.store(Arc::clone(&log));
        self.relay.attach(log).context("the audit log takes no events")
    }

    /// Puts the vault under a new root key. A crash at any point leaves one of the two that opens.
    pub(crate) fn rotate_root(&self) -> Result<()> {
        let Some(file) = &self.root_file else {
            bail!("the root key came from outside; only one in the state folder can be replaced");
        };
        file.rotate(&self.vault).context("the root key was not replaced")
    }

    /// Renews the intermediate certificate when it is due, and keeps it.
    pub(crate) fn renew_authority(&self) -> Result<()> {
        let mut authority = self.authority();
        if authority.renew_at() <= self.clock.now() {
            authority.renew_intermediate().context("the intermediate certificate is due")?;
            self.vault.keys().put("ca", "authority", &custody::pack(&authority.parts()))?;
        }
        Ok(())
    }

    /// The fleet's own certificate authority.
    pub(crate) fn authority(&self) -> MutexGuard<'_, Authority> {
        self.authority.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The URL that clients use: tokens name it as issuer and audience.
pub(crate) fn issuer(model: &Model) -> String {
    match model.gateway.port {
        443 => format!("https://{}", model.gateway.host),
        port => format!("https://{}:{port}", model.gateway.host),
    }
}

fn settings(place: &Place, model: Option<&Model>) -> Result<ringwall_identity::Settings> {
    let mut settings = ringwall_identity::Settings::default();
    if let Some(model) = model {
        settings.issuer = issuer(model);
        settings.login_path.clone_from(&model.gateway.login_path);
        settings.logout_path.clone_from(&model.gateway.logout_path);
        settings.account_path.clone_from(&model.gateway.account_path);
        settings.password_min = model.gateway.password_min;
        settings.blocklist = blocklist(place, model)?;
        settings.elevated = model.elevated_roles();
        if let Some(rate) = model.limits.login.as_ref().and_then(|limit| limit.rate) {
            settings.throttle = ThrottleSettings::of_rate(rate.count, rate.per);
        }
    }
    Ok(settings)
}

/// The operator's list, and the names of the fleet and of its public door.
fn blocklist(place: &Place, model: &Model) -> Result<Blocklist> {
    let text = match &model.gateway.password_blocklist {
        Some(file) => std::fs::read(place.folder().join(file))
            .with_context(|| format!("cannot read {file}, the list of passwords"))?,
        None => Vec::new(),
    };
    let labels = model.gateway.host.split('.').map(str::to_owned);
    let names = labels.chain([model.gateway.host.clone(), model.name.clone()]);
    Ok(Blocklist::read(&text).naming(names))
}

/// Where the root key is kept.
enum Custody {
    /// In a systemd credential.
    Credential(PathBuf),
    /// In the environment.
    Environment(Secret<String>),
    /// In the state folder.
    File(RootFile),
}

impl Custody {
    /// The environment comes first, then a credential, then the state folder. A new state folder
    /// gets a new key file; an old one without its key is not touched.
    fn find(place: &Place, entropy: &dyn Entropy) -> Result<Self> {
        if let Some(text) = std::env::var_os("RINGWALL_ROOT_KEY") {
            let text = text.into_string().ok().context("RINGWALL_ROOT_KEY is not text")?;
            return Ok(Self::Environment(Secret::new(text)));
        }
        if let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") {
            let path = PathBuf::from(folder).join("root-key");
            if path.exists() {
                return Ok(Self::Credential(path));
            }
        }
        let file = RootFile::at(&place.root_key());
        if !file.exists() {
            if place.database().exists() {
                bail!(
                    "{} is gone, and without the root key the store cannot be read; put it back, \
                     or give it in RINGWALL_ROOT_KEY",
                    place.root_key().display()
                );
            }
            file.create(entropy).context("the root key cannot be written")?;
        }
        Ok(Self::File(file))
    }

    fn unseal(
        &self,
        open: impl Fn(RootKey) -> std::result::Result<Vault, ringwall_vault::OpenError>,
    ) -> Result<Vault> {
        match self {
            Self::Credential(path) => {
                let root = RootKey::from_credential(path).context("the credential `root-key`")?;
                open(root).context("the vault does not open with the credential `root-key`")
            }
            Self::Environment(text) => {
                let root = RootKey::from_env(text.expose()).context("RINGWALL_ROOT_KEY")?;
                open(root).context("the vault does not open with RINGWALL_ROOT_KEY")
            }
            Self::File(file) => file.unseal(open).context("the vault does not open"),
        }
    }

    fn into_file(self) -> Option<RootFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Credential(_) | Self::Environment(_) => None,
        }
    }
}

/// What signs the audit log. Kept: to read it from the vault is an event, which needs the log.
#[derive(Debug)]
struct LogKey {
    signer: Arc<dyn Signer>,
    public_key: Vec<u8>,
}

impl LogKey {
    fn find(place: &Place, vault: &Vault) -> Result<Self> {
        let key = if let Some(bytes) = vault.keys().get("audit", "checkpoint")? {
            PrivateKey::from_pkcs8(Algorithm::EdDsa, &bytes)?
        } else {
            let key = PrivateKey::generate(Algorithm::EdDsa)?;
            vault.keys().put("audit", "checkpoint", &key.to_pkcs8()?)?;
            key
        };
        // Whoever checks the log needs the public half, and no secret.
        let public = serde_json::to_vec(&key.public().to_json())?;
        replace(&place.state().join("audit.pub.json"), &public, 0o644)?;
        let public_key = raw_key(&public).context("the audit key is not an Ed25519 key")?;
        Ok(Self { signer: Arc::new(key), public_key })
    }

    fn open(
        &self,
        place: &Place,
        clock: &Arc<dyn Clock>,
        entropy: &Arc<dyn Entropy>,
        ahead: Option<Ahead>,
    ) -> Result<Arc<Log>> {
        let public_key = self.public_key.clone();
        let settings =
            ringwall_audit::Settings { public_key, ..ringwall_audit::Settings::default() };
        let (signer, clock) = (Arc::clone(&self.signer), Arc::clone(clock));
        let entropy = Arc::clone(entropy);
        let log = match ahead {
            Some(ahead) => ahead.open(settings, signer, clock, entropy),
            None => Log::open(&place.audit(), settings, signer, clock, entropy),
        };
        Ok(Arc::new(log.context("the audit log does not open")?))
    }
}

/// The fleet's own authority, its keys sealed in the vault.
fn authority(
    vault: &Vault,
    model: Option<&Model>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Authority> {
    let keys = vault.keys();
    let settings =
        ringwall_ca::Settings::new(model.map_or("ringwall", |model| model.name.as_str()));
    if let Some(packed) = keys.get("ca", "authority")? {
        let parts = custody::unpack(&packed).context("the authority's record is damaged")?;
        return Authority::load(&parts, settings, Arc::clone(clock), Arc::clone(entropy))
            .context("the certificate authority does not open");
    }
    let made = Authority::create(settings, Arc::clone(clock), Arc::clone(entropy))?;
    keys.put("ca", "authority", &custody::pack(&made.parts()))?;
    Ok(made)
}

/// Makes a folder that only its owner can enter.
pub(crate) fn make_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// Replaces a file at once: a reader sees the old content or the new one.
pub(crate) fn replace(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    if std::fs::read(path).is_ok_and(|found| found == content) {
        return Ok(());
    }
    let beside = path.with_extension("part");
    let mut options = std::fs::OpenOptions::new();
    let written = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&beside)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    written.with_context(|| format!("cannot write {}", path.display()))
}
