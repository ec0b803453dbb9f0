//! Exclusions of single targets from single rules: `waf/allowed.conf` in the manifest's folder.
//!
//! Each is `SecLang` that anybody can read, below a line that says it in one piece; that line is
//! what is read again here. The file is read before the rules, so that an exclusion acts in every
//! phase.

use std::fmt::Write as _;
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
    entries: Vec<Entry>,
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

impl Exclusion {
    /// Only what can stand in a rule without a quote or a second directive.
    pub(crate) fn check(&self) -> Result<()> {
        let is_plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'`;,\\#".contains(&byte))
        };
        let scope = match &self.scope {
            Scope::Everywhere => "",
            Scope::Operation { path, .. } | Scope::Below(path) => path.as_str(),
        };
        if !is_plain(&self.target) || !is_plain(scope) {
            bail!(
                "a target and a path are letters, digits and signs other than quotes, `;`, `,` and `#`"
            );
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
        Ok(Self { path, entries: entries(&text) })
    }

    /// Adds one. `false` when it is there.
    pub(crate) fn add(&mut self, exclusion: &Exclusion, comment: &str) -> bool {
        let key = exclusion.key();
        if self.entries.iter().any(|entry| entry.key == key) {
            return false;
        }
        let taken = self.entries.iter().map(|entry| entry.id).max();
        let id = taken.map_or(IDS, |last| last.saturating_add(1)).max(IDS);
        // One line, whatever a name has in it.
        let comment: String =
            comment.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
        let comment = comment.trim_end_matches('\\');
        let text = format!("{MARK}{key}\n# {comment}\n{}", exclusion.rules(id));
        self.entries.push(Entry { key, text, id });
        true
    }

    /// Removes one. `false` when it is not there.
    pub(crate) fn remove(&mut self, exclusion: &Exclusion) -> bool {
        let (key, before) = (exclusion.key(), self.entries.len());
        self.entries.retain(|entry| entry.key != key);
        self.entries.len() < before
    }

    /// The whole file.
    pub(crate) fn text(&self) -> String {
        self.entries.iter().fold(HEAD.to_owned(), |mut text, entry| {
            // A string takes all that is written.
            write!(text, "\n{}", entry.text).unwrap_or_default();
            text
        })
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

/// Blocks that begin with a line of ours; whatever a person wrote before, between or after belongs
/// to the block above it.
fn entries(text: &str) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    for line in text.lines() {
        if let Some(key) = line.strip_prefix(MARK) {
            let (key, text) = (key.trim().to_owned(), format!("{line}\n"));
            found.push(Entry { key, text, id: 0 });
        } else if let Some(last) = found.last_mut()
            && !line.trim().is_empty()
        {
            last.text.push_str(line);
            last.text.push('\n');
            last.id = last.id.max(id_in(line));
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

const HEAD: &str = "\
# What `ringwall waf allow` excluded, read before the rules. The lines that begin with `# allow` are
# read by the command; edit below them as you like.
";

const MARK: &str = "# allow ";

/// Beside the ids of our own rules.
const IDS: u64 = 7_790_000;

#[cfg(test)]
mod tests;
