//! Vectors from the text of the specification, and everything beside them.

use proptest::prelude::*;

use super::version2::SIGNATURE;
use super::*;

fn parse(bytes: &[u8]) -> Outcome {
    fuzz(bytes);
    outcome(&mut std::iter::once(bytes))
}

fn client(text: &str) -> Speaker {
    Speaker::Client(text.parse().unwrap())
}

/// A header of version 2.
fn header(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, body].concat()
}

const BLOCK4: [u8; 12] = [192, 0, 2, 1, 192, 0, 2, 2, 0xc0, 0x00, 0x01, 0xbb];

#[test]
fn the_lines_of_the_specification_are_read() {
    for (line, speaker) in [
        ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"),
        ("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1:56324"),
        (
            "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
             ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
        ),
        ("PROXY TCP6 ::ffff:10.0.0.1 ::1 1 2\r\n", "10.0.0.1:1"),
        ("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0"),
    ] {
        assert_eq!(parse(line.as_bytes()), Some(Ok((line.len(), client(speaker)))), "{line}");
        let with_more = format!("{line}GET / HTTP/1.1\r\n");
        assert_eq!(parse(with_more.as_bytes()), Some(Ok((line.len(), client(speaker)))), "{line}");
    }
    for line in [
        "PROXY UNKNOWN\r\n",
        "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
         ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
    ] {
        assert_eq!(parse(line.as_bytes()), Some(Ok((line.len(), Speaker::Itself))), "{line}");
    }
}

#[test]
fn a_line_that_is_not_exactly_so_is_refused() {
    for line in [
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
        "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        "PROXY TCP4 ::1 ::2 1 2\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY UNKNOWN\u{7f}\r\n",
        "PROXY \r\n",
        "PROXY TCP4\r192.0.2.1 192.0.2.2 1 2\r\n",
    ] {
        assert_eq!(parse(line.as_bytes()), Some(Err(ProxyError::Malformed)), "{line}");
    }
    let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(100));
    assert_eq!(parse(long.as_bytes()), Some(Err(ProxyError::TooLong)));
    let longest = format!("PROXY UNKNOWN {}\r\n", "x".repeat(91));
    assert_eq!(longest.len(), 107);
    assert_eq!(parse(longest.as_bytes()), Some(Ok((107, Speaker::Itself))));
}

#[test]
fn what_is_no_header_is_missing_at_its_first_other_byte() {
    for bytes in
        [&b"G"[..], b"\x16\x03\x01", b"PROXY\tTCP4", b"PROXX", b"\r\n\r\n\0\r\nQUIT\r", b"\n"]
    {
        assert_eq!(parse(bytes), Some(Err(ProxyError::Missing)), "{bytes:?}");
    }
    for bytes in [&b"P"[..], b"PROXY ", b"\r", b"\r\n\r\n\0\r\nQUIT\n", b""] {
        assert_eq!(parse(bytes), None, "{bytes:?}");
    }
}

#[test]
fn binary_headers_name_their_client() {
    let v4 = header(0x21, 0x11, &BLOCK4);
    assert_eq!(parse(&v4), Some(Ok((28, client("192.0.2.1:49152")))));
    let mut block = [0_u8; 36];
    block[..16].copy_from_slice(&"2001:db8::7".parse::<std::net::Ipv6Addr>().unwrap().octets());
    block[32..34].copy_from_slice(&4_711_u16.to_be_bytes());
    assert_eq!(parse(&header(0x21, 0x21, &block)), Some(Ok((52, client("[2001:db8::7]:4711")))));
    assert_eq!(parse(&header(0x21, 0x31, &[0; 216])), Some(Ok((232, Speaker::Unix))));
    assert_eq!(parse(&header(0x21, 0x00, &[])), Some(Ok((16, Speaker::Itself))));
    // Whatever LOCAL carries is skipped.
    assert_eq!(parse(&header(0x20, 0x00, &[])), Some(Ok((16, Speaker::Itself))));
    assert_eq!(parse(&header(0x20, 0x11, &[9; 40])), Some(Ok((56, Speaker::Itself))));
}

#[test]
fn a_binary_header_that_is_not_exactly_so_is_refused() {
    for (command, family, body) in [
        (0x22, 0x11, &BLOCK4[..]),
        (0x11, 0x11, &BLOCK4),
        (0x31, 0x11, &BLOCK4),
        (0x21, 0x12, &BLOCK4),
        (0x21, 0x41, &BLOCK4),
        (0x21, 0x10, &BLOCK4),
        (0x21, 0x11, &BLOCK4[..11]),
        (0x21, 0x21, &[0; 35]),
        (0x21, 0x31, &[0; 215]),
    ] {
        let bytes = header(command, family, body);
        assert_eq!(parse(&bytes), Some(Err(ProxyError::Malformed)), "{command:x} {family:x}");
    }
    // The length alone tells: nobody waits for 64 KiB.
    let long = [SIGNATURE, &[0x21, 0x11, 0xff, 0xff]].concat();
    assert_eq!(parse(&long), Some(Err(ProxyError::TooLong)));
}

#[test]
fn values_have_to_fill_what_is_left() {
    let with = |values: &[u8]| parse(&header(0x21, 0x11, &[&BLOCK4, values].concat()));
    let good = client("192.0.2.1:49152");
    assert_eq!(with(&[0x04, 0, 0]), Some(Ok((31, good))));
    assert_eq!(with(&[0x04, 0, 1, 9, 0x02, 0, 2, b'h', b'i']), Some(Ok((37, good))));
    assert_eq!(
        with(&[0x04, 0, 2, 9]),
        Some(Err(ProxyError::Malformed)),
        "longer than what is there"
    );
    assert_eq!(with(&[0x04, 0]), Some(Err(ProxyError::Malformed)), "half a head");
    assert_eq!(with(&[0x04, 0, 0].repeat(64)), Some(Ok((220, good))));
    assert_eq!(with(&[0x04, 0, 0].repeat(65)), Some(Err(ProxyError::TooLong)));
    assert_eq!(with(&[0x03, 0, 3, 0, 0, 0]), Some(Err(ProxyError::Malformed)), "short checksum");
}

#[test]
fn a_checksum_has_to_fit() {
    // Made by another implementation: Python's `crc32c` over the header with four zeros.
    let body = [&BLOCK4[..], &[0x03, 0, 4, 0, 0, 0, 0]].concat();
    let zeroed = header(0x21, 0x11, &body);
    let sum = reference(&zeroed).to_be_bytes();
    let put = |sum: [u8; 4]| header(0x21, 0x11, &[&BLOCK4[..], &[0x03, 0, 4], &sum].concat());
    assert_eq!(parse(&put(sum)), Some(Ok((35, client("192.0.2.1:49152")))));
    let wrong = u32::from_be_bytes(sum) ^ 1;
    assert_eq!(parse(&put(wrong.to_be_bytes())), Some(Err(ProxyError::Checksum)));
    let twice = [&BLOCK4[..], &[0x03, 0, 4], &sum, &[0x03, 0, 4], &sum].concat();
    assert!(matches!(parse(&header(0x21, 0x11, &twice)), Some(Err(_))));
}

/// RFC 3720 appendix B.4: 32 bytes of zeros give 8a9136aa.
#[test]
fn the_checksum_is_the_one_of_rfc_3720() {
    assert_eq!(reference(&[0; 32]), 0x8a91_36aa);
    assert_eq!(reference(&[0xff; 32]), 0x62a8_ab43);
    assert_eq!(reference(b"123456789"), 0xe306_9283);
}

/// A second implementation, by long division over the unreflected polynomial.
fn reference(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(byte.reverse_bits()) << 24;
        for _ in 0..8 {
            sum = if sum >> 31 == 1 { (sum << 1) ^ 0x1edc_6f41 } else { sum << 1 };
        }
    }
    !sum.reverse_bits()
}

proptest! {
    #[test]
    fn any_bytes_have_one_outcome(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzz(&bytes);
    }

    #[test]
    fn bytes_behind_a_signature_have_one_outcome(
        command in 0x1e_u8..0x24, family: u8, length in 0_u16..300,
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        fuzz(&[SIGNATURE, &[command, family], &length.to_be_bytes(), &body].concat());
    }

    #[test]
    fn what_is_written_is_read(source: std::net::IpAddr, to: std::net::Ipv6Addr, port: u16) {
        let line = match source {
            std::net::IpAddr::V4(v4) => format!("PROXY TCP4 {v4} 192.0.2.1 {port} 443\r\n"),
            std::net::IpAddr::V6(v6) => format!("PROXY TCP6 {v6} {to} {port} 443\r\n"),
        };
        let want = Speaker::Client(SocketAddr::new(source.to_canonical(), port));
        prop_assert_eq!(parse(line.as_bytes()), Some(Ok((line.len(), want))));
    }
}
