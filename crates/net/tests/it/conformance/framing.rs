//! Frames: RFC 9113 sections 4 to 7.

use super::Must::{End, Ignore, Reset};
use super::{CLOSED, COMPRESSION, Case, FLOW, PROTOCOL, REFUSED, SIZE, WHOLE, open, setting};
use crate::frames::{
    ACK, CONTINUATION, DATA, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PRIORITY, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, frame, get, request,
};

#[expect(clippy::too_many_lines, reason = "a table, one line or two a case")]
pub(super) fn framing() -> Vec<Case> {
    let number = |value: u32| value.to_be_bytes();
    vec![
        ("4.1 unknown type", frame(0xbb, 0xff, 0, b"x"), Ignore),
        ("4.1 undefined flags", frame(PING, 0x16, 0, b"12345678"), Ignore),
        ("4.1 reserved bit", frame(PING, 0, 1 << 31, b"12345678"), Ignore),
        ("4.2 large DATA", [open(1), frame(DATA, 1, 1, &[0; 16_385])].concat(), Reset(&[SIZE])),
        ("4.2 large HEADERS", frame(HEADERS, WHOLE, 1, &[0; 16_385]), End(SIZE)),
        (
            "4.3 garbage",
            frame(HEADERS, WHOLE, 1, &[0xff, 0xff, 0xff, 0xff, 0xff]),
            End(COMPRESSION),
        ),
        ("4.3 unknown index", frame(HEADERS, WHOLE, 1, &[0xbe]), End(COMPRESSION)),
        ("4.3 index 0", frame(HEADERS, WHOLE, 1, &[0x80]), End(COMPRESSION)),
        ("4.3 bad Huffman", frame(HEADERS, WHOLE, 1, &[0, 0x81, 0xff, 0]), End(COMPRESSION)),
        (
            "4.3 table over the limit",
            frame(HEADERS, WHOLE, 1, &[0x3f, 0xe1, 0x7f]),
            End(COMPRESSION),
        ),
        (
            "4.3 frame within a header block",
            [frame(HEADERS, END_STREAM, 1, &request("/", &[])), frame(PRIORITY, 0, 1, &[0; 5])]
                .concat(),
            End(PROTOCOL),
        ),
        (
            "4.3 other stream within a header block",
            [frame(HEADERS, END_STREAM, 1, &request("/", &[])), get(3, "/")].concat(),
            End(PROTOCOL),
        ),
        ("5.1 idle: DATA", frame(DATA, END_STREAM, 1, b"x"), End(PROTOCOL)),
        ("5.1 idle: RST_STREAM", frame(RST_STREAM, 0, 1, &number(8)), End(PROTOCOL)),
        ("5.1 idle: WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, 1, &number(9)), End(PROTOCOL)),
        ("5.1 idle: CONTINUATION", frame(CONTINUATION, 4, 1, &request("/", &[])), End(PROTOCOL)),
        (
            "5.1 half closed: DATA",
            [get(1, "/never"), frame(DATA, 1, 1, b"x")].concat(),
            Reset(&[CLOSED]),
        ),
        ("5.1 half closed: HEADERS", [get(1, "/never"), get(1, "/")].concat(), Reset(&[CLOSED])),
        (
            "5.1 closed: HEADERS",
            [get(1, "/never"), frame(RST_STREAM, 0, 1, &number(8)), get(1, "/")].concat(),
            Reset(&[CLOSED, PROTOCOL]),
        ),
        (
            "5.1 closed: CONTINUATION",
            [get(1, "/"), frame(CONTINUATION, 4, 1, &request("/", &[]))].concat(),
            End(PROTOCOL),
        ),
        ("5.1.1 even number", get(2, "/"), End(PROTOCOL)),
        ("5.1.1 smaller number", [get(5, "/never"), get(3, "/")].concat(), End(PROTOCOL)),
        (
            "5.1.2 one stream too many",
            (0..3).flat_map(|index| get(1 + 2 * index, "/never")).collect(),
            Reset(&[REFUSED, PROTOCOL]),
        ),
        (
            "5.5 unknown type within a header block",
            [frame(HEADERS, END_STREAM, 1, &request("/", &[])), frame(0xbb, 0, 0, b"x")].concat(),
            End(PROTOCOL),
        ),
        ("6.1 DATA on 0", frame(DATA, 0, 0, b"x"), End(PROTOCOL)),
        ("6.1 padding", [open(1), frame(DATA, PADDED, 1, &[9, 1])].concat(), End(PROTOCOL)),
        ("6.2 HEADERS on 0", get(0, "/"), End(PROTOCOL)),
        ("6.2 padding", frame(HEADERS, WHOLE | PADDED, 1, &[99, 0x82]), End(PROTOCOL)),
        ("6.3 PRIORITY on 0", frame(PRIORITY, 0, 0, &[0; 5]), End(PROTOCOL)),
        ("6.3 short", [open(1), frame(PRIORITY, 0, 1, &[0; 4])].concat(), Reset(&[SIZE])),
        ("6.4 RST_STREAM on 0", frame(RST_STREAM, 0, 0, &number(8)), End(PROTOCOL)),
        ("6.4 short", [open(1), frame(RST_STREAM, 0, 1, &[0; 3])].concat(), End(SIZE)),
        ("6.5 ACK with a payload", frame(SETTINGS, ACK, 0, &[0; 6]), End(SIZE)),
        ("6.5 SETTINGS on 1", frame(SETTINGS, 0, 1, &[]), End(PROTOCOL)),
        ("6.5 odd length", frame(SETTINGS, 0, 0, &[0; 3]), End(SIZE)),
        ("6.5.2 push is 2", setting(2, 2), End(PROTOCOL)),
        ("6.5.2 window over the limit", setting(4, 1 << 31), End(FLOW)),
        ("6.5.2 frame too small", setting(5, 16_383), End(PROTOCOL)),
        ("6.5.2 frame too large", setting(5, 1 << 24), End(PROTOCOL)),
        ("6.5.2 unknown", setting(0xff, 1), Ignore),
        ("6.7 answer nobody asked for", frame(PING, ACK, 0, b"12345678"), Ignore),
        ("6.7 PING on 1", frame(PING, 0, 1, b"12345678"), End(PROTOCOL)),
        ("6.7 short", frame(PING, 0, 0, b"1234567"), End(SIZE)),
        ("6.8 GOAWAY on 1", frame(GOAWAY, 0, 1, &[0; 8]), End(PROTOCOL)),
        ("6.9 nothing, on 0", frame(WINDOW_UPDATE, 0, 0, &number(0)), End(PROTOCOL)),
        (
            "6.9 nothing, on 1",
            [open(1), frame(WINDOW_UPDATE, 0, 1, &number(0))].concat(),
            Reset(&[PROTOCOL]),
        ),
        ("6.9 short", frame(WINDOW_UPDATE, 0, 0, &[0; 3]), End(SIZE)),
        ("6.9.1 overflow on 0", frame(WINDOW_UPDATE, 0, 0, &number((1 << 31) - 1)), End(FLOW)),
        (
            "6.9.1 overflow on 1",
            [open(1), frame(WINDOW_UPDATE, 0, 1, &number((1 << 31) - 1))].concat(),
            Reset(&[FLOW]),
        ),
        (
            "6.10 without HEADERS",
            [get(1, "/never"), frame(CONTINUATION, 4, 1, b"")].concat(),
            End(PROTOCOL),
        ),
        ("6.10 on 0", frame(CONTINUATION, 4, 0, b""), End(PROTOCOL)),
        ("7 unknown code", [open(1), frame(RST_STREAM, 0, 1, &number(0xff))].concat(), Ignore),
    ]
}
