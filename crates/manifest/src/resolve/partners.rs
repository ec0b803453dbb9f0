//! `[partners]`.

use std::collections::BTreeMap;

use super::Checker;
use super::operations::parse_route;
use super::quantity::is_url;
use crate::catalogue::code;
use crate::model::{Grant, Partner, Scope, Webhook};
use crate::node::{Entry, Node};
use crate::source::At;
use crate::suggest::did_you_mean;

impl Checker<'_> {
    pub(super) fn partners(&mut self) {
        let root = self.root;
        for entry in root.table("partners") {
            let partner = Partner {
                url: self.partner_url(entry),
                data: self.data_names(entry.node.get("data")),
                callers: self.partner_callers(entry),
                auth: self.partner_auth(entry),
                webhook: entry.node.get("webhook").and_then(|node| self.webhook(&entry.key, node)),
                place: self.place(entry.at),
            };
            self.model.partners.insert(entry.key.clone(), partner);
        }
    }

    fn partner_url(&mut self, entry: &Entry) -> String {
        let node = entry.node.get("url");
        let url = node.and_then(Node::as_text).unwrap_or("");
        if !is_url(url) {
            let at = node.map_or(entry.at, |node| node.at);
            self.findings
                .add(code::BAD_URL, at, format!("partner `{}` needs a full `url`", entry.key))
                .label("`https://host`, without user and fragment")
                .help(format!("write `url = \"https://api.{}.com\"`", entry.key));
        }
        url.to_owned()
    }

    fn partner_callers(&mut self, partner: &Entry) -> BTreeMap<String, Vec<Grant>> {
        let mut callers = BTreeMap::new();
        for entry in partner.node.table("callers") {
            if !self.names.services.contains_key(&entry.key) {
                self.unknown_caller(&format!("partner `{}`", partner.key), entry);
                continue;
            }
            let routes = entry.node.texts().into_iter();
            let grants = routes.filter_map(|(text, at)| self.partner_route(text, at)).collect();
            callers.insert(entry.key.clone(), grants);
        }
        callers
    }

    fn partner_route(&mut self, text: &str, at: At) -> Option<Grant> {
        if parse_route(text).is_none() {
            self.findings
                .add(code::BAD_ROUTE, at, format!("`{text}` is not a route of a partner"))
                .label("a method, a blank, a path")
                .help("write `\"POST /v1/charges\"`");
            return None;
        }
        Some(Grant { operation: text.to_owned(), scope: Scope::All, place: self.place(at) })
    }

    fn partner_auth(&mut self, partner: &Entry) -> Option<(String, String)> {
        let node = partner.node.get("auth")?;
        let entries = node.entries();
        if entries.len() != 1 {
            self.findings
                .add(code::BAD_WEBHOOK, node.at, "`auth` names one credential")
                .label("one of `bearer`, `basic`, `header`")
                .help("write `auth = { bearer = \"stripe_key\" }`");
        }
        let entry = entries.first()?;
        let secret = entry.node.as_text()?;
        self.known_secret(secret, entry.node.at);
        Some((entry.key.clone(), secret.to_owned()))
    }

    fn webhook(&mut self, partner: &str, node: &Node) -> Option<Webhook> {
        for key in ["to", "verify", "secret"] {
            if node.get(key).is_none() {
                let help = "write `webhook = { to = \"payments.stripeWebhook\", verify = \
                            \"stripe\", secret = \"stripe_hook\" }`";
                self.findings
                    .add(code::BAD_WEBHOOK, node.at, format!("the webhook has no `{key}`"))
                    .label(format!("what `{partner}` sends in could not be trusted"))
                    .help(help);
            }
        }
        let (to, verify, secret) = (node.get("to")?, node.text("verify")?, node.get("secret")?);
        self.known_secret(secret.as_text()?, secret.at);
        let text = to.as_text()?;
        let Some((service, operation)) = text.split_once('.') else {
            self.findings
                .add(code::BAD_WEBHOOK, to.at, format!("`{text}` is not an operation"))
                .label("`service.operation`")
                .help("write `to = \"payments.stripeWebhook\"`");
            return None;
        };
        if !self.names.services.contains_key(service) {
            let known = self.names.services.keys().map(String::as_str);
            let help = did_you_mean(service, known)
                .unwrap_or_else(|| format!("declare it as `[services.{service}]`"));
            self.findings
                .add(code::UNKNOWN_SERVICE, to.at, format!("no service has the name `{service}`"))
                .label("`service.operation`")
                .help(help);
            return None;
        }
        self.known_operation(service, operation, to.at).then(|| Webhook {
            service: service.to_owned(),
            operation: operation.to_owned(),
            verify: verify.to_owned(),
            secret: secret.as_text().unwrap_or("").to_owned(),
            place: self.place(to.at),
        })
    }
}
