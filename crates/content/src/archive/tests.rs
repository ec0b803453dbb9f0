use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::limits::{GZIP_MEMBERS_MAX, RATIO_FREE_BYTES};

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn budget(unpacked: u64, entries_max: usize) -> Budget {
    let unpacked_bytes_max = Some(unpacked);
    Budget::new(&Bounds { entries_max, unpacked_bytes_max, ..Bounds::default() })
}

fn usual() -> Budget {
    Budget::new(&Bounds::default())
}

fn found(bytes: &[u8], budget: &mut Budget) -> Vec<String> {
    let mut findings = Findings::default();
    check(bytes, kind::of(bytes), budget, &mut findings);
    findings.into_list().into_iter().map(|one| one.message).collect()
}

/// Letters that do not repeat, so that a hundredfold is not reached first.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn the_last_byte_that_a_request_may_unpack_passes_and_the_next_does_not() {
    for (left, want) in [(1000, vec![]), (999, vec!["an archive that unpacks to too much"])] {
        let mut budget = budget(left, 10);
        assert_eq!(found(&packed(&noise(1000)), &mut budget), want);
    }
}

#[test]
fn what_one_archive_took_the_next_does_not_have() {
    let mut budget = budget(1500, 10);
    assert!(found(&packed(&noise(1000)), &mut budget).is_empty());
    assert_eq!(found(&packed(&noise(1000)), &mut budget).len(), 1);
}

#[test]
fn a_hundredfold_passes_and_more_does_not() {
    let free = usize::try_from(RATIO_FREE_BYTES).unwrap();
    let small = packed(&vec![b'a'; free]);
    assert!(found(&small, &mut usual()).is_empty(), "small files pass");
    let large = packed(&vec![b'a'; free + 1]);
    let want = "an archive that unpacks to too many times its size";
    assert_eq!(found(&large, &mut usual()), [want]);
}

#[test]
fn a_rule_has_bounds_of_its_own() {
    let free = usize::try_from(RATIO_FREE_BYTES).unwrap();
    let large = packed(&vec![b'a'; free * 2]);
    let ratio = |ratio_max| Budget::new(&Bounds { ratio_max, ..Bounds::default() });
    assert!(found(&large, &mut ratio(2_000)).is_empty());
    assert_eq!(found(&large, &mut ratio(20)).len(), 1);
    let depth = |depth_max| Budget::new(&Bounds { depth_max, ..Bounds::default() });
    let nested = tar(&[(b"a", b'0', &packed(b"text"))]);
    assert!(found(&nested, &mut depth(2)).is_empty());
    let deep = "archives inside archives, too deep";
    assert_eq!(found(&nested, &mut depth(1)), [deep]);
    assert_eq!(found(&packed(b"text"), &mut depth(0)), [deep]);
}

#[test]
fn an_archive_that_nobody_looks_into_is_not_taken_inside_another() {
    for magic in [
        &b"7z\xbc\xaf\x27\x1c\0\x04"[..],
        b"Rar!\x1a\x07\0",
        b"\xfd7zXZ\0\0",
        b"\x28\xb5\x2f\xfd\0",
    ] {
        let want = ["an archive inside an archive that cannot be looked into"];
        assert_eq!(found(&tar(&[(b"a", b'0', magic)]), &mut usual()), want);
        assert_eq!(found(&packed(magic), &mut usual()), want);
    }
}

#[test]
fn a_gzip_file_has_a_last_member() {
    let member = packed(b"");
    let most = member.repeat(GZIP_MEMBERS_MAX);
    assert!(found(&most, &mut usual()).is_empty());
    let more = [most, member].concat();
    assert_eq!(found(&more, &mut usual()), ["an archive that cannot be unpacked"]);
}

/// A ZIP archive of one stored entry, with this extra field in both heads and bytes before it.
fn zip(name: &[u8], extra: &[u8], before: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_le_bytes();
    let common =
        [&[10, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[0; 12][..], &length(name), &length(extra)].concat();
    let local = [b"PK\x03\x04", &common[..], name, extra].concat();
    let at = u32::try_from(before.len()).unwrap().to_le_bytes();
    let entry = [b"PK\x01\x02\x0a\0", &common[..], &[0; 10], &at, name, extra].concat();
    let start = u32::try_from(before.len() + local.len()).unwrap().to_le_bytes();
    let size = u32::try_from(entry.len()).unwrap().to_le_bytes();
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &size[..], &start, &[0; 2]].concat();
    [before, &local, &entry, &end].concat()
}

fn field(id: u16, content: &[u8]) -> Vec<u8> {
    let size = u16::try_from(content.len()).unwrap().to_le_bytes();
    [&id.to_le_bytes(), &size[..], content].concat()
}

#[test]
fn an_entry_has_one_name() {
    let two = "a ZIP archive with an entry of two names";
    let climbs = "an entry that climbs out of its folder";
    let other = |name: &[u8]| field(0x7075, &[b"\x01abcd", name].concat());
    for (name, extra, want) in [
        (&b"a.txt"[..], vec![], &[][..]),
        (b"a.txt", other(b"a.txt"), &[]),
        (b"\x84.txt", other("ä.txt".as_bytes()), &[]),
        (b"a.txt", other(b"b.txt"), &[two]),
        (b"\x84.txt", other(b"../a"), &[climbs]),
    ] {
        assert_eq!(found(&zip(name, &extra, b""), &mut usual()), want, "{extra:?}");
    }
}

#[test]
fn bytes_before_an_archive_are_found_wherever_its_directory_says_it_begins() {
    let archive = zip(b"a.txt", b"", b"#!/bin/sh\n");
    let mut findings = Findings::default();
    check(&archive, Kind::Zip, &mut usual(), &mut findings);
    let list: Vec<_> = findings.into_list().into_iter().map(|one| one.message).collect();
    assert_eq!(list, ["bytes before an archive"]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it is about time")]
fn no_archive_takes_the_square_of_its_length() {
    let started = std::time::Instant::now();
    // Thousands of entries that all lead to one head with sixteen thousand fields.
    let fields = field(9, b"").repeat(16_000);
    let mut one = zip(b"a", &fields, b"");
    let (head, tail) = one.split_at(31 + fields.len());
    let (mut entry, end) = (tail[..47].to_vec(), tail[tail.len() - 22..].to_vec());
    entry[30..32].fill(0);
    let entries = entry.repeat(20_000);
    let mut end = end;
    end[8..10].copy_from_slice(&20_000_u16.to_le_bytes());
    end[10..12].copy_from_slice(&20_000_u16.to_le_bytes());
    end[12..16].copy_from_slice(&u32::try_from(entries.len()).unwrap().to_le_bytes());
    one = [head, &entries, &end].concat();
    assert!(!found(&one, &mut usual()).is_empty());
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[test]
fn a_large_request_unpacks_to_no_more_unless_its_line_says_so() {
    // Each entry is small enough for any ratio, and all together are 70 MiB in a request of 3 MiB.
    let (file, rest) = (packed(&vec![b'a'; 7 * 1024 * 1024]), vec![b'a'; 3 * 1024 * 1024]);
    let mut entries = vec![(&b"a"[..], b'0', file.as_slice()); 10];
    entries.insert(0, (b"b", b'0', &rest));
    let large = tar(&entries);
    assert_eq!(found(&large, &mut usual()), ["an archive that unpacks to too much"]);
    assert!(found(&large, &mut budget(72 * 1024 * 1024, 99)).is_empty());
}

#[test]
fn the_last_entry_passes_and_the_next_does_not() {
    let archive = tar(&[(b"a", b'0', b""), (b"b", b'0', b"")]);
    for (left, want) in [(2, vec![]), (1, vec!["an archive with too many entries"])] {
        let mut budget = budget(0, left);
        assert_eq!(found(&archive, &mut budget), want);
    }
}

#[test]
fn zeros_behind_a_gzip_file_are_a_tape_s_and_more_is_not() {
    let file = packed(b"text");
    let with = |more: &[u8]| found(&[&file, more].concat(), &mut usual());
    assert!(with(b"\0\0\0\0").is_empty() && with(&file).is_empty());
    assert_eq!(with(b"more"), ["an archive that cannot be unpacked"]);
}

/// The head of an entry with its right sum.
fn head(name: &[u8], kind: u8, size: usize) -> Vec<u8> {
    let mut head = vec![0; 512];
    head[..name.len()].copy_from_slice(name);
    head[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    head[148..156].fill(b' ');
    head[156] = kind;
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    head
}

/// Name, kind, content.
type Entry<'a> = (&'a [u8], u8, &'a [u8]);

/// An old archive, without the word `ustar`.
fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, kind, content) in entries {
        archive.extend(head(name, *kind, content.len()));
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

#[test]
fn what_two_readers_of_tar_would_read_differently_is_dangerous() {
    let two = "a tar archive with more than one reading";
    let climbs = "an entry that climbs out of its folder";
    let evil = tar(&[(b"../evil", b'0', b"x")]);
    let hidden = [&[b'x'; 512][..], &evil].concat();
    let good = (&b"good"[..], b'0', &hidden[..]);
    let mut broken = tar(&[good]);
    broken[150] ^= 1;
    let mut ustar = broken.clone();
    ustar[257..262].copy_from_slice(b"ustar");
    for (archive, want) in [
        (tar(&[(b"../evil", b'0', b"x")]), &[climbs][..]),
        // A name is looked at when it comes, and none is kept.
        (tar(&[(b"p", b'L', b"../a")]), &[climbs]),
        (tar(&[(b"p", b'x', b"13 path=../a\n")]), &[climbs]),
        (tar(&[(b"p", b'x', b"10 size=0\n"), good]), &[two]),
        (tar(&[(b"p", b'x', b"13 size=2560\n"), good]), &[]),
        (tar(&[(b"p", b'x', b"27 GNU.sparse.name=../../a\n"), good]), &[climbs, two]),
        (tar(&[(b"p", b'x', b"26 GNU.sparse.realsize=99\n"), good]), &[two]),
        (tar(&[(b"p", b'x', b"10 size=0\n13 size=2560\n"), good]), &[two]),
        (tar(&[(b"p", b'x', b"10 size=0\n"), (b"p", b'x', b"13 size=2560\n"), good]), &[two]),
        (tar(&[(b"p", b'x', b"12 path=../a\n"), good]), &["a tar archive that is broken"]),
        (tar(&[(b"p", b'x', b"13 path=../a\n"), good]), &[climbs]),
        (
            tar(&[(b"p", b'g', b"10 path=a\n"), good]),
            &["a tar archive with one name for all entries"],
        ),
        (tar(&[(b"p", b'g', b"13 comment=a\n"), good]), &[]),
        (tar(&[(b"folder", b'5', &hidden)]), &[two]),
        (tar(&[(b"sparse", b'S', b"")]), &[two]),
        (ustar, &["a tar archive that is broken"]),
        (broken, &[]),
    ] {
        let name = String::from_utf8_lossy(archive.get(512..552).unwrap()).into_owned();
        assert_eq!(found(&archive, &mut usual()), want, "{name}");
    }
}

#[test]
fn what_is_in_a_tar_archive_is_looked_into() {
    let bomb = packed(&vec![0; 9 * 1024 * 1024]);
    let want = "an archive that unpacks to too many times its size";
    let archive = tar(&[(b"readme", b'0', b"text"), (b"bomb.gz", b'0', &bomb), (b"z", b'0', b"")]);
    assert_eq!(found(&archive, &mut usual()), [want]);
    assert_eq!(found(&packed(&archive), &mut usual()), [want]);
    let deep = (0..3).fold(bomb, |inner, _| tar(&[(b"a", b'0', &inner)]));
    assert_eq!(found(&deep, &mut usual()), ["archives inside archives, too deep"]);
}
