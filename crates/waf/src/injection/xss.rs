//! Script injection: the value is read as HTML, from five places where it may stand, and what it
//! opens is looked up among the tags, attributes and addresses that run code.

mod html;
mod names;

use html::{Html, Kind, Start, Token};
use names::Danger;

/// Without one of these nothing opens a tag, and no attribute has a value.
pub(crate) const NEEDED: &[u8] = b"<=";

/// Whether a value would run code somewhere in a page.
pub(crate) fn detect(value: &[u8]) -> bool {
    const STARTS: [Start; 5] =
        [Start::Data, Start::Tag, Start::Quote(b'\''), Start::Quote(b'"'), Start::Quote(b'`')];
    STARTS.iter().any(|start| is_dangerous(value, *start))
}

fn is_dangerous(value: &[u8], start: Start) -> bool {
    let mut html = Html::new(value, start);
    let mut danger = Danger::None;
    while let Some(Token { kind, text }) = html.next() {
        let before = std::mem::replace(&mut danger, Danger::None);
        let found = match kind {
            Kind::Doctype => true,
            Kind::TagOpen => names::is_dangerous_tag(text),
            Kind::AttributeName => {
                danger = names::danger_of(text);
                false
            }
            Kind::AttributeValue => match before {
                Danger::None => false,
                Danger::Always => true,
                Danger::Address => names::is_dangerous_address(text),
                Danger::NamesAttribute => names::danger_of(text) != Danger::None,
            },
            Kind::Comment => names::is_dangerous_comment(text),
            Kind::Other => false,
        };
        if found {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_code_is_found_wherever_it_stands() {
        for value in [
            "<script>alert(1)</script>",
            "<svg/onload=alert(1)>",
            "\" onclick=alert(1) x=\"",
            "' onmouseover='x",
            "<a href=\"jav&#x61;script:alert(1)\">",
            "<IMG SRC=java\0script:x>",
            "<!--[if IE]>",
            "<!DOCTYPE x>",
            "<?xml-stylesheet ?>",
            "onerror=1",
            "<p style=x>",
        ] {
            assert!(detect(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn text_runs_nothing() {
        for value in [
            "",
            "a < b",
            "<b>bold</b>",
            "1 > 0",
            "<",
            "</",
            "O'Brien \"x\"",
            "<a href=\"/x\">",
            "on time=1",
            "<!",
            "<!--",
        ] {
            assert!(!detect(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn the_public_tests_of_tokens_agree() {
        crate::injection::vectors::check("test-html5-", |input, want| {
            let mut html = Html::new(input, Start::Data);
            let mut got = Vec::new();
            while let Some(token) = html.next() {
                let name = match token.kind {
                    Kind::AttributeName => "ATTR_NAME",
                    Kind::AttributeValue => "ATTR_VALUE",
                    Kind::Comment => "TAG_COMMENT",
                    Kind::Doctype => "DOCTYPE",
                    Kind::TagOpen => "TAG_NAME_OPEN",
                    // Nothing is asked of these, and so their kinds are not told apart.
                    Kind::Other => continue,
                };
                let text = String::from_utf8_lossy(token.text);
                got.push(format!("{name},{},{text}", token.text.len()));
            }
            let others = ["DATA_TEXT,", "TAG_CLOSE,", "TAG_NAME_CLOSE,", "TAG_NAME_SELFCLOSE,"];
            let is_told = |line: &&str| !others.iter().any(|other| line.starts_with(other));
            let want: Vec<_> = want.lines().filter(is_told).collect();
            (got.join("\n"), want.join("\n"))
        });
    }
}
