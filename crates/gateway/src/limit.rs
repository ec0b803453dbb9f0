//! A limit as the throttle needs it: its pace, its name, and what clients are told of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ringwall_manifest::{Plan, Rate, RateKey};

use crate::Refusal;
use crate::rates::{Key, Pace, Rates, Seed};

/// One limit.
#[derive(Debug)]
pub(crate) struct Limit {
    /// Its name: operations without their own line share one.
    pub(crate) name: String,
    /// How often.
    pub(crate) pace: Pace,
    /// Counted for whom.
    pub(crate) key: RateKey,
    seed: Seed,
    label: String,
    policy: Option<HeaderValue>,
}

/// What is left of a limit for whoever asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Left {
    /// So many may come at once.
    pub(crate) remaining: u64,
    /// All are back after this time.
    pub(crate) reset: Duration,
}

/// The plans, best first.
#[derive(Debug, Default)]
pub(crate) struct Plans(Vec<Ready>);

/// One plan, ready.
#[derive(Debug)]
struct Ready {
    roles: Vec<String>,
    limits: Vec<Arc<Limit>>,
}

impl Limit {
    pub(crate) fn new(rates: &Rates, name: String, pace: Pace, key: RateKey) -> Self {
        // The kind is part of the key: a line that becomes a quota starts anew.
        let seed = rates.seed((&name, pace.is_quota()));
        let label = quoted(&name);
        // draft-ietf-httpapi-ratelimit-headers-10 section 3.
        let policy = format!("{label};q={};w={}", pace.allowed(), pace.per().as_secs());
        let policy = HeaderValue::from_str(&policy).ok();
        Self { name, pace, key, seed, label, policy }
    }

    /// Its key for somebody who is counted: of this kind, with these bytes.
    pub(crate) fn key_of(&self, kind: u8, who: &[u8]) -> Key {
        self.seed.key(kind, who)
    }

    /// The name that all gateways give the count of somebody. The limit's name cannot reach into
    /// the part that follows.
    pub(crate) fn shared_name(&self, who: &str) -> String {
        let kind = if self.pace.is_quota() { "quota" } else { "rate" };
        let name = utf8_percent_encode(&self.name, NON_ALPHANUMERIC);
        format!("{kind}:{name}:{who}")
    }

    /// What somebody is told who has to wait for so long.
    pub(crate) fn refusal(&self, wait: Duration) -> Refusal {
        let retry_after_secs = whole_secs(wait).max(1);
        Refusal::TooMany { limit: self.name.clone(), retry_after_secs }
    }

    /// Adds the `RateLimit` fields; those of several limits follow each other.
    pub(crate) fn tell(&self, left: Left, fields: &mut HeaderMap) {
        let Left { remaining, reset } = left;
        let state = format!("{};r={remaining};t={}", self.label, whole_secs(reset));
        if let (Some(policy), Ok(state)) = (&self.policy, HeaderValue::try_from(state)) {
            fields.append(RATE_LIMIT_POLICY, policy.clone());
            fields.append(RATE_LIMIT, state);
        }
    }
}

impl Plans {
    /// The plans of a manifest. The best is the one with the larger quota, then the larger rate;
    /// without one, nothing is counted, so that is the largest.
    pub(crate) fn new(rates: &Rates, plans: &BTreeMap<String, Plan>) -> Self {
        let mut ranked: Vec<&str> = plans.keys().map(String::as_str).collect();
        let a_day = |rate: &Option<Rate>| rate.as_ref().map_or(u128::MAX, per_day);
        ranked.sort_by_key(|name| {
            let plan = plans.get(*name);
            std::cmp::Reverse(plan.map(|plan| (a_day(&plan.quota), a_day(&plan.rate))))
        });
        let ready = ranked.into_iter().filter_map(|name| {
            let plan = plans.get(name)?;
            let rate = plan
                .rate
                .map(|rate| (format!("plan.{name}"), Pace::rate(rate.count, rate.per, rate.count)));
            let quota = plan
                .quota
                .map(|rate| (format!("plan.{name}.quota"), Pace::quota(rate.count, rate.per)));
            // The rate first: what is refused by it does not use up the quota.
            let limits = rate.into_iter().chain(quota);
            let limits =
                limits.map(|(name, pace)| Arc::new(Limit::new(rates, name, pace, RateKey::User)));
            Some(Ready { roles: plan.roles.clone(), limits: limits.collect() })
        });
        Self(ready.collect())
    }

    /// The limits of the best plan of somebody with these roles.
    pub(crate) fn best(&self, roles: &[String]) -> &[Arc<Limit>] {
        let is_on = |plan: &&Ready| plan.roles.iter().any(|role| roles.contains(role));
        self.0.iter().find(is_on).map_or(&[], |plan| &plan.limits)
    }
}

/// Whole seconds, rounded up: who comes back then must pass.
pub(crate) fn whole_secs(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

fn per_day(rate: &Rate) -> u128 {
    const DAY: u128 = 86_400;
    u128::from(rate.count)
        .saturating_mul(DAY)
        .checked_div(rate.per.as_secs().max(1).into())
        .unwrap_or(0)
}

/// A name as a string of RFC 9651 section 3.3.3: a name of the manifest must not end it.
fn quoted(name: &str) -> String {
    let mut text = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            ' '..='~' => text.push(c),
            _ => text.push('_'),
        }
    }
    text.push('"');
    text
}

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(count: u32, per_secs: u64) -> Rate {
        Rate { count, per: Duration::from_secs(per_secs), key: RateKey::User }
    }

    fn plan(role: &str, quota: Option<Rate>, rate: Option<Rate>) -> Plan {
        Plan { roles: vec![role.to_owned()], quota, rate, ..Plan::default() }
    }

    #[test]
    fn a_person_is_on_the_best_plan_of_the_roles() {
        let plans = Plans::new(
            &Rates::new(),
            &BTreeMap::from([
                ("bronze".to_owned(), plan("b", Some(rate(100, 3_600)), Some(rate(9, 1)))),
                ("gold".to_owned(), plan("g", Some(rate(100_000, 86_400)), Some(rate(5, 1)))),
                ("staff".to_owned(), plan("s", None, Some(rate(50, 1)))),
            ]),
        );
        let names = |roles: &[&str]| {
            let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
            plans.best(&roles).iter().map(|limit| limit.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&["b", "g"]), ["plan.gold", "plan.gold.quota"]);
        assert_eq!(names(&["g", "s", "b"]), ["plan.staff"]);
        assert_eq!(names(&["b"]), ["plan.bronze", "plan.bronze.quota"]);
        assert!(names(&["other"]).is_empty() && names(&[]).is_empty());
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        let limit = Limit::new(
            &Rates::new(),
            "a\"\\;\n\u{e9}".to_owned(),
            Pace::rate(1, Duration::from_secs(2), 1),
            RateKey::Ip,
        );
        let mut fields = HeaderMap::new();
        limit.tell(Left { remaining: 0, reset: Duration::from_millis(1_001) }, &mut fields);
        assert_eq!(fields["ratelimit"], r#""a\"\\;__";r=0;t=2"#);
        assert_eq!(fields["ratelimit-policy"], r#""a\"\\;__";q=1;w=2"#);
    }
}
