//! Requests as people have them: HAR of a browser, JSON lines, or the bytes of HTTP/1.1.

mod answer;

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

pub(crate) use answer::Answer;

/// A name and its value.
type Header = (String, Vec<u8>);

/// One request.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Vec<u8>,
    /// Of an absolute URL, without the port.
    pub(crate) host: Option<String>,
    /// Who sent it, where the file says so.
    pub(crate) caller: Option<String>,
    /// What was answered, where the file says so.
    pub(crate) answer: Option<Answer>,
}

/// Reads a file of requests, within a bound. `host` is for requests that name none.
pub(crate) fn read(path: &Path, host: &str) -> Result<Vec<Request>> {
    let why = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(why)?;
    let read = file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes);
    if u64::try_from(read.with_context(why)?).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        bail!("{} is larger than {FILE_BYTES_MAX} bytes", path.display());
    }
    parse(&bytes, host).with_context(|| format!("cannot read the requests of {}", path.display()))
}

/// As much as a browser exports of a long session.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Reads a file by what is in it. `host` is for requests that name none.
fn parse(bytes: &[u8], host: &str) -> Result<Vec<Request>> {
    let mut requests = match bytes.trim_ascii_start().first() {
        Some(b'{') => json(bytes)?,
        Some(_) => raw(bytes)?,
        None => bail!("the file is empty"),
    };
    for request in &mut requests {
        request.complete(host);
    }
    Ok(requests)
}

fn json(bytes: &[u8]) -> Result<Vec<Request>> {
    if let Ok(whole) = serde_json::from_slice::<Value>(bytes)
        && let Some(entries) = whole.pointer("/log/entries").and_then(Value::as_array)
    {
        let read = |entry: &Value| {
            let request = Request::of_json(entry.get("request")?);
            let answer = || entry.get("response").map(Answer::of_har).transpose();
            Some(request.and_then(|one| Ok(Request { answer: answer()?, ..one })))
        };
        return entries.iter().filter_map(read).collect();
    }
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    let read = |(number, line): (usize, &[u8])| {
        let number = number.saturating_add(1);
        let value: Value =
            serde_json::from_slice(line).with_context(|| format!("line {number} is no JSON"))?;
        Request::of_json(&value).with_context(|| format!("line {number}"))
    };
    lines.map(read).collect()
}

fn raw(bytes: &[u8]) -> Result<Vec<Request>> {
    let mut requests = Vec::new();
    let mut one = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii_end() == b"---" {
            requests.push(Request::of_bytes(&one)?);
            one.clear();
        } else {
            one.extend_from_slice(line);
        }
    }
    if !one.trim_ascii().is_empty() {
        requests.push(Request::of_bytes(&one)?);
    }
    Ok(requests)
}

impl Request {
    /// `method`, `url` (or `target`, `path`), `headers` as an object, as pairs or as HAR has them,
    /// `body` (or `postData.text`), or `body_base64`.
    fn of_json(value: &Value) -> Result<Self> {
        let word = |names: &[&str]| {
            let found = names.iter().find_map(|name| value.get(name));
            found.and_then(Value::as_str).map(str::to_owned)
        };
        let target = word(&["url", "target", "path"]).context("a request has no `url`")?;
        let body = match (text(value, "/body")?, text(value, "/body_base64")?) {
            (_, Some(packed)) => STANDARD.decode(packed).context("`body_base64` is no base64")?,
            (Some(body), None) => body.into_bytes(),
            (None, None) => posted(value)?,
        };
        let method = word(&["method"]).unwrap_or_else(|| "GET".to_owned());
        let headers = value.get("headers").map(headers).transpose()?.unwrap_or_default();
        let (host, target) = (host(&target), origin_form(&target));
        let (caller, answer) = (text(value, "/caller")?, Answer::of_json(value)?);
        Ok(Self { method, target, headers, body, host, caller, answer })
    }

    fn of_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.trim_ascii_start();
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let words: Vec<&str> = first.split_whitespace().collect();
        let [method, target, protocol] = words.as_slice() else {
            bail!("`{}` is no request line", first.trim().escape_debug());
        };
        if !protocol.starts_with("HTTP/") {
            bail!("`{}` is no request line", first.trim().escape_debug());
        }
        let mut headers = Vec::new();
        for line in lines.by_ref() {
            let line = line.trim_ascii_end();
            if line.is_empty() {
                break;
            }
            let colon = line.iter().position(|byte| *byte == b':');
            let (name, value) = colon
                .and_then(|at| Some((line.get(..at)?, line.get(at.saturating_add(1)..)?)))
                .with_context(|| format!("`{}` is no header", line.escape_ascii()))?;
            let name = String::from_utf8_lossy(name).into_owned();
            headers.push((name, value.trim_ascii().to_vec()));
        }
        let mut body: Vec<u8> = lines.flatten().copied().collect();
        // The line break before `---` or at the end of the file is the file's.
        for end in [b'\n', b'\r'] {
            if body.last() == Some(&end) {
                body.pop();
            }
        }
        let (method, host, target) = ((*method).to_owned(), host(target), origin_form(target));
        Ok(Self { method, target, headers, body, host, ..Self::default() })
    }

    /// The value of a field, where it is text.
    pub(crate) fn field(&self, wanted: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// What every client sends and few logs have.
    fn complete(&mut self, host: &str) {
        // Pseudo-headers of HTTP/2, as browsers export them.
        self.headers.retain(|(name, _)| !name.starts_with(':'));
        let has = |request: &Self, name: &str| {
            request.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        if !has(self, "host") {
            self.headers.push(("Host".to_owned(), host.as_bytes().to_vec()));
        }
        let is_chunked = has(self, "transfer-encoding");
        if !self.body.is_empty() && !has(self, "content-length") && !is_chunked {
            let length = self.body.len().to_string().into_bytes();
            self.headers.push(("Content-Length".to_owned(), length));
        }
    }
}

/// A member that must be text if it is there: of what is not read nothing would be judged.
fn text(value: &Value, place: &str) -> Result<Option<String>> {
    match value.pointer(place) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => bail!("`{}` is no text", place.trim_start_matches('/')),
    }
}

/// The body as HAR has it.
fn posted(value: &Value) -> Result<Vec<u8>> {
    if let Some(found) = text(value, "/postData/text")? {
        return Ok(found.into_bytes());
    }
    if value.pointer("/postData/params").is_some_and(|params| params != &Value::Array(Vec::new())) {
        bail!("`postData` has `params` and no `text`; export the requests with their content");
    }
    Ok(Vec::new())
}

fn headers(value: &Value) -> Result<Vec<Header>> {
    let pair = |name: Option<&str>, value: Option<&Value>| {
        let value = value.and_then(Value::as_str);
        let (name, value) = name.zip(value).context("a header is no name with a text")?;
        Ok((name.to_owned(), value.as_bytes().to_vec()))
    };
    if let Some(object) = value.as_object() {
        return object.iter().map(|(name, value)| pair(Some(name), Some(value))).collect();
    }
    let list = value.as_array().context("`headers` is neither an object nor a list")?;
    let pairs = list.iter().map(|one| {
        let word = |place: usize, name: &str| one.get(place).or_else(|| one.get(name));
        pair(word(0, "name").and_then(Value::as_str), word(1, "value"))
    });
    pairs.collect()
}

/// The host of an absolute URL, without its port.
fn host(url: &str) -> Option<String> {
    let (_, after) = url.split_once("://").filter(|_| !url.starts_with('/'))?;
    let authority = after.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = host.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
    Some(port.map_or(host, |(host, _)| host).to_ascii_lowercase())
}

/// Without scheme and host.
fn origin_form(url: &str) -> String {
    let Some((_, after)) = url.split_once("://").filter(|_| !url.starts_with('/')) else {
        return url.to_owned();
    };
    let end = after.find('#').unwrap_or(after.len());
    let after = after.get(..end).unwrap_or_default();
    match after.find(['/', '?']) {
        Some(at) if after.get(at..).is_some_and(|rest| rest.starts_with('/')) => {
            after.get(at..).unwrap_or_default().to_owned()
        }
        Some(at) => format!("/{}", after.get(at..).unwrap_or_default()),
        None => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests;
