//! The state folder: who may read it, whether it opens, whether there is room.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ringwall_api::{Reply, Request};
use ringwall_manifest::Model;

use super::Report;
use crate::control;
use crate::paths::Place;
use crate::wire::Ground;

/// Permissions of the state folder and of the root key.
pub(super) fn folder(place: &Place, report: &mut Report) {
    let state = place.state();
    if !state.exists() {
        let text = format!("{} is not there yet; the first start makes it", state.display());
        report.good("state", text);
        return;
    }
    private(state, 0o700, "only you can enter", report);
    if place.root_key().exists() {
        private(&place.root_key(), 0o600, "only you can read", report);
    }
}

/// Whether the disk has room.
pub(super) fn room(place: &Place, report: &mut Report) {
    let place = place.state().ancestors().find(|folder| folder.exists()).map(Path::to_path_buf);
    let place = place.unwrap_or_else(|| ".".into());
    let Ok(disk) = rustix::fs::statvfs(&place) else {
        let text = format!("the disk of {} cannot be asked", place.display());
        report.warn("state", text, format!("df -h {}", place.display()));
        return;
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize) >> 20;
    let fix = format!("make room: df -h {}", place.display());
    match free {
        0..ROOM_MIB_MIN => report.bad("state", format!("{free} MiB are left on the disk"), fix),
        ROOM_MIB_MIN..ROOM_MIB_GOOD => {
            report.warn("state", format!("{free} MiB are left on the disk"), fix);
        }
        _ => report.good("state", format!("{free} MiB are left on the disk")),
    }
}

/// Whether store, vault, audit log and authority open. A running server has them open already.
pub(super) fn store(place: &Place, model: Option<&Model>, server_runs: bool, report: &mut Report) {
    if server_runs || !place.database().exists() {
        return;
    }
    match Ground::open(place, model) {
        Ok(_ground) => report.good("state", "store, vault, audit log and authority open"),
        Err(error) => {
            let fix = "without the root key nothing opens; a process that has it open can be ended";
            report.bad("state", format!("{error:#}"), fix);
        }
    }
}

/// Declared secrets without a value: their services would not start.
pub(super) fn secrets(model: &Model, place: &Place, report: &mut Report) {
    if model.secrets.is_empty() {
        return;
    }
    let mut known = BTreeSet::new();
    // Asking would make a new state folder.
    if place.database().exists() {
        let Ok(Reply::Rows { rows, .. }) = control::ask(&Request::SecretList, place) else {
            report.warn("state", "the secrets cannot be listed", "ringwall secret list");
            return;
        };
        known.extend(rows.into_iter().filter_map(|row| row.into_iter().next()));
    }
    let missing: Vec<&String> =
        model.secrets.keys().filter(|name| !known.contains(name.as_str())).collect();
    for name in &missing {
        let fix = format!("printf %s \"$VALUE\" | ringwall secret set {name}");
        report.bad("state", format!("secret `{name}` has no value"), fix);
    }
    if missing.is_empty() {
        report.good("state", format!("{} declared secrets have a value", model.secrets.len()));
    }
}

fn private(path: &Path, wanted: u32, what: &str, report: &mut Report) {
    let Ok(found) = path.metadata() else {
        let text = format!("{} cannot be read", path.display());
        report.bad("state", text, format!("ls -ld {}", path.display()));
        return;
    };
    let mode = found.permissions().mode() & 0o777;
    if mode & !wanted == 0 {
        report.good("state", format!("{what} {}", path.display()));
    } else {
        let text = format!("{} is open to others ({mode:03o})", path.display());
        report.bad("state", text, format!("chmod {wanted:03o} {}", path.display()));
    }
}

/// The audit log's reserve needs some of it.
const ROOM_MIB_MIN: u64 = 100;
const ROOM_MIB_GOOD: u64 = 1024;
