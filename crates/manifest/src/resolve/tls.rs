//! `[gateway.tls]` and `[gateway.acme]`.

use std::collections::BTreeMap;

use super::quantity::{is_host_name, is_url};
use super::{Checker, is_true};
use crate::catalogue::code;
use crate::model::{
    Acme, AcmeChallenge, Certificate, CertificateKey, ClientCertificates, Tls, TlsHost, TlsVersion,
};
use crate::node::{Entry, Node};
use crate::source::At;
use crate::suggest::did_you_mean;

impl Checker<'_> {
    pub(super) fn tls(&mut self, gateway: &Node) -> Tls {
        let Some(entry) = gateway.entry("tls") else { return Tls::default() };
        let node = &entry.node;
        let mut tls = Tls {
            min: version(node).unwrap_or_default(),
            tickets: self.time(node, "tickets"),
            has_ocsp: is_true(node, "ocsp"),
            client: node.get("client").and_then(|client| self.client(client)),
            hosts: self.tls_hosts(node),
            place: self.place(entry.at),
            ..Tls::default()
        };
        for item in node.get("certificates").map(Node::items).unwrap_or_default() {
            tls.certificates.extend(self.certificate(item));
        }
        tls
    }

    fn certificate(&mut self, node: &Node) -> Option<Certificate> {
        let (Some(chain), Some(key)) = (node.get("certificate"), node.get("key")) else {
            self.bad_tls(node.at, "a certificate without its key, or a key without certificate")
                .help("write `{ certificate = \"edge.pem\", key = \"secret:edge_key\" }`");
            return None;
        };
        let certificate = self.path(chain.at, chain.as_text()?);
        let text = key.as_text()?;
        let key = if let Some(name) = text.strip_prefix("secret:") {
            self.known_secret(name, key.at);
            CertificateKey::Secret(name.to_owned())
        } else if text.contains("PRIVATE KEY") {
            self.findings
                .add(code::SECRET_IN_MANIFEST, key.at, "a private key stands in the manifest")
                .label("everybody who reads the repository has it")
                .help("`ringwall secret set edge_key`, then `key = \"secret:edge_key\"`");
            return None;
        } else {
            CertificateKey::File(self.path(key.at, text))
        };
        Some(Certificate { certificate, key })
    }

    fn client(&mut self, node: &Node) -> Option<ClientCertificates> {
        let file = |key: &str| {
            let inner = node.get(key)?;
            Some(self.path(inner.at, inner.as_text()?))
        };
        let (ca, crl) = (file("ca"), file("crl"));
        let (takes_workloads, takes_self_signed) =
            (is_true(node, "workloads"), is_true(node, "self_signed"));
        let is_anybody = takes_workloads || takes_self_signed;
        if node.get("ca").is_none() && (crl.is_some() || !is_anybody) {
            self.bad_tls(node.at, "nobody is named who issues the clients' certificates")
                .help("write `client = { ca = \"clients.pem\", require = true }`");
        }
        let require = node.get("require");
        let is_required = require.and_then(Node::as_bool).unwrap_or(!takes_self_signed);
        if takes_self_signed && is_required {
            let at = require.map_or(node.at, |require| require.at);
            self.contradiction(at, "everybody can make the certificate that is required")
                .help("leave `require` out beside `self_signed`, or give that a name of its own");
        }
        (ca.is_some() || is_anybody).then_some(ClientCertificates {
            ca,
            crl,
            is_required,
            takes_workloads,
            takes_self_signed,
        })
    }

    /// Names of the door alone: another name is never asked for.
    fn tls_hosts(&mut self, tls: &Node) -> BTreeMap<String, TlsHost> {
        let mut hosts = BTreeMap::new();
        for entry in tls.table("hosts") {
            let name = entry.key.to_lowercase();
            self.name_of_door(&name, entry.at);
            let node = &entry.node;
            let rule = TlsHost {
                min: version(node),
                client: node.get("client").and_then(|client| self.client(client)),
                place: self.place(entry.at),
            };
            hosts.insert(name, rule);
        }
        hosts
    }

    fn name_of_door(&mut self, name: &str, at: At) {
        let gateway = &self.model.gateway;
        let known: Vec<&str> =
            std::iter::once(&gateway.host).chain(&gateway.aliases).map(String::as_str).collect();
        if !known.contains(&name) {
            let help = did_you_mean(name, known.iter().copied());
            self.findings
                .add(code::BAD_HOST, at, format!("`{name}` is no name of this door"))
                .label("neither `host` nor one of `aliases`")
                .help(format!("write `aliases = [\"{name}\"]` in `[gateway]`"))
                .help_maybe(help);
        }
    }

    pub(super) fn acme(&mut self, gateway: &Node) -> Option<Acme> {
        let entry = gateway.entry("acme")?;
        let node = &entry.node;
        let directory = self.acme_directory(entry)?;
        let names = self.acme_names(node);
        let challenge = match node.text("challenge") {
            Some("http-01") => AcmeChallenge::Http01,
            _ => AcmeChallenge::TlsAlpn01,
        };
        if challenge == AcmeChallenge::Http01 && gateway.get("http").is_none() {
            let at = node.get("challenge").map_or(entry.at, |challenge| challenge.at);
            self.contradiction(at, "`http-01` is answered on the plain port, and there is none")
                .help("write `http = 80` in `[gateway]`, or use `tls-alpn-01`");
        }
        if let Some(contact) = node.get("contact")
            && contact.as_text().is_some_and(|text| !is_mail(text))
        {
            let text = contact.as_text().unwrap_or_default();
            self.findings
                .add(code::BAD_URL, contact.at, format!("`{text}` is no contact"))
                .label("a `mailto:` address (RFC 8555 section 7.3)")
                .help("write `contact = \"mailto:ops@example.org\"`");
        }
        let ca = node.get("ca").and_then(|ca| Some(self.path(ca.at, ca.as_text()?)));
        let contact = node.text("contact").map(str::to_owned);
        Some(Acme { directory, contact, names, challenge, ca, place: self.place(entry.at) })
    }

    fn acme_directory(&mut self, entry: &Entry) -> Option<String> {
        let Some(node) = entry.node.get("directory") else {
            self.findings
                .add(code::BAD_URL, entry.at, "the ACME server is not named")
                .label("no `directory`")
                .help("write `directory = \"https://acme.example/directory\"`");
            return None;
        };
        let text = node.as_text()?;
        if !is_url(text) || !text.starts_with("https://") {
            self.findings
                .add(code::BAD_URL, node.at, format!("`{text}` is no ACME directory"))
                .label("an absolute `https` address")
                .help("write `directory = \"https://acme.example/directory\"`");
        }
        Some(text.to_owned())
    }

    fn acme_names(&mut self, node: &Node) -> Vec<String> {
        let gateway = &self.model.gateway;
        let of_door = || std::iter::once(&gateway.host).chain(&gateway.aliases).cloned();
        let Some(names) = node.get("names") else { return of_door().collect() };
        let mut found = Vec::new();
        for (text, at) in names.texts() {
            let name = text.to_lowercase();
            if is_host_name(&name) {
                self.name_of_door(&name, at);
            } else {
                self.findings
                    .add(code::BAD_HOST, at, format!("`{text}` is not a host name"))
                    .label("a name without scheme, port or wildcard")
                    .help("wildcards need DNS-01, which is not offered: name each host");
            }
            found.push(name);
        }
        found
    }

    fn bad_tls(&mut self, at: At, message: &str) -> &mut crate::finding::Finding {
        self.findings.add(code::BAD_TLS, at, message).label("incomplete")
    }
}

fn version(node: &Node) -> Option<TlsVersion> {
    match node.text("min") {
        Some("1.2") => Some(TlsVersion::V12),
        Some("1.3") => Some(TlsVersion::V13),
        _ => None,
    }
}

fn is_mail(text: &str) -> bool {
    text.strip_prefix("mailto:").is_some_and(|mail| {
        mail.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty()
                && is_host_name(host)
                && mail.chars().all(|c| c.is_ascii_graphic() && !",?".contains(c))
        })
    })
}
