//! Reads what a server answers (RESP2), without trusting it.

/// One answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply {
    /// Several.
    Array(Vec<Self>),
    /// What was asked cannot be done; the text is printable and short.
    Error(String),
    /// A number.
    Integer(i64),
    /// Nothing is there.
    Nil,
    /// A text, short or of stated length.
    Text(Vec<u8>),
}

/// An answer and its length; `None` while it is short; or why it can never become one.
pub type Parsed = Result<Option<(Reply, usize)>, &'static str>;

/// Reads one answer from the start of `input`, and says how long it is. `None`: not all of it has
/// come.
///
/// # Errors
/// When it can never become an answer.
pub fn parse_reply(input: &[u8]) -> Parsed {
    let mut cursor = Cursor { rest: input };
    match cursor.reply(DEPTH_MAX) {
        Ok(reply) => Ok(Some((reply, input.len().saturating_sub(cursor.rest.len())))),
        Err(Stop::Short) => Ok(None),
        Err(Stop::Malformed(why)) => Err(why),
    }
}

struct Cursor<'a> {
    rest: &'a [u8],
}

enum Stop {
    Short,
    Malformed(&'static str),
}

impl<'a> Cursor<'a> {
    fn reply(&mut self, depth: u8) -> Result<Reply, Stop> {
        let line = self.line()?;
        let (kind, rest) = line.split_first().ok_or(Stop::Malformed("an empty line"))?;
        match kind {
            b'+' => Ok(Reply::Text(rest.to_vec())),
            b'-' => Ok(Reply::Error(printable(rest))),
            b':' => number(rest).map(Reply::Integer),
            b'$' => self.text(number(rest)?),
            b'*' => self.array(number(rest)?, depth),
            _ => Err(Stop::Malformed("an unknown kind")),
        }
    }

    fn text(&mut self, length: i64) -> Result<Reply, Stop> {
        if length == -1 {
            return Ok(Reply::Nil);
        }
        let length = usize::try_from(length).ok().filter(|length| *length <= TEXT_BYTES_MAX);
        let length = length.ok_or(Stop::Malformed("a text too long"))?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(Stop::Short)?;
        let (end, rest) = rest.split_at_checked(2).ok_or(Stop::Short)?;
        if end != b"\r\n" {
            return Err(Stop::Malformed("a text that goes on"));
        }
        self.rest = rest;
        Ok(Reply::Text(text.to_vec()))
    }

    fn array(&mut self, count: i64, depth: u8) -> Result<Reply, Stop> {
        if count == -1 {
            return Ok(Reply::Nil);
        }
        let count = usize::try_from(count).ok().filter(|count| *count <= ITEMS_MAX);
        let count = count.ok_or(Stop::Malformed("a list too long"))?;
        let depth = depth.checked_sub(1).ok_or(Stop::Malformed("lists in lists"))?;
        (0..count).map(|_| self.reply(depth)).collect::<Result<_, _>>().map(Reply::Array)
    }

    fn line(&mut self) -> Result<&'a [u8], Stop> {
        let end = self.rest.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n');
        let Some(end) = end else {
            let is_long = self.rest.len() >= LINE_BYTES_MAX;
            return Err(if is_long { Stop::Malformed("a line too long") } else { Stop::Short });
        };
        let (line, rest) = self.rest.split_at_checked(end).ok_or(Stop::Short)?;
        self.rest = rest.get(1..).unwrap_or_default();
        line.strip_suffix(b"\r").ok_or(Stop::Malformed("a line without its return"))
    }
}

fn number(text: &[u8]) -> Result<i64, Stop> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or(Stop::Malformed("not a number"))
}

/// It goes to logs: nothing in it may look like another line.
fn printable(text: &[u8]) -> String {
    let visible = |byte: &u8| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '?' };
    text.iter().take(ERROR_CHARS_MAX).map(visible).collect()
}

const DEPTH_MAX: u8 = 2;
const ERROR_CHARS_MAX: usize = 160;
const ITEMS_MAX: usize = 4_096;
const LINE_BYTES_MAX: usize = 4_096;
const TEXT_BYTES_MAX: usize = 16 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Reply {
        let (reply, length) = parse_reply(text.as_bytes()).unwrap().unwrap();
        assert_eq!(length, text.len());
        reply
    }

    #[test]
    fn each_kind_of_answer_is_read() {
        assert_eq!(whole("+OK\r\n"), Reply::Text(b"OK".to_vec()));
        assert_eq!(whole(":-7\r\n"), Reply::Integer(-7));
        assert_eq!(whole("$-1\r\n"), Reply::Nil);
        assert_eq!(whole("$4\r\na\r\nb\r\n"), Reply::Text(b"a\r\nb".to_vec()));
        let list = Reply::Array(vec![Reply::Integer(1), Reply::Text(Vec::new())]);
        assert_eq!(whole("*2\r\n:1\r\n$0\r\n\r\n"), list);
        assert_eq!(whole("-ERR \u{1b}[31m\r\n"), Reply::Error("ERR ?[31m".to_owned()));
    }

    #[test]
    fn half_an_answer_waits_and_nonsense_does_not() {
        let text = "*2\r\n:12\r\n$3\r\nabc\r\n";
        for end in 0..text.len() {
            assert_eq!(parse_reply(&text.as_bytes()[..end]), Ok(None), "{end}");
        }
        let long = "+".to_owned() + &"a".repeat(5_000);
        for text in [
            "HTTP/1.1 400 Bad Request\r\n",
            "\r\n",
            ":1e9\r\n",
            ":\n",
            "*-2\r\n",
            "*99999999\r\n",
            "$99999999999999999999\r\n",
            "$-7\r\n",
            "$1\r\nab\r\n",
            "*1\r\n*1\r\n*1\r\n:1\r\n",
            &long,
        ] {
            assert!(parse_reply(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
