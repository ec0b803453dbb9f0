//! Manner: how one service's requests are treated, beyond who may make them.
//!
//! Made once for a service and a snapshot. A service without any of it shares nothing but `None`s,
//! so that what is not configured costs nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use ringwall_manifest::{Model, Service};

use crate::cors;
use crate::stage::review::Wardrobe;

/// The treatment of one service's requests.
#[derive(Debug, Default)]
pub(crate) struct Manner {
    /// Which other sites' pages may call.
    pub(crate) cors: Option<cors::Rule>,
    /// Operations that may become a WebSocket; `None`: all that are granted.
    websocket: Option<BTreeSet<String>>,
    /// Operations whose answers to known callers are compressed too.
    pub(crate) compress: BTreeSet<String>,
    /// Whether anything of the door is compressed.
    pub(crate) compresses: bool,
    /// What is added to answers at the public door.
    pub(crate) wardrobe: Wardrobe,
    /// Whether gRPC-Web is translated.
    pub(crate) is_grpc_web: bool,
    rewrite: Vec<Rewrite>,
}

/// A prefix and what the app sees in its place.
#[derive(Debug)]
struct Rewrite {
    /// Decoded segments.
    from: Vec<String>,
    /// Without final slash.
    to: String,
}

impl Manner {
    /// How the public door treats a service.
    pub(crate) fn public(model: &Model, service: &Service) -> Self {
        let cors = service.cors.as_ref().or(model.gateway.cors.as_ref());
        Self {
            cors: cors.map(|cors| cors::Rule::new(cors, service.has_grpc_web)),
            compress: service.compress.iter().cloned().collect(),
            compresses: model.gateway.compresses,
            wardrobe: Wardrobe::of(&model.headers_for(service)),
            is_grpc_web: service.has_grpc_web,
            ..Self::inner(service)
        }
    }

    /// How the door between services treats it: no browser is there.
    pub(crate) fn inner(service: &Service) -> Self {
        let rewrite = service.rewrite.iter().map(|(from, to)| Rewrite {
            from: from.split('/').skip(1).map(str::to_owned).collect(),
            to: to.clone(),
        });
        Self {
            websocket: service.websocket.as_ref().map(|list| list.iter().cloned().collect()),
            rewrite: rewrite.collect(),
            ..Self::default()
        }
    }

    /// Whether an operation may become a WebSocket.
    pub(crate) fn may_upgrade(&self, operation: &str) -> bool {
        self.websocket.as_ref().is_none_or(|list| list.contains(operation))
    }

    /// The path that the app sees for a path as it came; `None`: the same one.
    ///
    /// Prefixes are compared after decoding: `/%6fld` and `/old` are one path to what was matched.
    pub(crate) fn rewritten(&self, path: &str) -> Option<String> {
        self.rewrite.iter().find_map(|rule| rule.apply(path))
    }
}

impl Rewrite {
    fn apply(&self, path: &str) -> Option<String> {
        let mut rest = path;
        for wanted in &self.from {
            let after = rest.strip_prefix('/')?;
            let end = after.find('/').unwrap_or(after.len());
            let (segment, left) = after.split_at_checked(end)?;
            let decoded: Cow<'_, str> = percent_decode_str(segment).decode_utf8().ok()?;
            if decoded != wanted.as_str() {
                return None;
            }
            rest = left;
        }
        let new = format!("{}{rest}", self.to);
        Some(if new.is_empty() { "/".to_owned() } else { new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, want: Option<&str>) {
        let rules = [("/a/b", "/long"), ("/old", "/new"), ("/gone", "")];
        let rewrite = rules.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned()));
        let service = Service { rewrite: rewrite.collect(), ..Service::default() };
        assert_eq!(Manner::inner(&service).rewritten(path).as_deref(), want, "{path}");
    }

    #[test]
    fn a_prefix_is_replaced_in_whole_segments() {
        check("/old", Some("/new"));
        check("/old/", Some("/new/"));
        check("/old/x%20y", Some("/new/x%20y"));
        check("/older", None);
        check("/a/b/c", Some("/long/c"));
        check("/a/c", None);
        check("/gone", Some("/"));
        check("/gone/x", Some("/x"));
        check("/other", None);
    }

    #[test]
    fn another_spelling_of_a_letter_is_the_same_prefix() {
        check("/%6fld/x", Some("/new/x"));
        check("/ol%64", Some("/new"));
        check("/%6Flder", None);
    }

    #[test]
    fn without_a_list_everything_may_upgrade() {
        assert!(Manner::inner(&Service::default()).may_upgrade("chat"));
        let some = Some(vec!["chat".to_owned()]);
        let manner = Manner::inner(&Service { websocket: some, ..Service::default() });
        assert!(manner.may_upgrade("chat") && !manner.may_upgrade("list"));
        let none = Service { websocket: Some(Vec::new()), ..Service::default() };
        assert!(!Manner::inner(&none).may_upgrade("chat"));
    }
}
