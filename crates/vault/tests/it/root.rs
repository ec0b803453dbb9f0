//! Where a root key comes from, and what a wrong one gets.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;

use ringwall_base::{Outcome, SystemEntropy};
use ringwall_testkit::MemorySink;
use ringwall_vault::{OpenError, RootFile, RootKey, RootKeyError};

use crate::house::{house, open, root, secret};

/// 32 bytes of one.
const BASE64: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

#[test]
fn a_wrong_root_key_is_told_before_anything_else() {
    let house = house();
    house.vault.secrets().set("a", &secret("one"), None).unwrap();
    let sink = Arc::new(MemorySink::default());
    let held = Arc::clone(&sink);
    let error = open(&house.store, root(2), held).unwrap_err();
    assert!(matches!(error, OpenError::WrongRootKey));
    assert_eq!(error.to_string(), "this is not the root key of this store");
    assert_eq!(sink.take().first().map(|event| event.outcome), Some(Outcome::Failure));
    let vault = open(&house.store, root(1), sink).unwrap();
    assert_eq!(vault.secrets().get("a", None).unwrap().value.expose(), b"one");
}

#[test]
fn the_text_of_a_key_has_three_forms_and_no_others() {
    let house = house();
    let hex = "01".repeat(32);
    for text in [BASE64, BASE64.trim_end_matches('='), &format!(" {BASE64}\n"), &hex] {
        let key = RootKey::from_env(text).unwrap();
        assert!(open(&house.store, key, Arc::new(MemorySink::default())).is_ok(), "{text}");
    }
    let short = "01".repeat(31);
    let cut = BASE64.trim_end_matches("E=");
    let odd = hex.trim_start_matches('0');
    for text in ["", "x", cut, odd, &short, &"zz".repeat(32), &"01".repeat(33)] {
        assert!(matches!(RootKey::from_env(text), Err(RootKeyError::Malformed)), "{text}");
    }
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let house = house();
    let path = house.folder.path().join("root.key");
    for content in [BASE64.as_bytes(), &[1; 32], "01".repeat(32).as_bytes()] {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let key = RootKey::from_file(&path).unwrap();
        assert!(open(&house.store, key, Arc::new(MemorySink::default())).is_ok());
    }
    for (mode, as_file, as_credential) in [
        (0o400, true, true),
        (0o440, false, true),
        (0o640, false, true),
        (0o604, false, false),
        (0o602, false, false),
        (0o666, false, false),
    ] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(RootKey::from_file(&path).is_ok(), as_file, "{mode:o}");
        assert_eq!(RootKey::from_credential(&path).is_ok(), as_credential, "{mode:o}");
    }
    let text = RootKey::from_file(&path).unwrap_err().to_string();
    assert!(text.contains("mode 0666") && text.contains("chmod 600"), "{text}");
}

#[test]
fn a_link_a_folder_and_a_long_file_are_no_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("root.key"), folder.path().join("link"));
    let entropy = SystemEntropy::open().unwrap();
    RootFile::at(&file).create(&entropy).unwrap();
    symlink(&file, &link).unwrap();
    assert!(matches!(RootKey::from_file(&link), Err(RootKeyError::File { .. })));
    assert!(RootKey::from_file(folder.path()).is_err());
    assert!(matches!(
        RootKey::from_file(&folder.path().join("none")),
        Err(RootKeyError::File { .. })
    ));
    fs::write(&file, "A".repeat(10_000)).unwrap();
    assert!(matches!(RootKey::from_file(&file), Err(RootKeyError::Malformed)));
}

#[test]
fn a_key_file_is_made_once_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    let file = RootFile::at(&path);
    let entropy = SystemEntropy::open().unwrap();
    assert!(!file.exists());
    file.create(&entropy).unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(matches!(file.create(&entropy), Err(RootKeyError::Exists { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
