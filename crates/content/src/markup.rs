//! Tags of markup, read as forgivingly as a browser reads them.

use crate::bytes::from;

/// A name without prefix, in lower case, and its value.
type Attribute<'a> = (String, &'a [u8]);

/// A tag that opens something.
#[derive(Debug)]
pub(crate) struct Tag<'a> {
    /// Its name without a prefix, in lower case.
    pub(crate) name: String,
    pub(crate) attributes: Vec<Attribute<'a>>,
    /// Whether a name is longer, or attributes are more than what is read.
    pub(crate) is_cut: bool,
}

/// A tag, and what stands behind it.
type Read<'a> = (Tag<'a>, &'a [u8]);

/// Gives all opening tags to `look`, also those in comments and in sections that a reader may leave
/// out. Says whether all could be read: tags that are open inside one another are each read to
/// where they end, and a file of them would take the square of its length.
pub(crate) fn tags<'a>(bytes: &'a [u8], mut look: impl FnMut(&Tag<'a>)) -> bool {
    let mut left = bytes.len().saturating_mul(READINGS_MAX).saturating_add(NAME_BYTES_MAX);
    for at in memchr::memchr_iter(b'<', bytes) {
        let open = from(bytes, at.saturating_add(1));
        let Some((tag, rest)) = tag(open) else { continue };
        look(&tag);
        let Some(after) = left.checked_sub(open.len().saturating_sub(rest.len())) else {
            return false;
        };
        left = after;
    }
    true
}

fn tag(rest: &[u8]) -> Option<Read<'_>> {
    let is_start = |byte: &u8| byte.is_ascii_alphabetic() || b"_:".contains(byte) || *byte >= 0x80;
    if !is_start(rest.first()?) {
        return None;
    }
    let head = rest.get(..NAME_BYTES_MAX).unwrap_or(rest);
    let end = head.iter().position(|byte| is_blank(*byte) || b"/>".contains(byte));
    let (name, mut rest) = rest.split_at_checked(end.unwrap_or(head.len()))?;
    let mut tag = Tag { name: local(name), attributes: Vec::new(), is_cut: end.is_none() };
    loop {
        rest = skip(rest, |byte| is_blank(byte) || byte == b'/');
        if rest.first().is_none_or(|byte| *byte == b'>') {
            return Some((tag, rest));
        }
        tag.is_cut |= tag.attributes.len() == ATTRIBUTES_MAX;
        if tag.is_cut {
            return Some((tag, rest));
        }
        let (attribute, after) = attribute(rest);
        tag.is_cut = attribute.0.len() >= NAME_BYTES_MAX;
        tag.attributes.push(attribute);
        rest = after;
    }
}

fn attribute(rest: &[u8]) -> (Attribute<'_>, &[u8]) {
    let head = rest.get(..NAME_BYTES_MAX).unwrap_or(rest);
    let end = head.iter().skip(1).position(|byte| is_blank(*byte) || b"/>=".contains(byte));
    let end = end.map_or(head.len(), |end| end.saturating_add(1));
    let (name, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
    let Some(value) = skip(after, is_blank).strip_prefix(b"=") else {
        return ((local(name), &[]), after);
    };
    let value = skip(value, is_blank);
    let (value, after) = match value {
        [quote @ (b'"' | b'\''), inner @ ..] => {
            let end = memchr::memchr(*quote, inner).unwrap_or(inner.len());
            let value = inner.get(..end).unwrap_or_default();
            (value, from(inner, end.saturating_add(1)))
        }
        plain => {
            let end = plain.iter().position(|byte| is_blank(*byte) || *byte == b'>');
            plain.split_at_checked(end.unwrap_or(plain.len())).unwrap_or((plain, &[]))
        }
    };
    ((local(name), value), after)
}

/// What stands after the prefix: `svg:script` is `script`.
fn local(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name).to_lowercase();
    name.rsplit(':').next().map(str::to_owned).unwrap_or_default()
}

fn skip(rest: &[u8], what: impl Fn(u8) -> bool) -> &[u8] {
    let end = rest.iter().position(|byte| !what(*byte)).unwrap_or(rest.len());
    from(rest, end)
}

const fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b'\0'
}

/// The rest of a tag with more is not read, and the tag says so.
const ATTRIBUTES_MAX: usize = 256;
/// Names of SVG have 20 letters; a prefix may have more.
const NAME_BYTES_MAX: usize = 256;
/// How often each byte may be read: `<` in a value begins a tag once more.
const READINGS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_a_browser_reads_them() {
        let text = b"a < b <!-- <i> --> <SVG:Script x='1>2' y = \"<u>\" z=3/ on\nLoad =q></b><br/>";
        let (seen, is_whole) = read(text);
        let want = [("i", ""), ("script", "x y z on load"), ("u", ""), ("br", "")];
        assert_eq!(seen, want.map(|(a, b)| (a.to_owned(), b.to_owned(), false)));
        assert!(is_whole);
    }

    #[test]
    fn a_name_may_begin_with_what_xml_allows() {
        let (seen, _) = read("<_:script/><:script/><\u{e9}:script/><1/><!a>".as_bytes());
        assert_eq!(seen, vec![("script".to_owned(), String::new(), false); 3]);
    }

    #[test]
    fn what_is_not_read_to_its_end_says_so() {
        let is_cut = |text: String| read(text.as_bytes()).0.first().map(|one| one.2);
        assert_eq!(is_cut(format!("<a{}>", " b=''".repeat(256))), Some(false));
        assert_eq!(is_cut(format!("<a{}>", " b=''".repeat(257))), Some(true));
        assert_eq!(is_cut(format!("<{}>", "a".repeat(255))), Some(false));
        assert_eq!(is_cut(format!("<{}>", "a".repeat(256))), Some(true));
        assert_eq!(is_cut(format!("<a {}>", "a".repeat(256))), Some(true));
    }

    #[test]
    fn no_file_takes_the_square_of_its_length() {
        for open in ["<a/b=", "<a ", "<a b=\"<a b='"] {
            assert!(!read(open.repeat(2_000).as_bytes()).1, "{open}");
        }
        for text in ["<a b=\"<c>\"/>".repeat(2_000), "<path d='M0 0'>a < b</path>".repeat(2_000)] {
            assert!(read(text.as_bytes()).1);
        }
    }

    /// The name of a tag, those of its attributes, whether it is cut.
    type Seen = (String, String, bool);

    /// Tags, and whether all was read.
    fn read(text: &[u8]) -> (Vec<Seen>, bool) {
        let mut seen = Vec::new();
        let is_whole = tags(text, |tag| {
            let names: Vec<_> = tag.attributes.iter().map(|(name, _)| name.clone()).collect();
            seen.push((tag.name.clone(), names.join(" "), tag.is_cut));
        });
        (seen, is_whole)
    }
}
