//! Access tokens that all fronts check: issued by Ringwall, signed by ES256.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::ground::Ground;
use crate::setup::Python;
use crate::shell::{command, read, root};

/// Tokens of one issuer, and what is needed to check them.
pub(crate) struct Tokens {
    issuer: String,
    jwks: String,
    public_pem: String,
    first: String,
    list: PathBuf,
    script: PathBuf,
}

impl Tokens {
    /// Asks the Ringwall on `port` for so many tokens. `body` is the form that gets one.
    pub(crate) fn issue(ground: &Ground, port: u16, body: &str, count: usize) -> Result<Self> {
        let issuer = format!("https://bench.localhost:{port}");
        let answers = curl(port, &["--data", body, &format!("{issuer}/oauth/token#[1-{count}]")])?;
        let mut lines = String::new();
        let mut found = 0_usize;
        for answer in serde_json::Deserializer::from_str(&answers).into_iter::<Value>() {
            let answer = answer?;
            let token = answer.get("access_token").and_then(Value::as_str);
            writeln!(lines, "{}", token.with_context(|| format!("no token in {answer}"))?)?;
            found += 1;
        }
        if found != count {
            bail!("{found} tokens instead of {count}");
        }
        let list = ground.folder.join(format!("{port}-tokens"));
        let first = lines.lines().next().unwrap_or_default().to_owned();
        fs::write(&list, lines)?;
        let jwks = curl(port, &[&format!("{issuer}/oauth/jwks")])?;
        let public_pem = read(command("python3").args(["-c", JWK_TO_PEM, &jwks]))?;
        let script = ground.folder.join(format!("{port}-tokens.lua"));
        fs::write(&script, rotating(&list))?;
        Ok(Self { issuer, jwks, public_pem, first, list, script })
    }

    /// The `iss` and `aud` of all.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The file that has one in each line.
    pub(crate) fn list(&self) -> &Path {
        &self.list
    }

    /// A header field with one of them.
    pub(crate) fn header(&self) -> String {
        format!("Authorization: Bearer {}", self.first)
    }

    pub(crate) fn jwks(&self) -> &str {
        &self.jwks
    }

    /// The ES256 key.
    pub(crate) fn public_pem(&self) -> &str {
        &self.public_pem
    }

    /// A `wrk` script that takes them in turn, going on in each run where the last one ended.
    pub(crate) fn script(&self) -> &Path {
        &self.script
    }
}

/// A `wrk` script that posts a form.
pub(crate) fn post_script(body: &str) -> String {
    format!(
        "wrk.method = \"POST\"\nwrk.body = \"{body}\"\n\
         wrk.headers[\"Content-Type\"] = \"application/x-www-form-urlencoded\"\n"
    )
}

/// A `wrk` script that asks with each line of a file in turn, as [`Tokens::script`] does. `beginning`
/// is what comes before the line in the form that it posts.
pub(crate) fn posting_each(list: &Path, beginning: &str) -> String {
    let each = format!("wrk.body = \"{beginning}\" .. line");
    format!("{}{}", post_script(""), in_turn(list, &each))
}

/// The script that makes a key, and assertions when it is told for whom and how many.
pub(crate) fn assertions(folder: &Path, arguments: &[&str]) -> Result<Command> {
    let mut python = command(Python::ensure()?.program("python"));
    python.current_dir(folder).arg(root().join("benches/assertions.py")).args(arguments);
    Ok(python)
}

fn rotating(list: &Path) -> String {
    in_turn(list, "wrk.headers[\"Authorization\"] = \"Bearer \" .. line")
}

fn in_turn(list: &Path, each: &str) -> String {
    let list = list.display();
    format!(
        "local at, requests = 0, {{}}\n\
         function init(args)\n  \
           local place = io.open(\"{list}.at\")\n  \
           if place then at = place:read(\"*n\") place:close() end\n  \
           for line in io.lines(\"{list}\") do\n    \
             {each}\n    \
             requests[#requests + 1] = wrk.format()\n  \
           end\n\
         end\n\
         function request()\n  at = at % #requests + 1\n  return requests[at]\nend\n\
         function done(summary)\n  \
           local place, before = io.open(\"{list}.at\"), 0\n  \
           if place then before = place:read(\"*n\") place:close() end\n  \
           local now = io.open(\"{list}.at\", \"w\")\n  \
           now:write(before + summary.requests + 64)\n  now:close()\n\
         end\n"
    )
}

fn curl(port: u16, arguments: &[&str]) -> Result<String> {
    let resolve = format!("bench.localhost:{port}:127.0.0.1");
    read(command("curl").args(["-sSk", "--resolve", &resolve]).args(arguments))
}

/// `SubjectPublicKeyInfo` on P-256 is a fixed beginning and the two coordinates (RFC 5480).
const JWK_TO_PEM: &str = "\
import base64, json, sys
key = next(k for k in json.loads(sys.argv[1])['keys'] if k.get('alg') == 'ES256')
number = lambda name: base64.urlsafe_b64decode(key[name] + '==')
head = bytes.fromhex('3059301306072a8648ce3d020106082a8648ce3d03010703420004')
text = base64.encodebytes(head + number('x') + number('y')).decode()
print('-----BEGIN PUBLIC KEY-----\\n' + text + '-----END PUBLIC KEY-----')";

/// Assertions for all rounds; each is taken once.
pub(crate) const ONCE: usize = 60_000;

/// What comes before an assertion in a form.
pub(crate) const ASSERTED: &str = "grant_type=client_credentials&client_assertion_type=\
    urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=";
