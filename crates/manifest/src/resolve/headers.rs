//! `headers`, of the door and of services.

mod csp;

use super::survive::is_token;
use super::{Checker, chosen};
use crate::catalogue::code;
use crate::model::{Frame, HeaderLine, Headers};
use crate::node::Node;
use crate::source::At;

impl Checker<'_> {
    pub(super) fn headers(&mut self, parent: &Node) -> Headers {
        let Some(node) = parent.get("headers") else { return Headers::default() };
        let word = |key: &str| node.text(key).map(line);
        let is = |key: &str, yes: &str| node.text(key).map(|text| text == yes);
        let frames = [("pass", Frame::Pass), ("same-origin", Frame::SameOrigin)];
        Headers {
            csp: self.policy(node, "csp"),
            csp_report_only: self.policy(node, "csp_report_only"),
            csp_force: node.get("csp_force").and_then(Node::as_bool),
            frame: node.text("frame").map(|_| chosen(node, "frame", &frames, Frame::Deny)),
            referrer: word("referrer"),
            hsts: self.field_value(node, "hsts", hsts, "max-age=31536000; includeSubDomains"),
            coop: word("coop"),
            corp: word("corp"),
            permissions: self.field_value(
                node,
                "permissions",
                permissions,
                "camera=(), geolocation=(self)",
            ),
            // What is none of the words has been reported.
            hides_server: is("server", "pass").map(|passes| !passes),
            hardens_cookies: is("cookies", "harden"),
            cookies_read_by_scripts: node
                .get("cookies_read_by_scripts")
                .map(|_| self.cookie_names(node)),
        }
    }

    fn policy(&mut self, node: &Node, key: &str) -> Option<HeaderLine> {
        let inner = node.get(key)?;
        let text = inner.as_text()?;
        if text == PASS {
            return Some(HeaderLine::Pass);
        }
        match csp::read(text) {
            Ok(policy) => {
                if key == "csp"
                    && let Some(why) = policy.weakness()
                {
                    self.findings
                        .add(code::WEAK_POLICY, inner.at, "the policy stops no injected script")
                        .label(why)
                        .help("put scripts into files of their own, or name each by its hash: `'sha256-…'`");
                }
                Some(HeaderLine::Set(text.trim().to_owned()))
            }
            Err(fault) => {
                self.bad_field(inner.at, (key, &fault.why), fault.help);
                None
            }
        }
    }

    fn field_value(
        &mut self,
        node: &Node,
        key: &str,
        is_good: fn(&str) -> bool,
        example: &str,
    ) -> Option<HeaderLine> {
        let inner = node.get(key)?;
        let text = inner.as_text()?;
        if text == PASS {
            return Some(HeaderLine::Pass);
        }
        if !csp::is_plain(text) || !is_good(text) {
            let why = "a browser would read it as something else, or not at all";
            self.bad_field(inner.at, (key, why), format!("write `{key} = \"{example}\"`"));
            return None;
        }
        Some(HeaderLine::Set(text.trim().to_owned()))
    }

    fn cookie_names(&mut self, node: &Node) -> Vec<String> {
        let key = "cookies_read_by_scripts";
        let mut names = Vec::new();
        for (text, at) in node.get(key).map(Node::texts).unwrap_or_default() {
            if is_token(text) {
                names.push(text.to_owned());
            } else {
                let why = format!("`{text}` is not a cookie's name");
                self.bad_field(at, (key, &why), format!("write `{key} = [\"csrftoken\"]`"));
            }
        }
        names.sort();
        names.dedup();
        names
    }

    fn bad_field(&mut self, at: At, (key, why): (&str, &str), help: String) {
        self.findings
            .add(code::BAD_FIELD, at, format!("`{key}` cannot be sent as it is"))
            .label(why)
            .help(help);
    }
}

fn line(text: &str) -> HeaderLine {
    if text == PASS { HeaderLine::Pass } else { HeaderLine::Set(text.to_owned()) }
}

/// RFC 6797 section 6.1: one age, and two words that may follow.
fn hsts(text: &str) -> bool {
    let mut ages = 0;
    let is_known = text.split(';').map(str::trim).all(|part| {
        let lower = part.to_ascii_lowercase();
        let age = lower.strip_prefix("max-age=").map(str::parse::<u32>);
        ages += usize::from(age.is_some());
        matches!(age, Some(Ok(_))) || lower == "includesubdomains" || lower == "preload"
    });
    is_known && ages == 1
}

/// A dictionary of RFC 9651 as Permissions Policy section 5.1 has it: `camera=(), usb=(self)`.
fn permissions(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let is_item = |item: &str| {
        let origin = item.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        matches!(item, "*" | "self" | "src")
            || origin.is_some_and(|origin| origin.contains("://") && !origin.contains('"'))
    };
    let is_list = |value: &str| {
        let inner = value.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        inner.map_or_else(|| is_item(value), |inner| inner.split_ascii_whitespace().all(is_item))
    };
    text.split(',').all(|member| {
        let member = member.trim().split_once('=');
        member.is_some_and(|(name, value)| is_name(name) && is_list(value))
    })
}

/// The word for a field that is not added.
const PASS: &str = "pass";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_one_number() {
        for good in ["max-age=0", "Max-Age=31536000; includeSubDomains; preload"] {
            assert!(hsts(good), "{good}");
        }
        for bad in ["", "max-age=", "max-age=-1", "includeSubDomains", "max-age=1;max-age=2", "x"] {
            assert!(!hsts(bad), "{bad}");
        }
    }

    #[test]
    fn a_permission_is_a_name_and_a_list() {
        for good in ["camera=()", "usb=*, midi=(self \"https://a.example\"),geolocation=self"] {
            assert!(permissions(good), "{good}");
        }
        for bad in ["", "camera", "camera 'none'", "camera=('self')", "camera=(),", "Camera=()"] {
            assert!(!permissions(bad), "{bad}");
        }
    }
}
