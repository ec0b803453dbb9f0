//! The servers under test and the upstream behind them, each started on a free loopback port.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::shell::{build_ringwall, cache, command, read, succeed};

/// A contender and what it does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Haproxy,
    HaproxyTls,
    Nginx,
    NginxTls,
    RingwallPlain,
    RingwallSecured,
    RingwallTls,
    RingwallToken,
    OidcProvider,
}

/// What all fronts share: the upstream, a certificate, a folder.
pub(crate) struct Ground {
    folder: PathBuf,
    upstream: u16,
    ringwall: PathBuf,
    _server: Running,
}

/// A running front.
pub(crate) struct Front {
    kind: Kind,
    headers: Vec<String>,
    url: String,
    script: Option<PathBuf>,
    server: Running,
}

/// Ends the process when dropped. Only the id that was started here.
struct Running(Child);

impl Drop for Running {
    #[expect(clippy::disallowed_methods, reason = "a chore waits for a server by the wall clock")]
    fn drop(&mut self) {
        // Politely first: a master that is killed leaves its workers behind.
        drop(Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status());
        for _ in 0..40 {
            if self.0.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Ground {
    /// Starts the upstream: nginx on core 1, with a fixed answer of 144 bytes.
    pub(crate) fn prepare() -> Result<Self> {
        let folder = cache().join("bench");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let ringwall = build_ringwall(true)?;
        succeed(
            command("openssl")
                .stderr(Stdio::null())
                .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
                .args([
                    "ec_paramgen_curve:prime256v1",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=bench.localhost",
                    "-addext",
                    "subjectAltName=DNS:bench.localhost",
                ])
                .arg("-keyout")
                .arg(folder.join("key.pem"))
                .arg("-out")
                .arg(folder.join("cert.pem")),
        )?;
        let both = fs::read_to_string(folder.join("cert.pem"))?
            + &fs::read_to_string(folder.join("key.pem"))?;
        fs::write(folder.join("both.pem"), both)?;

        let upstream = free_port()?;
        let body = format!("{{\"id\":7,\"items\":\"{}\"}}", "x".repeat(144 - 20));
        let server = format!(
            "server {{ listen 127.0.0.1:{upstream} backlog=4096; location / {{ default_type application/json; \
             return 200 '{body}'; }} }}"
        );
        let config = folder.join("upstream.conf");
        fs::write(&config, nginx_config(&folder, "upstream", &server))?;
        let server = start("1", Command::new("nginx").arg("-c").arg(&config), upstream)?;
        Ok(Self { folder, upstream, ringwall, _server: server })
    }
}

impl Front {
    /// Starts a front on core 0 and waits until it accepts.
    pub(crate) fn start(kind: Kind, ground: &Ground) -> Result<Self> {
        let port = free_port()?;
        match kind {
            Kind::Nginx | Kind::NginxTls => nginx(kind, ground, port),
            Kind::Haproxy | Kind::HaproxyTls => haproxy(kind, ground, port),
            Kind::RingwallPlain
            | Kind::RingwallSecured
            | Kind::RingwallTls
            | Kind::RingwallToken => ringwall(kind, ground, port),
            Kind::OidcProvider => bail!("started by `Front::oidc_provider`"),
        }
    }

    /// Starts node's `oidc-provider` on core 0.
    pub(crate) fn oidc_provider(node: &Path, ground: &Ground) -> Result<Self> {
        let port = free_port()?;
        let mut program = Command::new(node);
        program.current_dir(cache().join("node")).args(["oidc-provider.mjs", &port.to_string()]);
        let server = start("0", &mut program, port)?;
        let body = "grant_type=client_credentials&client_id=robot&client_secret=a-secret-of-at-least-32-characters!";
        let script = post_script(&ground.folder, "oidc-provider", body)?;
        let url = format!("http://127.0.0.1:{port}/token");
        Ok(Self {
            kind: Kind::OidcProvider,
            headers: Vec::new(),
            url,
            script: Some(script),
            server,
        })
    }

    /// The contender's name in the results.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Haproxy => "haproxy",
            Kind::HaproxyTls => "haproxy (TLS only)",
            Kind::Nginx => "nginx",
            Kind::NginxTls => "nginx (TLS only)",
            Kind::RingwallPlain => "ringwall",
            Kind::RingwallSecured => "ringwall (all on)",
            Kind::RingwallTls => "ringwall (TLS)",
            Kind::RingwallToken => "ringwall (TLS, audit)",
            Kind::OidcProvider => "oidc-provider (plain)",
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.server.0.id()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A `wrk` script, where a plain GET will not do.
    pub(crate) fn script(&self) -> Option<&Path> {
        self.script.as_deref()
    }

    pub(crate) fn headers(&self) -> &[String] {
        &self.headers
    }
}

fn nginx(kind: Kind, ground: &Ground, port: u16) -> Result<Front> {
    let is_tls = kind == Kind::NginxTls;
    let listen = if is_tls { " ssl" } else { "" };
    let folder = ground.folder.display();
    let tls = if is_tls {
        format!(
            "ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_session_tickets off;"
        )
    } else {
        String::new()
    };
    let server = format!(
        "upstream back {{ server 127.0.0.1:{}; keepalive 128; }}\n\
         server {{ listen 127.0.0.1:{port}{listen} backlog=4096; {tls} keepalive_requests 100000000; \
         location / {{ proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
         proxy_set_header X-Forwarded-For $remote_addr; }} }}",
        ground.upstream
    );
    let config = ground.folder.join(format!("front-{port}.conf"));
    fs::write(&config, nginx_config(&ground.folder, &format!("front-{port}"), &server))?;
    let server = start("0", Command::new("nginx").arg("-c").arg(&config), port)?;
    Ok(Front {
        kind,
        headers: Vec::new(),
        url: url(is_tls, "127.0.0.1", port),
        script: None,
        server,
    })
}

fn haproxy(kind: Kind, ground: &Ground, port: u16) -> Result<Front> {
    let is_tls = kind == Kind::HaproxyTls;
    let tls = if is_tls {
        format!(" ssl crt {}/both.pem", ground.folder.display())
    } else {
        String::new()
    };
    let config = ground.folder.join(format!("haproxy-{port}.cfg"));
    let text = format!(
        "global\n  nbthread 1\n  maxconn 4096\n\ndefaults\n  mode http\n  timeout client 30s\n  \
         timeout server 30s\n  timeout connect 5s\n  option forwardfor\n  http-reuse always\n\n\
         frontend front\n  bind 127.0.0.1:{port}{tls}\n  default_backend back\n\n\
         backend back\n  server one 127.0.0.1:{}\n",
        ground.upstream
    );
    fs::write(&config, text)?;
    let server = start("0", Command::new("haproxy").arg("-f").arg(&config), port)?;
    Ok(Front {
        kind,
        headers: Vec::new(),
        url: url(is_tls, "127.0.0.1", port),
        script: None,
        server,
    })
}

fn ringwall(kind: Kind, ground: &Ground, port: u16) -> Result<Front> {
    let folder = ground.folder.join(format!("ringwall-{port}"));
    fs::create_dir_all(&folder)?;
    let is_tls = kind != Kind::RingwallPlain;
    let is_secured = kind == Kind::RingwallSecured || kind == Kind::RingwallToken;
    fs::write(folder.join("ringwall.toml"), manifest(ground.upstream, port, is_secured))?;
    let token = if is_secured { Some(register(ground, &folder)?) } else { None };
    let mut serve = Command::new(&ground.ringwall);
    serve.current_dir(&folder).args([
        "serve",
        "--workers",
        "1",
        "--listen",
        &format!("127.0.0.1:{port}"),
    ]);
    if is_tls {
        // The load generator names no host, and only a certificate from a file answers that.
        serve.arg("--certificate").arg(ground.folder.join("cert.pem"));
        serve.arg("--key").arg(ground.folder.join("key.pem"));
    } else {
        serve.arg("--danger-plain-http");
    }
    let server = start("0", &mut serve, port)?;
    let mut headers = vec![format!("Host: bench.localhost:{port}")];
    if kind == Kind::RingwallToken {
        let secret = token.context("the program was not registered")?;
        let body = format!("grant_type=client_credentials&client_id=robot&client_secret={secret}");
        let script = Some(post_script(&ground.folder, "ringwall", &body)?);
        let url = format!("https://127.0.0.1:{port}/oauth/token");
        return Ok(Front { kind, headers, url, script, server });
    }
    if let Some(secret) = token {
        headers.push(format!("Authorization: Bearer {}", access_token(port, &secret)?));
    }
    Ok(Front { kind, headers, url: url(is_tls, "127.0.0.1", port), script: None, server })
}

fn manifest(upstream: u16, port: u16, is_secured: bool) -> String {
    let who = if is_secured { "robot" } else { "anyone" };
    format!(
        "ringwall = 1\nname = \"bench\"\n\n[gateway]\nhost = \"bench.localhost\"\nport = {port}\n\n\
         [roles]\nrobot = {{}}\n\n\
         [services.items]\nupstream = \"127.0.0.1:{upstream}\"\nroutes = {{ getItem = \"GET /item\" }}\n\
         people.{who} = [\"getItem\"]\n\n\
         [limits]\ndefault = \"100000000 per minute per user\"\n"
    )
}

/// Registers the program whose tokens are used, and returns its secret.
fn register(ground: &Ground, folder: &Path) -> Result<String> {
    let secret = read(
        Command::new(&ground.ringwall)
            .current_dir(folder)
            .args(["client", "add", "robot", "--role", "robot"]),
    )?;
    Ok(secret.trim().to_owned())
}

fn access_token(port: u16, secret: &str) -> Result<String> {
    let host = format!("bench.localhost:{port}");
    let answer = read(
        command("curl")
            .args(["--silent", "--insecure", "--resolve", &format!("{host}:127.0.0.1")])
            .args([
                "--user",
                &format!("robot:{secret}"),
                "--data",
                "grant_type=client_credentials",
                &format!("https://{host}/oauth/token"),
            ]),
    )?;
    let value: serde_json::Value = serde_json::from_str(&answer).with_context(|| answer.clone())?;
    let token = value.get("access_token").and_then(serde_json::Value::as_str);
    Ok(token.context("no access_token in the answer")?.to_owned())
}

fn post_script(folder: &Path, name: &str, body: &str) -> Result<PathBuf> {
    let path = folder.join(format!("{name}.lua"));
    let text = format!(
        "wrk.method = \"POST\"\nwrk.body = \"{body}\"\n\
         wrk.headers[\"Content-Type\"] = \"application/x-www-form-urlencoded\"\n"
    );
    fs::write(&path, text)?;
    Ok(path)
}

fn url(is_tls: bool, host: &str, port: u16) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    format!("{scheme}://{host}:{port}/item")
}

fn nginx_config(folder: &Path, name: &str, server: &str) -> String {
    let folder = folder.display();
    format!(
        "daemon off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.log warn;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; keepalive_requests 100000000;\n\
         client_body_temp_path {folder}/{name}-body; proxy_temp_path {folder}/{name}-proxy; \
         fastcgi_temp_path {folder}/{name}-f; uwsgi_temp_path {folder}/{name}-u; scgi_temp_path {folder}/{name}-s;\n\
         {server} }}\n"
    )
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[expect(clippy::disallowed_methods, reason = "a chore waits for a server by the wall clock")]
fn start(core: &str, program: &mut Command, port: u16) -> Result<Running> {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", core]).arg(program.get_program()).args(program.get_args());
    if let Some(folder) = program.get_current_dir() {
        pinned.current_dir(folder);
    }
    let child = pinned.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut running = Running(child.with_context(|| format!("cannot start {program:?}"))?);
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(running);
        }
        if let Some(status) = running.0.try_wait()? {
            bail!("{program:?} ended with {status}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("{program:?} did not listen on port {port}")
}
