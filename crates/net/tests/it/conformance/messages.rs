//! Messages: RFC 9113 section 8.

use super::Must::{Answer, Refuse, RefuseOrEnd};
use super::{Case, WHOLE, fields, mismatch, open, raw};
use crate::frames::{HEADERS, block, frame, get};

#[expect(clippy::too_many_lines, reason = "a table, one line or two a case")]
pub(super) fn messages() -> Vec<Case> {
    let method = (":method", "GET");
    let (scheme, path) = ((":scheme", "https"), (":path", "/"));
    let authority = (":authority", "shop.localhost");
    let trailers = |list| [open(1), frame(HEADERS, WHOLE, 1, &block(list))].concat();
    vec![
        ("8.1 good", get(1, "/"), Answer),
        ("8.1 trailers", trailers(&[("x", "y")]), Answer),
        ("8.1 trailers that do not end", [open(1), open(1)].concat(), Refuse),
        // Malformed by the letter; `h2` drops the pseudo header, so nobody reads it.
        ("8.1 pseudo header in trailers", trailers(&[path]), Answer),
        ("8.1.1 longer than said", mismatch("1", &[9]), Refuse),
        ("8.1.1 shorter than said", mismatch("9", &[1]), Refuse),
        ("8.1.1 longer in two", mismatch("3", &[2, 2]), Refuse),
        ("8.1.1 nothing where something is said", fields(&[("content-length", "9")]), Refuse),
        ("8.1.1 no number", mismatch("+1", &[1]), Refuse),
        ("8.1.1 a list", mismatch("1, 1", &[1]), Refuse),
        ("8.2.1 upper case", fields(&[("X-Case", "y")]), RefuseOrEnd),
        ("8.2.1 empty name", fields(&[("", "y")]), RefuseOrEnd),
        ("8.2.1 space in a name", fields(&[("a b", "y")]), RefuseOrEnd),
        ("8.2.1 colon in a name", fields(&[("a:b", "y")]), RefuseOrEnd),
        ("8.2.1 line end in a name", fields(&[("a\r\nb", "y")]), RefuseOrEnd),
        ("8.2.1 NUL in a value", fields(&[("a", "b\0c")]), RefuseOrEnd),
        ("8.2.1 CR in a value", fields(&[("a", "b\rc")]), RefuseOrEnd),
        ("8.2.1 LF in a value", fields(&[("a", "b\nc")]), RefuseOrEnd),
        ("8.2.1 space around a value", fields(&[("a", " b")]), Refuse),
        ("8.2.1 tab around a value", fields(&[("a", "b\t")]), Refuse),
        ("8.2.2 connection", fields(&[("connection", "close")]), Refuse),
        ("8.2.2 keep-alive", fields(&[("keep-alive", "1")]), Refuse),
        ("8.2.2 proxy-connection", fields(&[("proxy-connection", "close")]), Refuse),
        ("8.2.2 transfer-encoding", fields(&[("transfer-encoding", "chunked")]), Refuse),
        ("8.2.2 upgrade", fields(&[("upgrade", "websocket")]), Refuse),
        ("8.2.2 te", fields(&[("te", "gzip")]), Refuse),
        ("8.2.2 te: trailers", fields(&[("te", "trailers")]), Answer),
        ("8.3 unknown", raw(&[method, scheme, path, authority, (":x", "y")]), RefuseOrEnd),
        ("8.3 of an answer", raw(&[method, scheme, path, authority, (":status", "200")]), Refuse),
        ("8.3 late", raw(&[method, scheme, authority, ("x", "y"), path]), Refuse),
        ("8.3 method twice", raw(&[method, method, scheme, path, authority]), Refuse),
        ("8.3 scheme twice", raw(&[method, scheme, scheme, path, authority]), Refuse),
        ("8.3 path twice", raw(&[method, scheme, path, path, authority]), Refuse),
        ("8.3 authority twice", raw(&[method, scheme, path, authority, authority]), Refuse),
        ("8.3.1 no method", raw(&[scheme, path, authority]), Refuse),
        ("8.3.1 no scheme", raw(&[method, path, authority]), Refuse),
        ("8.3.1 no path", raw(&[method, scheme, authority]), Refuse),
        ("8.3.1 empty path", raw(&[method, scheme, (":path", ""), authority]), Refuse),
        ("8.3.1 path without a slash", raw(&[method, scheme, (":path", "a"), authority]), Refuse),
        (
            "8.3.1 line end in the path",
            raw(&[method, scheme, (":path", "/\r\nx: y"), authority]),
            Refuse,
        ),
        ("8.3.1 NUL in the path", raw(&[method, scheme, (":path", "/\0"), authority]), Refuse),
        (
            "8.3.1 space in the path",
            raw(&[method, scheme, (":path", "/ HTTP/1.1"), authority]),
            Refuse,
        ),
        (
            "8.3.1 space in the method",
            raw(&[(":method", "GET /"), scheme, path, authority]),
            RefuseOrEnd,
        ),
        (
            "8.3.1 line end in the scheme",
            raw(&[method, (":scheme", "h\r\nx"), path, authority]),
            Refuse,
        ),
        (
            "8.3.1 line end in the authority",
            raw(&[method, scheme, path, (":authority", "a\r\nb")]),
            Refuse,
        ),
        ("8.3.1 nobody", raw(&[method, scheme, path]), Refuse),
        ("8.3.1 user", raw(&[method, scheme, path, (":authority", "x@shop.localhost")]), Refuse),
        ("8.3.1 other host", fields(&[("host", "other.localhost")]), Refuse),
        ("8.3.1 host twice", fields(&[("host", "a"), ("host", "a")]), Refuse),
        ("8.5 tunnel", raw(&[(":method", "CONNECT"), authority]), Refuse),
        ("8.5 tunnel with a path", raw(&[(":method", "CONNECT"), scheme, path, authority]), Refuse),
        (
            "RFC 8441 for another protocol",
            raw(&[(":method", "CONNECT"), (":protocol", "connect-udp"), scheme, path, authority]),
            Refuse,
        ),
        (
            "RFC 8441 with another method",
            raw(&[method, (":protocol", "websocket"), scheme, path, authority]),
            Refuse,
        ),
    ]
}
