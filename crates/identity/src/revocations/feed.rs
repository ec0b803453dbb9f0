//! The feed: everything that is revoked, in one document with a tag.
//!
//! Times are in microseconds since 1970. Always the whole: what lives for an hour is small, and whoever reads it has no gap to find. The
//! tag is a hash of the content, so that it means the same after a restart and in every process.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use ringwall_base::Timestamp;
use ringwall_jose::base64url_encode;
use serde_json::{Value, json};

use super::HOLD;

/// One state of it.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) tag: String,
    pub(crate) document: Bytes,
}

impl Feed {
    /// Of kinds, values, and until when they are kept.
    pub(super) fn of<'a>(
        live: impl ExactSizeIterator<Item = (&'static str, &'a String, Timestamp)>,
        now: Timestamp,
    ) -> Self {
        let content = if live.len() > ENTRIES_MAX {
            // Nobody is let in who is not in a list that is too long to send.
            json!({"not_before": now.micros()})
        } else {
            let mut kinds: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
            for (kind, value, until) in live {
                // What was issued until then no longer holds.
                kinds.entry(kind).or_default().insert(value, until.minus(HOLD).micros());
            }
            json!({"revoked": kinds})
        };
        let tag = base64url_encode(digest(&SHA256, content.to_string().as_bytes()));
        let mut members = content.as_object().cloned().unwrap_or_default();
        members.insert("tag".to_owned(), Value::from(tag.as_str()));
        Self { tag, document: Bytes::from(Value::Object(members).to_string()) }
    }
}

/// About two megabytes.
const ENTRIES_MAX: usize = 30_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(count: usize, now: u64) -> (String, Value) {
        let values: Vec<String> = (0..count).map(|number| format!("t-{number}")).collect();
        let until = Timestamp::from_secs(5_000).plus(HOLD);
        let feed =
            Feed::of(values.iter().map(|value| ("jti", value, until)), Timestamp::from_secs(now));
        (feed.tag, serde_json::from_slice(&feed.document).unwrap())
    }

    #[test]
    fn a_feed_names_all_and_its_tag_changes_with_them_only() {
        let (tag, told) = feed(2, 1);
        assert_eq!(
            told["revoked"],
            json!({"jti": {"t-0": 5_000_000_000_u64, "t-1": 5_000_000_000_u64}})
        );
        assert_eq!(told["tag"], tag.as_str());
        assert_eq!(feed(2, 9).0, tag);
        assert_ne!(feed(3, 1).0, tag);
        assert_eq!(feed(0, 1).1["revoked"], json!({}));
    }

    #[test]
    fn a_list_that_is_too_long_says_that_all_are_in_it() {
        assert!(feed(ENTRIES_MAX, 7).1.get("not_before").is_none());
        let (_, told) = feed(ENTRIES_MAX + 1, 7);
        assert_eq!((told.get("revoked"), &told["not_before"]), (None, &json!(7_000_000)));
    }
}
