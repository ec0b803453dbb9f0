//! The `Date` of an answer that has none (RFC 9110 section 6.6.1).

use std::cell::RefCell;
use std::io::Write as _;

use http::HeaderValue;
use ringwall_base::{Clock as _, SystemClock, Timestamp};

thread_local! {
    static LINE: RefCell<Line> = const { RefCell::new(Line { second: 0, text: Vec::new() }) };
    static CLOCK: SystemClock = SystemClock::start();
}

/// The field in the second that it was last asked for.
struct Line {
    second: u64,
    text: Vec<u8>,
}

/// Writes the field, with its line end.
pub(crate) fn write(out: &mut Vec<u8>) {
    let now = CLOCK.with(SystemClock::now);
    LINE.with_borrow_mut(|line| {
        if line.second != now.secs() || line.text.is_empty() {
            line.second = now.secs();
            line.text.clear();
            // Into memory: it does not fail.
            write!(line.text, "date: ").and_then(|()| imf(&mut line.text, now)).ok();
        }
        out.extend_from_slice(&line.text);
    });
}

/// The field's value.
pub(crate) fn value() -> Option<HeaderValue> {
    let mut field = Vec::new();
    write(&mut field);
    let value = field.strip_prefix(b"date: ")?.strip_suffix(b"\r\n")?;
    HeaderValue::from_bytes(value).ok()
}

/// RFC 9110 section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn imf(line: &mut Vec<u8>, now: Timestamp) -> std::io::Result<()> {
    let [year, month, day, hour, minute, second] = now.civil();
    let at = |number: u64| usize::try_from(number).unwrap_or_default();
    // 1970 began on a Thursday.
    let weekday = WEEKDAYS.get(at(now.secs().wrapping_div(86_400).wrapping_rem(7)));
    let month = MONTHS.get(at(month.saturating_sub(1)));
    let (weekday, month) = (weekday.unwrap_or(&"Thu"), month.unwrap_or(&"Jan"));
    write!(line, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT\r\n")
}

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_the_one_of_the_standard() {
        let mut line = Vec::new();
        imf(&mut line, Timestamp::from_secs(784_111_777)).unwrap();
        assert_eq!(line, b"Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    }
}
