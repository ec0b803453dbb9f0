"""Tries passwords at a running Ringwall and prints the median time of an answer in microseconds.

Usage: login.py PORT known|unknown BEGIN END. The names are those of crowd.py, or nobody's; every try comes from a
network of its own, so that none waits for being the next one.
"""

import http.client
import re
import ssl
import statistics
import sys
import time
import urllib.parse

TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


def attempt(port: int, who: str, number: int) -> float:
    source = (
        f"127.{1 + number // 250 % 250}.{1 + number % 250}.{2 if who == 'known' else 3}",
        0,
    )
    door = http.client.HTTPSConnection(
        "127.0.0.1", port, context=TLS, source_address=source
    )
    host = f"bench.localhost:{port}"
    door.request("GET", "/login", headers={"Host": host})
    page = door.getresponse()
    cookies = "; ".join(
        line.split(";")[0] for line in page.headers.get_all("Set-Cookie", [])
    )
    fields = dict(
        re.findall(
            r'name="(form_token|return_to)" value="([^"]*)"', page.read().decode()
        )
    )
    name = f"person-{number:07}" if who == "known" else f"nobody-{number:07}"
    form = {**fields, "username": name, "password": "not the password"}
    headers = {
        "Host": host,
        "Cookie": cookies,
        "Origin": f"https://{host}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    begin = time.perf_counter()
    door.request("POST", "/login", urllib.parse.urlencode(form), headers)
    answer = door.getresponse()
    answer.read()
    took = time.perf_counter() - begin
    assert answer.status == 401, (answer.status, who, number)
    door.close()
    return took * 1e6


def main(port: str, who: str, begin: str, end: str) -> None:
    times = [attempt(int(port), who, number) for number in range(int(begin), int(end))]
    print(round(statistics.median(times)))


main(*sys.argv[1:])
