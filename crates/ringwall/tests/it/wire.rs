//! A client that writes bytes and reads bytes, so that nothing is corrected on the way.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use crate::house::House;

/// What came back on one connection, up to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) raw: String,
    /// Status of the first answer; zero when there is none.
    pub(crate) status: u16,
    pub(crate) body: String,
    /// Whether the first answer ended as its framing announced.
    pub(crate) is_complete: bool,
}

impl Answer {
    /// The first value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let head = self.raw.split("\r\n\r\n").next().unwrap_or_default();
        let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    }

    /// The body, which has to be JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.raw))
    }

    /// The code of a problem, or nothing.
    pub(crate) fn code(&self) -> String {
        let value: Value = serde_json::from_str(&self.body).unwrap_or_default();
        value["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Status and code, as most tests want them.
    pub(crate) fn verdict(&self) -> (u16, String) {
        (self.status, self.code())
    }

    fn of(bytes: &[u8]) -> Self {
        let raw = String::from_utf8_lossy(bytes).into_owned();
        let (head, rest) = raw.split_once("\r\n\r\n").unwrap_or((&raw, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let lower = head.to_ascii_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length = length.and_then(|length| length.trim().parse::<usize>().ok());
        let (body, is_complete) = if lower.contains("transfer-encoding: chunked") {
            unchunk(rest)
        } else {
            let body = rest.get(..length.unwrap_or(rest.len())).unwrap_or(rest);
            (body.to_owned(), length.is_some_and(|length| body.len() == length))
        };
        Self { raw, status, body, is_complete }
    }
}

fn unchunk(mut rest: &str) -> (String, bool) {
    let mut body = String::new();
    loop {
        let Some((size, after)) = rest.split_once("\r\n") else { return (body, false) };
        let Ok(size) = usize::from_str_radix(size, 16) else { return (body, false) };
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = after.get(..size) else { return (body + after, false) };
        body.push_str(chunk);
        rest = after.get(size + 2..).unwrap_or_default();
    }
}

/// Writes these bytes on a connection and reads until the other side closes.
pub(crate) fn talk(mut stream: impl Read + Write, request: &[u8]) -> Answer {
    // A server may refuse, answer and close before everything is written.
    drop(stream.write_all(request));
    drop(stream.flush());
    let mut bytes = Vec::new();
    // An abrupt end is what some tests look for: the framing tells whether it was one.
    drop(stream.read_to_end(&mut bytes));
    Answer::of(&bytes)
}

impl House {
    /// `host:port` of the public door.
    pub(crate) fn authority(&self) -> String {
        format!("harbour.localhost:{}", self.port)
    }

    /// `https://host:port`.
    pub(crate) fn origin(&self) -> String {
        format!("https://{}", self.authority())
    }

    /// Trusts the house's own root and nothing else.
    #[track_caller]
    pub(crate) fn client_config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(self.state().join("ca.pem")).unwrap() {
            roots.add(root.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// A TLS connection to the public door.
    #[track_caller]
    pub(crate) fn connect_with(
        &self,
        config: Arc<ClientConfig>,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let name = ServerName::try_from("harbour.localhost").unwrap();
        let connection = ClientConnection::new(config, name).unwrap();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        StreamOwned::new(connection, stream)
    }

    /// Writes these bytes over TLS and reads until the other side closes.
    #[track_caller]
    pub(crate) fn raw(&self, request: &[u8]) -> Answer {
        talk(self.connect_with(Arc::new(self.client_config())), request)
    }

    /// One request with these header lines.
    #[track_caller]
    pub(crate) fn send(&self, line: &str, fields: &[&str], body: &str) -> Answer {
        let length = match body.len() {
            0 => String::new(),
            length => format!("Content-Length: {length}\r\n"),
        };
        let fields: String = fields.iter().flat_map(|field| [*field, "\r\n"]).collect();
        let host = self.authority();
        let head =
            format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{length}{fields}");
        self.raw(format!("{head}\r\n{body}").as_bytes())
    }

    /// `GET` without anything.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), &[], "")
    }

    /// An access token of a program.
    #[track_caller]
    pub(crate) fn token(&self, id: &str, secret: &str) -> String {
        use base64::Engine as _;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        let fields = [
            format!("Authorization: Basic {basic}"),
            "Content-Type: application/x-www-form-urlencoded".to_owned(),
        ];
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let answer = self.send("POST /oauth/token", &fields, "grant_type=client_credentials");
        assert_eq!(answer.status, 200, "{}", answer.raw);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Signs a person in; gives the session as a `Cookie` line.
    #[track_caller]
    pub(crate) fn sign_in(&self, name: &str) -> String {
        let answer = self.try_sign_in(name, crate::house::PASSWORD);
        assert_eq!(answer.status, 303, "{}", answer.raw);
        let cookies = answer.raw.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        let mut cookies = cookies.filter_map(|cookie| cookie.split(';').next());
        let session = cookies.find(|cookie| cookie.starts_with("__Host-ringwall=")).unwrap();
        format!("Cookie: {session}")
    }

    /// Sends the login form as a browser does.
    #[track_caller]
    pub(crate) fn try_sign_in(&self, name: &str, password: &str) -> Answer {
        let page = self.get("/login");
        let token = page.body.split("name=\"form_token\" value=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap();
        let cookie = page.field("set-cookie").unwrap();
        let cookie = cookie.split(';').next().unwrap();
        let body = format!(
            "form_token={token}&return_to=%2F&username={name}&password={}",
            password.replace(' ', "+")
        );
        let fields = [
            "Content-Type: application/x-www-form-urlencoded".to_owned(),
            format!("Origin: {}", self.origin()),
            format!("Cookie: {cookie}"),
        ];
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        self.send("POST /login", &fields, &body)
    }
}
