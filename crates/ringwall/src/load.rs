//! Reads the manifest with everything it names from disk, and checks it.

mod glob;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use ringwall_base::Contract;
use ringwall_content::graphql::Documents;
use ringwall_jose::KeySet;
use ringwall_manifest::{Draft, Failure, Inputs, Model, Report, Source, Want, WantKind, check};
use ringwall_openapi::{Document, DocumentError, Schemas};
use ringwall_protobuf::{Schema, SchemaLimits};
use ringwall_waf::Ruleset;

use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;
use crate::render::{self, Texts};
use crate::rules;

pub(crate) use glob::expand;

/// A manifest as found on disk.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What the checker says.
    pub(crate) report: Report,
    /// The texts that findings point into.
    pub(crate) texts: Texts,
    /// Compiled schemas of the services that have an OpenAPI file.
    pub(crate) schemas: BTreeMap<String, Arc<Schemas>>,
    /// Descriptors of the services that speak gRPC and name them.
    pub(crate) descriptors: BTreeMap<String, Arc<Schema>>,
    /// The rules of the firewall, where they were read and it is on.
    pub(crate) rules: Option<Arc<Ruleset>>,
    /// Every file that was read, for watching.
    pub(crate) files: Vec<PathBuf>,
}

impl Loaded {
    /// Reads and checks the manifest.
    ///
    /// # Errors
    /// When the main file cannot be read. What is wrong inside a file is a finding.
    pub(crate) fn read(place: &Place) -> Result<Self> {
        Reader { folder: place.folder(), ..Reader::default() }.read(place)
    }

    /// Reads and checks the manifest and the rules of its firewall.
    ///
    /// # Errors
    /// As [`Loaded::read`]. A rule that does not load is a finding, and the manifest with it invalid.
    pub(crate) fn read_with_rules(place: &Place) -> Result<Self> {
        let mut loaded = Self::read(place)?;
        let Some(model) = &loaded.report.model else { return Ok(loaded) };
        match rules::read(model, place) {
            Ok(Some(found)) => {
                loaded.files.extend(found.files);
                loaded.report.findings.extend(found.notes);
                loaded.rules = Some(found.set);
            }
            Ok(None) => {}
            Err((findings, files)) => {
                loaded.files.extend(files);
                loaded.report.findings.extend(findings);
                loaded.report.model = None;
            }
        }
        Ok(loaded)
    }

    /// The model, or the findings printed and the exit code that says so.
    pub(crate) fn model(&self, out: &mut Out) -> Result<std::result::Result<&Model, Exit>> {
        if let Some(model) = &self.report.model {
            return Ok(Ok(model));
        }
        render::findings(&self.report.findings, &self.texts, out)?;
        out.talk(&render::verdict(&self.report.findings, self.report.left_out));
        Ok(Err(Exit::Invalid))
    }
}

#[derive(Debug, Default)]
struct Reader {
    folder: PathBuf,
    inputs: Inputs,
    texts: Texts,
    schemas: BTreeMap<String, Arc<Schemas>>,
    descriptors: BTreeMap<String, Arc<Schema>>,
    files: Vec<PathBuf>,
}

impl Reader {
    fn read(mut self, place: &Place) -> Result<Loaded> {
        let name = place.manifest.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = self.main(place, &name).with_context(|| {
            let path = place.manifest.display();
            format!("cannot read {path}; `ringwall init` writes one for the Flask apps here")
        })?;
        let mut draft = Draft::read(Source::new(name, text));
        for pattern in draft.includes() {
            for path in expand(&self.folder, &pattern)? {
                let text = self.text(&path).with_context(|| format!("cannot read {path}"))?;
                draft.add(&pattern, Source::new(path, text));
            }
        }
        self.inputs.environment.clone_from(&place.env);
        self.inputs.enforces_policies = true;
        for want in draft.wants() {
            self.fetch(&want);
        }
        let report = check(&draft, &self.inputs);
        Ok(Loaded {
            report,
            texts: self.texts,
            schemas: self.schemas,
            descriptors: self.descriptors,
            rules: None,
            files: self.files,
        })
    }

    fn fetch(&mut self, want: &Want) {
        let fetched = match want.kind {
            WantKind::Flask => self.flask(want),
            WantKind::OpenApi => self.openapi(want),
            WantKind::GraphQl => self.documents(want),
            WantKind::Grpc => self.grpc(want),
            WantKind::Jwks => self.jwks(want),
            WantKind::Policy => self.policies(want),
        };
        if let Err(failure) = fetched {
            self.inputs.failures.push(failure);
        }
    }

    fn openapi(&mut self, want: &Want) -> Result<(), Failure> {
        let text = self.text(&want.path).map_err(|error| unreadable(want, &error))?;
        let malformed = |errors: Vec<DocumentError>| malformed(want, errors);
        let document = Document::parse(text.as_bytes(), &want.path).map_err(malformed)?;
        let schemas = document.compile().map_err(malformed)?;
        self.inputs.openapi.insert(want.service.clone(), document.contract());
        self.schemas.insert(want.service.clone(), Arc::new(schemas));
        Ok(())
    }

    fn flask(&mut self, want: &Want) -> Result<(), Failure> {
        let tree = crate::tree::Disk::at(&self.folder);
        let contract: Contract =
            ringwall_scan::flask_contract(&tree, &want.path).map_err(|error| Failure {
                kind: want.kind,
                path: want.path.clone(),
                service: want.service.clone(),
                is_malformed: true,
                message: error.to_string(),
                place: None,
            })?;
        self.files.extend(tree.read_files());
        self.inputs.flask.insert(want.service.clone(), contract);
        Ok(())
    }

    fn grpc(&mut self, want: &Want) -> Result<(), Failure> {
        let full = self.folder.join(&want.path);
        let limits = SchemaLimits::default();
        let bytes =
            read_bytes(&full, limits.bytes_max).map_err(|error| unreadable(want, &error))?;
        self.files.push(full);
        let schema = Schema::read(&bytes, &limits).map_err(|error| Failure {
            kind: want.kind,
            path: want.path.clone(),
            service: want.service.clone(),
            is_malformed: true,
            message: error.to_string(),
            place: None,
        })?;
        self.inputs.grpc.insert(want.service.clone(), schema.contract(&want.path));
        self.descriptors.insert(want.service.clone(), Arc::new(schema));
        Ok(())
    }

    fn jwks(&mut self, want: &Want) -> Result<(), Failure> {
        let text = self.text(&want.path).map_err(|error| unreadable(want, &error))?;
        KeySet::parse(text.as_bytes()).map_err(|error| Failure {
            kind: want.kind,
            path: want.path.clone(),
            service: want.service.clone(),
            is_malformed: true,
            message: error.to_string(),
            place: None,
        })?;
        self.inputs.jwks.insert(want.service.clone(), text);
        Ok(())
    }

    fn policies(&mut self, want: &Want) -> Result<(), Failure> {
        let found = expand(&self.folder, &want.path);
        let found = found.map_err(|error| unreadable(want, &error))?;
        if found.is_empty() {
            let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(unreadable(want, &missing));
        }
        for path in found {
            let text = self.text(&path).map_err(|error| unreadable(want, &error))?;
            self.inputs.policies.push((path, text));
        }
        Ok(())
    }

    fn documents(&mut self, want: &Want) -> Result<(), Failure> {
        let pattern = format!("{}/*.graphql", want.path.trim_end_matches('/'));
        let found = expand(&self.folder, &pattern).map_err(|error| unreadable(want, &error))?;
        let mut documents = Documents::default();
        let mut texts = BTreeSet::new();
        for path in found {
            let text = self.text(&path).map_err(|error| unreadable(want, &error))?;
            documents.add(&text).map_err(|why| Failure {
                kind: want.kind,
                path: path.clone(),
                service: want.service.clone(),
                is_malformed: true,
                message: why.to_owned(),
                place: None,
            })?;
            texts.insert(text);
        }
        self.inputs.documents.insert(want.service.clone(), texts);
        Ok(())
    }

    fn main(&mut self, place: &Place, name: &str) -> std::io::Result<String> {
        let text = read_text(&place.manifest)?;
        self.texts.insert(name.to_owned(), text.clone());
        self.files.push(place.manifest.clone());
        Ok(text)
    }

    /// Reads a text file below the manifest's folder, within the limit.
    fn text(&mut self, path: &str) -> std::io::Result<String> {
        let full = self.folder.join(path);
        let text = read_text(&full)?;
        self.texts.insert(path.to_owned(), text.clone());
        self.files.push(full);
        Ok(text)
    }
}

/// Reads a text file of at most 8 MiB; the parsers have narrower limits of their own.
pub(crate) fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// Reads a file of so many bytes, and one more that is over the limit of whoever parses it.
fn read_bytes(path: &Path, bytes_max: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(want: &Want, error: &std::io::Error) -> Failure {
    Failure {
        kind: want.kind,
        path: want.path.clone(),
        service: want.service.clone(),
        is_malformed: error.kind() == std::io::ErrorKind::InvalidData,
        message: error.to_string(),
        place: None,
    }
}

fn malformed(want: &Want, errors: Vec<DocumentError>) -> Failure {
    let count = errors.len();
    let first = errors.into_iter().next();
    let more =
        if count > 1 { format!(" (and {} more)", count.saturating_sub(1)) } else { String::new() };
    Failure {
        kind: want.kind,
        path: want.path.clone(),
        service: want.service.clone(),
        is_malformed: true,
        message: first.as_ref().map_or_else(String::new, |error| format!("{error}{more}")),
        place: first.map(|error| error.place),
    }
}

const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
