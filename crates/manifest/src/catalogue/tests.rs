use std::collections::BTreeSet;

use super::*;

#[test]
fn every_code_has_a_page_that_begins_with_it() {
    for code in codes() {
        let page = page(code.code).unwrap();
        assert!(page.starts_with(&format!("# {}: {}\n", code.code, code.title)), "{}", code.code);
        assert!(page.contains("\n## Fix\n"), "{}", code.code);
        assert!(!code.title.is_empty());
    }
    assert_eq!(page("rw1004"), page("RW1004"));
    assert_eq!(page("RW9999"), None);
}

#[test]
fn codes_are_in_order_and_unique() {
    let list: Vec<&str> = codes().map(|code| code.code).collect();
    let sorted: BTreeSet<&str> = list.iter().copied().collect();
    assert_eq!(list, sorted.into_iter().collect::<Vec<_>>());
}

#[test]
fn every_code_that_the_checker_names_is_in_the_catalogue() {
    let source = include_str!("../catalogue.rs");
    for line in source.lines().filter(|line| line.contains("pub(crate) const")) {
        let code = line.split('"').nth(1).unwrap();
        assert!(page(code).is_some(), "{code}");
    }
}
