//! Limits, and what rules remember, shared with other gateways: connections to Redis, made and ended
//! with the manifest.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ringwall_base::Secret;
use ringwall_gateway::Core;
use ringwall_manifest::{Model, Redis};
use ringwall_net::{Dial, DialName, Socket};
use ringwall_store::{RedisSettings, Wire, Wiring};
use tokio::task::JoinHandle;

use super::Ground;

/// What the manifest said, and the exchange that follows it.
type Running = (Redis, JoinHandle<()>);

/// The exchange of counts, and of what rules remember, while the manifest says so.
#[derive(Debug, Default)]
pub(crate) struct SharedLimits {
    running: Option<Running>,
    collections: Option<Running>,
}

impl SharedLimits {
    /// Begins, ends or goes on, as the manifest says. A store that is away is no error: local
    /// limits hold, and that is reported.
    pub(crate) fn apply(&mut self, core: &Arc<Core>, ground: &Ground, model: &Model) -> Result<()> {
        let wanted = model.limits.redis.as_ref();
        if is_other(self.running.as_ref(), wanted) {
            let next = wanted.map(|redis| open(redis, ground, model)).transpose()?;
            stop(&mut self.running);
            if let (Some(redis), Some(next)) = (wanted, next) {
                let exchange = core.share(Arc::new(next));
                self.running = Some((redis.clone(), tokio::spawn(exchange.run())));
            }
        }
        let is_shared = model.waf.shares_collections && model.has_waf();
        let wanted = wanted.filter(|_| is_shared);
        if is_other(self.collections.as_ref(), wanted) {
            // A connection of its own: a request may wait for it.
            let next = wanted.map(|redis| open(redis, ground, model)).transpose()?;
            stop(&mut self.collections);
            if let (Some(redis), Some(next)) = (wanted, next) {
                let exchange = core.recollect(Arc::new(next))?;
                self.collections = Some((redis.clone(), tokio::spawn(exchange.run())));
            }
        }
        Ok(())
    }
}

impl Drop for SharedLimits {
    fn drop(&mut self) {
        stop(&mut self.running);
        stop(&mut self.collections);
    }
}

fn is_other(running: Option<&Running>, wanted: Option<&Redis>) -> bool {
    running.map(|(redis, _)| redis) != wanted
}

fn stop(running: &mut Option<Running>) {
    if let Some((_, task)) = running.take() {
        task.abort();
    }
}

fn open(redis: &Redis, ground: &Ground, model: &Model) -> Result<ringwall_store::Redis> {
    let Some(address) = redis.url.strip_prefix("redis://") else {
        bail!("`{}`: TLS to Redis is not offered by this version", redis.url);
    };
    let (address, _database) = address.split_once('/').unwrap_or((address, ""));
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "6379"));
    let host = host.trim_matches(['[', ']']).to_owned();
    let dial = DialName { host, port: port.parse().context("the port of `limits.redis`")? };
    let connect = move || {
        let dial = dial.clone();
        let open = async move {
            match dial.dial().await? {
                Socket::Tcp(stream) => Ok(Box::new(stream) as Box<dyn Wire>),
                Socket::Unix(stream) => Ok(Box::new(stream) as Box<dyn Wire>),
            }
        };
        Box::pin(open) as Wiring
    };
    let settings = RedisSettings {
        prefix: format!("ringwall:{}:", model.name),
        password: redis.secret.as_deref().map(|name| password(ground, name)).transpose()?,
        time: EXCHANGE_TIME,
    };
    Ok(ringwall_store::Redis::new(settings, Box::new(connect)))
}

/// The value of a secret that the manifest names.
pub(super) fn password(ground: &Ground, name: &str) -> Result<Secret<String>> {
    let found = ground.vault.secrets().get(name, None).with_context(|| {
        format!("secret `{name}` has no value; `ringwall secret set {name}` gives it one")
    })?;
    let text = std::str::from_utf8(found.value.expose());
    Ok(Secret::new(text.with_context(|| format!("secret `{name}` is not text"))?.to_owned()))
}

/// A store that takes longer is away: nobody waits for it, but what it knows grows old.
const EXCHANGE_TIME: Duration = Duration::from_secs(1);
