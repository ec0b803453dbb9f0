"""Reads what Keycloak or Auth0 exports, and writes the `ringwall` commands that do the same here.

    moving.py keycloak realm-export.json > move.sh
    moving.py auth0 clients.json [users.ndjson] > move.sh

Nothing is run. Read the result: a line that begins with `# !` is something that does not come along, or not so.
The guide is docs/guides/coming-from-keycloak-or-auth0.md.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
# Keycloak's own.
OURS = {
    "account",
    "account-console",
    "admin-cli",
    "broker",
    "realm-management",
    "security-admin-console",
}


def clean(text: str, pattern: str) -> str:
    """A name of the characters that are allowed here."""
    return re.sub(pattern, "-", text)[:64]


def client(
    name: str,
    *,
    access: str = "secret",
    uris: list[str] | None = None,
    after: list[str] | None = None,
    roles: list[str] | None = None,
    grants: set[str] = frozenset(),  # type: ignore[assignment]
    switches: list[str] | None = None,
) -> Iterator[str]:
    """The command for one client."""
    client_id = clean(name, r"[^A-Za-z0-9._-]")
    if client_id != name:
        yield f"# ! {name!r} is called {client_id} here"
    words = ["ringwall", "client", "add", client_id]
    good = re.compile(r"https://[^*#@]+|http://(127\.0\.0\.1|\[::1\])(:\d+)?(/[^*#@]*)?")
    named = [("--redirect-uri", uri) for uri in uris or []] + [
        ("--post-logout", uri) for uri in after or []
    ]
    for word, uri in named:
        if good.fullmatch(uri):
            words += [word, uri]
        else:
            yield f"# ! {client_id}: {word} {uri!r} is not exact, or not https: write out what it stands for"
    if "implicit" in grants:
        yield f"# ! {client_id}: there is no implicit flow: let it use code and PKCE"
    if "password" in grants:
        yield f"# ! {client_id}: there is no password grant: send people to the login page, or use the device flow"
    if EXCHANGE in grants:
        yield f"# ! {client_id}: add `--acts-for CLIENT` for each client whose tokens it exchanges"
    for grant, word in (("refresh_token", "refresh_token"), (DEVICE, "device_code")):
        if grant in grants:
            words += ["--grant", word]
    for role in roles or []:
        words += ["--role", role]
    words += switches or []
    if access == "public":
        words.append("--public")
    elif "--dpop" not in words:
        # As it was there. Leave it out for a program that proves a key or shows a certificate.
        words.append("--bearer")
    if access == "key":
        words += ["--jwks", f"{client_id}.json"]
        yield f"# ! {client_id}: put its public keys into {client_id}.json"
    line = shlex.join(words)
    yield f"{line} > {client_id}.secret" if access == "secret" else line


def person(
    name: str, email: str | None, *, roles: list[str], is_enabled: bool, sub: str, more: list[str]
) -> Iterator[str]:
    """The commands for one person, who gets a link that sets the first password."""
    login = clean(name.lower(), r"[^a-z0-9._@+-]")
    words = ["ringwall", "user", "invite", login]
    for role in roles:
        words += ["--role", role]
    if email and is_enabled:
        words += ["--email", email]
    yield f"{shlex.join(words)}    # was {sub}"
    if not is_enabled:
        yield f"ringwall user disable {login}"
    for one in more:
        yield f"# ! {login}: {one}"


def keycloak(realm: dict[str, Any]) -> Iterator[str]:
    users = realm.get("users", [])
    service_roles = {
        one["serviceAccountClientId"]: one for one in users if "serviceAccountClientId" in one
    }
    for one in realm.get("clients", []):
        name, more = one["clientId"], one.get("attributes", {})
        if name in OURS:
            continue
        if one.get("protocol", "openid-connect") != "openid-connect":
            yield f"# ! {name}: {one['protocol']} is not spoken here"
            continue
        if one.get("bearerOnly"):
            yield f"# ! {name} only takes tokens: it is a service in ringwall.toml, and no client"
            continue
        yes = lambda key: str(more.get(key)).lower() == "true"  # noqa: E731
        grants = {
            grant
            for grant, is_used in {
                "implicit": one.get("implicitFlowEnabled"),
                "password": one.get("directAccessGrantsEnabled"),
                "refresh_token": one.get("standardFlowEnabled")
                and more.get("use.refresh.tokens") != "false",
                DEVICE: yes("oauth2.device.authorization.grant.enabled"),
                EXCHANGE: yes("standard.token.exchange.enabled"),
            }.items()
            if is_used
        }
        ways = {"client-jwt": "key", "client-x509": "certificate", "client-secret-jwt": "secret"}
        access = (
            "public"
            if one.get("publicClient")
            else ways.get(one.get("clientAuthenticatorType", ""), "secret")
        )
        if access == "certificate":
            yield f"# ! {name}: add `--certificate-name` with the name in its certificate, in place of a secret"
        switches = [
            word
            for key, word in {
                "dpop.bound.access.tokens": "--dpop",
                "require.pushed.authorization.requests": "--par",
            }.items()
            if yes(key)
        ]
        switches += ["--consent"] if one.get("consentRequired") else []
        if address := more.get("backchannel.logout.url"):
            switches += ["--backchannel-logout", address]
        uris = one.get("redirectUris", []) if one.get("standardFlowEnabled", True) else []
        after = str(more.get("post.logout.redirect.uris", "")).split("##")
        after = [
            uri
            for part in after
            for uri in (uris if part == "+" else [part])
            if uri not in ("", "-")
        ]
        roles = service_roles.get(name, {}).get("realmRoles", [])
        yield from client(
            name,
            access=access,
            uris=uris,
            after=after,
            grants=grants,
            roles=own(roles),
            switches=switches,
        )
    for one in users:
        if "serviceAccountClientId" in one:
            continue
        more = [f"was asked to {action}" for action in one.get("requiredActions", [])]
        kinds = {kept["type"] for kept in one.get("credentials", [])} - {"password"}
        more += [f"sets up {kind} anew" for kind in sorted(kinds)]
        more += [
            f"signed in through {link['identityProvider']}"
            for link in one.get("federatedIdentities", [])
        ]
        roles = own(one.get("realmRoles", []))
        yield from person(
            one["username"],
            one.get("email"),
            roles=roles,
            is_enabled=one.get("enabled", True),
            sub=one.get("id", ""),
            more=more,
        )


def own(roles: list[str]) -> list[str]:
    """Without those that every realm has."""
    return [
        role for role in roles if not role.startswith(("default-roles-", "offline_access", "uma_"))
    ]


def auth0(clients: list[dict[str, Any]], users: list[dict[str, Any]]) -> Iterator[str]:
    for one in clients:
        if one.get("global"):
            continue
        is_public = one.get("app_type") in ("spa", "native")
        method = one.get("token_endpoint_auth_method", "client_secret_post")
        access = "public" if is_public or method == "none" else "secret"
        if "client_authentication_methods" in one:
            access = "key"
        yield f"# {one.get('name', '')}"
        yield from client(
            one["client_id"],
            access=access,
            uris=one.get("callbacks", []),
            after=one.get("allowed_logout_urls", []),
            grants=set(one.get("grant_types", [])),
            switches=[
                word
                for word, is_wanted in {
                    "--par": one.get("require_pushed_authorization_requests"),
                    "--consent": not one.get("is_first_party", True),
                }.items()
                if is_wanted
            ],
        )
    for one in users:
        name = one.get("email") or one.get("Email") or one["user_id"]
        sub = str(one.get("user_id") or one.get("Id"))
        more = [] if sub.startswith("auth0|") else [f"signed in through {sub.partition('|')[0]}"]
        address = one.get("email")
        is_enabled = not one.get("blocked")
        yield from person(name, address, roles=[], is_enabled=is_enabled, sub=sub, more=more)


def main() -> None:
    kind, first, *more = sys.argv[1:]
    told = json.loads(Path(first).read_text())
    if kind == "keycloak":
        lines = keycloak(told)
    else:
        lines = auth0(
            told,
            [json.loads(line) for file in more for line in Path(file).read_text().splitlines()],
        )
    print("#!/bin/sh")
    print("set -e")
    for line in lines:
        # A name with a line break in it must not become a command.
        print("".join(one if one.isprintable() else " " for one in line))


if __name__ == "__main__":
    main()
