//! `[mail]`: the server that takes letters to people.

use super::Checker;
use super::quantity::is_host_name;
use crate::catalogue::code;
use crate::model::MailServer;
use crate::node::{Entry, Node};
use crate::source::At;

impl Checker<'_> {
    pub(super) fn mail(&mut self) {
        let Some(entry) = self.root.entry("mail") else { return };
        let node = &entry.node;
        let from = self.sender(entry);
        let Some(server) = self.smtp(entry) else { return };
        let secret = node.get("secret").and_then(|name| Some((name.as_text()?, name.at)));
        if let Some((name, at)) = secret {
            self.known_secret(name, at);
        }
        if server.user.is_some() != secret.is_some() {
            self.contradiction(entry.at, "a user without a password, or a password without a user")
                .help("write `smtp = \"smtps://user@host\"` and `secret = \"mail\"`, or neither");
        }
        let ca = node.get("ca").and_then(|ca| Some(self.path(ca.at, ca.as_text()?)));
        let secret = secret.map(|(name, _)| name.to_owned());
        let place = self.place(entry.at);
        self.model.mail = Some(MailServer { secret, from, ca, place, ..server });
    }

    /// `Shop <login@shop.example>`, or the address alone.
    fn sender(&mut self, entry: &Entry) -> String {
        let (text, at) = texted(&entry.node, "from").unwrap_or(("", entry.at));
        let address = match text.split_once('<') {
            Some((_, rest)) => rest.strip_suffix('>').unwrap_or(""),
            None => text,
        };
        let is_address = address.split_once('@').is_some_and(|(local, host)| {
            let is_local =
                |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
            !local.is_empty() && local.chars().all(is_local) && is_host_name(host)
        });
        if !is_address || text.chars().any(char::is_control) {
            self.findings
                .add(code::BAD_URL, at, "letters have no sender")
                .label("an address, with a name before it or not")
                .help("write `from = \"Shop <login@shop.example>\"`");
        }
        text.to_owned()
    }

    fn smtp(&mut self, entry: &Entry) -> Option<MailServer> {
        let (text, at) = texted(&entry.node, "smtp").unwrap_or(("", entry.at));
        let (rest, is_wrapped, port) = match text.split_once("://") {
            Some(("smtps", rest)) => (rest, true, SUBMISSIONS),
            Some(("smtp", rest)) => (rest, false, SUBMISSION),
            _ => return self.bad_smtp(at),
        };
        let (user, host) = match rest.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                // The text is not repeated: a finding may end in a log.
                self.findings
                    .add(code::SECRET_IN_MANIFEST, at, "the mail server's address holds a password")
                    .label("everybody who reads the repository has it")
                    .help("`ringwall secret set mail`, then `secret = \"mail\"`");
                return None;
            }
            Some((user, host)) => (Some(user.replace("%40", "@")), host),
            None => (None, rest),
        };
        let (host, port) = match host.rsplit_once(':') {
            Some((host, digits)) => (host, digits.parse().unwrap_or(0)),
            None => (host, port),
        };
        if !is_host_name(host) || port == 0 || user.as_deref() == Some("") {
            return self.bad_smtp(at);
        }
        Some(MailServer { host: host.to_owned(), port, is_wrapped, user, ..MailServer::default() })
    }

    fn bad_smtp(&mut self, at: At) -> Option<MailServer> {
        self.findings
            .add(code::BAD_URL, at, "that is no mail server")
            .label("`smtps://` for TLS, `smtp://` for STARTTLS; a name that its certificate has")
            .help("write `smtp = \"smtps://user@smtp.example\"`");
        None
    }
}

fn texted<'a>(node: &'a Node, key: &str) -> Option<(&'a str, At)> {
    let found = node.get(key)?;
    Some((found.as_text()?, found.at))
}

/// RFC 8314 section 7.3.
const SUBMISSIONS: u16 = 465;
/// RFC 6409.
const SUBMISSION: u16 = 587;
