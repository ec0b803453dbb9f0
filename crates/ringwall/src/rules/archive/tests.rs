use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

use super::*;

/// One entry of a tar archive.
fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    let size = format!("{:011o}\0", content.len());
    header[124..136].copy_from_slice(size.as_bytes());
    header[156] = kind;
    header[257..262].copy_from_slice(b"ustar");
    header.extend_from_slice(content);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar_gz(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.extend_from_slice(&[0; 1_024]);
    gzip(&bytes)
}

/// Name, content, and mode as Unix has it.
type Packed<'a> = (&'a str, &'a [u8], u32);

/// A zip archive.
fn zip(entries: &[Packed<'_>]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    let short = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
    let long = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    for (name, content, mode) in entries {
        let at = bytes.len();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let sizes = [long(0), long(packed.len()), long(content.len())].concat();
        let rest = [&sizes[..], &short(name.len()), &short(0)].concat();
        bytes.extend(
            [&b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0"[..], &rest, name.as_bytes(), &packed].concat(),
        );
        let start = [&b"PK\x01\x02\x14\x03\x14\0\0\0\x08\0\0\0\0\0"[..], &rest].concat();
        let end = [&[0; 6][..], &long(usize::try_from(mode << 16).unwrap()), &long(at)].concat();
        directory.extend([&start[..], &end, name.as_bytes()].concat());
    }
    let (at, size, count) = (bytes.len(), directory.len(), entries.len());
    bytes.extend(directory);
    bytes.extend(
        [
            &b"PK\x05\x06\0\0\0\0"[..],
            &short(count),
            &short(count),
            &long(size),
            &long(at),
            &short(0),
        ]
        .concat(),
    );
    bytes
}

#[track_caller]
fn refused(bytes: &[u8], why: &str) {
    let error = unpack(bytes).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

#[test]
fn the_rules_of_a_release_are_found_without_the_folder_around_them() {
    let entries = [
        entry("crs-4/", b'5', b""),
        entry("crs-4/crs-setup.conf.example", b'0', b"# setup"),
        entry("crs-4/rules/A.conf", b'0', b"# a"),
        entry("crs-4/rules/a.data", b'0', b"word"),
        entry("crs-4/tests/b.conf", b'0', b"# test"),
        entry("crs-4/README.md", b'0', b"# no rule"),
    ];
    let names = ["crs-setup.conf.example", "rules/A.conf", "rules/a.data"];
    let found = unpack(&tar_gz(&entries)).unwrap();
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), names);
    let packed = zip(&[
        ("crs-4/crs-setup.conf.example", b"# setup", 0o100_644),
        ("crs-4/rules/A.conf", b"# a", 0o100_644),
        ("crs-4/rules/a.data", b"word", 0o100_644),
    ]);
    assert_eq!(unpack(&packed).unwrap(), found);
}

#[test]
fn a_long_name_of_gnu_or_pax_is_the_name() {
    let long = format!("rules/{}.conf", "a".repeat(120));
    let pax = format!("{} path={long}\n", long.len() + 10);
    for (kind, name) in [(b'L', format!("{long}\0")), (b'x', pax)] {
        let entries = [entry("long", kind, name.as_bytes()), entry("short", b'0', b"# a")];
        let found = unpack(&tar_gz(&entries)).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), [&long]);
    }
}

#[test]
fn a_path_that_climbs_out_is_refused() {
    for name in ["../a.conf", "rules/../../a.conf", "/etc/a.conf", "rules//a.conf", "c:\\a.conf"] {
        refused(&tar_gz(&[entry(name, b'0', b"# a")]), "no plain path");
        refused(&zip(&[(name, b"# a", 0o100_644)]), "no plain path");
    }
}

#[test]
fn a_link_is_refused() {
    refused(&tar_gz(&[entry("rules/a.conf", b'2', b"")]), "a link");
    refused(&tar_gz(&[entry("rules/a.conf", b'1', b"")]), "a link");
    refused(&zip(&[("rules/a.conf", b"/etc/passwd", 0o120_777)]), "a link");
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let limit = usize::try_from(UNPACKED_BYTES_MAX).unwrap();
    refused(&gzip(&vec![0; limit + 1]), "larger than");
    let half = vec![b'#'; limit / 2 + 1];
    refused(&zip(&[("a.conf", &half, 0), ("b.conf", &half, 0)]), "more than");
    // One that says to be small and is not.
    let mut liar = zip(&[("a.conf", &[b'#'; 5_000], 0)]);
    let directory = liar.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    liar[directory + 24..directory + 28].copy_from_slice(&10_u32.to_le_bytes());
    refused(&liar, "larger than 10");
}

#[test]
fn what_is_damaged_or_something_else_is_refused() {
    refused(b"plain text", "neither");
    refused(&tar_gz(&[entry("README.md", b'0', b"x")]), "no rules");
    refused(&tar_gz(&[entry("a.conf", b'0', b"a"), entry("a.conf", b'0', b"b")]), "twice");
    refused(&tar_gz(&[entry("a.conf", b'7', b"a")]), "kind 0x37");
    let whole = zip(&[("a.conf", b"# a", 0)]);
    for length in [4, 20, 40, whole.len() - 30] {
        assert!(unpack(&whole[..length]).is_err(), "{length}");
    }
    let mut cut = entry("a.conf", b'0', &[b'#'; 600]);
    cut.truncate(700);
    assert!(unpack(&gzip(&cut)).is_err());
}
