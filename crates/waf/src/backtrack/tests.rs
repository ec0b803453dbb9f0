use super::*;

fn search(pattern: &str, value: &[u8]) -> Found {
    compile(pattern.as_bytes()).unwrap().search(value, &mut 0)
}

#[track_caller]
fn check(pattern: &str, yes: &[&str], no: &[&str]) {
    for value in yes {
        assert!(
            matches!(search(pattern, value.as_bytes()), Found::Yes(_)),
            "{pattern} misses {value}"
        );
    }
    for value in no {
        assert_eq!(search(pattern, value.as_bytes()), Found::No, "{pattern} takes {value}");
    }
}

#[test]
fn what_automata_cannot_match_is_matched() {
    check(r"<\?(?!xml)", &["<?php", "<?"], &["<?xml", "?>"]);
    check(r"(?<!&amp|&quot);", &["a;"], &["&amp;", "&quot;"]);
    check(r"(?<=a|bcd)x", &["ax", "bcdx"], &["cdx"]);
    check(r"(?i)\b(\w+)\b\s*=\s*\b\1\b", &["a = A", "x1=x1"], &["a=b", "a=ab"]);
    check(r"^a++a", &[], &["aaa"]);
    check(r"^(?>ab|a)c", &["abc", "ac"], &["abbc"]);
    check(r"(?<!\Q\\\E)\Q\\\E[cd]", &[r"\\c", r"a\\d"], &[r"\\\\c", r"\c", "c"]);
    check(r"^(?=a)\Qa+b\E+$", &["a+b", "a+bb"], &["aab", "a+ba+b"]);
    check(r"^(?:a|ab)(?:c|bcd)$", &["ac", "abcd"], &["abc d"]);
}

#[test]
fn the_common_syntax_is_read_as_pcre_reads_it() {
    check(r"^a{2,3}b{,2}?$", &["aab{,2}", "aaab{,2"], &["aab"]);
    check(r"^[[:alpha:]\d_-]+?$", &["aZ9_-"], &["a b"]);
    check(r"^[^\s\x00-\x1f]*$", &["abc", ""], &["a b"]);
    check(r"^(?:(?i)a)b(?-i:C)$", &["AbC"], &["ABC", "abc"]);
    check(r"(?m)^b$", &["a\nb\nc"], &["ab"]);
    check(r"^(?:a*)*b", &["aab", "b"], &["c"]);
    check(r"^.\Z", &["\n", "a\n"], &["ab"]);
    check(r"\Bx", &["ax"], &["x", "-x"]);
    let Found::Yes(groups) = search("b(c)?(d)(?P<e>e)", b"abde") else { panic!() };
    assert_eq!(groups, [Some((1, 4)), None, Some((2, 3)), Some((3, 4))]);
}

#[test]
fn what_runs_away_is_cut() {
    assert_eq!(search(r"^(?:a+)+(?!b)$", &[vec![b'a'; 40], b"c".to_vec()].concat()), Found::Cut);
    assert_eq!(search(r"(?=x)y", &[b'a'; 1_000]), Found::No);
}

#[test]
fn mistakes_are_errors() {
    for pattern in ["(", ")", "a**", "[a", "\\", r"\2", "(?<=a*)b", "(?X)", "[b-a]", "(?<n", "(?=a"]
    {
        assert!(compile(pattern.as_bytes()).is_err(), "{pattern}");
    }
    let huge = format!("{}a", "(?:".repeat(200));
    assert!(compile(huge.as_bytes()).is_err());
    assert!(compile(b"(?:a{1000}){1000}").is_err());
}
