//! Each rule by hand, on both sides of its edge.

use ringwall_protobuf::{Foreign, Kind, Limits, Repeats, Rules, Unknown, fuzz};

use crate::shapes;

/// A field with a length: a tag of two bytes where the number needs one.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out =
        if number < 16 { vec![number << 3 | 2] } else { vec![number << 3 | 0x82, number >> 4] };
    assert!(bytes.len() < 0x4000);
    if bytes.len() > 0x7f {
        out.push(u8::try_from(bytes.len() & 0x7f).unwrap() | 0x80);
        out.push(u8::try_from(bytes.len() >> 7).unwrap());
    } else {
        out.push(u8::try_from(bytes.len()).unwrap());
    }
    out.extend(bytes);
    out
}

type Said = Result<Vec<String>, (Kind, String)>;

/// Leaves as `path=text`, or the violation as it is shown.
fn said(method: &str, bytes: &[u8], rules: &Rules) -> Said {
    let schema = shapes();
    let method = schema.method(&format!("/shapes.Shapes/{method}")).unwrap();
    let mut leaves = Vec::new();
    schema
        .check(method, bytes, rules, &mut |leaf| {
            let text = leaf.value.text();
            leaves.push(format!("{}={}", leaf.path, String::from_utf8_lossy(&text)));
        })
        .map(|()| leaves)
        .map_err(|violation| (violation.kind, violation.to_string()))
}

#[track_caller]
fn passes(method: &str, bytes: &[u8], want: &[&str]) {
    let want: Vec<String> = want.iter().map(|text| (*text).to_owned()).collect();
    assert_eq!(said(method, bytes, &Rules::default()), Ok(want));
}

#[track_caller]
fn refused(method: &str, bytes: &[u8], kind: Kind, want: &str) {
    assert_eq!(said(method, bytes, &Rules::default()), Err((kind, want.to_owned())));
}

#[test]
fn leaves_have_paths_and_texts() {
    passes("One", &field(14, b"x' OR 1=1"), &["name=x' OR 1=1"]);
    let inner =
        [field(14, b"in"), vec![0x18, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]];
    let items = [field(28, b""), field(28, &inner.concat()), field(27, b"a"), field(27, b"b")];
    passes("One", &items.concat(), &["items.1.name=in", "items.1.c=-2", "names.0=a", "names.1=b"]);
    passes("One", &field(22, &[1, 0x96, 0x01]), &["numbers.0=1", "numbers.1=150"]);
    passes("One", &[0xb0, 0x01, 1, 0xb0, 0x01, 2], &["numbers.0=1", "numbers.1=2"]);
    let entry = [field(2, b"red"), field(1, b"Key <x>")].concat();
    passes("One", &field(29, &entry), &["labels=Key <x>", "labels.Key??x?=red"]);
    passes("One", &field(29, &[]), &[]);
    passes("Old", &[0x23, 0x0a, 1, b'w', 0x24], &["part.0.word=w"]);
    passes("Old", &field(100, b"n"), &["[closed.note]=n"]);
    passes("One", &[0xfa, 0xff, 0xff, 0xff, 0x0f, 1, b'y'], &["far=y"]);
    passes("One", &[0x4d, 0, 0, 0, 0x80, 0x51, 1, 0, 0, 0, 0, 0, 0, 0], &["i=2147483648", "j=1"]);
}

#[test]
fn what_two_readers_read_in_two_ways_is_refused() {
    let twice = [field(14, b"a"), field(14, b"b")].concat();
    refused("One", &twice, Kind::Ambiguous, "name: a field that may stand once stands twice");
    let nested = field(17, &twice);
    refused(
        "One",
        &nested,
        Kind::Ambiguous,
        "child.name: a field that may stand once stands twice",
    );
    let oneof = [field(19, b"a"), vec![0xa0, 0x01, 1]].concat();
    refused("One", &oneof, Kind::Ambiguous, "right: a second member of a oneof");
    let open = Rules { repeats: Repeats::Pass, ..Rules::default() };
    assert_eq!(said("One", &twice, &open).unwrap(), ["name=a", "name=b"]);
    assert_eq!(said("One", &oneof, &open).unwrap(), ["left=a", "right=1"]);
    refused("One", &[0x68, 2], Kind::Ambiguous, "m: a bool that is neither 0 nor 1");
    let wide = "a number out of the range of its type";
    refused("One", &[0x18, 0x80, 0x80, 0x80, 0x80, 0x08], Kind::Ambiguous, &format!("c: {wide}"));
    passes("One", &[0x18, 0xff, 0xff, 0xff, 0xff, 0x07], &["c=2147483647"]);
    refused("One", &[0x28, 0x80, 0x80, 0x80, 0x80, 0x10], Kind::Ambiguous, &format!("e: {wide}"));
    passes("One", &[0x28, 0xff, 0xff, 0xff, 0xff, 0x0f], &["e=4294967295"]);
    passes("One", &[0x38, 0xff, 0xff, 0xff, 0xff, 0x0f], &["g=-2147483648"]);
    refused("One", &[0x38, 0xff, 0xff, 0xff, 0xff, 0x1f], Kind::Ambiguous, &format!("g: {wide}"));
    let other = "name: a wire type that does not fit the field";
    refused("One", &[0x70, 1], Kind::Ambiguous, other);
}

#[test]
fn every_key_of_an_entry_is_shown() {
    let rules = Rules { unknown: Unknown::Pass, repeats: Repeats::Pass, ..Rules::default() };
    let (key, value) = (field(1, b"k"), field(2, b"v"));
    // Readers pass over the group, also where it holds a key and a group of its own.
    for group in [&[0x1b, 0x1c][..], &[0x1b, 0x0a, 1, b'x', 0x23, 0x24, 0x1c]] {
        let entry = field(29, &[group, &key, &value].concat());
        assert_eq!(said("One", &entry, &rules).unwrap(), ["labels=k", "labels.k=v"]);
    }
    // Readers take the last.
    let entry = field(29, &[key, value, field(1, b"' OR 1=1")].concat());
    let want = ["labels=k", "labels.k=v", "labels=' OR 1=1"];
    assert_eq!(said("One", &entry, &rules).unwrap(), want);
    let cut = field(29, &[0x1b, 0x0a, 1, b'x']);
    assert_eq!(said("One", &cut, &rules).unwrap_err().0, Kind::Malformed);
}

#[test]
fn unknown_fields_are_refused_at_every_depth() {
    let unknown = field(99, b"x");
    let why = "99: a field that the descriptor does not know";
    refused("One", &unknown, Kind::Unknown, why);
    refused("One", &field(17, &field(17, &unknown)), Kind::Unknown, &format!("child.child.{why}"));
    let entry = field(29, &[field(1, b"k"), unknown.clone()].concat());
    refused("One", &entry, Kind::Unknown, &format!("labels.*.{why}"));
    let closed = "size: a value that the enum does not list";
    refused("Old", &[0x10, 2], Kind::Unknown, closed);
    passes("Old", &[0x10, 3], &["size=3"]);
    // An open enum takes any number: protobuf.dev, "Enum Behavior".
    passes("One", &[0x80, 0x01, 77], &["colour=77"]);
    let open = Rules { unknown: Unknown::Pass, ..Rules::default() };
    for bytes in [&unknown, &entry, &[0x9b, 0x06, 0x0b, 0x08, 1, 0x0c, 0x9c, 0x06].to_vec()] {
        assert!(said("One", bytes, &open).is_ok(), "{bytes:x?}");
    }
    // The wire format holds for what is passed over, too.
    for bytes in
        [&[0x9b, 0x06, 0x0c][..], &[0x9b, 0x06, 0x0b, 0x9c, 0x06], &[0x9b, 0x06], &[0x9a, 0x06, 5]]
    {
        assert_eq!(said("One", bytes, &open).unwrap_err().0, Kind::Malformed, "{bytes:x?}");
    }
    assert_eq!(said("Old", &[0x10, 2], &open).unwrap(), Vec::<String>::new());
}

#[test]
fn text_is_utf8_where_the_descriptor_says_so() {
    refused("One", &field(14, b"\xff"), Kind::Text, "name: text that is not UTF-8");
    refused("One", &field(29, &field(1, b"\xff")), Kind::Text, "labels.*: text that is not UTF-8");
    let must = [vec![0x20, 1], field(2, b"\xff")].concat();
    assert!(said("New", &must, &Rules::default()).is_ok());
    refused("New", &field(1, b"\xff"), Kind::Text, "name: text that is not UTF-8");
}

#[test]
fn required_fields_are_required_wherever_their_message_stands() {
    refused("New", &[], Kind::Required, "message: a required field is missing");
    passes("New", &[0x20, 7], &["must=7"]);
    refused("Old", &field(5, &[0x10, 1]), Kind::Required, "must: a required field is missing");
    passes("Old", &field(5, &[0x08, 1]), &["must.id=1"]);
}

#[test]
fn an_any_is_read_as_what_it_says_it_is() {
    let any = |name: &[u8], value: &[u8]| field(32, &[field(2, value), field(1, name)].concat());
    let known = any(b"type.googleapis.com/shapes.All", &field(14, b"in"));
    let name = "detail.type_url=type.googleapis.com/shapes.All";
    passes("One", &known, &[name, "detail.value.name=in"]);
    let bad = any(b"type.googleapis.com/shapes.All", &field(99, b"in"));
    let why = "detail.value.99: a field that the descriptor does not know";
    refused("One", &bad, Kind::Unknown, why);
    let foreign = any(b"x.y/no.Such", b"' OR 1=1");
    let why = "detail.value: an Any of a type that is not in the set";
    refused("One", &foreign, Kind::Foreign, why);
    let open = Rules { foreign: Foreign::Opaque, ..Rules::default() };
    let leaves = ["detail.type_url=x.y/no.Such", "detail.value=' OR 1=1"];
    assert_eq!(said("One", &foreign, &open).unwrap(), leaves);
    passes("One", &field(32, &[]), &[]);
}

#[test]
fn limits_are_limits_on_both_sides() {
    let deep = |depth| (0..depth).fold(Vec::new(), |inner, _| field(17, &inner));
    passes("One", &deep(100), &[]);
    assert_eq!(said("One", &deep(101), &Rules::default()).unwrap_err().0, Kind::Limit);
    let limits = Limits { fields_max: 3, elements_max: 3, ..Limits::default() };
    let rules = Rules { limits, ..Rules::default() };
    let check = |bytes: &[u8]| said("One", bytes, &rules).map(|leaves| leaves.len());
    assert_eq!(check(&field(27, b"a").repeat(3)), Ok(3));
    assert_eq!(check(&field(27, b"a").repeat(4)).unwrap_err().0, Kind::Limit);
    assert_eq!(check(&field(22, &[1, 2, 3])), Ok(3));
    assert_eq!(check(&field(22, &[1, 2, 3, 4])).unwrap_err().0, Kind::Limit);
    let map = field(29, &[field(1, b"k"), field(2, b"v")].concat());
    assert_eq!(check(&map), Ok(2), "an entry is a field with two");
    assert_eq!(check(&[map, field(27, b"")].concat()).unwrap_err().0, Kind::Limit);
}

#[test]
fn a_violation_names_no_key_that_a_client_chose() {
    let entry = |key: &[u8], value: &[u8]| field(29, &[field(1, key), field(99, value)].concat());
    for key in [&b"ghp_0123456789abcdefghij"[..], b"4111111111111111", b"labels", b"a.b", b""] {
        let want = "labels.*.99: a field that the descriptor does not know";
        refused("One", &field(17, &entry(key, b"x")), Kind::Unknown, &format!("child.{want}"));
        // After an entry that is in order.
        let whole = field(29, &[field(1, key), field(2, b"v")].concat());
        refused("One", &[whole.clone(), entry(key, b"x")].concat(), Kind::Unknown, want);
        let name = "name: a field that may stand once stands twice";
        let twice = [whole, field(14, b"a"), field(14, b"b")].concat();
        refused("One", &twice, Kind::Ambiguous, name);
    }
}

#[test]
fn a_message_is_weighed_without_leaves() {
    let (schema, rules) = (shapes(), Rules::default());
    let method = schema.method("/shapes.Shapes/One").unwrap();
    let weigh = |bytes: &[u8]| schema.weigh(method, bytes, &rules);
    assert_eq!(weigh(&[]), Ok(0));
    assert_eq!(weigh(&field(22, &[0; 1000])), Ok(1001), "a field, and the numbers in it");
    let map = field(29, &[field(1, b"k"), field(2, b"v")].concat());
    assert_eq!(weigh(&[map, field(17, &field(14, b"x"))].concat()), Ok(5));
    let entry = field(29, &[field(1, b"k"), field(99, b"x")].concat());
    for wrong in [entry, field(17, &field(14, b"\xff")), field(22, &[0xff])] {
        let shown = schema.check(method, &wrong, &rules, &mut |_leaf| {});
        assert_eq!(weigh(&wrong).map(drop), shown, "and says where, all the same");
    }
}

#[test]
fn a_group_ends_where_it_began() {
    passes("Old", &[0x23, 0x24], &[]);
    refused("Old", &[0x23], Kind::Malformed, "part.0: a group does not end");
    let why = "a group ends that did not begin";
    refused("Old", &[0x24], Kind::Malformed, &format!("message: {why}"));
    refused("Old", &[0x23, 0x2c, 0x24], Kind::Malformed, &format!("part.0: {why}"));
    let any = field(32, &[0x0c]);
    refused("One", &any, Kind::Ambiguous, "detail: a wire type that does not fit the field");
}

#[test]
fn the_fuzzer_finds_nothing_in_what_it_begins_with() {
    for seed in [crate::SHAPES, &field(17, &field(14, b"x")), &[0xff; 30], b""] {
        fuzz(seed);
        fuzz(&[&[200, 0], seed].concat());
    }
}
