//! Who answers for each service, as a manifest wants it.

use std::sync::Arc;

use ringwall_manifest::{Balance, Service};

use super::builder::Builder;
use crate::upstreams::{
    Backend, Canary, Mirroring, Name, Plan, REQUESTS_MAX, Tries, Upstreams, limit,
};

impl Builder<'_> {
    /// The app of a service.
    pub(super) fn app(&self, service: &Service) -> Arc<Backend> {
        let hash = match &service.balance {
            Balance::Hash(key) => Some(key.clone()),
            Balance::Least | Balance::RoundRobin => None,
        };
        let canary = service.canary.as_ref().map(|canary| Canary {
            upstreams: self.open("canary", service, "", Plan::of(service, &canary.upstreams)),
            percent: canary.percent,
            header: canary.header.clone(),
        });
        let mirror = service.mirror.as_ref().map(|mirror| {
            let plan = Plan::of(service, std::slice::from_ref(&mirror.upstream));
            let upstreams = self.open("mirror", service, "", plan);
            Mirroring { upstreams, percent: mirror.percent }
        });
        Arc::new(Backend {
            upstreams: self.open("app", service, "", Plan::app(service)),
            hash,
            requests_max: service.breaker.map_or(REQUESTS_MAX, |breaker| breaker.requests_max),
            tries: Tries::from(service.retry.as_ref()),
            canary,
            mirror,
            limit: limit(self.model.gateway.overload.as_ref()),
        })
    }

    /// The inbound door of `callee`, for `caller`.
    pub(super) fn door(&self, caller: &Service, callee: &Service) -> Arc<Backend> {
        let target = self.core.seams().reach.door(&caller.name, &callee.name);
        let plan = Plan::door(target);
        Arc::new(Backend::door(self.open("door", callee, &caller.name, plan)))
    }

    /// The plan comes into force with the snapshot, not before.
    fn open(
        &self,
        kind: &'static str,
        service: &Service,
        caller: &str,
        plan: Plan,
    ) -> Arc<Upstreams> {
        let (service, caller) = (service.name.clone(), caller.to_owned());
        let upstreams = self.core.open(Name { kind, service, caller });
        self.plans.borrow_mut().push((Arc::clone(&upstreams), plan));
        upstreams
    }
}
