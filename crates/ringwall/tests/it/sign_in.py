"""A person signs in with requests, and out again."""

import re
import sys

import requests

origin, roots, password = sys.argv[1:]
session = requests.Session()
session.verify = roots
session.trust_env = False


def form(path):
    page = session.get(origin + path)
    return dict(re.findall(r'name="(form_token|return_to)" value="([^"]*)"', page.text))


def submit(path, **fields):
    data = {**form(path), **fields}
    return session.post(origin + path, data=data, headers={"Origin": origin}, allow_redirects=False)


assert session.get(origin + "/books/7").status_code == 403
reply = submit("/login", username="ada", password="wrong")
assert reply.status_code == 401, reply.text
assert "__Host-ringwall" not in session.cookies, session.cookies

reply = submit("/login", username="ada", password=password)
assert reply.status_code == 303, reply.text
cookie = next(cookie for cookie in session.cookies if cookie.name == "__Host-ringwall")
assert cookie.secure and cookie.path == "/" and not cookie.domain_specified, cookie
assert cookie.has_nonstandard_attr("HttpOnly"), cookie
assert session.get(origin + "/books/7").json() == {"id": 7, "title": "Tides"}

# A second login is a second session.
before = cookie.value
session.cookies.clear(cookie.domain, "/", "__Host-ringwall")
submit("/login", username="ada", password=password)
assert session.cookies["__Host-ringwall"] != before

kept = session.cookies["__Host-ringwall"]
reply = submit("/logout")
assert reply.status_code == 303, reply.text
assert "__Host-ringwall" not in session.cookies, session.cookies
reply = requests.get(origin + "/books/7", verify=roots, cookies={"__Host-ringwall": kept})
assert reply.status_code in (401, 403), "a session that ended is over"
print("done")
