//! What a file is: by its first bytes, by its name, by what its sender says.

use crate::bytes::{begins, from, slice, u32_be};
use crate::limits::{PDF_HEAD_BYTES, SNIFF_BYTES};

/// What the bytes are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Bmp,
    Bzip2,
    Executable,
    Flac,
    Font,
    Gif,
    Gzip,
    Html,
    Icon,
    IsoMedia,
    Jpeg,
    Matroska,
    Mp3,
    Ogg,
    Ole,
    Pdf,
    Png,
    Rar,
    Riff,
    Rtf,
    Script,
    SevenZip,
    Svg,
    Tar,
    Text,
    Tiff,
    Unknown,
    Webp,
    Xml,
    Xz,
    Zip,
    Zstd,
}

/// A kind as media types and file names call it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) kind: Kind,
    /// The first is the registered one.
    pub(crate) types: &'static [&'static str],
    pub(crate) extensions: &'static [&'static str],
}

/// What the first bytes say.
pub(crate) fn of(bytes: &[u8]) -> Kind {
    // The sum of a head says more than a name that begins as an image does.
    if slice(bytes, 0, 512).is_some_and(is_tar_head) {
        return Kind::Tar;
    }
    let known = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic));
    // Two or three letters are the beginning of many a text.
    if let Some((magic, kind)) = known
        && (magic.len() > 3 || !magic.is_ascii() || text(bytes) == Kind::Unknown)
    {
        return *kind;
    }
    match (bytes, slice(bytes, 8, 4)) {
        ([b'R', b'I', b'F', b'F', ..], Some(b"WEBP")) => return Kind::Webp,
        ([b'R', b'I', b'F', b'F', ..], _) => return Kind::Riff,
        _ => {}
    }
    if slice(bytes, 4, 4) == Some(b"ftyp") && u32_be(bytes, 0).is_some_and(|size| size >= 8) {
        return Kind::IsoMedia;
    }
    if slice(bytes, 257, 5) == Some(b"ustar") {
        return Kind::Tar;
    }
    // Readers of PDF look for the head further on.
    let head = bytes.get(..PDF_HEAD_BYTES).unwrap_or(bytes);
    if memchr::memmem::find(head, b"%PDF-").is_some() {
        return Kind::Pdf;
    }
    if is_mp3(bytes) { Kind::Mp3 } else { text(bytes) }
}

/// Rows for a kind.
pub(crate) fn known(kind: Kind) -> impl Iterator<Item = &'static Known> {
    KNOWN.iter().filter(move |row| row.kind == kind)
}

/// Kinds that have this extension, which is in lower case.
pub(crate) fn by_extension(extension: &str) -> impl Iterator<Item = Kind> {
    KNOWN.iter().filter(move |row| row.extensions.contains(&extension)).map(|row| row.kind)
}

/// Whether browsers open it as a page.
pub(crate) fn is_page(kind: Kind) -> bool {
    matches!(kind, Kind::Html | Kind::Svg)
}

/// Whether any row has this media type.
pub(crate) fn is_known_type(media_type: &str) -> bool {
    KNOWN.iter().any(|row| row.types.contains(&media_type))
}

/// Whether what browsers or servers run is declared as what they only show.
pub(crate) fn is_masked(kind: Kind, declared: &str) -> bool {
    let is_shown =
        ["image/", "audio/", "video/", "font/"].iter().any(|of| declared.starts_with(of))
            || declared == "application/pdf";
    let is_run = match kind {
        Kind::Executable | Kind::Html | Kind::Script => true,
        Kind::Svg => declared != "image/svg+xml",
        _ => false,
    };
    is_shown && is_run
}

/// Whether it is a picture of dots.
pub(crate) fn is_image(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bmp | Kind::Gif | Kind::Icon | Kind::Jpeg | Kind::Png | Kind::Tiff | Kind::Webp
    )
}

/// Whether the head of a tar entry has the sum that it says. Old archives have no other mark.
pub(crate) fn is_tar_head(head: &[u8]) -> bool {
    let said = slice(head, 148, 8).and_then(|field| std::str::from_utf8(field).ok());
    let said = said.map(|text| text.trim_matches([' ', '\0']));
    let Some(said) = said.and_then(|digits| i64::from_str_radix(digits, 8).ok()) else {
        return false;
    };
    let other = || head.iter().enumerate().filter(|(at, _)| !(148..156).contains(at));
    let blanks = 8 * i64::from(b' ');
    // Some writers took the bytes for numbers with a sign, and readers take both.
    let plain: i64 = other().map(|(_, byte)| i64::from(*byte)).sum();
    let signed: i64 = other().map(|(_, byte)| i64::from(byte.cast_signed())).sum();
    head.first() != Some(&0) && [plain, signed].contains(&said.saturating_sub(blanks))
}

/// Text, and which: by its beginning, as browsers do.
fn text(bytes: &[u8]) -> Kind {
    let is_wide = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let narrow: Vec<u8>;
    let sample = bytes.get(..SNIFF_BYTES).unwrap_or(bytes);
    let sample = if is_wide {
        // What browsers read as UTF-16 is looked at without the zero bytes.
        narrow = from(sample, 2).iter().copied().filter(|byte| *byte != 0).collect();
        &narrow
    } else {
        sample.strip_prefix(b"\xef\xbb\xbf").unwrap_or(sample)
    };
    let is_control = |byte: &u8| byte.is_ascii_control() && !b"\t\n\r\x0c\x1b".contains(byte);
    if sample.iter().any(is_control) {
        return Kind::Unknown;
    }
    let start = sample.trim_ascii_start();
    if start.starts_with(b"#!") || begins(start, b"<?php") || start.starts_with(b"<?=") {
        return Kind::Script;
    }
    if begins(start, b"{\\rtf") {
        return Kind::Rtf;
    }
    markup(start)
}

fn markup(start: &[u8]) -> Kind {
    let mut rest = start;
    let is_xml = begins(start, b"<?xml");
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = if rest.starts_with(b"<!--") {
            b"-->"
        } else if rest.starts_with(b"<?") {
            b">"
        } else {
            break;
        };
        let Some(at) = memchr::memmem::find(rest, end) else { break };
        rest = from(rest, at.saturating_add(end.len()));
    }
    let is_tag = |name: &&[u8]| {
        begins(rest, name)
            && from(rest, name.len()).first().is_none_or(|byte| b" \t\r\n\x0c/>".contains(byte))
    };
    // What a document type declares may have any length.
    if is_tag(&&b"<svg"[..]) || begins(rest, b"<svg:svg") || begins(rest, b"<!doctype svg") {
        return Kind::Svg;
    }
    // `<!DOCTYPE html>` and the names that a browser takes for the beginning of a page.
    if HTML.iter().any(is_tag) || begins(rest, b"<!doctype html") {
        return Kind::Html;
    }
    if is_xml || begins(rest, b"<!doctype ") { Kind::Xml } else { Kind::Text }
}

/// An ID3 tag, or a frame's head: sync, version, layer 3, bit rate and sample rate that exist.
fn is_mp3(bytes: &[u8]) -> bool {
    bytes.starts_with(b"ID3")
        || matches!(bytes, [0xff, second, third, _, ..]
            if matches!(second, 0xfa | 0xfb | 0xf2 | 0xf3) && third >> 4 != 15 && third & 0x0c != 0x0c)
}

/// First bytes, and what begins with them.
type Magic = (&'static [u8], Kind);

const MAGIC: [Magic; 33] = [
    (b"\x89PNG\r\n\x1a\n", Kind::Png),
    (b"\xff\xd8\xff", Kind::Jpeg),
    (b"GIF87a", Kind::Gif),
    (b"GIF89a", Kind::Gif),
    (b"BM", Kind::Bmp),
    (b"II*\0", Kind::Tiff),
    (b"MM\0*", Kind::Tiff),
    (b"\0\0\x01\0", Kind::Icon),
    (b"%PDF-", Kind::Pdf),
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Zip),
    (b"\x1f\x8b", Kind::Gzip),
    (b"BZh", Kind::Bzip2),
    (b"\xfd7zXZ\0", Kind::Xz),
    (b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
    (b"Rar!\x1a\x07", Kind::Rar),
    (b"\x28\xb5\x2f\xfd", Kind::Zstd),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::Ole),
    (b"\x7fELF", Kind::Executable),
    (b"MZ", Kind::Executable),
    (b"\xca\xfe\xba\xbe", Kind::Executable),
    (b"\xfe\xed\xfa\xce", Kind::Executable),
    (b"\xfe\xed\xfa\xcf", Kind::Executable),
    (b"\xcf\xfa\xed\xfe", Kind::Executable),
    (b"\xce\xfa\xed\xfe", Kind::Executable),
    (b"\0asm", Kind::Executable),
    (b"OggS", Kind::Ogg),
    (b"fLaC", Kind::Flac),
    (b"\x1aE\xdf\xa3", Kind::Matroska),
    (b"wOFF", Kind::Font),
    (b"wOF2", Kind::Font),
    (b"\0\x01\0\0", Kind::Font),
    (b"OTTO", Kind::Font),
];

const HTML: [&[u8]; 18] = [
    b"<html", b"<head", b"<body", b"<script", b"<iframe", b"<h1", b"<div", b"<font", b"<table",
    b"<a", b"<style", b"<title", b"<b", b"<br", b"<p", b"<img", b"<form", b"<meta",
];

const fn row(
    kind: Kind,
    types: &'static [&'static str],
    extensions: &'static [&'static str],
) -> Known {
    Known { kind, types, extensions }
}

const OOXML: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";

const KNOWN: [Known; 61] = [
    row(Kind::Png, &["image/png", "image/x-png"], &["png"]),
    row(Kind::Png, &["image/apng"], &["apng", "png"]),
    row(Kind::Jpeg, &["image/jpeg", "image/jpg", "image/pjpeg"], &["jpg", "jpeg", "jpe", "jfif"]),
    row(Kind::Gif, &["image/gif"], &["gif"]),
    row(Kind::Webp, &["image/webp"], &["webp"]),
    row(Kind::Bmp, &["image/bmp", "image/x-ms-bmp"], &["bmp", "dib"]),
    row(Kind::Tiff, &["image/tiff"], &["tif", "tiff"]),
    row(Kind::Icon, &["image/vnd.microsoft.icon", "image/x-icon"], &["ico"]),
    row(Kind::Svg, &["image/svg+xml"], &["svg"]),
    row(Kind::IsoMedia, &["image/avif"], &["avif"]),
    row(Kind::IsoMedia, &["image/heic", "image/heif"], &["heic", "heif"]),
    row(Kind::IsoMedia, &["video/mp4"], &["mp4", "m4v"]),
    row(Kind::IsoMedia, &["video/quicktime"], &["mov", "qt"]),
    row(Kind::IsoMedia, &["audio/mp4", "audio/x-m4a"], &["m4a"]),
    row(Kind::IsoMedia, &["video/3gpp"], &["3gp"]),
    row(Kind::Matroska, &["video/webm", "audio/webm"], &["webm"]),
    row(Kind::Matroska, &["video/x-matroska"], &["mkv"]),
    row(Kind::Riff, &["audio/wav", "audio/x-wav", "audio/wave"], &["wav"]),
    row(Kind::Riff, &["video/x-msvideo"], &["avi"]),
    row(Kind::Mp3, &["audio/mpeg", "audio/mp3"], &["mp3"]),
    row(Kind::Ogg, &["audio/ogg", "video/ogg", "application/ogg"], &["ogg", "oga", "ogv", "opus"]),
    row(Kind::Flac, &["audio/flac", "audio/x-flac"], &["flac"]),
    row(Kind::Pdf, &["application/pdf"], &["pdf"]),
    row(Kind::Rtf, &["application/rtf", "text/rtf"], &["rtf"]),
    row(Kind::Ole, &["application/msword"], &["doc", "dot"]),
    row(Kind::Ole, &["application/vnd.ms-excel"], &["xls"]),
    row(Kind::Ole, &["application/vnd.ms-powerpoint"], &["ppt"]),
    row(Kind::Ole, &["application/vnd.ms-outlook"], &["msg"]),
    row(Kind::Zip, &["application/zip", "application/x-zip-compressed"], &["zip"]),
    row(Kind::Zip, &[OOXML], &["docx"]),
    row(Kind::Zip, &[XLSX], &["xlsx"]),
    row(Kind::Zip, &[PPTX], &["pptx"]),
    row(Kind::Zip, &["application/vnd.oasis.opendocument.text"], &["odt"]),
    row(Kind::Zip, &["application/vnd.oasis.opendocument.spreadsheet"], &["ods"]),
    row(Kind::Zip, &["application/vnd.oasis.opendocument.presentation"], &["odp"]),
    row(Kind::Zip, &["application/epub+zip"], &["epub"]),
    row(Kind::Zip, &["application/java-archive"], &["jar"]),
    row(Kind::Zip, &["application/vnd.android.package-archive"], &["apk"]),
    row(Kind::Gzip, &["application/gzip", "application/x-gzip"], &["gz", "tgz"]),
    row(Kind::Tar, &["application/x-tar"], &["tar"]),
    row(Kind::Bzip2, &["application/x-bzip2"], &["bz2"]),
    row(Kind::Xz, &["application/x-xz"], &["xz"]),
    row(Kind::Zstd, &["application/zstd"], &["zst"]),
    row(Kind::SevenZip, &["application/x-7z-compressed"], &["7z"]),
    row(Kind::Rar, &["application/vnd.rar", "application/x-rar-compressed"], &["rar"]),
    row(Kind::Html, &["text/html"], &["html", "htm"]),
    row(Kind::Html, &["application/xhtml+xml"], &["xhtml"]),
    row(Kind::Xml, &["application/xml", "text/xml"], &["xml"]),
    row(Kind::Text, &["text/plain"], &["txt", "text", "log", "md"]),
    row(Kind::Text, &["text/csv"], &["csv"]),
    row(Kind::Text, &["text/tab-separated-values"], &["tsv"]),
    row(Kind::Text, &["text/markdown"], &["md", "markdown"]),
    row(Kind::Text, &["text/calendar"], &["ics"]),
    row(Kind::Text, &["text/vcard"], &["vcf"]),
    row(Kind::Text, &["application/json"], &["json"]),
    row(Kind::Text, &["application/geo+json"], &["geojson"]),
    row(Kind::Text, &["application/yaml"], &["yaml", "yml"]),
    row(Kind::Text, &["text/css"], &["css"]),
    row(Kind::Script, &["text/x-shellscript", "application/x-sh"], &["sh"]),
    row(Kind::Script, &["text/x-python"], &["py"]),
    row(
        Kind::Font,
        &["font/woff2", "font/woff", "font/ttf", "font/otf"],
        &["woff2", "woff", "ttf", "otf"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_say_what_it_is() {
        let mut tar = vec![b'a'; 257];
        tar.extend_from_slice(b"ustar\x0000");
        for (bytes, want) in [
            (&b"\x89PNG\r\n\x1a\n\0"[..], Kind::Png),
            (b"RIFF\0\0\0\0WEBPVP8 ", Kind::Webp),
            (b"RIFF\0\0\0\0WAVEfmt ", Kind::Riff),
            (b"\0\0\0\x18ftypmp42", Kind::IsoMedia),
            (b"junk %PDF-1.4", Kind::Pdf),
            (b"<!-- a --><svg xmlns=''>", Kind::Svg),
            (b"<?xml version='1.0'?>\n<!DOCTYPE svg PUBLIC 'x'>\n<svg>", Kind::Svg),
            (b"<?xml version='1.0'?><note/>", Kind::Xml),
            (b"<!DOCTYPE svg [<!ENTITY a '>'>]><svg/>", Kind::Svg),
            (b"<!DOCTYPE note [<!ENTITY a '>'>]><note/>", Kind::Xml),
            (b"\xef\xbb\xbf \n<!DOCTYPE HTML>", Kind::Html),
            (b"\xff\xfe<\0s\0c\0r\0i\0p\0t\0>\0", Kind::Html),
            (b"<scripture>", Kind::Text),
            (b"#!/bin/sh\n", Kind::Script),
            (b"<?php echo 1;", Kind::Script),
            (b"{\"a\": 1}", Kind::Text),
            (b"BMW,1\nMZ,2", Kind::Text),
            (b"BM\x1a\0\0\0\0\0\0\0", Kind::Bmp),
            (b"MZ\x90\0", Kind::Executable),
            (b"a,b\nc,\xe4\n", Kind::Text),
            (b"a\0b", Kind::Unknown),
            (b"", Kind::Text),
            (&tar, Kind::Tar),
        ] {
            assert_eq!(of(bytes), want, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
