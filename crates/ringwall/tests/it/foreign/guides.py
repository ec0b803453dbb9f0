"""The programs of the guides, as they are, with a person where one is needed."""

import os
import time

try:
    import jwt  # noqa: F401: a program needs it
except ModuleNotFoundError as error:
    sys.exit(print(f"missing {error.name}"))

examples = Path(more[0])
path = "/books/7"
book = {"id": 7, "title": "Tides"}
browser = Browser()

# Programs of their own: `*.localhost` is loopback for them, too.
Path("sitecustomize.py").write_text(
    "import socket\n"
    "ask = socket.getaddrinfo\n"
    "socket.getaddrinfo = lambda host, *more, **named: ask('127.0.0.1', *more, **named)\n"
)
surroundings = {
    **os.environ,
    "PYTHONPATH": os.getcwd(),
    "NOTES_CA": roots,
    "NOTES_ISSUER": origin,
    "NOTES_STORE": "kept.json",
    "BROWSER": "true",
}


def start(program, *words):
    command = [sys.executable, str(examples / program), *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=surroundings, text=True, stdout=pipe, stderr=pipe)


def end(started):
    """What it says, and whether it was content."""
    out, err = started.communicate(timeout=60)
    return started.returncode, out.strip(), err.strip()


def good(program, *words):
    code, out, err = end(start(program, *words))
    assert code == 0, (words, out, err)
    return out


def bad(program, words, why):
    code, out, err = end(start(program, *words))
    assert code == 1 and why in out + err, (words, out, err)


def through_the_browser(started):
    browser_url = started.stderr.readline().removeprefix("Sign in at ").strip()
    session().get(browser.visit(browser_url)).raise_for_status()


def on_a_page(started):
    assert "enter" in started.stderr.readline()
    page = started.stderr.readline().removeprefix("or open ").strip()
    browser.decide(page, "notescli", "approve")


def aged():
    """The next request finds a token that is about to end."""
    kept = json.loads(Path("kept.json").read_text())
    Path("kept.json").write_text(json.dumps({**kept, "expires_at": time.time()}))
    return kept["refresh_token"]


def calling_on(token):
    """Another program acts for the same person; one that may not does not."""
    Path("token").write_text(token)
    words = ["--on-behalf-of", "token", "get", path]
    assert (
        json.loads(good("machine.py", "--client", "report", "--secret", "report.secret", *words))
        == book
    )
    bad("machine.py", ["--client", "other", "--secret", "other.secret", *words], "no token")


def command_line():
    grants = ["--grant", "device_code", "--grant", "refresh_token"]
    register("notescli", "--public", "--redirect-uri", "http://127.0.0.1/callback", *grants)
    acts = ["--acts-for", "notescli", "--bearer"]
    Path("report.secret").write_text(register("report", *acts))
    Path("other.secret").write_text(register("other", "--bearer"))
    bad("notescli.py", ["get", path], "run `login` first")
    for words, person in ([], through_the_browser), (["--device"], on_a_page):
        started = start("notescli.py", "login", *words)
        person(started)
        assert end(started)[:2] == (0, "signed in")
        assert Path("kept.json").stat().st_mode & 0o077 == 0
        assert json.loads(good("notescli.py", "get", path)) == book
        calling_on(json.loads(Path("kept.json").read_text())["access_token"])
        before = aged()
        assert json.loads(good("notescli.py", "get", path)) == book
        assert json.loads(Path("kept.json").read_text())["refresh_token"] != before
        kept = Path("kept.json").read_text()
        assert good("notescli.py", "logout") == "signed out"
        Path("kept.json").write_text(kept)
        bad("notescli.py", ["get", path], "")
        aged()
        bad("notescli.py", ["get", path], "signed out meanwhile")
        assert not Path("kept.json").exists()


def machine():
    Path("job.secret").write_text(register("job", "--role", "customer", "--bearer"))
    by_secret = ["--secret", "job.secret", "get", path]
    assert json.loads(good("machine.py", *by_secret)) == book
    assert json.loads(good("machine.py", "--dpop", *by_secret)) == book
    good("machine.py", "new-key", "clerk")
    register("clerk", "--role", "customer", "--jwks", "clerk.json", "--dpop")
    by_key = ["--client", "clerk", "--key", "clerk.pem"]
    bad("machine.py", [*by_key, "get", path], "invalid_dpop_proof")
    assert json.loads(good("machine.py", *by_key, "--dpop", "get", path)) == book
    bad("machine.py", ["--client", "clerk", *by_secret], "invalid_client")
    good("machine.py", "new-key", "next")
    both = [json.loads(Path(f"{name}.json").read_text())["keys"][0] for name in ("clerk", "next")]
    Path("both.json").write_text(json.dumps({"keys": both}))
    change = [binary, "client", "change", "clerk", "--role", "customer", "--jwks", "both.json"]
    subprocess.run(change, check=True)
    for key in "clerk", "next":
        words = ["--client", "clerk", "--key", f"{key}.pem", "--dpop", "get", path]
        assert json.loads(good("machine.py", *words)) == book


def moving():
    """What Keycloak and Auth0 export becomes clients and people, or a remark."""
    mixed = {
        "publicClient": True,
        "redirectUris": ["https://app.example/*", "https://app.example/x"],
    }
    after = {"attributes": {"post.logout.redirect.uris": "+"}}
    realm = {
        "clients": [
            {"clientId": "account"},
            {
                "clientId": "page",
                "implicitFlowEnabled": True,
                "standardFlowEnabled": True,
                **mixed,
                **after,
            },
            {"clientId": "robot", "standardFlowEnabled": False, "serviceAccountsEnabled": True},
            {"clientId": "hr", "protocol": "saml"},
        ],
        "users": [
            {"username": "Cem", "id": "1", "realmRoles": ["clerk", "default-roles-shop"]},
            {"serviceAccountClientId": "robot", "username": "x", "realmRoles": ["clerk"]},
        ],
    }
    app = {
        "client_id": "aB1",
        "name": "x\nfalse",
        "app_type": "spa",
        "callbacks": ["https://spa.example/"],
    }
    Path("realm.json").write_text(json.dumps(realm))
    Path("clients.json").write_text(json.dumps([app]))
    Path("users.ndjson").write_text('{"user_id": "auth0|5f", "email": "Eve@example.com"}\n')
    Path("ringwall").symlink_to(binary)
    script = "../moving/moving.py"
    here = {**surroundings, "PATH": f".:{os.environ['PATH']}"}
    for words in ["keycloak", "realm.json"], ["auth0", "clients.json", "users.ndjson"]:
        written = good(script, *words)
        # The links for those who move.
        subprocess.run(["sh", "-c", written], check=True, env=here, stdout=subprocess.DEVNULL)
        for remark in (
            "--redirect-uri 'https://app.example/*' is not exact",
            "no implicit flow",
            "saml is not spoken",
        ):
            assert (remark in written) == (words[0] == "keycloak"), written
    listed = [
        subprocess.run([binary, kind, "list"], check=True, capture_output=True, text=True).stdout
        for kind in ("client", "user")
    ]
    assert all(name in listed[0] for name in ("page", "robot", "aB1")), listed
    shown = [binary, "client", "show", "page"]
    told = subprocess.run(shown, check=True, capture_output=True, text=True).stdout
    assert told.count("https://app.example/x") == 2, told
    assert all(name in listed[1] for name in ("cem", "eve@example.com")), listed


command_line()
machine()
moving()
print("done")
