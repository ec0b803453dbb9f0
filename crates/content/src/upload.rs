//! Files that people send: what they are, and whether they are expected.

use std::borrow::Cow;

use crate::archive::{self, Budget};
use crate::bytes::{begins, from, length};
use crate::finding::Findings;
use crate::kind::{self, Kind};
use crate::limits::{ARCHIVE_DEPTH_MAX, ENTRIES_MAX, RATIO_MAX};
use crate::multipart::{self, Part};
use crate::{Finding, Grade, active, image, json, name, pdf, xml};

/// The files that an operation takes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rule {
    /// Media types in lower case; `image/*` stands for every image but SVG.
    pub types: Vec<String>,
    /// The largest file.
    pub file_bytes_max: Option<u64>,
    /// The most files of one request.
    pub files_max: Option<usize>,
    /// What archives may hold.
    pub archives: Bounds,
    /// Whether files pass that do something when they are opened: scripts, macros, actions.
    pub passes_active: bool,
}

/// What the archives of one request may hold. The numbers that stand for nothing else are those of
/// bodies for which there is no rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// Archives inside archives; 1 is an archive without another in it, 0 is none.
    pub depth_max: usize,
    /// Entries of all archives together.
    pub entries_max: usize,
    /// How many times larger an entry of more than 8 MiB may become.
    pub ratio_max: u64,
    /// Bytes that all archives together unpack to. `None`: 64 MiB.
    pub unpacked_bytes_max: Option<u64>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            depth_max: ARCHIVE_DEPTH_MAX,
            entries_max: ENTRIES_MAX,
            ratio_max: RATIO_MAX,
            unpacked_bytes_max: None,
        }
    }
}

/// Whether a body of this type is looked at where no rule says which files are expected.
pub fn is_looked_at(content_type: &str) -> bool {
    let essence = multipart::essence(content_type).to_ascii_lowercase();
    let is_file =
        ["image/", "audio/", "video/", "font/"].iter().any(|kind| essence.starts_with(kind));
    is_file
        || xml::is_type(&essence)
        || json::is_type(&essence)
        || essence.starts_with(PARTS)
        || BINARY.contains(&essence.as_str())
}

/// Whether a media type can be expected: one that is known, or any of images, texts and so on.
pub fn is_type(media_type: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_graphic() && !b"/;,*".contains(&byte))
    };
    media_type
        .split_once('/')
        .is_some_and(|(kind, sub)| is_word(kind) && (sub == "*" || is_word(sub)))
}

/// Whether a body of this type is a message of a program and no file: JSON, or a form without files.
pub fn is_message(content_type: &str) -> bool {
    let essence = multipart::essence(content_type).to_ascii_lowercase();
    json::is_type(&essence) || essence == "application/x-www-form-urlencoded"
}

/// Looks at a body and its files. What has [`Grade::Danger`] is harmful also where there is no rule.
pub fn check(content_type: &str, body: &[u8], rule: Option<&Rule>) -> Vec<Finding> {
    let mut findings = Findings::new(rule.is_some_and(|rule| rule.passes_active));
    let essence = multipart::essence(content_type).to_ascii_lowercase();
    let bounds = rule.map(|rule| rule.archives).unwrap_or_default();
    let mut budget = Budget::new(&bounds);
    // PHP takes `multipart/form-data, x` for a form, Rack and Tomcat whatever has parts of one.
    let is_form = essence.starts_with(FORM) || (essence.starts_with(PARTS) && has_form_parts(body));
    if essence.starts_with(PARTS) && !essence.starts_with(FORM) {
        findings.at("body");
        findings.strict("parts that are no form");
    }
    if !is_form {
        findings.at("body");
        let file = File { names: &[], declared: Some(&essence), bytes: body };
        if xml::is_type(&essence) {
            xml::check_body(body, &mut findings);
        }
        if json::is_type(&essence) && json::is_deep(body) {
            findings.danger("JSON that is nested too deeply");
        }
        file.check(rule, &mut budget, &mut findings);
        return findings.into_list();
    }
    findings.at("body");
    let parts = match multipart::parts(content_type, body) {
        Ok(parts) => parts,
        Err(why) => {
            findings.danger(format!("a form with more than one reading: {why}"));
            return findings.into_list();
        }
    };
    let files: Vec<&Part<'_>> = parts.iter().filter(|part| is_file(part)).collect();
    if rule.and_then(|rule| rule.files_max).is_some_and(|max| files.len() > max) {
        findings.size(Grade::Strict, "more files than the operation takes");
    }
    for part in &parts {
        let is_json = part.media_type.as_deref().is_some_and(json::is_type);
        if is_json && !is_file(part) && json::is_deep(part.content) {
            findings.at(&part.name);
            findings.danger("JSON that is nested too deeply");
        }
    }
    for part in files {
        findings.at(&part.name);
        if part.file_names.is_empty() {
            // A file to Java and Node, a field to PHP and Python.
            findings.strict("a file without a name");
        }
        let declared = part.media_type.as_deref();
        let file = File { names: &part.file_names, declared, bytes: part.content };
        file.check(rule, &mut budget, &mut findings);
    }
    findings.into_list()
}

/// Browsers send a nameless, empty file where nobody chose one. A part that says its type is a file to
/// some readers also without a name; programs send texts and JSON beside their files so.
fn is_file(part: &Part<'_>) -> bool {
    if part.file_names.iter().all(String::is_empty) && part.content.is_empty() {
        return false;
    }
    let is_typed = part.media_type.as_deref().is_some_and(|one| {
        let is_json = json::is_type(one) && kind::of(part.content) == Kind::Text;
        one != "text/plain" && !is_json
    });
    !part.file_names.is_empty() || is_typed
}

/// Whether parts say that they are those of a form.
fn has_form_parts(body: &[u8]) -> bool {
    memchr::memchr2_iter(b'f', b'F', body).any(|at| begins(from(body, at), b"form-data"))
}

struct File<'a> {
    names: &'a [String],
    declared: Option<&'a str>,
    bytes: &'a [u8],
}

impl File<'_> {
    fn check(&self, rule: Option<&Rule>, budget: &mut Budget, findings: &mut Findings) {
        // Some readers undo the words of mail in which .NET writes names. To the others they are one
        // word, with no dot or climb in it that is not in the name.
        let names: Vec<Cow<'_, str>> = self.names.iter().map(|one| name::plain(one)).collect();
        for one in &names {
            name::check(one, findings);
        }
        if names.iter().skip(1).any(|one| Some(one) != names.first()) {
            findings.strict("a file with two names");
        }
        let kind = kind::of(self.bytes);
        if let Some(rule) = rule {
            self.check_rule(rule, (kind, names.first().map(AsRef::as_ref)), findings);
        }
        if self.declared.is_some_and(|declared| kind::is_masked(kind, declared)) {
            findings.kind(Grade::Danger, "a page or a program that is said to be something else");
        }
        match kind {
            Kind::Svg => active::check_svg(self.bytes, findings),
            Kind::Xml => {
                xml::check_file(self.bytes, findings);
                active::check_xml(self.bytes, findings);
            }
            Kind::Pdf => {
                pdf::check(self.bytes, budget, findings);
                image::check(self.bytes, kind, findings);
            }
            kind if archive::is_archive(kind) => {
                archive::check(self.bytes, kind, budget, findings);
            }
            Kind::Html => active::check_page(self.bytes, findings),
            Kind::Ole => {
                active::check_ole(self.bytes, findings);
                image::check(self.bytes, kind, findings);
            }
            kind if archive::is_closed(kind) => {
                // Named by its type it is wanted all the same.
                if rule.is_some_and(|rule| rule.types.is_empty()) {
                    findings.strict("an archive that cannot be looked into");
                }
                image::check(self.bytes, kind, findings);
            }
            Kind::Rtf | Kind::Script | Kind::Text | Kind::Unknown => {}
            kind => image::check(self.bytes, kind, findings),
        }
        // Readers of ZIP look at the end, whatever stands before it.
        if kind != Kind::Zip && !kind::is_image(kind) && archive::ends_as_zip(self.bytes) {
            archive::check(self.bytes, Kind::Zip, budget, findings);
        }
    }

    fn check_rule(&self, rule: &Rule, (kind, name): (Kind, Option<&str>), findings: &mut Findings) {
        if rule.file_bytes_max.is_some_and(|max| length(self.bytes) > max) {
            findings.size(Grade::Strict, "a file that is larger than the operation takes");
        }
        if rule.types.is_empty() {
            return;
        }
        let declared = self.declared.filter(|one| !["", ANY].contains(one));
        // Types that nobody knows the bytes of are taken by their word, but never for another's.
        let is_own_word = declared.is_some_and(|one| {
            rule.types.iter().any(|known| known == one) && !kind::is_known_type(one)
        });
        if is_own_word && matches!(kind, Kind::Text | Kind::Unknown) {
            // A server that keeps it under its name goes by the name.
            if name.is_some_and(name::is_other) {
                findings.kind(Grade::Strict, MISMATCH);
            }
            return;
        }
        let rows = || kind::known(kind).filter(|row| rule.takes(row.types));
        if rows().next().is_none() {
            let text = format!("a file whose bytes are {}", describe(kind));
            findings.kind(Grade::Strict, text);
            return;
        }
        let extension = name.and_then(name::extension);
        let fits = |row: &&kind::Known| {
            declared.is_none_or(|one| row.types.contains(&one))
                && extension.as_deref().is_none_or(|one| row.extensions.contains(&one))
        };
        if rows().find(fits).is_none() {
            findings.kind(Grade::Strict, MISMATCH);
        }
    }
}

impl Rule {
    fn takes(&self, types: &[&str]) -> bool {
        self.types.iter().any(|wanted| match wanted.strip_suffix("/*") {
            // A drawing runs scripts: it is taken where it is named.
            Some(kind) => types.iter().any(|one| {
                one.split_once('/').is_some_and(|(of, _)| of == kind) && *one != "image/svg+xml"
            }),
            None => types.contains(&wanted.as_str()),
        })
    }
}

fn describe(kind: Kind) -> String {
    let row = kind::known(kind).next().and_then(|row| row.types.first());
    match (row, kind) {
        (Some(name), _) => format!("{name}, which the operation does not take"),
        (None, Kind::Executable) => "a program".to_owned(),
        (None, _) => "of no kind that the operation takes".to_owned(),
    }
}

const PARTS: &str = "multipart/";
const FORM: &str = "multipart/form-data";

const MISMATCH: &str = "a file that is not what its name and its type say";

/// What browsers say of files that they do not know.
const ANY: &str = "application/octet-stream";

/// Sorted; what is looked at beside images, sounds and films.
const BINARY: [&str; 9] = [
    "application/gzip",
    "application/java-archive",
    "application/octet-stream",
    "application/pdf",
    "application/vnd.android.package-archive",
    "application/x-gzip",
    "application/x-tar",
    "application/x-zip-compressed",
    "application/zip",
];

#[cfg(test)]
mod tests;
