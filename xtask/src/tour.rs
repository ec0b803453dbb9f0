//! The guided tour: real requests by `curl`, the answers, and the manifest line behind each.

use anyhow::{Context, Result, bail};

use crate::demo::{Fleet, PASSWORD, SUPPORT};
use crate::shell::{command, read, say};

/// One request of the tour.
struct Stop {
    title: &'static str,
    who: Option<&'static str>,
    method: &'static str,
    path: &'static str,
    body: Option<&'static str>,
    status: u16,
    /// Text that must not be in the answer.
    without: Option<&'static str>,
}

const STOPS: &[Stop] = &[
    Stop {
        title: "A stranger asks for a user's data",
        who: None,
        method: "GET",
        path: "/users/u-1001",
        body: None,
        status: 403,
        without: None,
    },
    Stop {
        title: "Anyone may register",
        who: None,
        method: "POST",
        path: "/users",
        body: Some(r#"{"name":"Zoe","email":"zoe@example.com"}"#),
        status: 201,
        without: Some("password_hash"),
    },
    Stop {
        title: "A customer, signed in, registers under her own id",
        who: Some("ada"),
        method: "POST",
        path: "/users",
        body: Some(r#"{"name":"Ada","email":"ada@example.com","address":"Somerset 1"}"#),
        status: 201,
        without: None,
    },
    Stop {
        title: "She orders; orders calls payments over mutual TLS, payments calls the partner",
        who: Some("ada"),
        method: "POST",
        path: "/orders",
        body: Some(r#"{"article":"mug","quantity":2,"card":"4242424242424242"}"#),
        status: 201,
        without: Some("margin"),
    },
    Stop {
        title: "She sees her own orders",
        who: Some("ada"),
        method: "GET",
        path: "/orders",
        body: None,
        status: 200,
        without: Some("u-1001"),
    },
    Stop {
        title: "She may not see somebody else's (getOrder:own, the app states the owner)",
        who: Some("ada"),
        method: "GET",
        path: "/orders/1001",
        body: None,
        status: 404,
        without: Some("u-1001"),
    },
    Stop {
        title: "Nobody was granted the list of all users",
        who: Some("ada"),
        method: "GET",
        path: "/users",
        body: None,
        status: 403,
        without: None,
    },
    Stop {
        title: "Payments has no people: it cannot be reached from outside",
        who: Some("ada"),
        method: "POST",
        path: "/charges",
        body: Some(r#"{"order_id":1001,"amount":1,"currency":"eur","card":"4242424242424242"}"#),
        status: 403,
        without: None,
    },
    Stop {
        title: "Input that the OpenAPI file does not allow",
        who: Some("ada"),
        method: "POST",
        path: "/orders",
        body: Some(r#"{"article":"mug","quantity":"two","card":"4242424242424242"}"#),
        status: 400,
        without: None,
    },
    Stop {
        title: "A path with two readings",
        who: Some("ada"),
        method: "GET",
        path: "/orders/%2e%2e/users",
        body: None,
        status: 400,
        without: None,
    },
    Stop {
        title: "Support reads an order; the margin is not in the schema and is cut",
        who: Some("sue"),
        method: "GET",
        path: "/orders/1001",
        body: None,
        status: 200,
        without: Some("margin"),
    },
    Stop {
        title: "Support reads a user; the app answers with the whole row, the hash is cut",
        who: Some("sue"),
        method: "GET",
        path: "/users/u-1001",
        body: None,
        status: 200,
        without: Some("password_hash"),
    },
];

/// Walks the tour against a running fleet. Fails at the first answer that is not the promised one.
pub(crate) fn walk(fleet: &Fleet) -> Result<()> {
    say("\nA guided tour. Each answer is followed by what `ringwall why` says about it.\n");
    for name in ["ada", "sue"] {
        sign_in(fleet, name).with_context(|| format!("{name} could not sign in"))?;
    }
    for (index, stop) in STOPS.iter().enumerate() {
        let number = index.saturating_add(1);
        visit(fleet, stop, number).with_context(|| format!("stop {number}: {}", stop.title))?;
    }
    say(&format!("The tour is over: {} answers, all as the manifest says.", STOPS.len()));
    Ok(())
}

fn visit(fleet: &Fleet, stop: &Stop, number: usize) -> Result<()> {
    let who = stop.who.unwrap_or("nobody");
    say(&format!("{number:>2}. {}", stop.title));
    say(&format!("    {} {}   as {who}", stop.method, stop.path));
    let answer = ask(fleet, stop)?;
    let shown: String = answer.body.lines().next().unwrap_or_default().chars().take(160).collect();
    say(&format!("    {}  {shown}", answer.status));
    let why = fleet.ringwall(&["why", &answer.request, "--format", "plain"]).output()?;
    for line in String::from_utf8_lossy(&why.stdout).lines() {
        say(&format!("    | {line}"));
    }
    say("");
    if answer.status != stop.status {
        bail!("answered {} instead of {}: {}", answer.status, stop.status, answer.body);
    }
    if let Some(text) = stop.without.filter(|text| answer.body.contains(text)) {
        bail!("the answer contains `{text}`: {}", answer.body);
    }
    if why.stdout.is_empty() {
        bail!(
            "`ringwall why {}` explained nothing: {}",
            answer.request,
            String::from_utf8_lossy(&why.stderr)
        );
    }
    Ok(())
}

struct Answer {
    status: u16,
    request: String,
    body: String,
}

fn ask(fleet: &Fleet, stop: &Stop) -> Result<Answer> {
    let mut curl = curl(fleet);
    curl.args(["--path-as-is", "--request", stop.method]);
    if let Some(who) = stop.who {
        curl.arg("--cookie").arg(jar(fleet, who));
        curl.args(["--header", &format!("Origin: {ORIGIN}")]);
    }
    if let Some(body) = stop.body {
        curl.args(["--header", "Content-Type: application/json", "--data", body]);
    }
    let text = read(
        curl.args(["--write-out", "\n%{http_code} %header{ringwall-request}"])
            .arg(format!("{ORIGIN}{}", stop.path)),
    )?;
    let (body, last) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));
    let (status, request) = last.split_once(' ').unwrap_or((last, ""));
    Ok(Answer {
        status: status.parse().context(text.clone())?,
        request: request.to_owned(),
        body: body.to_owned(),
    })
}

/// Signs in as a browser would: loads the form, sends it back with its hidden fields.
fn sign_in(fleet: &Fleet, name: &str) -> Result<()> {
    let jar = jar(fleet, name);
    let form = read(curl(fleet).arg("--cookie-jar").arg(&jar).arg(format!("{ORIGIN}/login")))?;
    let mut post = curl(fleet);
    post.arg("--cookie").arg(&jar).arg("--cookie-jar").arg(&jar);
    post.args(["--header", &format!("Origin: {ORIGIN}")]);
    for (key, value) in hidden_fields(&form) {
        post.args(["--data-urlencode", &format!("{key}={value}")]);
    }
    post.args(["--data-urlencode", &format!("username={name}")]);
    post.args(["--data-urlencode", &format!("password={PASSWORD}")]);
    let answer = read(post.args(["--write-out", "%{http_code}"]).arg(format!("{ORIGIN}/login")))?;
    if name == SUPPORT {
        return second_step(fleet, &jar, &answer);
    }
    if !answer.ends_with("303") {
        bail!("the login form answered {answer}");
    }
    Ok(())
}

/// Gives a recovery code where a person would read one off an app.
fn second_step(fleet: &Fleet, jar: &std::path::Path, form: &str) -> Result<()> {
    let handout = std::fs::read_to_string(fleet.handout())?;
    let code = handout.lines().next_back().context("no recovery code")?;
    let mut post = curl(fleet);
    post.arg("--cookie").arg(jar).arg("--cookie-jar").arg(jar);
    post.args(["--header", &format!("Origin: {ORIGIN}")]);
    for (key, value) in hidden_fields(form) {
        post.args(["--data-urlencode", &format!("{key}={value}")]);
    }
    post.args(["--data-urlencode", &format!("code={code}")]);
    let answer = read(post.args(["--write-out", "%{http_code}"]).arg(format!("{ORIGIN}/login")))?;
    if !answer.ends_with("303") {
        bail!("the second step answered {answer}");
    }
    Ok(())
}

/// Those of the first form of a page; the next one is for passkeys.
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let form = page.split("</form>").next().unwrap_or_default();
    let inputs = form.split("<input").filter(|input| input.contains("type=\"hidden\""));
    inputs
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
        .collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

fn curl(fleet: &Fleet) -> std::process::Command {
    let mut curl = command("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--resolve",
        "shop.localhost:8443:127.0.0.1",
        "--cacert",
    ]);
    curl.arg(fleet.folder.join(".ringwall/ca.pem"));
    curl
}

fn jar(fleet: &Fleet, name: &str) -> std::path::PathBuf {
    fleet.folder.join(format!(".ringwall/{name}.cookies"))
}

const ORIGIN: &str = "https://shop.localhost:8443";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_fields_are_read_from_a_form() {
        let form = r#"<form><input type="hidden" name="csrf" value="a1"><input name="username"></form>
            <form><input type="hidden" name="csrf" value="a1"></form>"#;
        assert_eq!(hidden_fields(form), [("csrf".to_owned(), "a1".to_owned())]);
    }
}
