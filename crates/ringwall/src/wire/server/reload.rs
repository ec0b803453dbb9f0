//! Another manifest, while requests go on.

use std::sync::{Arc, PoisonError};

use anyhow::Result;
use ringwall_api::Reply;
use ringwall_base::{Outcome, Place};
use ringwall_manifest::{Limit, Model};

use super::{Running, done, failed, outbox, record};
use crate::load::Loaded;
use crate::out::Out;
use crate::render;
use crate::wire::ground::issuer;
use crate::wire::{certified, declared, elsewhere, notify, pages};

impl Running {
    /// Puts the manifest on disk in force, or says why not and keeps the last good one.
    pub(super) fn reload(&mut self, out: &mut Out) -> Reply {
        notify::tell("RELOADING=1");
        let outcome = self.try_reload(out);
        notify::tell("READY=1");
        let mut broken = self.shared.broken.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(version) => {
                *broken = None;
                record(&self.shared.ground, "config-reloaded", Outcome::Success, None);
                out.talk(&format!("  reloaded: manifest version {version} is in force"));
                done(&format!("manifest version {version} is in force"))
            }
            Err(error) => {
                let why = format!("{error:#}");
                record(&self.shared.ground, "config-rejected", Outcome::Failure, Some(&why));
                out.talk(&format!(
                    "  not reloaded: {why}; version {} stays in force",
                    self.version
                ));
                *broken = Some(why.clone());
                failed(&why, Some("the last good manifest stays in force"))
            }
        }
    }

    fn try_reload(&mut self, out: &mut Out) -> Result<u64> {
        let loaded = Loaded::read_with_rules(&self.place)?;
        let Some(model) = loaded.report.model.clone() else {
            render::findings(&loaded.report.findings, &loaded.texts, out)?;
            // Watched even so: the file that was broken is the one that will be mended.
            self.loaded.files.clone_from(&loaded.files);
            anyhow::bail!("{}", render::verdict(&loaded.report.findings, loaded.report.left_out));
        };
        let before = self.shared.model();
        let fixed = |model: &Model| {
            let gateway = &model.gateway;
            let paths = [&gateway.login_path, &gateway.logout_path, &gateway.account_path]
                .map(Clone::clone);
            let paths = (paths, gateway.password_min, gateway.password_blocklist.clone());
            let proxies = gateway.proxy_protocol.clone();
            (model.name.clone(), issuer(model), paths, logins(model), proxies)
        };
        if fixed(&before) != fixed(&model) {
            anyhow::bail!(
                "`name`, `host`, `port`, `login_path`, `logout_path`, `account_path`, `password_min`, \
                 `password_blocklist`, `proxy_protocol` and `[limits] login` take effect at the next start"
            );
        }
        if self.options.is_dev() {
            self.fleet.apply(&self.shared.ground, &model, &mut self.doors)?;
        }
        self.doors.showcase.tell(&self.shared.ground, &model, &self.options)?;
        self.shared_limits.apply(&self.doors.core, &self.shared.ground, &model)?;
        elsewhere::apply(&self.shared.ground, &model)?;
        let outbox = outbox(&self.options, &self.place);
        self.post.apply(&self.shared.ground, &model, outbox.as_deref())?;
        self.doors.follow(&model, &self.options, Vec::new())?;
        pages::show(&self.doors.core, &self.place, &model)?;
        declared::apply(&self.shared.ground, &model)?;
        let identity = &self.shared.ground.identity;
        identity.elevate(model.elevated_roles());
        identity.empower(declared::powers(&model));
        certified::tell(identity, &model);
        let version = self.doors.core.load(&model, &loaded.schemas, loaded.rules.as_ref());
        if version.is_err() {
            identity.elevate(before.elevated_roles());
            identity.empower(declared::powers(&before));
            certified::tell(identity, &before);
            declared::apply(&self.shared.ground, &before)?;
            self.doors.follow(&before, &self.options, Vec::new())?;
        }
        self.version = version?;
        self.shared.model.store(Arc::new(model));
        self.loaded = loaded;
        Ok(self.version)
    }
}

/// What `login` in `[limits]` says, wherever in the file it stands.
fn logins(model: &Model) -> Option<Limit> {
    let limit = model.limits.login.clone()?;
    Some(Limit { place: Place::default(), ..limit })
}
