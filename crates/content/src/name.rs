//! Names of files: what a server that keeps a file under its name would do with it.

use std::borrow::Cow;

use crate::finding::Findings;
use crate::kind::{self, Kind};
use crate::limits::NAME_BYTES_MAX;

/// Looks at the name that a client gives to a file.
pub(crate) fn check(name: &str, findings: &mut Findings) {
    let name = &narrow(name);
    if let Some(danger) = danger(name) {
        findings.danger(danger);
    }
    let stem_and_more: Vec<&str> = name.split('.').collect();
    let extensions = stem_and_more.get(1..).unwrap_or_default();
    // Windows drops dots and blanks at the end, and reads a stream's name after a colon.
    let mut clean = extensions
        .iter()
        .map(|one| one.split([':', ';']).next().unwrap_or("").trim_matches(is_quote));
    if clean.any(is_run_by_servers) {
        findings.danger("a file name with the extension of a program that servers run");
    }
    if let Some(odd) = odd(name) {
        findings.strict(odd);
    }
}

/// Wide letters and dots as Unicode folds them: Werkzeug's `secure_filename` does, before it keeps a name.
fn narrow(name: &str) -> String {
    let fold = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => {
            u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c)
        }
        '\u{2024}' | '\u{fe52}' => '.',
        c => c,
    };
    name.chars().map(fold).collect()
}

/// PHP takes quotes of both kinds away.
fn is_quote(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\'' | '"' | '`')
}

/// A name without the words of mail (RFC 2047) that it is written in: `=?utf-8?B?YS5wbmc=?=`. What is
/// none, or is in another charset than UTF-8, stays as it is.
pub(crate) fn plain(name: &str) -> Cow<'_, str> {
    let mut bytes = Vec::new();
    for word in name.split_ascii_whitespace() {
        let inner = word.strip_prefix("=?").and_then(|rest| rest.strip_suffix("?="));
        let mut parts = inner.unwrap_or_default().splitn(3, '?');
        let (charset, coding, text) = (parts.next(), parts.next(), parts.next());
        let is_utf_8 = charset.is_some_and(|one| one.eq_ignore_ascii_case("utf-8"));
        let decoded = match (coding, text) {
            (Some("B" | "b"), Some(text)) => base64(text),
            (Some("Q" | "q"), Some(text)) => quoted(text),
            _ => None,
        };
        let Some(decoded) = decoded.filter(|_| is_utf_8) else { return Cow::Borrowed(name) };
        bytes.extend(decoded);
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(name), Cow::Owned)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').bytes().map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let digits: Vec<u8> = digits.collect::<Option<_>>()?;
    let mut bytes = Vec::new();
    for four in digits.chunks(4) {
        let bits = four.iter().fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit));
        let missing = 4_usize.saturating_sub(four.len());
        let [_, one, two, three] = (bits << (6 * missing)).to_be_bytes();
        bytes.extend([one, two, three].iter().take(3_usize.saturating_sub(missing)));
    }
    Some(bytes)
}

fn quoted(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        bytes.push(match byte {
            b'_' => b' ',
            b'=' => {
                let [high, low, after @ ..] = rest else { return None };
                rest = after;
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?
            }
            byte => *byte,
        });
    }
    Some(bytes)
}

/// The extension that counts, in lower case; `None` where there is none.
pub(crate) fn extension(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty() && !extension.is_empty()).then(|| extension.to_lowercase())
}

/// Whether a name says a kind whose bytes are known, or a page that a browser would run: what is kept
/// under it would be served as that. Plain texts are harmless under each other's names.
pub(crate) fn is_other(name: &str) -> bool {
    let is_page =
        |one: &str| RUN_BY_BROWSERS.contains(&one) || kind::by_extension(one).any(kind::is_page);
    // Apache goes by the one before where it does not know the last.
    let inner = |one: &str| is_page(one.trim().to_lowercase().as_str());
    let last = extension(name.trim_end_matches(['.', ' ']));
    name.split('.').skip(1).any(inner)
        || last.is_some_and(|one| kind::by_extension(&one).any(|kind| kind != Kind::Text))
}

/// Looks at the name of an entry of an archive.
pub(crate) fn check_entry(name: &[u8], findings: &mut Findings) {
    let is_drive = matches!(name, [letter, b':', ..] if letter.is_ascii_alphabetic());
    if is_drive || matches!(name, [b'/' | b'\\', ..]) {
        findings.danger("an entry with an absolute path");
    }
    if name.split(|byte| matches!(byte, b'/' | b'\\')).any(is_parent) {
        findings.danger("an entry that climbs out of its folder");
    }
    if name.iter().any(u8::is_ascii_control) {
        findings.danger("an entry with control characters in its name");
    }
}

/// Whether a target of a link leaves the folder that it is in.
pub(crate) fn leaves_its_folder(target: &[u8]) -> bool {
    let is_drive = matches!(target, [letter, b':', ..] if letter.is_ascii_alphabetic());
    is_drive
        || matches!(target, [b'/' | b'\\', ..])
        || target.split(|byte| matches!(byte, b'/' | b'\\')).any(is_parent)
}

/// Windows drops dots and blanks at the end of a part.
fn is_parent(part: &[u8]) -> bool {
    part.starts_with(b"..") && part.iter().all(|byte| matches!(byte, b'.' | b' '))
}

fn danger(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    if name.contains('\0') || lower.contains("%00") {
        return Some("a file name with a NUL");
    }
    let is_path = name.contains(['/', '\\']) || lower.contains("%2f") || lower.contains("%5c");
    if is_path || is_parent(name.as_bytes()) {
        return Some("a file name with parts of a path");
    }
    if name.chars().any(char::is_control) {
        return Some("a file name with control characters");
    }
    CONFIGURATIONS
        .contains(&lower.trim_end_matches(['.', ' ']))
        .then_some("a file that configures a server")
}

fn odd(name: &str) -> Option<&'static str> {
    if name.len() > NAME_BYTES_MAX {
        return Some("a file name that is too long");
    }
    if name.chars().any(is_invisible) {
        return Some("a file name with characters that turn or hide others");
    }
    if name.starts_with('.') {
        return Some("a hidden file");
    }
    if name.ends_with(['.', ' ']) || name.contains([':', '<', '>', '|', '*', '?', '"']) {
        return Some("a file name that is another one on Windows");
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let is_port = |device: &str| {
        let number = stem.strip_prefix(device)?;
        Some(matches!(number.chars().collect::<Vec<_>>().as_slice(), ['0'..='9' | '¹' | '²' | '³']))
    };
    let is_device = ["con", "prn", "aux", "nul", "conin$", "conout$"].contains(&stem.as_str())
        || is_port("com").or_else(|| is_port("lpt")).unwrap_or(false);
    is_device.then_some("a file name that is a device on Windows")
}

/// Marks of direction and characters without width.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Extensions that web servers hand to an interpreter, wherever they stand in the name: Apache reads
/// `a.php.jpg` as PHP.
fn is_run_by_servers(extension: &str) -> bool {
    let lower = extension.to_lowercase();
    let is_php = lower.strip_prefix("php").is_some_and(|rest| {
        rest.is_empty() || rest == "s" || rest.chars().all(|c| c.is_ascii_digit())
    });
    is_php || RUN_BY_SERVERS.contains(&lower.as_str())
}

/// Sorted. `pl`, `py` and `sh` are not here: people send source code to each other.
const RUN_BY_SERVERS: [&str; 24] = [
    "ashx", "asmx", "asp", "aspx", "axd", "cfc", "cfm", "cfml", "cgi", "cshtml", "fcgi", "hta",
    "jsp", "jspf", "jspx", "jsv", "jsw", "phar", "pht", "phtm", "phtml", "shtm", "shtml", "vbhtml",
];

/// Sorted. What browsers run or show as a page, and no kind has a row for.
const RUN_BY_BROWSERS: [&str; 12] =
    ["htc", "js", "mht", "mhtml", "mjs", "rdf", "svgz", "swf", "wasm", "xht", "xsl", "xslt"];

/// Files that change what a server does with their folder.
const CONFIGURATIONS: [&str; 4] = [".htaccess", ".htpasswd", ".user.ini", "web.config"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grade;

    #[track_caller]
    fn grades(name: &str, want: &[Grade]) {
        let mut findings = Findings::default();
        check(name, &mut findings);
        let got: Vec<Grade> = findings.into_list().iter().map(|one| one.grade).collect();
        assert_eq!(got, want, "{name}");
    }

    #[test]
    fn what_a_server_would_run_or_keep_elsewhere_is_dangerous() {
        for name in [
            "shell.php",
            "shell.PHP5",
            "shell.php.jpg",
            "a.phtml",
            "a.jsp",
            "a.aspx",
            "a.jpg%00.png",
            "a\0.png",
            "a/../b.png",
            "a/b.png",
            "a%2fb.png",
            "a\\b.png",
            "a\nb.png",
            "a.pHp .jpg",
            "web.config",
            "shell\u{ff0e}\u{ff50}hp",
            "'shell.php'",
        ] {
            grades(name, &[Grade::Danger]);
        }
        for name in ["../a.png", ".htaccess", "shell.php.", "shell.php::$DATA", ".."] {
            grades(name, &[Grade::Danger, Grade::Strict]);
        }
    }

    #[test]
    fn words_of_mail_are_read_as_names() {
        for (written, want) in [
            ("=?utf-8?B?w6QucG5n?=", "ä.png"),
            ("=?UTF-8?Q?=C3=A4_b.png?=", "ä b.png"),
            ("=?utf-8?B?w6Q=?= =?utf-8?q?.png?=", "ä.png"),
            ("=?utf-8?B?c2hlbGwucGhw?=", "shell.php"),
            ("=?utf-7?Q?a?=", "=?utf-7?Q?a?="),
            ("=?utf-8?Q?=C3?=", "=?utf-8?Q?=C3?="),
            ("=?utf-8?B?!?=", "=?utf-8?B?!?="),
            ("a b.png", "a b.png"),
        ] {
            assert_eq!(plain(written), want, "{written}");
        }
    }

    #[test]
    fn what_is_odd_is_refused_where_files_are_expected() {
        for name in
            ["gnp.\u{202e}exe", "CON.png", "com1.txt", "LPT9", ".profile", "a.png.", "a?.png"]
        {
            grades(name, &[Grade::Strict]);
        }
        grades(&"a".repeat(256), &[Grade::Strict]);
    }

    #[test]
    fn what_people_call_their_files_passes() {
        for name in [
            "photo.jpg",
            "Übung 3 (Kopie).pdf",
            "写真.png",
            "report.v2.final.docx",
            "O'Brien & sons.csv",
            "script.py",
            "console.log",
            "common.txt",
            "archive.tar.gz",
            "no-extension",
            "50% off.png",
            "a..b.png",
        ] {
            grades(name, &[]);
        }
        grades(&"a".repeat(255), &[]);
    }

    #[test]
    fn an_entry_stays_in_its_folder() {
        for (name, want) in [
            ("a/b.txt", 0),
            ("..a/b", 0),
            ("a/...", 1),
            ("../a", 1),
            ("a/../../b", 1),
            ("a\\..\\b", 1),
            ("/etc/passwd", 1),
            ("C:\\a", 1),
            ("a\nb", 1),
        ] {
            let mut findings = Findings::default();
            check_entry(name.as_bytes(), &mut findings);
            assert_eq!(findings.into_list().len(), want, "{name}");
        }
    }
}
