//! Room: how much a client may have waiting for people, and whose share of it that is.
//!
//! Whoever names a public client can push requests and start devices for it. So that a stranger
//! cannot hold the client's room (attacks Q2 and V1), each network has a share, and when all of it
//! is taken, the network with most of it makes room for one with less.

use std::net::IpAddr;

use ringwall_base::Timestamp;
use ringwall_store::{StoreError, Transaction, Value};

use crate::answer::Call;
use crate::tables::INSTANCE;
use crate::throttle::prefix;

/// On whose share of a client's room something waits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Share {
    /// The client's own: it has proved who it is.
    Client,
    /// That of strangers of one network.
    Network([u8; 8]),
}

/// The tables whose rows wait.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiting {
    Devices,
    Requests,
}

impl Share {
    pub(crate) fn of(call: &Call) -> Self {
        if call.is_known() { Self::Client } else { Self::of_stranger(call.peer) }
    }

    fn of_stranger(peer: IpAddr) -> Self {
        Self::Network(prefix(peer))
    }

    /// As it is stored.
    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Client => [].as_slice().into(),
            Self::Network(prefix) => prefix.as_slice().into(),
        }
    }
}

impl Waiting {
    /// Whether one more may wait. Where that takes the place of another one, it is removed.
    pub(crate) fn has_room(
        self,
        transaction: &Transaction<'_>,
        (client_id, share): (&str, &Share),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let client = [INSTANCE.into(), client_id.into(), now.into()];
        let [tenant, id, at] = client.clone();
        let own = count(transaction, self.of_share(), &[tenant, id, at, share.value()])?;
        if *share != Share::Client && own >= SHARE_MAX {
            return Ok(false);
        }
        if count(transaction, self.of_client(), &client)? < LIVE_MAX {
            return Ok(true);
        }
        let Some(largest) = transaction.first(self.largest(), &client)? else { return Ok(true) };
        if largest.get::<i64>(1)? <= own.saturating_add(1) {
            return Ok(false);
        }
        let [tenant, id, at] = client;
        let largest: Vec<u8> = largest.get(0)?;
        transaction.execute(self.evict(), &[tenant, id, at, largest.as_slice().into()])?;
        Ok(true)
    }

    const fn of_client(self) -> &'static str {
        match self {
            Self::Devices => {
                "SELECT COUNT(*) FROM identity_device_code
                 WHERE tenant_id = ?1 AND client_id = ?2 AND expires > ?3"
            }
            Self::Requests => {
                "SELECT COUNT(*) FROM identity_par_request
                 WHERE tenant_id = ?1 AND client_id = ?2 AND expires > ?3"
            }
        }
    }

    const fn of_share(self) -> &'static str {
        match self {
            Self::Devices => {
                "SELECT COUNT(*) FROM identity_device_code
                 WHERE tenant_id = ?1 AND client_id = ?2 AND expires > ?3 AND network = ?4"
            }
            Self::Requests => {
                "SELECT COUNT(*) FROM identity_par_request
                 WHERE tenant_id = ?1 AND client_id = ?2 AND expires > ?3 AND network = ?4"
            }
        }
    }

    const fn largest(self) -> &'static str {
        match self {
            Self::Devices => {
                "SELECT network, COUNT(*) FROM identity_device_code
                 WHERE tenant_id = ?1 AND client_id = ?2 AND expires > ?3
                 GROUP BY network ORDER BY COUNT(*) DESC LIMIT 1"
            }
            Self::Requests => {
                "SELECT network, COUNT(*) FROM identity_par_request
                 WHERE tenant_id = ?1 AND client_id = ?2 AND expires > ?3
                 GROUP BY network ORDER BY COUNT(*) DESC LIMIT 1"
            }
        }
    }

    /// The newest of a network: what a flood adds last is not what somebody is reading now.
    const fn evict(self) -> &'static str {
        match self {
            Self::Devices => {
                "DELETE FROM identity_device_code WHERE tenant_id = ?1 AND hash =
                 (SELECT hash FROM identity_device_code
                 WHERE tenant_id = ?1 AND client_id = ?2 AND expires > ?3 AND network = ?4
                 ORDER BY expires DESC LIMIT 1)"
            }
            Self::Requests => {
                "DELETE FROM identity_par_request WHERE tenant_id = ?1 AND hash =
                 (SELECT hash FROM identity_par_request
                 WHERE tenant_id = ?1 AND client_id = ?2 AND expires > ?3 AND network = ?4
                 ORDER BY expires DESC LIMIT 1)"
            }
        }
    }
}

fn count(
    transaction: &Transaction<'_>,
    statement: &str,
    values: &[Value],
) -> Result<i64, StoreError> {
    let row = transaction.first(statement, values)?;
    Ok(row.map(|row| row.get(0)).transpose()?.unwrap_or_default())
}

/// Of one client, not used yet: a hundred requests a second if nobody comes with them, and as many
/// people at the login page, or with a device in their hand, at once.
const LIVE_MAX: i64 = 10_000;

/// Of one network (an IPv4 /24, an IPv6 /64): a thousand people at once at one application's login
/// page behind one address.
const SHARE_MAX: i64 = 1_000;

#[cfg(test)]
mod tests;
