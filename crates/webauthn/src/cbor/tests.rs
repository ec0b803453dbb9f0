use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}

/// RFC 8949 appendix A, of what CTAP2 allows.
#[test]
fn values_are_those_of_the_rfc() {
    let int = Value::Integer;
    for (text, value) in [
        ("00", int(0)),
        ("17", int(23)),
        ("1818", int(24)),
        ("190100", int(256)),
        ("1903e8", int(1_000)),
        ("1a000f4240", int(1_000_000)),
        ("1b000000e8d4a51000", int(1_000_000_000_000)),
        ("1b7fffffffffffffff", int(i64::MAX)),
        ("20", int(-1)),
        ("29", int(-10)),
        ("3863", int(-100)),
        ("3903e7", int(-1_000)),
        ("3b7fffffffffffffff", int(i64::MIN)),
        ("f4", Value::Bool(false)),
        ("f5", Value::Bool(true)),
        ("f6", Value::Null),
        ("40", Value::Bytes(&[])),
        ("4401020304", Value::Bytes(&[1, 2, 3, 4])),
        ("6449455446", Value::Text("IETF")),
        ("62c3bc", Value::Text("\u{fc}")),
        ("83010203", Value::Array(vec![int(1), int(2), int(3)])),
        ("a201020304", Value::Map(vec![(int(1), int(2)), (int(3), int(4))])),
    ] {
        assert_eq!(read(&hex(text)).unwrap(), value, "{text}");
    }
    // Numbers before texts, shorter before longer, then by bytes: -1 comes after 1,000.
    assert!(read(&hex("a4 01 00 1903e8 00 20 00 6161 00")).is_ok());
}

/// Attack U8, bad CBOR: the rules of CTAP2 section 8, one by one.
#[test]
fn u8_whatever_has_another_reading_is_refused() {
    for (why, text) in [
        ("nothing", ""),
        ("something behind it", "0000"),
        ("23 in two bytes", "1817"),
        ("255 in three bytes", "1900ff"),
        ("65535 in five bytes", "1a0000ffff"),
        ("a length in nine bytes", "5b0000000000000001 00"),
        ("larger than we read", "1b8000000000000000"),
        ("smaller than we read", "3b8000000000000000"),
        ("no length", "5f4100ff"),
        ("an array without length", "9f00ff"),
        ("a map without length", "bf0000ff"),
        ("a stop alone", "ff"),
        ("reserved", "1c"),
        ("cut short", "19ff"),
        ("fewer bytes than it says", "4401"),
        ("very many bytes", "5affffffff"),
        ("very many items", "9bffffffffffffffff"),
        ("very many members", "bbffffffffffffffff"),
        ("not UTF-8", "61ff"),
        ("a tag", "c000"),
        ("undefined", "f7"),
        ("a number without meaning", "f0"),
        ("half a float", "f93c00"),
        ("a float", "fa47c35000"),
        ("true in two bytes", "f815"),
        ("a key twice", "a201000100"),
        ("keys the wrong way round", "a203000100"),
        ("a longer text first", "a2626161006162 00"),
        ("a text before a number", "a26161000100"),
        ("a key that is a map", "a1a000"),
        ("a key that is bytes", "a1410000"),
        ("a key without value", "a100"),
        ("five levels", "818181818100"),
    ] {
        assert!(read(&hex(text)).is_err(), "{why}");
    }
    assert!(read(&hex("8181818100")).is_ok(), "four levels");
    let long = [&[0x5a, 0, 1, 0, 0][..], &vec![0; 65_536]].concat();
    assert!(read(&long).is_err(), "more than 64 KiB");
}
