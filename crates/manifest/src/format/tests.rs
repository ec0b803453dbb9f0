use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, want: &str) {
    let got = format(text).unwrap();
    assert_eq!(got, want);
    assert_eq!(format(&got).unwrap(), got, "not stable");
}

#[test]
fn blanks_are_made_even() {
    check("a=1 # one\nb   =  [ 1,2 ,3, ]\n", "a = 1  # one\nb = [1, 2, 3]\n");
    check("[ a . \"b c\" ]\nx . y = {a=1 ,b = { }}\n", "[a.\"b c\"]\nx.y = { a = 1, b = {} }\n");
    check("\n\n\na = 1\n\n\n\nb = 2\n\n", "a = 1\n\nb = 2\n");
    check("a = 1\n[t]\nb = 1\n# about u\n[u]\n", "a = 1\n\n[t]\nb = 1\n\n# about u\n[u]\n");
    check("", "");
}

#[test]
fn comments_stay_with_their_item() {
    check(
        "a = [ # first\n 1, # one\n # two is next\n 2\n # end\n]\n",
        "a = [\n  # first\n  1,  # one\n  # two is next\n  2,\n  # end\n]\n",
    );
}

#[test]
fn strings_stay_as_typed() {
    check(
        "a='''\n # no comment\n''' \nb=\"x # y\"\n",
        "a = '''\n # no comment\n'''\nb = \"x # y\"\n",
    );
    check("a = \"\"\"x\"\"\"\"\n", "a = \"\"\"x\"\"\"\"\n");
    check("d = 1979-05-27 07:32:00\n", "d = 1979-05-27 07:32:00\n");
}

#[test]
fn a_long_list_gets_an_item_on_each_line() {
    let item = "\"abcdefghijklmnopqrstuvwxyz\"";
    let text = format!("list = [{item}, {item}, {item}, {item}]\n");
    let want = format!("list = [\n  {item},\n  {item},\n  {item},\n  {item},\n]\n");
    check(&text, &want);
}

#[test]
fn what_is_not_toml_is_refused() {
    assert!(matches!(format("a = "), Err(FormatError::Syntax { .. })));
    assert!(matches!(format("a = {\n}"), Err(FormatError::Syntax { .. })));
}

proptest! {
    #[test]
    fn formatting_is_stable_and_keeps_the_meaning(
        lines in prop::collection::vec(
            prop_oneof![
                "[a-c]{1,2}( )?\\.( )?[d-z]{3,6} ?= ?\\[ ?(\"[a-z #]{0,5}\" ?, ?){0,9}\\]( # [a-z]{0,3})?",
                "# [a-z ]{0,9}",
                " {0,3}",
                "[k-z]{4,6} ?= ?\\{ ?x ?= ?1 ?\\}",
                "\\[[e-j]{5,9}\\] *(#x)?",
            ],
            0..12,
        )
    ) {
        if let Ok(once) = format(&lines.join("\n")) {
            let again = format(&once);
            prop_assert_eq!(again, Ok(once));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\"'#=,.\\\\\na-c \u{e4}]{0,60}") {
        prop_assert_ne!(format(&text), Err(FormatError::Unsafe));
    }
}
