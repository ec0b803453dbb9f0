use super::*;

/// An answer about `a.test` with these records, each in wire form after its owner.
fn answer(flags: [u8; 2], records: &[&[u8]]) -> Vec<u8> {
    let count = u8::try_from(records.len()).unwrap();
    let mut message = vec![0, 7, flags[0], flags[1], 0, 1, 0, count, 0, 0, 0, 0];
    message.extend(b"\x01a\x04test\0\0\x01\0\x01");
    for record in records {
        message.extend(*record);
    }
    message
}

const V4: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01";

#[test]
fn a_question_is_read_back_as_it_was_asked() {
    let asked = query(7, "a.test.", Kind::Srv).unwrap();
    let read = read_message(&asked).unwrap();
    assert_eq!((read.id, read.question.as_str()), (7, "a.test"));
    assert!(!read.is_answer);
    let long = "a.".repeat(130);
    for name in ["", ".", "a..b", "a b", "a\0b", &"x".repeat(64), &long] {
        assert_eq!(query(7, name, Kind::A), None, "{name}");
    }
}

#[test]
fn addresses_are_found_through_aliases_and_hold_as_long_as_the_shortest() {
    let alias = b"\xc0\x0c\0\x05\0\x01\0\0\0\x05\0\x04\x01b\xc0\x0e";
    let of_b = b"\x01b\xc0\x0e\0\x01\0\x01\0\0\x01\x2c\0\x04\x0a\0\0\x02";
    let stranger = b"\x01c\xc0\x0e\0\x01\0\x01\0\0\x01\x2c\0\x04\x0a\0\0\x03";
    let read = read_message(&answer([0x81, 0x80], &[alias, of_b, stranger])).unwrap();
    assert!(read.answers(7, "A.test.") && !read.answers(8, "a.test") && !read.answers(7, "b.test"));
    let found = read.about("a.test", Kind::A);
    assert_eq!(found, [(Record::Address("10.0.0.2".parse().unwrap()), Duration::from_secs(5))]);
    assert!(read.about("a.test", Kind::Aaaa).is_empty());
}

#[test]
fn an_alias_of_itself_ends() {
    let alias = b"\xc0\x0c\0\x05\0\x01\0\0\0\x05\0\x02\xc0\x0c";
    let read = read_message(&answer([0x81, 0x80], &[alias])).unwrap();
    assert!(read.about("a.test", Kind::A).is_empty());
}

#[test]
fn a_service_names_hosts() {
    let srv = b"\xc0\x0c\0\x21\0\x01\0\0\0\x3c\0\x0a\0\x01\0\x02\x1f\x90\x01b\xc0\x0e";
    let read = read_message(&answer([0x81, 0x80], &[srv])).unwrap();
    let host = ServiceHost { priority: 1, weight: 2, port: 8080, host: "b.test".to_owned() };
    assert_eq!(read.about("a.test", Kind::Srv)[0].0, Record::Service(host));
}

#[test]
fn what_is_cut_says_so_and_holds_nothing() {
    let read = read_message(&answer([0x83, 0x80], &[V4])).unwrap();
    assert!(read.is_cut && read.answers.is_empty());
}

#[test]
fn hostile_bytes_are_refused_and_never_loop() {
    let good = answer([0x81, 0x80], &[V4]);
    for end in 0..good.len() {
        assert!(read_message(&good[..end]).is_err(), "{end}");
    }
    // A name that points at itself, and one that points forward.
    for pointer in [b"\xc0\x18", b"\xc0\x7f"] {
        let mut record = V4.to_vec();
        record[..2].copy_from_slice(pointer);
        assert_eq!(read_message(&answer([0x81, 0x80], &[&record])), Err(MessageError::Name));
    }
    // An address of three bytes is no address; a length beyond the end is the end.
    let three = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x03\x0a\0\0";
    let read = read_message(&answer([0x81, 0x80], &[three])).unwrap();
    assert!(read.about("a.test", Kind::A).is_empty());
    let beyond = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\xff\x0a\0\0\x01";
    assert_eq!(read_message(&answer([0x81, 0x80], &[beyond])), Err(MessageError::Short));
}
