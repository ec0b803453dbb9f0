//! `ringwall waf install`, `list`, `use`, `remove`: rule sets in the state folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use ringwall_api::{Reply, Request};
use ringwall_base::{Clock as _, SystemClock};
use ringwall_manifest::RuleSet;

use crate::control;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::Out;
use crate::paths::Place;
use crate::render;
use crate::rules::{self, Candidate, Sets, Trial};

/// Where a rule set comes from.
#[derive(clap::Args, Debug)]
pub(super) struct Install {
    /// A folder, a .tar.gz or a .zip [default: /usr/share/modsecurity-crs, as Debian has it]
    path: Option<PathBuf>,
    /// The SHA-256 that the archive must have
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// A detached `OpenPGP` signature of the archive; `gpg` checks it
    #[arg(long, value_name = "FILE", requires = "key")]
    signature: Option<PathBuf>,
    /// The public key that must have signed
    #[arg(long, value_name = "FILE", requires = "signature")]
    key: Option<PathBuf>,
}

/// Reads, checks, loads, then puts in use. What fails changes nothing.
pub(super) fn install(args: &Install, place: &Place, out: &mut Out) -> Result<Exit> {
    let name = || {
        args.path.as_ref().map_or("Debian's rule set".to_owned(), |path| path.display().to_string())
    };
    let why = || format!("{} cannot be installed", name());
    let candidate = match &args.path {
        Some(path) => Candidate::read(path),
        None => Candidate::of_debian(Path::new("/")),
    };
    let candidate = candidate.with_context(why)?;
    if let Some(want) = &args.sha256 {
        match &candidate.sha256 {
            Some(found) if found.eq_ignore_ascii_case(want) => {}
            Some(found) => {
                bail!("the archive's SHA-256 is {found}, and not the one that is wanted")
            }
            None => bail!("a folder has no SHA-256; `--sha256` is for archives"),
        }
    }
    crate::wire::make_private(place.state())?;
    match (&args.signature, &args.key) {
        (Some(signature), Some(key)) => verify(&candidate, signature, key, place)?,
        _ => out.talk("  no signature was given, so none was checked"),
    }
    let sets = Sets::of(place);
    let before = sets.current()?;
    let (installed, notes) = sets.add(&candidate, SystemClock::start().now()).with_context(why)?;
    for note in notes.iter().take(NOTES_SHOWN) {
        out.talk(&format!("  note: {note}"));
    }
    if notes.len() > NOTES_SHOWN {
        out.talk(&format!("  and {} more notes", notes.len().saturating_sub(NOTES_SHOWN)));
    }
    let exit = put_in_use((&installed.id, before.as_deref()), true, place, out)?;
    if exit == Exit::Ok && !runs_crs(place) {
        out.talk("  the manifest does not use it: write `rules = \"crs\"` below `[waf]`");
    }
    Ok(exit)
}

/// Lists what is installed.
pub(super) fn list(place: &Place, out: &mut Out) -> Result<Exit> {
    let columns = ["version", "id", "installed", "in use", "from"].map(str::to_owned);
    let rows = Sets::of(place).list()?.into_iter().map(|one| {
        let used = if one.is_current { "yes" } else { "" };
        vec![one.version, one.id, one.at, used.to_owned(), one.from]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    out.table(&columns, &rows)?;
    Ok(Exit::Ok)
}

/// Puts another one in use.
pub(super) fn choose(name: &str, place: &Place, out: &mut Out) -> Result<Exit> {
    let sets = Sets::of(place);
    let (before, meant) = (sets.current()?, sets.find(name)?);
    put_in_use((&meant.id, before.as_deref()), false, place, out)
}

/// Removes one.
pub(super) fn remove(name: &str, place: &Place, out: &mut Out) -> Result<Exit> {
    let meant = Sets::of(place).find(name)?;
    control::run(&Request::WafRemove { id: meant.id }, place, out)
}

/// Chooses a set that the manifest's rules go with, then lets a running server read it. Where it
/// cannot, the set before is chosen again.
fn put_in_use(
    (id, before): (&str, Option<&str>),
    is_new: bool,
    place: &Place,
    out: &mut Out,
) -> Result<Exit> {
    let loaded = Loaded::read(place).ok();
    let model = loaded.as_ref().and_then(|loaded| loaded.report.model.as_ref());
    if let (Some(loaded), Some(model)) = (&loaded, model)
        && model.has_waf()
        && model.waf.set == RuleSet::Crs
        && let Err((findings, _)) =
            rules::read_with(model, place, Trial { set: Some(id), ..Trial::default() })
    {
        render::findings(&findings, &loaded.texts, out)?;
        return Ok(Exit::Invalid);
    }
    let choice = |id: &str, is_new| Request::WafUse { id: id.to_owned(), is_new };
    let chosen = control::ask(&choice(id, is_new), place)?;
    if !matches!(chosen, Reply::Done { .. }) {
        return control::print(chosen, out);
    }
    let refused = match control::over_socket(&Request::Reload, place) {
        Ok(Some(Reply::Failed(problem))) => Ok(problem),
        Ok(_) => return control::print(chosen, out),
        // Whether it is in force is not known: what was before is.
        Err(error) => Err(error),
    };
    let back = before.map_or(Request::WafForget, |before| choice(before, false));
    if let Reply::Failed(problem) = control::ask(&back, place)? {
        out.talk("  the set before could not be put in use again");
        return control::print(Reply::Failed(problem), out);
    }
    control::print(Reply::Failed(refused?), out)
}

fn runs_crs(place: &Place) -> bool {
    let model = Loaded::read(place).ok().and_then(|loaded| loaded.report.model);
    model.is_some_and(|model| model.has_waf() && model.waf.set == RuleSet::Crs)
}

/// Lets `gpg` check a signature, with a keyring in which there is this key alone.
fn verify(candidate: &Candidate, signature: &Path, key: &Path, place: &Place) -> Result<()> {
    let Some(bytes) = &candidate.archive else {
        bail!("a folder has no signature; `--signature` is for archives");
    };
    // In the state folder, which is ours alone, and nowhere that somebody else can write.
    let home = place.state().join("waf").join(format!(".gpg-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&home));
    crate::wire::make_private(&home)?;
    let is_good = is_signed(&home, bytes, signature, key);
    drop(std::fs::remove_dir_all(&home));
    if is_good? {
        return Ok(());
    }
    bail!("{} is no signature of the archive by the key in {}", signature.display(), key.display())
}

fn is_signed(home: &Path, bytes: &[u8], signature: &Path, key: &Path) -> Result<bool> {
    // The bytes that were read, and not the file, which may be another one by now.
    let archive = home.join("archive");
    std::fs::write(&archive, bytes).context("cannot write a temporary file")?;
    let gpg = |arguments: &[&Path]| {
        let mut command = Command::new("gpg");
        command.args(["--no-options", "--batch", "--quiet", "--no-autostart"]);
        command.args(["--status-fd", "1", "--homedir"]).arg(home);
        command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
        command.output().context("`gpg` is needed to check a signature, and does not run")
    };
    if !gpg(&[Path::new("--import"), key])?.status.success() {
        return Ok(false);
    }
    let verified = gpg(&[Path::new("--verify"), signature, &archive])?;
    let said = String::from_utf8_lossy(&verified.stdout);
    let says = |word: &str| {
        said.lines()
            .any(|line| line.strip_prefix("[GNUPG:] ").is_some_and(|it| it.starts_with(word)))
    };
    let is_stale =
        ["EXPKEYSIG ", "REVKEYSIG ", "EXPSIG ", "BADSIG ", "ERRSIG "].into_iter().any(says);
    Ok(verified.status.success() && says("GOODSIG ") && says("VALIDSIG ") && !is_stale)
}

/// As many as are read on a terminal; `ringwall check` shows those of the set in use.
const NOTES_SHOWN: usize = 10;
