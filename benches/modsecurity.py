"""libmodsecurity over its C API: what it refuses, and what it reads and makes of values.

    modsecurity.py LIBRARY legitimate RULES-FOLDER PARANOIA REQUESTS.json
    modsecurity.py LIBRARY values > crates/waf/tests/data/modsecurity-values.json
    modsecurity.py LIBRARY bodies > crates/waf/tests/data/modsecurity-bodies.json

LIBRARY is `libmodsecurity-….so.3.0.15` of the wheel `libmodsecurity==3.0.15` from PyPI. `legitimate`
judges the requests of crates/waf/tests/data/legitimate.json with the engine settings of
crates/waf/rules/engine.conf before the Core Rule Set, blocking. The other two write what the tests of
crates/waf/tests/it/peer.rs compare with: the inputs are made from a fixed seed.
"""

import ctypes
import json
import pathlib
import random
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
RULES = HERE.parent / "crates/waf/rules"


class Intervention(ctypes.Structure):
    _fields_ = [
        ("status", ctypes.c_int),
        ("pause", ctypes.c_int),
        ("url", ctypes.c_char_p),
        ("log", ctypes.c_char_p),
        ("disruptive", ctypes.c_int),
    ]


LOG = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)


class Engine:
    """One rule set."""

    def __init__(self, library: str) -> None:
        self.c = ctypes.CDLL(library)
        for name in ("msc_init", "msc_create_rules_set", "msc_new_transaction"):
            getattr(self.c, name).restype = ctypes.c_void_p
        self.modsec = ctypes.c_void_p(self.c.msc_init())
        self.lines: list[bytes] = []
        self.log = LOG(lambda _, line: self.lines.append(line))
        self.c.msc_set_log_cb(self.modsec, self.log)
        self.rules = ctypes.c_void_p(self.c.msc_create_rules_set())

    def _check(self, result: int, error: ctypes.c_char_p) -> None:
        if result < 0:
            raise ValueError((error.value or b"not read").decode(errors="replace"))

    def add(self, text: str) -> None:
        error = ctypes.c_char_p()
        self._check(self.c.msc_rules_add(self.rules, text.encode(), ctypes.byref(error)), error)

    def add_file(self, path: pathlib.Path) -> None:
        error = ctypes.c_char_p()
        self._check(
            self.c.msc_rules_add_file(self.rules, str(path).encode(), ctypes.byref(error)), error
        )

    def judge(self, method: bytes, target: bytes, headers: list, body: bytes):
        """The status it is stopped with, if it is, where to it is sent, and the lines of the log."""
        self.lines.clear()
        one = ctypes.c_void_p(self.c.msc_new_transaction(self.modsec, self.rules, None))
        self.c.msc_process_connection(one, b"192.0.2.7", 50000, b"192.0.2.1", 443)
        self.c.msc_process_uri(one, target, method, b"1.1")
        for name, value in headers:
            self.c.msc_add_n_request_header(one, name, len(name), value, len(value))
        steps = [
            lambda: self.c.msc_process_request_headers(one),
            lambda: body and self.c.msc_append_request_body(one, body, len(body)),
            lambda: self.c.msc_process_request_body(one),
        ]
        stopped, url = None, b""
        for step in steps:
            step()
            intervention = Intervention(200, 0, None, None, 0)
            if self.c.msc_intervention(one, ctypes.byref(intervention)):
                stopped, url = intervention.status, intervention.url or b""
                break
        self.c.msc_process_logging(one)
        self.c.msc_transaction_cleanup(one)
        return stopped, url, list(self.lines)


def legitimate(library: str, folder: str, paranoia: str, requests: str) -> None:
    engine = Engine(library)
    engine.add_file(RULES / "engine.conf")
    levels = ",".join(
        f"setvar:tx.{name}={value}"
        for name, value in [
            ("blocking_paranoia_level", paranoia),
            ("detection_paranoia_level", paranoia),
            ("inbound_anomaly_score_threshold", 5),
            ("outbound_anomaly_score_threshold", 4),
        ]
    )
    engine.add(f'SecAction "id:7700010,phase:1,pass,nolog,t:none,{levels}"\n')
    engine.add_file(pathlib.Path(folder) / "crs-setup.conf.example")
    for path in sorted((pathlib.Path(folder) / "rules").glob("*.conf")):
        engine.add_file(path)
    refused = []
    read = json.loads(pathlib.Path(requests).read_text())
    for request in read:
        body = request["body"].encode()
        headers = [(name.encode(), value.encode()) for name, value in request["headers"]]
        if body and not any(name == b"Content-Length" for name, _ in headers):
            headers.append((b"Content-Length", str(len(body)).encode()))
        status, _, lines = engine.judge(
            request["method"].encode(), request["target"].encode(), headers, body
        )
        if status is not None:
            ids = sorted({int(one) for line in lines for one in re.findall(rb'\[id "(\d+)"\]', line)})
            refused.append((request["name"], status, ids))
    for name, status, ids in refused:
        print(f"{name}: {status} {ids}")
    print(f"{len(refused)} of {len(read)} at paranoia {paranoia}")


# What transformations and operators have to say something about.
PIECES = [
    b"a", b"B", b"0", b"9", b"f", b"g", b" ", b"\t", b"\n", b"\r", b"\x0b", b"\x00", b"\xa0", b"\xff",
    b"\xc3\xa9", b"\xe2\x80\x99", b"\xc0\xaf", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"%", b"%4", b"%41",
    b"%u0041", b"%u00e9", b"%uff21", b"%zz", b"+", b"\\", b"\\x41", b"\\u0041", b"\\uff21", b"\\101",
    b"\\n", b"\\8", b"\\0", b"\\'", b'"', b"'", b"^", b"/", b"//", b"/./", b"/../", b"..", b"\\..\\", b"./",
    b"&lt;", b"&#65;", b"&#x41;", b"&#0;", b"&amp", b"&nbsp;", b"&quot;x", b"/*", b"*/", b"--", b"#",
    b"<!--", b"-->", b"0x41", b"0x4", b"0X414", b";", b",", b"=", b"QUJD", b"QQ==", b"Q", b"(", b")", b"-",
]  # fmt: skip

TRANSFORMATIONS = [
    "base64Decode", "base64DecodeExt", "base64Encode", "cmdLine", "compressWhitespace", "cssDecode",
    "escapeSeqDecode", "hexDecode", "hexEncode", "htmlEntityDecode", "jsDecode", "length", "lowercase",
    "md5", "none", "normalizePath", "normalizePathWin", "parityEven7bit", "parityOdd7bit",
    "parityZero7bit", "removeComments", "removeCommentsChar", "removeNulls", "removeWhitespace",
    "replaceComments", "replaceNulls", "sha1", "sqlHexDecode", "trim", "trimLeft", "trimRight",
    "uppercase", "urlDecode", "urlDecodeUni", "urlEncode", "utf8toUnicode",
]  # fmt: skip

OPERATORS = [
    "beginsWith a", "contains a", "containsWord a", "endsWith a", "eq 9", "ge 9", "gt 0", "le 9", "lt 9",
    "pm a0 9f |00| %41", "rx ^a", "rx a$", r"rx (?i)b[\s\x00]", r"rx \bf", "rx ^[^a]*$", r"rx \xff|\n",
    "streq a", "strmatch a", "validateByteRange 32-126", "validateUrlEncoding", "validateUtf8Encoding",
    "within a0 9f", "detectSQLi", "detectXSS",
]  # fmt: skip


def value(chance: random.Random) -> bytes:
    return b"".join(chance.choice(PIECES) for _ in range(chance.randint(0, 9)))


def write(found: list) -> None:
    """One case a line."""
    lines = (json.dumps(one, separators=(",", ":")) for one in found)
    print("[" + ",\n".join(lines) + "]")


def values(library: str) -> None:
    chance = random.Random(3015)
    found: list[tuple[str, str, object]] = []
    for name in TRANSFORMATIONS:
        engine = Engine(library)
        engine.add(
            "SecRuleEngine On\n"
            'SecRule REQUEST_HEADERS:x "@unconditionalMatch" '
            f"\"id:1,phase:1,t:{name},t:hexEncode,redirect:'<%{{MATCHED_VAR}}>'\"\n"
        )
        for _ in range(24):
            text = value(chance)
            _, url, _ = engine.judge(b"GET", b"/", [(b"x", text)], b"")
            found.append((f"t:{name}", text.hex(), url.strip(b"<>").decode()))
    for operator in OPERATORS:
        engine = Engine(library)
        engine.add(f'SecRuleEngine On\nSecRule REQUEST_HEADERS:x "@{operator}" "id:1,phase:1,pass,log"\n')
        for _ in range(24):
            text = value(chance)
            _, _, lines = engine.judge(b"GET", b"/", [(b"x", text)], b"")
            found.append((f"@{operator}", text.hex(), bool(lines)))
    write(found)


BODIES = r"""SecRuleEngine On
SecRequestBodyAccess On
SecAction "id:1,phase:1,pass,nolog,ctl:forceRequestBodyVariable=Off"
SecRule REQUEST_HEADERS:Content-Type "json" "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "xml" "id:3,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule ARGS|ARGS_NAMES|FILES|FILES_NAMES|REQUEST_COOKIES|REQUEST_COOKIES_NAMES|XML:/*|XML://@* \
 "@unconditionalMatch" "id:4,phase:2,pass,nolog,t:hexEncode,\
 setvar:'tx.seen=%{tx.seen}^^%{MATCHED_VAR_NAME}~%{MATCHED_VAR}'"
SecRule REQBODY_ERROR|MULTIPART_STRICT_ERROR "!@eq 0" \
 "id:5,phase:2,pass,nolog,setvar:'tx.seen=%{tx.seen}^^%{MATCHED_VAR_NAME}~31'"
SecAction "id:6,phase:2,redirect:'%{tx.seen}'"
"""

FORM_PIECES = [
    "a", "b", "=", "&", "&&", "=&", "+", "%20", "%", "%4", "%41", "%zz", ";", "a[]", "é", "?", "#",
    "%u0041", "==", "\r\n",
]  # fmt: skip
JSON_PIECES = [
    "{", "}", "[", "]", ",", ":", '"a"', '"b"', '"a":', '"\\u0041"', '"\\ud800"', '"\\x"', "1", "-0", "01",
    "1e5", "true", "null", "nul", " ", "\n", "{}", "[]", '""', '"\t"', "'a'", "//", "NaN", "1.5",
]  # fmt: skip
COOKIE_PIECES = ["a", "b", "=", ";", "; ", ",", " ", '"', "%41", "+", "$Version=1", "==", "\\", ";;", "é"]
LINES = [
    "--XX", "--XX--", "--XX ", "--XXY", "-- XX", '--"XX"', "", "x", "--", "--YY",
    'Content-Disposition: form-data; name="a"', "Content-Disposition: form-data; name=b",
    "Content-Disposition: form-data; name='c'", 'Content-Disposition: form-data; name="d"; filename="f.txt"',
    'Content-Disposition: form-data; name="a;b"', 'content-disposition: form-data; name="a\\"b"',
    'Content-Disposition: form-data; name="a"; name="b"', "Content-Type: text/plain", "X: y", "X", ": y",
    ' folded; filename="g"', 'Content-Disposition: form-data; name=""', "Content-Disposition: attachment",
]  # fmt: skip


def json_like(chance: random.Random, depth: int = 0) -> str:
    kind = chance.randint(0, 5 if depth < 3 else 3)
    if kind == 4:
        return "[" + ",".join(json_like(chance, depth + 1) for _ in range(chance.randint(0, 3))) + "]"
    if kind == 5:
        inner = (f'"{chance.choice("abc")}":{json_like(chance, depth + 1)}' for _ in range(chance.randint(0, 3)))
        return "{" + ",".join(inner) + "}"
    return chance.choice(['"a"', '"\\u0041\\n"', "1", "-1.5e3", "true", "false", "null", '"é"'])


def multipart(chance: random.Random) -> str:
    end = chance.choice(["\r\n", "\r\n", "\r\n", "\n"])
    if chance.random() < 0.4:
        lines = [chance.choice(LINES) for _ in range(chance.randint(1, 9))]
    else:
        lines = []
        for _ in range(chance.randint(1, 3)):
            lines += ["--XX", chance.choice(LINES[10:17]), "", chance.choice(["x", "", "y--XX", "--", "--YY"])]
        lines.append("--XX--")
        if chance.random() < 0.5:
            lines[chance.randrange(len(lines))] = chance.choice(LINES)
    return end.join(lines) + chance.choice([end, end, ""])


def mutated(chance: random.Random, text: str) -> str:
    if text and chance.random() < 0.3:
        at = chance.randrange(len(text))
        return text[:at] + chance.choice(JSON_PIECES) + text[at + chance.randint(0, 1) :]
    return text


def cases(chance: random.Random):
    form = "application/x-www-form-urlencoded"
    several = lambda pieces: "".join(chance.choice(pieces) for _ in range(chance.randint(1, 9)))  # noqa: E731
    for _ in range(60):
        yield "/?" + several(FORM_PIECES[:-2]).replace("é", "%C3%A9"), "", "", ""
        yield "/", form, "", several(FORM_PIECES)
        yield "/", "application/json", "", several(JSON_PIECES)
        yield "/", "application/json", "", mutated(chance, json_like(chance))
        yield "/", "", several(COOKIE_PIECES), ""
        yield "/", "multipart/form-data; boundary=XX", "", multipart(chance)


def bodies(library: str) -> None:
    chance = random.Random(4280)
    engine = Engine(library)
    engine.add(BODIES)
    found = []
    for target, kind, cookie, body in cases(chance):
        headers = [(b"Host", b"a")]
        if kind:
            headers.append((b"Content-Type", kind.encode()))
        if cookie:
            headers.append((b"Cookie", cookie.encode()))
        data = body.encode()
        _, url, _ = engine.judge(b"POST", target.encode(), headers, data)
        # What a value is called is in the names of arguments; the collection is enough.
        seen = re.findall(rb"\^\^([A-Z_]+)(?:[^^]*)~([0-9a-f]*)(?=\^\^|$)", url, re.S)
        texts = sorted(f"{name.decode()}={text.decode()}" for name, text in seen)
        found.append([target, kind, cookie, body, texts])
    write(found)


if __name__ == "__main__":
    library, what, *rest = sys.argv[1:]
    {"legitimate": legitimate, "values": values, "bodies": bodies}[what](library, *rest)
