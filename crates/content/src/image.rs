//! Images that are something else too: bytes behind their end, programs and archives in them.

use crate::bytes::{begins, find_tag, from, length, place, slice, u16_be, u32_be, u32_le};
use crate::finding::Findings;
use crate::kind::{self, Kind};

/// Looks at a picture, a sound or a font: at what no interpreter should find in it.
pub(crate) fn check(bytes: &[u8], kind: Kind, findings: &mut Findings) {
    if has_program(bytes) {
        findings.danger("a program in a file that is no text");
    }
    if has_archive(bytes) {
        // Mails and documents hold documents, which are archives.
        if matches!(kind, Kind::Ole | Kind::Pdf) {
            findings.strict(BEHIND);
        } else {
            findings.danger(BEHIND);
        }
    }
    if find_tag(bytes, b"<script").is_some() || find_tag(bytes, b"<html").is_some() {
        findings.strict("a page in a file that is no text");
    }
    if kind::is_image(kind) && memchr::memmem::find(bytes, b"%PDF-").is_some() {
        findings.strict("a PDF document in an image");
    }
    // `GIF89a/*…*/=1` is a program for a browser that is told so.
    let comment = match kind {
        Kind::Gif => slice(bytes, 6, 2),
        Kind::Bmp => slice(bytes, 2, 2),
        _ => None,
    };
    if comment == Some(b"/*") && memchr::memmem::find(bytes, b"*/").is_some() {
        findings.strict("an image that is a script too");
    }
    match end(bytes, kind) {
        None => {}
        Some(Err(())) => findings.strict("an image that ends before its end"),
        Some(Ok(at)) if is_harmless(from(bytes, at), kind) => {}
        Some(Ok(_)) => findings.strict("bytes behind the end of an image"),
    }
}

/// PHP and JSP. A short tag counts where text follows: in noise it stands by chance.
fn has_program(bytes: &[u8]) -> bool {
    let is_short = |at: usize| {
        let after = slice(bytes, at.saturating_add(3), SHORT_TAG_TEXT_BYTES);
        after.is_some_and(|text| text.iter().all(|byte| matches!(byte, b' '..=b'~')))
    };
    memchr::memchr_iter(b'<', bytes).any(|at| {
        let rest = from(bytes, at);
        begins(rest, b"<?php")
            || begins(rest, b"<script language=\"php")
            || ([&b"<?="[..], b"<%=", b"<%@", b"<%!"].iter().any(|tag| rest.starts_with(tag))
                && is_short(at))
    })
}

/// A directory and its end: one alone stands in noise by chance.
fn has_archive(bytes: &[u8]) -> bool {
    let Some(directory) = memchr::memmem::find(bytes, b"PK\x01\x02") else { return false };
    memchr::memmem::find(from(bytes, directory), b"PK\x05\x06").is_some()
}

/// Where the image ends; `None` where that is not known, an error where it does not.
fn end(bytes: &[u8], kind: Kind) -> Option<Result<usize, ()>> {
    let found = match kind {
        Kind::Png => png(bytes),
        Kind::Jpeg => jpeg(bytes),
        Kind::Gif => gif(bytes),
        Kind::Webp => u32_le(bytes, 4).and_then(|size| place(size).checked_add(8)),
        Kind::Bmp => return bmp(bytes).map(Ok),
        _ => return None,
    };
    Some(found.filter(|end| *end <= bytes.len().saturating_add(1)).ok_or(()))
}

fn png(bytes: &[u8]) -> Option<usize> {
    let mut at = 8_usize;
    loop {
        let length = place(u32_be(bytes, at)?);
        let name = slice(bytes, at.checked_add(4)?, 4)?;
        at = at.checked_add(12)?.checked_add(length)?;
        if name == b"IEND" {
            return Some(at).filter(|at| *at <= bytes.len());
        }
    }
}

fn jpeg(bytes: &[u8]) -> Option<usize> {
    let mut at = 2_usize;
    loop {
        // Segments may be padded, and packed data are followed by the next marker.
        at = at.checked_add(memchr::memchr(0xff, from(bytes, at))?)?;
        let marker = *bytes.get(at.checked_add(1)?)?;
        at = match marker {
            0xff => at.checked_add(1)?,
            0xd9 => return at.checked_add(2),
            0x00 | 0x01 | 0xd0..=0xd8 => at.checked_add(2)?,
            _ => at.checked_add(2)?.checked_add(usize::from(u16_be(bytes, at.checked_add(2)?)?))?,
        };
    }
}

fn gif(bytes: &[u8]) -> Option<usize> {
    let colors = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3_usize << ((flags & 7) + 1) };
    let mut at = 13_usize.checked_add(colors(*bytes.get(10)?))?;
    loop {
        at = match *bytes.get(at)? {
            0x3b => return at.checked_add(1),
            0x21 => blocks(bytes, at.checked_add(2)?)?,
            0x2c => {
                let data =
                    at.checked_add(11)?.checked_add(colors(*bytes.get(at.checked_add(9)?)?))?;
                blocks(bytes, data)?
            }
            _ => return None,
        };
    }
}

/// Behind a row of blocks.
fn blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at = at.checked_add(1)?.checked_add(length)?;
        if length == 0 {
            return Some(at);
        }
    }
}

/// Writers are careless with this size; a file that is longer has something behind it.
fn bmp(bytes: &[u8]) -> Option<usize> {
    let size = u32_le(bytes, 2).map(u64::from).filter(|size| *size >= 26)?;
    (size <= length(bytes)).then(|| usize::try_from(size).unwrap_or(usize::MAX))
}

/// What cameras write behind an image: zeros, more images, a film.
fn is_harmless(rest: &[u8], kind: Kind) -> bool {
    let is_camera = || {
        rest.starts_with(b"\xff\xd8\xff")
            || slice(rest, 4, 4) == Some(b"ftyp")
            || rest.ends_with(b"SEFT")
    };
    rest.iter().all(|byte| matches!(byte, b'\0' | b'\r' | b'\n'))
        || (kind == Kind::Jpeg && is_camera())
}

const BEHIND: &str = "an archive behind a file of another kind";
/// Twelve letters in a row stand in a megabyte of noise once in a hundred thousand files.
const SHORT_TAG_TEXT_BYTES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grade;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x01tEXta\0\0\0\0\0\0\0\0IEND\xae\x42\x60\x82";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x04ab\xff\xda\0\x03a\x12\xff\0\xff\xd0\x34\xff\xd9";
    const GIF: &[u8] =
        b"GIF89a\x01\0\x01\0\0\0\0\x21\xf9\x01a\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x01a\0\x3b";
    const WEBP: &[u8] = b"RIFF\x0a\0\0\0WEBPabcdef";

    fn found(bytes: &[u8], more: &[u8]) -> Vec<String> {
        let mut findings = Findings::default();
        let bytes = [bytes, more].concat();
        check(&bytes, kind::of(&bytes), &mut findings);
        findings.into_list().into_iter().map(|one| one.message).collect()
    }

    #[test]
    fn an_image_has_an_end_and_nothing_behind_it() {
        for image in [PNG, JPEG, GIF, WEBP] {
            assert!(found(image, b"").is_empty(), "{image:?}: {:?}", found(image, b""));
            assert!(found(image, b"\r\n").is_empty());
            assert_eq!(found(image, b"more"), ["bytes behind the end of an image"], "{image:?}");
            let cut = image.get(..image.len() - 3).unwrap();
            assert_eq!(found(cut, b""), ["an image that ends before its end"], "{image:?}");
        }
        assert!(found(JPEG, JPEG).is_empty(), "cameras append previews");
        assert_eq!(found(PNG, JPEG), ["bytes behind the end of an image"]);
    }

    #[test]
    fn a_document_with_an_archive_in_it_is_refused_only_where_files_are_expected() {
        let grades = |head: &[u8]| {
            let mut findings = Findings::default();
            let bytes = [head, b"PK\x01\x02abcPK\x05\x06"].concat();
            check(&bytes, kind::of(&bytes), &mut findings);
            findings.into_list().into_iter().map(|one| one.grade).collect::<Vec<_>>()
        };
        assert_eq!(grades(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), [Grade::Strict]);
        assert_eq!(grades(b"%PDF-1.7 "), [Grade::Strict]);
        assert_eq!(grades(b"OggS"), [Grade::Danger]);
    }

    #[test]
    fn what_is_something_else_too_is_found() {
        let behind = "bytes behind the end of an image";
        for (more, want) in [
            (&b"<?php system($_GET[0]);"[..], "a program in a file that is no text"),
            (b"<?=`$_GET[0]`;//aaaaaa", "a program in a file that is no text"),
            (b"PK\x01\x02abcPK\x05\x06", "an archive behind a file of another kind"),
            (b"<SCRIPT>alert(1)", "a page in a file that is no text"),
            (b"%PDF-1.4", "a PDF document in an image"),
        ] {
            assert_eq!(found(PNG, more), [want, behind]);
        }
        assert_eq!(found(PNG, b"<?=\x01\x02\x03\x04"), [behind]);
        assert!(
            found(b"GIF89a/*\x01\0\0\0\0\x3b", b"*/=alert(1)")
                .contains(&"an image that is a script too".to_owned())
        );
    }
}
