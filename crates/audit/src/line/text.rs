//! JSON texts and numbers, appended to a line.

/// A JSON string in which every character is visible: beyond what JSON demands, DEL, the C1
/// controls (U+009B starts a terminal command), line separators and bidirectional marks.
pub(super) fn string(line: &mut Vec<u8>, text: &str) {
    line.push(b'"');
    if text.bytes().all(is_plain) {
        line.extend_from_slice(text.as_bytes());
    } else {
        escaped(line, text);
    }
    line.push(b'"');
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

fn escaped(line: &mut Vec<u8>, text: &str) {
    let mut buffer = [0; 4];
    for c in text.chars() {
        match c {
            '"' => line.extend_from_slice(b"\\\""),
            '\\' => line.extend_from_slice(b"\\\\"),
            '\u{8}' => line.extend_from_slice(b"\\b"),
            '\t' => line.extend_from_slice(b"\\t"),
            '\n' => line.extend_from_slice(b"\\n"),
            '\u{c}' => line.extend_from_slice(b"\\f"),
            '\r' => line.extend_from_slice(b"\\r"),
            hidden if is_hidden(hidden) => {
                line.extend_from_slice(format!("\\u{:04x}", u32::from(hidden)).as_bytes());
            }
            other => line.extend_from_slice(other.encode_utf8(&mut buffer).as_bytes()),
        }
    }
}

const fn is_hidden(c: char) -> bool {
    matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A number without leading zeros.
pub(super) fn decimal(line: &mut Vec<u8>, value: u64) {
    let mut buffer = [0; 20];
    let mut rest = value;
    let mut start = buffer.len();
    for (at, place) in buffer.iter_mut().enumerate().rev() {
        *place = digit(rest);
        start = at;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    line.extend_from_slice(buffer.get(start..).unwrap_or_default());
}

/// A number with exactly `N` digits; what is above them is left out.
pub(super) fn digits<const N: usize>(line: &mut Vec<u8>, value: u64) {
    let mut buffer = [0; N];
    let mut rest = value;
    for place in buffer.iter_mut().rev() {
        *place = digit(rest);
        rest /= 10;
    }
    line.extend_from_slice(&buffer);
}

fn digit(value: u64) -> u8 {
    b'0'.saturating_add(u8::try_from(value % 10).unwrap_or(0))
}
