//! `[gateway]`, the public door.

use super::door::overload;
use super::quantity::{is_host_name, is_path, is_url};
use super::waf::waf_mode;
use super::{Checker, chosen, is_true};
use crate::catalogue::code;
use crate::model::{Gateway, Leak, Login, Mode, Opens, Waf};
use crate::node::Node;
use crate::source::At;

impl Checker<'_> {
    pub(super) fn gateway(&mut self) {
        let empty = Node::empty(At::default());
        let entry = self.root.entry("gateway");
        let node = entry.map_or(&empty, |entry| &entry.node);
        let place = self.place(entry.map_or_else(At::default, |entry| entry.at));
        let host = self.host(node);
        let port = node.get("port").and_then(Node::as_integer).map_or(PORT, as_port);
        self.model.gateway = Gateway {
            aliases: self.aliases(node, &host),
            host,
            port,
            login: self.login(node),
            login_path: self.own_path(node, "login_path", "/login"),
            logout_path: self.own_path(node, "logout_path", "/logout"),
            account_path: self.own_path(node, "account_path", "/account"),
            password_min: node
                .get("password_min")
                .and_then(Node::as_integer)
                .and_then(|count| usize::try_from(count).ok())
                .unwrap_or(PASSWORD_MIN),
            password_blocklist: node
                .get("password_blocklist")
                .and_then(|file| Some(self.path(file.at, file.as_text()?))),
            opens: Opens {
                admin_api: is_true(node, "admin_api"),
                registration: is_true(node, "registration"),
            },
            mode: chosen(node, "mode", &[("observe", Mode::Observe)], Mode::Block),
            responses: chosen(
                node,
                "responses",
                &[("refuse", Leak::Refuse), ("pass", Leak::Pass)],
                Leak::Cut,
            ),
            refuses_unknown_parameters: node.text("unknown_parameters") != Some("pass"),
            waf: node.text("waf").map_or(Waf::Off, waf_mode),
            leaks: node.text("leaks").map_or(Waf::Log, waf_mode),
            headers: Box::new(self.headers(node)),
            listen: self.listen(node),
            http_port: self.plain_port(node, port),
            proxy_protocol: self.networks(node, "proxy_protocol"),
            compresses: is_true(node, "compress"),
            error_pages: node
                .get("error_pages")
                .and_then(|pages| Some(self.path(pages.at, pages.as_text()?))),
            drain: self.time(node, "drain"),
            reload_drain: self.time(node, "reload_drain"),
            cors: self.cors(node),
            overload: overload(node),
            place,
            ..Gateway::default()
        };
        let login = self.model.gateway.login.clone();
        self.model.gateway.oidc = self.oidc(node, &login);
        // They speak of the names of the door, which are known now.
        self.model.gateway.tls = self.tls(node);
        self.model.gateway.acme = self.acme(node);
        self.login_paths();
    }

    fn host(&mut self, node: &Node) -> String {
        let Some(host) = node.get("host") else {
            return format!("{}.localhost", self.model.name);
        };
        let text = host.as_text().unwrap_or("");
        // A wrong shape has been reported already.
        if host.as_text().is_some() && !is_host_name(text) {
            self.findings
                .add(code::BAD_HOST, host.at, format!("`{text}` is not a host name"))
                .label("a name without scheme, port or path")
                .help("write `host = \"shop.localhost\"`; the port goes to `port`");
        }
        text.to_lowercase()
    }

    fn login(&mut self, node: &Node) -> Login {
        let Some(login) = node.get("login") else { return Login::BuiltIn };
        match login.as_text() {
            None | Some("built-in") => Login::BuiltIn,
            Some(issuer) => {
                if !is_url(issuer) {
                    self.findings
                        .add(code::BAD_URL, login.at, format!("`{issuer}` is no login"))
                        .label("`built-in`, or the address of an OpenID Connect issuer")
                        .help("write `login = \"built-in\"` or `login = \"https://…\"`");
                }
                Login::Issuer(issuer.to_owned())
            }
        }
    }

    fn own_path(&mut self, node: &Node, key: &str, default: &str) -> String {
        let Some(path) = node.get(key) else { return default.to_owned() };
        let text = path.as_text().unwrap_or(default);
        if !is_path(text) || text.contains(['{', '}', '*']) || text == "/" {
            self.findings
                .add(code::BAD_PATH, path.at, format!("`{key}` has to be a fixed path"))
                .label("begins with `/`, without parameters, query or `..`")
                .help(format!("write `{key} = \"{default}\"`"));
        }
        text.to_owned()
    }

    fn login_paths(&mut self) {
        let Gateway { login_path, logout_path, account_path, place, .. } = &self.model.gateway;
        let login = ("login_path", login_path);
        let logout = ("logout_path", logout_path);
        let account = ("account_path", account_path);
        let mut pairs = [(login, logout), (login, account), (logout, account)].into_iter();
        let same = pairs.find(|(one, other)| one.1 == other.1);
        if let Some(((one, _), (other, _))) = same {
            let at = self.at(place);
            self.findings
                .add(code::BAD_PATH, at, format!("`{one}` and `{other}` are the same"))
                .help("give each its own path");
        }
    }
}

fn as_port(number: i64) -> u16 {
    u16::try_from(number).unwrap_or(PORT)
}

/// NIST SP 800-63B-4 wants 15 of a password that is the only factor; that is the operator's to say.
const PASSWORD_MIN: usize = 8;

/// The port of development; production usually sets 443.
const PORT: u16 = 8443;
