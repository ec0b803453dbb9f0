//! Exclusions of single targets from single rules: `waf/allowed.conf` in the manifest's folder.
//!
//! Each is `SecLang` that anybody can read, below a line that says it in one piece; that line is
//! what is read again here. The file is read before the rules, so that an exclusion acts in every
//! phase.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ringwall_manifest::Model;

use crate::load::read_text;
use crate::wire::replace;

/// Where exclusions are kept, relative to the manifest's folder.
pub(crate) const FILE: &str = "waf/allowed.conf";

/// One rule that leaves one target alone, somewhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Exclusion {
    pub(crate) rule: u64,
    /// `ARGS:comment`.
    pub(crate) target: String,
    pub(crate) scope: Scope,
}

/// Which requests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Scope {
    /// All.
    Everywhere,
    /// One operation: its name, method and path template.
    Operation { name: String, method: String, path: String },
    /// Everything below a path.
    Below(String),
}

/// The exclusions of a manifest's folder.
#[derive(Debug)]
pub(crate) struct Exclusions {
    path: PathBuf,
    pieces: Vec<Piece>,
}

/// What the file is made of, in its order.
#[derive(Debug)]
enum Piece {
    /// Written by a person, kept as it is.
    Text(String),
    /// Written by the command.
    Entry(Entry),
}

#[derive(Debug)]
struct Entry {
    /// `rule=7702001 target=ARGS:comment operation=shop.add`.
    key: String,
    /// Comments and rules, to be written as they were read.
    text: String,
    id: u64,
}

impl Scope {
    /// The operation of a model, by `service.operation`.
    pub(crate) fn operation(model: &Model, name: &str) -> Result<Self> {
        let names = || {
            model.services.values().flat_map(|service| {
                service.operations.keys().map(|operation| format!("{}.{operation}", service.name))
            })
        };
        let found = name.split_once('.').and_then(|(service, operation)| {
            let service = model.services.get(service)?;
            Some((service, service.operations.get(operation)?))
        });
        let Some((service, operation)) = found else {
            let names: Vec<String> = names().collect();
            let near = ringwall_manifest::nearest(name, names.iter().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            bail!("the manifest has no operation `{name}`{near}");
        };
        let path = format!("{}{}", service.mount, operation.path);
        Ok(Self::Operation { name: name.to_owned(), method: operation.method.clone(), path })
    }

    fn key(&self) -> String {
        match self {
            Self::Everywhere => String::new(),
            Self::Operation { name, .. } => format!(" operation={name}"),
            Self::Below(path) => format!(" path={path}"),
        }
    }
}

/// Whether a variable is one place: a name that stands for one value, or a list with one key. A key
/// that a client chose may be spelled like a list of variables or like a pattern; those are none.
pub(crate) fn is_one_target(variable: &str) -> bool {
    if ["XML:/*", "XML://@*"].contains(&variable) {
        return true;
    }
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    match variable.split_once(':') {
        Some((list, key)) => {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]$@".contains(&byte);
            is_name(list) && !key.is_empty() && key.bytes().all(is_plain)
        }
        None => is_name(variable) && !LISTS.contains(&variable),
    }
}

impl Exclusion {
    /// Only what can stand in a rule without a quote or a second directive.
    pub(crate) fn check(&self) -> Result<()> {
        if !is_one_target(&self.target) {
            bail!(
                "`{}` is not one target: `ARGS:comment`, `REQUEST_COOKIES:theme`, `REQUEST_BODY`; a key has \
                 letters, digits, `_`, `-`, `.`, `[`, `]`, `$` and `@`",
                self.target.escape_debug()
            );
        }
        let is_plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'`;,\\#".contains(&byte))
        };
        let scope = match &self.scope {
            Scope::Everywhere => "",
            Scope::Operation { path, .. } | Scope::Below(path) => path.as_str(),
        };
        if !is_plain(scope) {
            bail!("a path is letters, digits and signs other than quotes, `;`, `,` and `#`");
        }
        if matches!(&self.scope, Scope::Below(path) if !path.starts_with('/')) {
            bail!("a path begins with `/`");
        }
        Ok(())
    }

    fn key(&self) -> String {
        format!("rule={} target={}{}", self.rule, self.target, self.scope.key())
    }

    fn rules(&self, id: u64) -> String {
        let Self { rule, target, scope } = self;
        let act = format!("ctl:ruleRemoveTargetById={rule};{target}");
        let head = format!("id:{id},phase:1,pass,nolog,t:none");
        match scope {
            Scope::Everywhere => format!("SecAction \"{head},{act}\"\n"),
            Scope::Below(path) => {
                let path = escaped(path.trim_end_matches('/'));
                format!("SecRule REQUEST_FILENAME \"@rx ^{path}(?:/|$)\" \"{head},{act}\"\n")
            }
            Scope::Operation { method, path, .. } => format!(
                "SecRule REQUEST_METHOD \"@streq {method}\" \"{head},chain\"\n\
                 \x20   SecRule REQUEST_FILENAME \"@rx ^{}$\" \"t:none,{act}\"\n",
                template(path)
            ),
        }
    }
}

/// As the file says it in one line.
impl fmt::Display for Exclusion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.key())
    }
}

impl Exclusions {
    /// Reads the file; there are none where there is no file.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        Ok(Self { path, pieces: pieces(&text) })
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Entry(entry) => Some(entry),
            Piece::Text(_) => None,
        })
    }

    /// Adds one. `false` when it is there.
    pub(crate) fn add(&mut self, exclusion: &Exclusion, comment: &str) -> bool {
        let key = exclusion.key();
        if self.entries().any(|entry| entry.key == key) {
            return false;
        }
        let taken = self.entries().map(|entry| entry.id).max();
        let id = taken.map_or(IDS, |last| last.saturating_add(1)).max(IDS);
        // One line, whatever a name has in it, and one that does not go on.
        let comment: String =
            comment.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
        let comment = comment.trim_end_matches(['\\', ' ']);
        let text = format!("{MARK}{key}\n# {comment}\n{}", exclusion.rules(id));
        if self.pieces.is_empty() {
            self.pieces.push(Piece::Text(HEAD.to_owned()));
        }
        // A block ends at an empty line.
        self.pieces.push(Piece::Text("\n".to_owned()));
        self.pieces.push(Piece::Entry(Entry { key, text, id }));
        true
    }

    /// Removes one. `false` when it is not there.
    pub(crate) fn remove(&mut self, exclusion: &Exclusion) -> bool {
        let (key, before) = (exclusion.key(), self.pieces.len());
        self.pieces.retain(|piece| !matches!(piece, Piece::Entry(entry) if entry.key == key));
        self.pieces.len() < before
    }

    /// The whole file.
    pub(crate) fn text(&self) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Entry(entry) => entry.text.clone(),
        };
        self.pieces.iter().map(text).collect()
    }

    /// Writes the file, at once.
    pub(crate) fn write(&self) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        replace(&self.path, self.text().as_bytes(), 0o644)
    }
}

/// Blocks of ours, from their first line to an empty one, and what a person wrote around them.
fn pieces(text: &str) -> Vec<Piece> {
    let mut found: Vec<Piece> = Vec::new();
    for line in text.lines() {
        let is_empty = line.trim().is_empty();
        if let Some(key) = line.strip_prefix(MARK) {
            let (key, text) = (key.trim().to_owned(), format!("{line}\n"));
            found.push(Piece::Entry(Entry { key, text, id: 0 }));
            continue;
        }
        match found.last_mut() {
            Some(Piece::Entry(entry)) if !is_empty => {
                entry.text.push_str(line);
                entry.text.push('\n');
                entry.id = entry.id.max(id_in(line));
            }
            Some(Piece::Text(text)) => {
                text.push_str(line);
                text.push('\n');
            }
            _ => found.push(Piece::Text(format!("{line}\n"))),
        }
    }
    found
}

fn id_in(line: &str) -> u64 {
    let after = line.split_once("id:").map_or("", |(_, after)| after);
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// `/books/{id}` as a pattern: a parameter is one segment, `{path:path}` any number.
fn template(path: &str) -> String {
    let mut pattern = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        pattern.push_str(&escaped(before));
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        pattern.push_str(if name.ends_with(":path") { ".+" } else { "[^/]+" });
        rest = after;
    }
    pattern.push_str(&escaped(rest));
    pattern
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, one| {
        if r".+*?()|[]{}^$".contains(one) {
            out.push('\\');
        }
        out.push(one);
        out
    })
}

/// Lists of which one member is to be named.
const LISTS: [&str; 22] = [
    "ARGS",
    "ARGS_GET",
    "ARGS_GET_NAMES",
    "ARGS_NAMES",
    "ARGS_POST",
    "ARGS_POST_NAMES",
    "FILES",
    "FILES_NAMES",
    "FILES_SIZES",
    "GLOBAL",
    "IP",
    "MATCHED_VARS",
    "MATCHED_VARS_NAMES",
    "MULTIPART_PART_HEADERS",
    "REQUEST_COOKIES",
    "REQUEST_COOKIES_NAMES",
    "REQUEST_HEADERS",
    "REQUEST_HEADERS_NAMES",
    "RESPONSE_HEADERS",
    "RESPONSE_HEADERS_NAMES",
    "TX",
    "XML",
];

const HEAD: &str = "\
# What `ringwall waf allow` excluded, read before the rules. The lines that begin with `# allow` are
# read by the command, with what follows each up to an empty line; all else is yours.
";

const MARK: &str = "# allow ";

/// Beside the ids of our own rules.
const IDS: u64 = 7_790_000;

#[cfg(test)]
mod tests;
