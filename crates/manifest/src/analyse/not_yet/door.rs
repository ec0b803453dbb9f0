//! Keys of the public door that this version reads and does not enforce.

use ringwall_base::Place;

use crate::model::Model;

/// Whoever enforces one takes its line out.
pub(super) fn of(model: &Model) -> Vec<(String, Place)> {
    let limits = &model.limits;
    let mut found = Vec::new();
    let over_tls = limits.redis.iter().filter(|redis| redis.url.starts_with("rediss:"));
    let redis = over_tls.map(|redis| ("TLS of `limits.redis`".to_owned(), &redis.place));
    found.extend(redis.map(|(what, place)| (what, place.clone())));
    if let Some(limit) = &limits.login
        && (limit.cost.is_some() || limit.burst.is_some())
    {
        found.push(("`cost` and `burst` of `login`".to_owned(), limit.place.clone()));
    }
    found
}
