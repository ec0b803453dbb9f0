//! A statement without its tenant would read another's rows (attack M1).

use std::path::Path;
use std::sync::Arc;

use ringwall_base::SystemClock;
use ringwall_store::Store;

#[test]
fn every_statement_names_the_tenant() {
    let mut count = 0;
    for source in sources(Path::new(FOLDER)) {
        // A statement is one string literal; none of ours contains a quote.
        for literal in source.split('"').skip(1).step_by(2) {
            let is_sql = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "]
                .iter()
                .any(|verb| literal.starts_with(verb));
            if is_sql {
                assert!(literal.contains("tenant_id"), "{literal}");
                count += 1;
            }
        }
    }
    assert!(count > 25, "{count} statements");
}

/// Ten million rows that have expired must not be read to find a thousand of them.
#[test]
fn what_has_expired_is_found_by_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.db");
    let store = Store::open(&path, Arc::new(SystemClock::start()), super::MIGRATIONS).unwrap();
    let mut count = 0;
    let sources = sources(Path::new(FOLDER));
    let statements = sources.iter().flat_map(|source| source.split('"').skip(1).step_by(2));
    for statement in statements {
        if !(statement.starts_with("DELETE ") && statement.contains("LIMIT ?3")) {
            continue;
        }
        let values = ["default".into(), 1_i64.into(), 1_i64.into()];
        let plan = format!("EXPLAIN QUERY PLAN {statement}");
        let steps = store.read(|view| view.query(&plan, &values)).unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get(3).unwrap()).collect();
        assert!(steps.iter().any(|step| step.contains("<?)")), "{statement}: {steps:?}");
        count += 1;
    }
    assert!(count >= 7, "{count} statements");
}

/// Every file of this package, but for tests.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            texts.push(std::fs::read_to_string(&path).unwrap());
        }
    }
    texts
}

/// A person's column beside the instance's tenant would be a person without theirs.
#[test]
fn every_statement_that_names_a_person_names_their_tenant() {
    let mut count = 0;
    for source in sources(Path::new(FOLDER)) {
        for literal in source.split('"').skip(1).step_by(2) {
            let is_of_instance = OF_INSTANCE.iter().any(|table| literal.contains(table));
            if is_of_instance && literal.contains("user_id") {
                assert!(literal.contains("user_tenant"), "{literal}");
                count += 1;
            }
        }
    }
    assert!(count > 20, "{count} statements");
}

#[test]
fn every_table_has_a_tenant() {
    let tables = super::MIGRATIONS.iter().flat_map(|one| one.sql.split("CREATE TABLE ").skip(1));
    for table in tables {
        assert!(table.contains("tenant_id TEXT NOT NULL"), "{table}");
    }
}

/// Tables whose rows are found before their person is known. The links' statements name theirs later.
const OF_INSTANCE: &[&str] = &[
    "identity_session",
    "identity_code",
    "identity_device_code",
    "identity_refresh_family",
    "identity_login_step",
    "identity_logout_message",
    "identity_passkey",
    "identity_link",
    "FROM {}",
    "INTO {}",
    "UPDATE {}",
];
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
