//! The operations of a service with everything that the manifest says about them.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use ringwall_leaks::{Detector, Detectors};
use ringwall_manifest::{
    Authorization, DataClass, Leak, Limit, Limits, Model, Protocol, RateKey, Service,
};
use ringwall_openapi::{FieldRule, Schemas};
use ringwall_policy::Engine;
use ringwall_protobuf::Schema;

use crate::learner::Learning;
use crate::limit::Limit as Counted;
use crate::messages::Messages;
use crate::operation::{Class, Detect, Operation};
use crate::rates::{Pace, Rates};
use crate::stage::inspect::{Uploads, limits};
use crate::stage::route::parameter_names;

/// What was read of a service: its OpenAPI file, its descriptors of gRPC.
type Read<'a> = (Option<&'a Arc<Schemas>>, Option<&'a Arc<Schema>>);

/// All operations of a service. One with an unknown method is left out: it cannot be called.
pub(super) fn operations(
    model: &Model,
    service: &Service,
    (schemas, descriptors): Read<'_>,
    (rates, engine): (&Rates, &Engine),
) -> Vec<Arc<Operation>> {
    let name: Arc<str> = Arc::from(service.name.as_str());
    let classes: Vec<Class> = service
        .data
        .iter()
        .filter_map(|class| model.data.get(class).and_then(|known| cut(class, known)))
        .collect();
    let ready = service.operations.values().filter_map(|operation| {
        let resolved = Resolved::of(&model.limits, (&service.name, &operation.name), rates);
        Some(Arc::new(Operation {
            service: Arc::clone(&name),
            name: operation.name.clone(),
            key: engine.find(&service.name, &operation.name),
            method: Method::from_bytes(operation.method.as_bytes()).ok()?,
            template: operation.path.clone(),
            parameter_names: parameter_names(&operation.path),
            rate: resolved.rate,
            cost: resolved.cost,
            body_bytes_max: resolved.body_bytes_max,
            timeout: resolved.timeout,
            refuses_unknown_parameters: model.gateway.refuses_unknown_parameters,
            max_age: service.max_age.get(&operation.name).copied(),
            owner: service.own.get(&operation.name).cloned(),
            passes_bearer: service.authorization == Authorization::App,
            responses: model.gateway.responses,
            waf: model.waf_for(service, &operation.name),
            uploads: Uploads::of(service, &operation.name),
            graphql: service.graphql_for(&operation.name).map(limits),
            leaks: model.leaks_for(service, &operation.name),
            learning: if service.learns { Learning::On } else { Learning::Off },
            speaks_grpc: service.protocol == Protocol::Http2,
            classes: classes.clone(),
            messages: messages(service, descriptors, (&operation.path, resolved.body_bytes_max)),
            schemas: schemas.cloned(),
        }))
    });
    ready.collect()
}

/// What the messages of an operation are held to, where it is a method of the descriptors.
fn messages(
    service: &Service,
    descriptors: Option<&Arc<Schema>>,
    (path, body_bytes_max): (&str, usize),
) -> Option<Arc<Messages>> {
    let grpc = service.grpc.as_ref()?;
    Messages::build(descriptors?, grpc, path, body_bytes_max).map(Arc::new)
}

fn cut(name: &str, class: &DataClass) -> Option<Class> {
    let refuse = match class.leak {
        Leak::Cut => false,
        Leak::Pass => return None,
        Leak::Refuse => true,
    };
    let rule = |field: &String| FieldRule { name: field.clone(), refuse, class: name.to_owned() };
    let fields: Vec<FieldRule> = class.fields.iter().map(rule).collect();
    let detectors: Detectors =
        class.detect.iter().filter_map(|name| Detector::named(name)).collect();
    let detect = Detect { detectors, mask: class.mask, refuses: refuse };
    let is_empty = fields.is_empty() && detectors.is_empty();
    (!is_empty).then(|| Class { fields, detect, see: class.see.clone() })
}

struct Resolved {
    rate: Option<Arc<Counted>>,
    cost: u32,
    body_bytes_max: usize,
    timeout: Duration,
}

impl Resolved {
    /// An operation's own line, filled up from the default line and our defaults.
    fn of(limits: &Limits, (service, operation): (&str, &str), rates: &Rates) -> Self {
        let key = (service.to_owned(), operation.to_owned());
        let own = limits.operations.get(&key);
        let default = limits.default.as_ref();
        let own_rate = own.and_then(|line| named(rates, line, || format!("{service}.{operation}")));
        let rate = own_rate.or_else(|| named(rates, default?, || "default".to_owned()));
        let pick_bytes = |line: &Limit| line.body_bytes_max;
        let bytes = own.and_then(pick_bytes).or_else(|| default.and_then(pick_bytes));
        let pick_time = |line: &Limit| line.timeout;
        let timeout = own.and_then(pick_time).or_else(|| default.and_then(pick_time));
        let pick_cost = |line: &Limit| line.cost;
        let cost = own.and_then(pick_cost).or_else(|| default.and_then(pick_cost));
        Self {
            rate,
            cost: cost.unwrap_or(1),
            body_bytes_max: bytes
                .map_or(BODY_BYTES_MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
            timeout: timeout.unwrap_or(TIMEOUT),
        }
    }
}

fn named(rates: &Rates, line: &Limit, name: impl FnOnce() -> String) -> Option<Arc<Counted>> {
    let rate = line.rate?;
    let key = match rate.key {
        // An operation has no account: whoever asks is counted.
        RateKey::Account | RateKey::User => RateKey::User,
        RateKey::Ip => RateKey::Ip,
    };
    let pace = Pace::rate(rate.count, rate.per, line.burst.unwrap_or(rate.count));
    Some(Arc::new(Counted::new(rates, name(), pace, key)))
}

/// 1 MiB: as nginx.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// gunicorn gives a request 30 s.
const TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use ringwall_leaks::Detector;
    use ringwall_manifest::VALUE_DETECTORS;

    #[test]
    fn the_manifest_and_the_detectors_have_the_same_names() {
        let values = Detector::ALL.into_iter().filter(|one| one.finds_values());
        assert!(values.map(Detector::name).eq(VALUE_DETECTORS.iter().copied()));
    }
}
