//! Letters through a mail server that others wrote, and into files without one.

use std::process::Command;

use serde_json::Value;

use crate::authority::Ca;
use crate::house::{BINARY, House, PASSWORD};
use crate::letters::Known;
use crate::library::MANIFEST;
use crate::program::{Program, not_run, run};
use crate::wait::until;

/// `aiosmtpd`, and a house that sends through it.
struct Post {
    server: Program,
    house: House,
}

impl Post {
    /// Without the server's package nothing is proved here: `None`.
    fn open(mode: &str, scheme: &str, password: &str) -> Option<Self> {
        let house = House::new(&MANIFEST.replace("UPSTREAM", "1"));
        Ca::new(&house).issue("mail", "DNS:localhost", 2);
        let mut command = Command::new("python3");
        command.arg("-c").arg(include_str!("foreign/smtp.py")).current_dir(house.path());
        command.args([mode, "mail.pem", "mail.key", "ringwall", "open sesame"]);
        let server = Program::start(&mut command);
        let said = until("the mail server speaks", || {
            Some(server.said()).filter(|said| said.contains('\n'))
        });
        let Some(port) = said.trim().strip_prefix("port ") else {
            not_run(said.trim());
            return None;
        };
        let mail = format!(
            "[secrets]\nmail = {{}}\n\n[mail]\nsmtp = \"{scheme}://ringwall@localhost:{port}\"\n\
             secret = \"mail\"\nfrom = \"Harbour <login@harbour.example>\"\nca = \"ca.pem\"\n\n[limits]"
        );
        house.write("books.yaml", include_str!("books.yaml"));
        house.edit("[limits]", &mail);
        house.pipe(password, &["secret", "set", "mail"]).good();
        Some(Self { server, house })
    }

    fn invite(&self, name: &str, address: &str) {
        let words = ["user", "invite", name, "--role", "customer", "--email", address];
        self.house.run(&words).good();
    }

    /// The letters that the server took.
    fn letters(&self) -> Vec<Value> {
        let said = self.server.said();
        let lines = said.lines().skip(1).filter_map(|line| serde_json::from_str(line).ok());
        lines.filter(|line: &Value| line["text"].is_string()).collect()
    }

    /// Why the first letter that was not taken was not.
    fn failure(&self) -> String {
        let failed = || self.house.events(&["--action", "mail-failed"]).into_iter().next();
        until("a letter is not taken", failed)["event"]["reason"].to_string()
    }
}

/// Chooses a password by the link of a letter, with the cookies of a browser.
#[track_caller]
fn follow(house: &House, link: &str) {
    let script =
        format!("{}\n{}", include_str!("foreign/ground.py"), include_str!("foreign/mail.py"));
    let outcome = run(&mut house.script(&script, &[BINARY.as_str(), PASSWORD, link]), "");
    assert_eq!(outcome.out.trim(), "done", "{}", outcome.err);
}

fn link(text: &str) -> String {
    text.lines().find(|line| line.starts_with("https://")).expect(text).to_owned()
}

#[test]
fn a_mail_server_takes_letters_by_starttls_and_by_tls() {
    for (mode, scheme) in [("starttls", "smtp"), ("tls", "smtps")] {
        let Some(post) = Post::open(mode, scheme, "open sesame") else { return };
        let _server = post.house.serve();
        post.invite("ada", "Ada@Example.org");
        let letters = until("the letter arrives", || {
            Some(post.letters()).filter(|letters| !letters.is_empty())
        });
        let letter = &letters[0];
        assert_eq!(letter["recipients"], serde_json::json!(["ada@example.org"]), "{letter}");
        assert_eq!(letter["sender"], "login@harbour.example", "{letter}");
        assert_eq!(letter["signed_in"], true, "{letter}");
        assert_eq!(letter["encrypted"], true, "{letter}");
        let headers = &letter["headers"];
        assert_eq!(headers["from"], "Harbour <login@harbour.example>");
        assert_eq!(headers["subject"], "Your new account");
        assert_eq!(headers["auto-submitted"], "auto-generated");
        assert!(headers["message-id"].as_str().unwrap().ends_with("@harbour.localhost>"));
        let link = link(letter["text"].as_str().unwrap());
        assert!(link.starts_with(&format!("{}/oauth/invite?token=", post.house.origin())));
        follow(&post.house, &link);
        let sent =
            || Some(post.house.events(&["--action", "mail-sent"])).filter(|all| all.len() == 2);
        until("one more letter says that the password was set", sent);
        assert_eq!(post.letters().len(), 2);
    }
}

#[test]
fn nothing_is_sent_without_tls_to_a_stranger_or_under_a_wrong_password() {
    for (mode, scheme, password, stranger) in [
        ("plain", "smtp", "open sesame", false),
        ("starttls", "smtp", "open sesame", true),
        ("tls", "smtps", "open sesame", true),
        ("tls", "smtps", "wrong", false),
    ] {
        let Some(post) = Post::open(mode, scheme, password) else { return };
        if stranger {
            // Another authority of the same name.
            Ca::new(&post.house);
        }
        let _server = post.house.serve();
        post.invite("ada", "ada@example.org");
        let why = post.failure();
        assert!(post.letters().is_empty(), "{mode}: {why}");
        let said = post.server.said();
        assert_eq!(said.contains("refused"), password == "wrong", "{mode}: {said}");
    }
}

#[test]
fn a_letter_that_is_refused_is_not_tried_again() {
    let Some(post) = Post::open("tls", "smtps", "open sesame") else { return };
    let _server = post.house.serve();
    post.invite("eve", "nobody@example.org");
    assert!(post.failure().contains("refuses"), "{}", post.failure());
    post.invite("ada", "ada@example.org");
    until("the letter arrives", || Some(post.letters()).filter(|letters| letters.len() == 1));
}

#[test]
fn letters_wait_for_a_server_and_in_development_are_files() {
    let house = House::new(&MANIFEST.replace("UPSTREAM", "1"));
    house.write("books.yaml", include_str!("books.yaml"));
    house.run(&["user", "invite", "ada", "--email", "ada@example.org"]).good();
    let mut dev = Program::start(&mut house.command(&["dev", "--open"]));
    dev.hears("no `[mail]`");
    follow(&house, &house.letter("/oauth/invite", &mut Known::new()));
}
