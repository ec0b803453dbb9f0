"""Fills a store with what years leave behind: people of a thousand organisations, and rows that have expired.

Usage: crowd.py STORE PEOPLE EXPIRED. The server must not run. The rows that have expired are authorization codes,
the commonest kind; they are removed by the server's own sweep while it is measured.
"""

import hashlib
import sqlite3
import sys
import time

INSTANCE = "default"
ORGANISATIONS = 1_000


def tenant(number: int) -> str:
    return f"org-{number % ORGANISATIONS:04}"


def people(store: sqlite3.Connection, count: int) -> None:
    now = time.time_ns() // 1000
    organisations = ((tenant(number), f"No. {number}", 0, now) for number in range(ORGANISATIONS))
    store.executemany("INSERT INTO identity_organisation VALUES (?, ?, ?, ?)", organisations)
    names = [(tenant(number), f"person-{number:07}") for number in range(count)]
    users = ((own, f"crowd{name}", f"{own}/{name}", 0, now) for own, name in names)
    store.executemany("INSERT INTO identity_user VALUES (?, ?, ?, ?, ?)", users)
    # Nobody signs in as one of them: the hash is as long as a real one and of no password.
    phc = "$argon2id$v=19$m=19456,t=2,p=1$" + "A" * 22 + "$" + "A" * 43
    passwords = ((own, f"crowd{name}", phc, now) for own, name in names)
    store.executemany("INSERT INTO identity_password VALUES (?, ?, ?, ?)", passwords)
    roles = ((own, f"crowd{name}", "robot") for own, name in names)
    store.executemany("INSERT INTO identity_role VALUES (?, ?, ?)", roles)


def expired(store: sqlite3.Connection, count: int) -> None:
    past = time.time_ns() // 1000 - 86_400_000_000
    rows = (
        (
            INSTANCE,
            tenant(number % 100_000),
            hashlib.sha256(number.to_bytes(8)).digest(),
            "crowd",
            "https://app.example/callback",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "openid profile",
            f"crowdperson-{number % 100_000:07}",
            f"sid{number}",
            past,
            past,
        )
        for number in range(count)
    )
    store.executemany(
        "INSERT INTO identity_code (tenant_id, user_tenant, hash, client_id, redirect_uri, challenge, scope,"
        " user_id, sid, authenticated, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def main(path: str, persons: str, rows: str) -> None:
    store = sqlite3.connect(path)
    store.execute("PRAGMA synchronous = OFF")
    store.execute("PRAGMA cache_size = -1000000")
    people(store, int(persons))
    expired(store, int(rows))
    store.commit()
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()


main(*sys.argv[1:])
