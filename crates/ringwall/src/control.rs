//! Asks the running server over its control socket, or does the same thing here when none runs.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ringwall_api::{Reply, Request};

use crate::exit::Exit;
use crate::out::{Format, Out};
use crate::paths::Place;
use crate::wire;

/// Carries a request out and prints the reply.
pub(crate) fn run(request: &Request, place: &Place, out: &mut Out) -> Result<Exit> {
    let reply = ask(request, place)?;
    print(reply, out)
}

/// Carries a request out: over the socket when a server runs, else on the store itself.
pub(crate) fn ask(request: &Request, place: &Place) -> Result<Reply> {
    match over_socket(request, place)? {
        Some(reply) => Ok(reply),
        None => wire::offline(request, place),
    }
}

/// Carries a request out on the running server. `None` when there is none.
pub(crate) fn over_socket(request: &Request, place: &Place) -> Result<Option<Reply>> {
    let body = serde_json::to_vec(request)?;
    let head = format!(
        "POST /v1/do HTTP/1.1\r\nHost: control\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let Some(answer) = exchange(&[head.as_bytes(), &body], place)? else { return Ok(None) };
    serde_json::from_slice(body_of(&answer)?)
        .context("the server's answer is not understood; is it another version?")
        .map(Some)
}

/// Reads one of the server's pages. `None` when there is none.
pub(crate) fn get(path: &str, place: &Place) -> Result<Option<String>> {
    let head = format!("GET {path} HTTP/1.1\r\nHost: control\r\nConnection: close\r\n\r\n");
    let Some(answer) = exchange(&[head.as_bytes()], place)? else { return Ok(None) };
    Ok(Some(String::from_utf8_lossy(body_of(&answer)?).into_owned()))
}

fn exchange(parts: &[&[u8]], place: &Place) -> Result<Option<Vec<u8>>> {
    let socket = place.socket();
    let mut stream = match UnixStream::connect(&socket) {
        Ok(stream) => stream,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot reach the server at {}", socket.display()));
        }
    };
    // Longer than an upgrade takes at most.
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    for part in parts {
        stream.write_all(part)?;
    }
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).context("the server did not answer")?;
    Ok(Some(answer))
}

/// Prints a reply and says how the command ends.
pub(crate) fn print(reply: Reply, out: &mut Out) -> Result<Exit> {
    match reply {
        Reply::Done { message } => {
            if out.format() == Format::Json {
                out.json(&serde_json::json!({ "message": message }))?;
            } else {
                out.talk(&message);
            }
        }
        Reply::Failed(problem) => {
            out.problem(&problem.code, &problem.message, problem.help.as_deref());
            return Ok(Exit::Failed);
        }
        Reply::Rows { columns, rows } => out.table(&columns, &rows)?,
        Reply::Secret { value, message } => {
            if let Some(message) = message {
                out.talk(&message);
            }
            out.data(value.expose())?;
        }
        Reply::Status(status) => out.json(&serde_json::to_value(status)?)?,
        Reply::Tap(taps) => {
            for entry in taps.entries {
                out.data(&serde_json::to_string(&entry)?)?;
            }
        }
        Reply::Values { values } => {
            for value in values {
                out.data(&value.to_string())?;
            }
        }
    }
    Ok(Exit::Ok)
}

fn body_of(answer: &[u8]) -> Result<&[u8]> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let Some((head, body)) = end.and_then(|end| answer.split_at_checked(end.saturating_add(4)))
    else {
        bail!("the server's answer is cut off");
    };
    if !head.starts_with(b"HTTP/1.1 200") {
        let line = String::from_utf8_lossy(head);
        bail!("the server answered `{}`", line.lines().next().unwrap_or_default());
    }
    Ok(body)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// A query for 10,000 events of 2 KiB, with room.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
