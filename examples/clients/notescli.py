"""A command-line tool that acts for the person at the terminal: docs/guides/command-line-tool.md.

    notescli.py login            through the browser on this machine (RFC 8252)
    notescli.py login --device   through a browser anywhere (RFC 8628)
    notescli.py get /notes
    notescli.py logout

NOTES_CA names the authority that signed the server's certificate, if the system does not know it.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import hashlib
import json
import os
import secrets
import sys
import time
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

ISSUER = os.environ.get("NOTES_ISSUER", "https://notebook.localhost:8443")
CLIENT = os.environ.get("NOTES_CLIENT", "notescli")
HTTP = requests.Session()
HTTP.trust_env = False  # else ~/.netrc and REQUESTS_CA_BUNDLE would have a say
HTTP.verify = os.environ.get("NOTES_CA", True)
STORE = Path(os.environ.get("NOTES_STORE", "~/.config/notescli.json")).expanduser()
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def server() -> dict[str, str]:
    """What the server says about itself (RFC 8414)."""
    found = HTTP.get(f"{ISSUER}/.well-known/oauth-authorization-server", timeout=10).json()
    if found["issuer"] != ISSUER:
        sys.exit(f"{ISSUER} says that it is {found['issuer']}")
    return found


def token(**form: str) -> requests.Response:
    """Asks the token endpoint. A tool on somebody's machine has no secret: `client_id` is all it says."""
    form = {"client_id": CLIENT, **form}
    return HTTP.post(server()["token_endpoint"], data=form, timeout=10)


def good(answer: requests.Response) -> dict[str, object]:
    """The tokens; or the end, with the server's words."""
    body = answer.json()
    if answer.status_code != 200:
        sys.exit(f"not signed in: {body['error']}: {body.get('error_description', '')}")
    return body


def by_browser() -> dict[str, object]:
    """Code and PKCE. The answer comes back to a port of 127.0.0.1 that is open for this one request."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    answers: list[dict[str, str]] = []

    class Back(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            is_ours = asked.path == "/callback"
            self.send_response(200 if is_ours else 404)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            if is_ours:
                answers.append({name: values[0] for name, values in parse_qs(asked.query).items()})
                self.wfile.write(b"You can close this window.")

        def log_message(self, *_: object) -> None:
            """The address has the code in it: it is not logged."""

    with HTTPServer(("127.0.0.1", 0), Back) as listener:
        callback = f"http://127.0.0.1:{listener.server_port}/callback"
        request = {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": callback,
            "scope": "openid",
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        url = f"{server()['authorization_endpoint']}?{urlencode(request)}"
        print(f"Sign in at {url}", file=sys.stderr, flush=True)
        webbrowser.open(url)
        while not answers:
            listener.handle_request()
    answer = answers[0]
    # The answer is to our question, and from our server (RFC 9207).
    if (answer.get("state"), answer.get("iss")) != (state, ISSUER):
        sys.exit("not signed in: the answer is not to this request")
    if "code" not in answer:
        sys.exit(f"not signed in: {answer.get('error')}")
    grant = {"grant_type": "authorization_code", "code": answer["code"], "code_verifier": verifier}
    return good(token(**grant, redirect_uri=callback))


def by_device() -> dict[str, object]:
    """The person decides on a page, anywhere; this tool asks until they have."""
    form = {"client_id": CLIENT, "scope": "openid"}
    asked = HTTP.post(server()["device_authorization_endpoint"], data=form, timeout=10)
    asked = good(asked)
    print(f"Go to {asked['verification_uri']} and enter {asked['user_code']}", file=sys.stderr)
    print(f"or open {asked['verification_uri_complete']}", file=sys.stderr, flush=True)
    wait = int(asked.get("interval", 5))
    while True:
        time.sleep(wait)
        answer = token(grant_type=DEVICE, device_code=str(asked["device_code"]))
        error = None if answer.ok else answer.json()["error"]
        if error == "slow_down":
            wait += 5
        elif error != "authorization_pending":
            return good(answer)


def access_token() -> str:
    """The token for a request, renewed when it is about to end."""
    try:
        kept = STORE.open("r+")
    except FileNotFoundError:
        sys.exit("not signed in: run `login` first")
    with kept:
        # One at a time: each refresh token is good once, and a second use of it ends all of them.
        fcntl.flock(kept, fcntl.LOCK_EX)
        tokens = json.load(kept)
        if tokens["expires_at"] < time.time() + 30:
            tokens = {**tokens, **renewed(tokens["refresh_token"])}
            kept.seek(0)
            json.dump(tokens, kept)
            kept.truncate()
        return tokens["access_token"]


def renewed(refresh_token: str) -> dict[str, object]:
    answer = token(grant_type="refresh_token", refresh_token=refresh_token)
    if not answer.ok:
        STORE.unlink()
        sys.exit("signed out meanwhile: run `login` again")
    return dated(answer.json())


def dated(tokens: dict[str, object]) -> dict[str, object]:
    return {**tokens, "expires_at": time.time() + int(str(tokens["expires_in"]))}


def keep(tokens: dict[str, object]) -> None:
    """For this user's eyes only."""
    STORE.parent.mkdir(parents=True, exist_ok=True)
    STORE.unlink(missing_ok=True)
    with os.fdopen(os.open(STORE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(dated(tokens), file)


def log_out() -> None:
    """Ends the refresh token and all that came from it, on the server (RFC 7009)."""
    tokens = json.loads(STORE.read_text())
    form = {"client_id": CLIENT, "token": tokens["refresh_token"]}
    HTTP.post(server()["revocation_endpoint"], data=form, timeout=10).raise_for_status()
    STORE.unlink()


def main() -> None:
    parser = argparse.ArgumentParser()
    words = parser.add_subparsers(dest="word", required=True)
    words.add_parser("login").add_argument("--device", action="store_true")
    words.add_parser("get").add_argument("path")
    words.add_parser("logout")
    given = parser.parse_args()
    if given.word == "login":
        keep(by_device() if given.device else by_browser())
        print("signed in")
    elif given.word == "get":
        header = {"Authorization": f"Bearer {access_token()}"}
        answer = HTTP.get(ISSUER + given.path, headers=header, timeout=10)
        print(answer.text.strip())
        sys.exit(0 if answer.ok else 1)
    else:
        log_out()
        print("signed out")


if __name__ == "__main__":
    main()
