"""What the scripts beside this one share: THIS+SCRIPT ORIGIN ROOTS BINARY PASSWORD."""

import html
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urljoin, urlsplit

try:
    import requests
except ModuleNotFoundError as error:
    sys.exit(print(f"missing {error.name}"))

origin, roots, binary, password, *more = sys.argv[1:]
callback = "https://app.example/callback"
wide = ["--redirect-uri", callback, "--grant", "refresh_token"]


def register(client_id, *words):
    """Registers a client; gives its secret, or nothing."""
    command = [binary, "client", "add", client_id, *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def register_key(client_id, public, *words):
    """Registers a client with the public half of a key."""
    Path(f"{client_id}.json").write_text(json.dumps({"keys": [public]}))
    register(client_id, "--bearer", "--jwks", f"{client_id}.json", *words)


def session():
    """Trusts the house's root and nothing else."""
    made = requests.Session()
    made.verify = roots
    made.trust_env = False
    return made


class Browser:
    """Cookies, forms, and a person who knows her password."""

    def __init__(self):
        self.session = session()

    def send(self, path, page, **fields):
        """Sends the form of a page with these fields."""
        found = re.findall(r'name="([a-z_]+)" value="([^"]*)"', page)
        hidden = {name: html.unescape(value) for name, value in found}
        return self.session.post(
            urljoin(origin, path),
            data={**hidden, **fields},
            headers={"Origin": origin},
            allow_redirects=False,
        )

    def follow(self, url):
        """Follows redirects, signs in where it is asked to; gives a page, or where an answer is sent."""
        for _ in range(8):
            answer = self.session.get(url, allow_redirects=False)
            if answer.status_code == 200:
                if 'name="username"' not in answer.text:
                    return answer.text
                answer = self.send("/login", answer.text, username="ada", password=password)
            assert answer.status_code == 303, answer.text
            url = urljoin(url, answer.headers["Location"])
            if not url.startswith(origin + "/"):
                return url
        raise AssertionError(f"no end: {url}")

    def visit(self, url):
        """The answer to an application."""
        back = self.follow(url)
        assert re.match("https?://", back), back
        return back

    def decide(self, uri, client_id, decision):
        """Decides about a device."""
        path = urlsplit(uri).path
        asked = self.send(path, self.follow(uri))
        assert asked.status_code == 200 and client_id in asked.text, asked.text
        assert self.send(path, asked.text, decision=decision).status_code == 200


def refused(call, kind, code=None):
    """A call that must fail in this way, with this error code when one is named."""
    try:
        answer = call()
    except kind as error:
        assert code in (None, getattr(error, "error", None)), error
        return
    raise AssertionError(f"it was answered: {answer}")
