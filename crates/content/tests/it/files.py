"""Files as real tools make them, and as attackers do: name, what is to be found, media type, bytes."""

import base64
import gzip
import io
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile

FINE = ""


def case(name, want, media_type, data):
    print("\t".join([name, want, media_type, base64.b64encode(data).decode()]))


def zipped(*entries, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def tarred(*members, mode="w:gz", **more):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, **more) as archive:
        for name, content, changes in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in changes.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def symlink():
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = (0o120777) << 16
    return zipped((info, "/etc/passwd"))


def overlapping():
    """As David Fifield's bomb: every entry of the directory leads to the same packed bytes."""
    data = zipped(("a", b"\0" * 200_000))
    at = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    head, entry = data[:at], data[at:end]
    count = 50
    # Names of one length, so that only the directory differs.
    entries = b"".join(entry for _ in range(count))
    tail = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(entries), len(head), 0)
    return head + entries + tail


def hidden():
    """The directory says another name than the entry's own head."""
    data = bytearray(zipped(("good.txt", b"1")))
    at = data.index(b"good.txt")
    data[at : at + 8] = b"evil.php"
    return bytes(data)


def lying():
    """Says a small size, and unpacks to a large one."""
    data = bytearray(zipped(("a", b"ab" * 50_000)))
    local, central = 22, data.index(b"PK\x01\x02") + 24
    for at in (local, central):
        data[at : at + 4] = struct.pack("<I", 10)
    return bytes(data)


def encrypted():
    data = bytearray(zipped(("a", b"1")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def nested(depth):
    data = b"end"
    for number in range(depth):
        data = zipped((f"{number}.zip", data))
    return data


def two_ends():
    inner = zipped(("a", b"1"))
    comment = zipped(("b", b"2"))
    data = bytearray(inner)
    data[-2:] = struct.pack("<H", len(comment))
    return bytes(data) + comment


def always_large(data):
    """As writers do that write the end of large archives whatever the size is."""
    at = data.index(b"PK\x05\x06")
    count, _, size, start = struct.unpack("<HHII", data[at + 8 : at + 20])
    large = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<IIQI", 0x07064B50, 0, at, 1)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:at] + large + locator + end


def hiding():
    """An entry that stands before the first one of the directory."""
    evil, good = zipped(("../../evil.jsp", b"1")), zipped(("good.txt", b"1"))
    first = evil[: evil.index(b"PK\x01\x02")]
    at, end = good.index(b"PK\x01\x02"), good.index(b"PK\x05\x06")
    entry = bytearray(good[at:end])
    entry[42:46] = struct.pack("<I", len(first))
    tail = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(entry), len(first) + at, 0)
    return first + good[:at] + bytes(entry) + tail


def hiding_packed():
    """An entry that stands behind the packed bytes of another, inside its packed size."""
    evil, good = zipped(("../../evil.jsp", b"1")), bytearray(zipped(("good.txt", b"1")))
    first = evil[: evil.index(b"PK\x01\x02")]
    at = good.index(b"PK\x01\x02")
    size = struct.unpack("<I", good[18:22])[0] + len(first)
    good[18:22] = good[at + 20 : at + 24] = struct.pack("<I", size)
    end = good.index(b"PK\x05\x06")
    good[end + 16 : end + 20] = struct.pack("<I", at + len(first))
    return bytes(good[:at]) + first + bytes(good[at:])


def by_tools():
    folder = tempfile.mkdtemp()
    try:
        for number in range(3):
            with open(os.path.join(folder, f"{number}.txt"), "w") as file:
                file.write("some text\n" * (number * 500 + 1))
        os.mkdir(os.path.join(folder, "sub"))
        with open(os.path.join(folder, "sub", "x" * 120 + ".txt"), "w") as file:
            file.write("a long name\n")
        names = sorted(os.listdir(folder))
        run = lambda *words: subprocess.run(words, cwd=folder, check=True, capture_output=True).stdout
        for form in ("gnu", "pax", "ustar", "v7"):
            kept = names if form in ("gnu", "pax") else names[:3]
            case(f"tar {form}", FINE, "application/gzip", run("tar", f"--format={form}", "-czf", "-", *kept))
        case("tar", FINE, "application/x-tar", run("tar", "-cf", "-", *names))
        if shutil.which("zip"):
            run("zip", "-r", "out.zip", *names)
            with open(os.path.join(folder, "out.zip"), "rb") as file:
                case("zip", FINE, "application/zip", file.read())
            streamed = subprocess.run(
                ["zip", "-r", "-", *names], cwd=folder, check=True, capture_output=True
            ).stdout
            case("zip to a pipe", FINE, "application/zip", streamed)
            os.symlink("/etc/passwd", os.path.join(folder, "link"))
            run("zip", "-y", "linked.zip", "link")
            with open(os.path.join(folder, "linked.zip"), "rb") as file:
                case("zip with a link", "with links", "application/zip", file.read())
        else:
            print("NOT RUN: zip is not installed", file=sys.stderr)
    finally:
        shutil.rmtree(folder)


def archives():
    text = b"The quick brown fox jumps over the lazy dog. " * 200
    case("zipfile", FINE, "application/zip", zipped(("a.txt", text), ("b/c.txt", text)))
    case("stored", FINE, "application/zip", zipped(("a.txt", text), method=zipfile.ZIP_STORED))
    case("empty", FINE, "application/zip", zipped())
    case("three levels", FINE, "application/zip", nested(3))
    case("four levels", "too deep", "application/zip", nested(4))
    case("gzip", FINE, "application/gzip", gzip.compress(text))
    case("two members", FINE, "application/gzip", gzip.compress(text) + gzip.compress(b"1"))
    case("tarfile", FINE, "application/gzip", tarred(("a/b.txt", text, {})))
    case("relative link", FINE, "application/gzip", tarred(("l", b"", {"type": tarfile.SYMTYPE, "linkname": "a"})))

    bomb = b"\0" * 10_000_000
    case("zip bomb", "too many times", "application/zip", zipped(("a", bomb)))
    case("gzip bomb", "too many times", "application/gzip", gzip.compress(bomb))
    case("tar bomb", "too many times", "application/gzip", tarred(("a", bomb, {})))
    case("bomb in a zip", "too many times", "application/zip", zipped(("a.zip", zipped(("a", bomb)))))
    case("bomb in a gzip", "too many times", "application/gzip", gzip.compress(gzip.compress(bomb)))
    case("many", "too much", "application/zip", zipped(*[(f"{n}", b"\0" * 7_000_000) for n in range(10)]))
    case("bomb in a tar", "too many times", "application/x-tar", tarred(("a.zip", zipped(("a", bomb)), {}), mode="w"))
    case("overlapping", "overlap", "application/zip", overlapping())
    case("another name", "does not list", "application/zip", hidden())
    case("another size", "another size", "application/zip", lying())
    case("two ends", "two ends", "application/zip", two_ends())
    case("ten thousand entries", FINE, "application/zip", zipped(*[(str(n), b"") for n in range(10_001)]))
    case("large end always", FINE, "application/zip", always_large(zipped(("a", text))))
    case("hidden entry", "does not list", "application/zip", hiding())
    case("hidden behind", "behind a packed entry", "application/zip", hiding_packed())
    case("table of zeros", FINE, "application/zip", zipped(("a.csv", b"0;0;0\n" * 500_000)))
    noise = os.urandom(1_000_000)
    photos = [(f"{n}.jpg", noise) for n in range(4)]
    case("photos", FINE, "application/zip", zipped(*photos, method=zipfile.ZIP_STORED))
    bad = zipped(("a", b"\0" * 20_000_000))
    case("bomb behind junk", "too many times", "application/octet-stream", b"junk" + bad)
    case("cut", "cannot be read", "application/zip", zipped(("a", text))[:-10])
    case("cut gzip", "cannot be unpacked", "application/gzip", gzip.compress(text)[:-10])
    case("climbs", "climbs out", "application/zip", zipped(("../../etc/passwd", b"1")))
    case("absolute", "absolute path", "application/zip", zipped(("/etc/passwd", b"1")))
    case("backslash", "climbs out", "application/zip", zipped(("a\\..\\..\\b", b"1")))
    case("link", "with links", "application/zip", symlink())
    case("lzma", "cannot be checked", "application/zip", zipped(("a", text), method=zipfile.ZIP_LZMA))
    case("tar climbs", "climbs out", "application/gzip", tarred(("../a", b"1", {})))
    case("tar absolute", "absolute path", "application/gzip", tarred(("/a", b"1", {})))
    long = "a/" * 100 + "../../b"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        case(f"long name {form}", "climbs out", "application/gzip", tarred((long, b"1", {}), format=form))
    out = {"type": tarfile.SYMTYPE, "linkname": "../../etc"}
    case("tar link", "leads out", "application/gzip", tarred(("l", b"", out)))
    hard = {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}
    case("tar hard link", "leads out", "application/x-tar", tarred(("l", b"", hard), mode="w"))
    case("device", "devices", "application/gzip", tarred(("d", b"", {"type": tarfile.CHRTYPE})))
    # Only where files are expected.
    case("encrypted", "?encrypted", "application/zip", encrypted())
    case("prefix", "does not list", "application/zip", b"PK\x03\x04" + zipped(("a", b"1")))


def images():
    try:
        from PIL import Image
    except ImportError:
        print("NOT RUN: Pillow is not installed", file=sys.stderr)
        return
    picture = Image.effect_noise((64, 64), 50).convert("RGB")
    made = {}
    for form, media_type in (
        ("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif"), ("WEBP", "image/webp"),
        ("BMP", "image/bmp"), ("TIFF", "image/tiff"), ("ICO", "image/x-icon"), ("AVIF", "image/avif"),
        ("PDF", "application/pdf"),
    ):
        out = io.BytesIO()
        try:
            picture.save(out, form)
        except (KeyError, OSError):
            print(f"NOT RUN: Pillow writes no {form}", file=sys.stderr)
            continue
        made[form] = out.getvalue()
        case(form, FINE, media_type, made[form])
    out = io.BytesIO()
    picture.save(out, "JPEG", progressive=True, quality=95)
    case("progressive", FINE, "image/jpeg", out.getvalue())
    out = io.BytesIO()
    picture.save(out, "GIF", save_all=True, append_images=[picture.rotate(90)], loop=0)
    case("animation", FINE, "image/gif", out.getvalue())
    out = io.BytesIO()
    picture.save(out, "PNG", save_all=True, append_images=[picture.rotate(90)])
    case("animated PNG", FINE, "image/png", out.getvalue())
    for form, media_type in (("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif")):
        data = made[form]
        case(f"{form} and zip", "an archive behind", media_type, data + zipped(("a", b"1")))
        case(f"{form} and PHP", "a program", media_type, data + b"<?php system($_GET['c']); ?>")
        case(f"{form} and more", "?behind the end", media_type, data + b"anything")
        case(f"{form} cut", "?before its end", media_type, data[:-20])
    out = io.BytesIO()
    picture.save(out, "JPEG", comment="<?php eval($_POST['x']); ?>")
    case("comment", "a program", "image/jpeg", out.getvalue())


by_tools()
archives()
images()
