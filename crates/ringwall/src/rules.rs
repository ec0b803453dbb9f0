//! The rules of the firewall: from the program, the state folder and the manifest's folder to one
//! set that is ready.

mod archive;
mod exclusion;
mod installed;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use ringwall_base::Place as At;
use ringwall_manifest::{Finding, Model, RuleSet, Severity};
use ringwall_waf::{
    Engine, Library, LibraryError, LoadError, OwnRules, Ruleset, Source, Strictness,
};

pub(crate) use exclusion::{Exclusion, Exclusions, FILE as ALLOWED, Scope, is_one_target};
pub(crate) use installed::{Candidate, Installed, Sets};

use crate::load::expand;
use crate::paths::Place;

/// Rules that are ready, and the files that they were read from.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) set: Arc<Ruleset>,
    pub(crate) files: Vec<PathBuf>,
    /// Rules that load and do less than their author may think.
    pub(crate) notes: Vec<Finding>,
}

/// What is wrong, and the files that were read until then.
pub(crate) type Broken = (Vec<Finding>, Vec<PathBuf>);

/// Reads the rules of a manifest; nothing when its firewall is off. What is wrong is a finding with
/// the file and line where it stands.
pub(crate) fn read(model: &Model, place: &Place) -> Result<Option<Rules>, Broken> {
    if !model.has_waf() {
        return Ok(None);
    }
    read_always(model, place).map(Some)
}

/// The rules that a manifest would have if its firewall were on.
pub(crate) fn read_always(model: &Model, place: &Place) -> Result<Rules, Broken> {
    read_with(model, place, Trial::default())
}

/// Something that is not in force yet, and is to be seen to work first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trial<'a> {
    /// The text of [`ALLOWED`].
    pub(crate) allowed: Option<&'a str>,
    /// The id of the rule set in use.
    pub(crate) set: Option<&'a str>,
}

/// The same, with what is on trial.
pub(crate) fn read_with(model: &Model, place: &Place, trial: Trial<'_>) -> Result<Rules, Broken> {
    let library = Disk { trial, ..Disk::at(&place.folder()) };
    let set = load(model, place, &library);
    let files = library.files.into_inner();
    match set {
        Ok(set) => Ok(Rules { notes: notes(&set), set: Arc::new(set), files }),
        Err(findings) => Err((findings, files)),
    }
}

fn load(model: &Model, place: &Place, library: &Disk<'_>) -> Result<Ruleset, Vec<Finding>> {
    let waf = &model.waf;
    let wrong = |message: String, help: &str| {
        vec![finding(waf.place.clone(), message, Some(help.to_owned()))]
    };
    let mut before = waf.before.clone();
    if library.trial.allowed.is_some() || place.folder().join(ALLOWED).is_file() {
        before.insert(0, ALLOWED.to_owned());
    }
    let mut sources = library.matching(&before).map_err(|why| wrong(why, NAME_FILES))?;
    sources.push(OwnRules::engine());
    sources.push(strictness(model).source());
    match waf.set {
        RuleSet::Own => sources.extend(OwnRules::sources()),
        RuleSet::Crs => {
            let sets = Sets::of(place);
            let chosen = library.trial.set.map(str::to_owned);
            let found = chosen.map_or_else(|| sets.current(), |id| Ok(Some(id))).and_then(|id| {
                let id = id.ok_or_else(|| anyhow::anyhow!("no rule set is installed"))?;
                sets.check(&id)?;
                library.rule_set(&sets.folder(&id))
            });
            sources.extend(found.map_err(|error| wrong(format!("{error:#}"), INSTALL))?);
        }
    }
    sources.extend(library.matching(&waf.files).map_err(|why| wrong(why, NAME_FILES))?);
    let set = Ruleset::load(&sources, library).map_err(|errors| findings(&errors))?;
    if set.engine() != Engine::On {
        return Err(wrong("a `SecRuleEngine` in the files switches the rules off".into(), ENGINE));
    }
    Ok(set)
}

fn strictness(model: &Model) -> Strictness {
    let waf = &model.waf;
    Strictness {
        paranoia: waf.paranoia,
        inbound_threshold: waf.inbound_threshold,
        outbound_threshold: waf.outbound_threshold,
    }
}

/// Loads a rule set by itself, to see whether it can be used.
pub(crate) fn try_set(folder: &Path) -> anyhow::Result<Result<Ruleset, LoadError>> {
    let library = Disk::at(folder);
    let mut sources = vec![OwnRules::engine(), Strictness::default().source()];
    sources.extend(library.rule_set(folder)?);
    Ok(Ruleset::load(&sources, &library))
}

/// What the set's authors should know. The most of a rule set by others are of one kind: that many
/// are told.
fn notes(set: &Ruleset) -> Vec<Finding> {
    let one = |warning: &ringwall_waf::Warning| {
        let place =
            At { file: warning.place.file.to_string(), line: warning.place.line, column: 1 };
        let found = finding(place, warning.text.clone(), None);
        Finding { code: "RW2025", severity: Severity::Note, ..found }
    };
    set.warnings().iter().take(NOTES_MAX).map(one).collect()
}

fn findings(errors: &LoadError) -> Vec<Finding> {
    let one = |error: &ringwall_waf::RuleError| {
        let place = At { file: error.file.clone(), line: error.line, column: 1 };
        finding(place, error.cause.to_string(), error.cause.hint())
    };
    errors.errors.iter().map(one).collect()
}

fn finding(place: At, message: String, help: Option<String>) -> Finding {
    Finding {
        code: "RW1061",
        severity: Severity::Error,
        message,
        place,
        span: 0..0,
        label: String::new(),
        help,
        related: Vec::new(),
    }
}

/// More are read by nobody.
const NOTES_MAX: usize = 20;

const ENGINE: &str =
    "take it out: `waf = \"log\"` or `\"block\"` in the manifest says what a match does";
const NAME_FILES: &str = "`before` and `files` name SecLang files below the manifest's folder";
const INSTALL: &str =
    "`ringwall waf install PATH` installs the Core Rule Set from a folder or a release archive";

/// Files beside the rules that name them; those in the program by their prefix.
#[derive(Debug)]
struct Disk<'a> {
    folder: PathBuf,
    trial: Trial<'a>,
    /// Where each source was read, by its name.
    read: RefCell<BTreeMap<String, PathBuf>>,
    files: RefCell<Vec<PathBuf>>,
}

impl Disk<'_> {
    fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_path_buf(),
            trial: Trial::default(),
            read: RefCell::default(),
            files: RefCell::default(),
        }
    }

    /// The files of the manifest's patterns, each under the name by which a person knows it. A
    /// pattern without a star that finds nothing is a mistake.
    fn matching(&self, patterns: &[String]) -> Result<Vec<Source>, String> {
        let mut sources = Vec::new();
        for pattern in patterns {
            let is_on_trial = pattern == ALLOWED && self.trial.allowed.is_some();
            let mut found = expand(&self.folder, pattern).map_err(|error| error.to_string())?;
            if is_on_trial {
                found = vec![ALLOWED.to_owned()];
            }
            if found.is_empty() && !pattern.contains('*') {
                return Err(format!("there is no file `{pattern}`"));
            }
            // A pattern may find what another one found: a rule has one id, and is read once.
            found.retain(|name| !self.read.borrow().contains_key(name));
            for name in found {
                sources.push(self.source(&self.folder.join(&name), name)?);
            }
        }
        Ok(sources)
    }

    /// The files of a rule set in their order: its setup, plugins before, rules, plugins after.
    fn rule_set(&self, folder: &Path) -> anyhow::Result<Vec<Source>> {
        let mut names = Vec::new();
        let setup = ["crs-setup.conf", "crs-setup.conf.example"];
        names.extend(setup.into_iter().find(|name| folder.join(name).is_file()).map(str::to_owned));
        for pattern in [
            "plugins/*-config.conf",
            "plugins/*-before.conf",
            "rules/*.conf",
            "plugins/*-after.conf",
        ] {
            names.extend(expand(folder, pattern)?);
        }
        if names.iter().all(|name| name.starts_with("crs-setup")) {
            names.extend(expand(folder, "*.conf")?);
            names.dedup();
        }
        if names.is_empty() {
            anyhow::bail!("{} has no rules: neither rules/*.conf nor *.conf", folder.display());
        }
        let source = |name: String| {
            let path = folder.join(name);
            self.source(&path, path.to_string_lossy().into_owned()).map_err(anyhow::Error::msg)
        };
        names.into_iter().map(source).collect()
    }

    fn source(&self, path: &Path, name: String) -> Result<Source, String> {
        let trial = self.trial.allowed.filter(|_| name == ALLOWED);
        let text = trial.map_or_else(|| self.bytes(path), |text| Ok(text.as_bytes().to_vec()));
        let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        self.read.borrow_mut().insert(name.clone(), path.to_path_buf());
        Ok(Source { name, text })
    }

    /// A file, whole: of rules that are cut nobody would hear.
    fn bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        if !std::fs::metadata(path)?.is_file() {
            return Err(std::io::Error::other("not a file"));
        }
        let mut bytes = Vec::new();
        let mut file = std::fs::File::open(path)?.take(FILE_BYTES_MAX.saturating_add(1));
        let read = file.read_to_end(&mut bytes)?;
        if u64::try_from(read).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
            return Err(std::io::Error::other(format!("larger than {FILE_BYTES_MAX} bytes")));
        }
        self.files.borrow_mut().push(path.to_path_buf());
        Ok(bytes)
    }

    /// The folder of a source that was read.
    fn beside(&self, from: &str) -> PathBuf {
        let path = self.read.borrow().get(from).cloned();
        let path = path.unwrap_or_else(|| self.folder.join(from));
        path.parent().unwrap_or(&self.folder).to_path_buf()
    }
}

impl Library for Disk<'_> {
    fn include(&self, pattern: &str, from: &str) -> Result<Vec<Source>, LibraryError> {
        let folder = self.beside(from);
        if Path::new(pattern).is_absolute() {
            let why = "name it relative to the file that includes it, and below its folder";
            return Err(LibraryError(why.to_owned()));
        }
        let found = expand(&folder, pattern).map_err(|error| LibraryError(error.to_string()))?;
        if found.is_empty() && !pattern.contains('*') {
            return Err(LibraryError("there is no such file below the folder".to_owned()));
        }
        let source = |name: String| {
            let path = folder.join(name);
            self.source(&path, path.to_string_lossy().into_owned()).map_err(LibraryError)
        };
        found.into_iter().map(source).collect()
    }

    fn data(&self, path: &str, from: &str) -> Result<Vec<u8>, LibraryError> {
        if from.starts_with("ringwall:") {
            return OwnRules.data(path, from);
        }
        let is_below = Path::new(path).components().all(|one| matches!(one, Component::Normal(_)));
        if !is_below {
            let why = "name it relative to the file that names it, and below its folder";
            return Err(LibraryError(why.to_owned()));
        }
        let file = self.beside(from).join(path);
        self.bytes(&file).map_err(|error| LibraryError(error.to_string()))
    }
}

/// As much as an archive of rules may hold.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
