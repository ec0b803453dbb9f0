use super::*;

fn shape(value: &str) -> Option<String> {
    detect(value.as_bytes()).map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned())
}

#[test]
fn injections_have_a_shape() {
    for (value, want) in [
        ("1' OR '1'='1", "s&sos"),
        ("1 UNION SELECT 1,2", "1UE1"),
        ("' or 1=1 --", "s&1c"),
        ("1; DROP TABLE users", "1;Tnn"),
        ("1/*!00000union*/", "X"),
        ("-1' and 1=1 union/* foo */select load_file('/etc/passwd')--", "s&1UE"),
    ] {
        assert_eq!(shape(value).as_deref(), Some(want), "{value}");
    }
}

#[test]
fn prose_and_names_have_none() {
    for value in ["", "O'Brien", "hello world", "rock and roll", "1234", "a-b--c", "select your union rep", "'"] {
        assert_eq!(shape(value), None, "{value}");
    }
}
