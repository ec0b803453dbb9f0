"""Signs in at another issuer, by its own pages: … ORIGIN ROOTS BINARY PASSWORD ISSUER PART."""

import time

issuer, part = more


def sign_in_there(browser, url, name):
    """Fills the issuer's forms in; gives its redirect back to us."""
    for _ in range(12):
        answer = browser.session.get(url, allow_redirects=False)
        while answer.status_code == 200:
            action = re.search(r'<form[^>]*action="([^"]+)"', answer.text).group(1)
            hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
            fields = {"login": name, "password": "any"} if 'name="login"' in answer.text else {}
            answer = browser.session.post(
                urljoin(answer.url, html.unescape(action)),
                data={**hidden, **fields},
                allow_redirects=False,
            )
        assert answer.status_code in (302, 303), answer.text
        url = urljoin(answer.url, answer.headers["Location"])
        if url.startswith(origin):
            return url
    raise AssertionError(f"no end: {url}")


def way_in(browser):
    page = browser.session.get(origin + "/login").text
    assert "the harbour" in page, page
    path = html.unescape(re.search(r'href="(/oauth/upstream[^"]*)"', page).group(1))
    return browser.session.get(origin + path, allow_redirects=False)


def enter(browser, name):
    answer = way_in(browser)
    assert answer.headers["Location"].startswith(issuer), answer.headers
    back = sign_in_there(browser, answer.headers["Location"], name)
    return back, browser.session.get(back, allow_redirects=False)


def account(browser):
    return browser.session.get(origin + "/account").text


if part == "away":
    browser = Browser()
    # What it said last holds; the code goes nowhere, and the page is plain.
    answer = way_in(browser)
    state = re.search(r"state=([^&]+)", answer.headers["Location"]).group(1)
    back = f"{origin}/oauth/callback?code=x&state={state}&iss={issuer}"
    answer = browser.session.get(back, allow_redirects=False)
    assert answer.status_code == 502 and "cannot be reached" in answer.text, answer.text
    browser.follow(origin + "/oauth/device")
    assert "<b>ada</b>" in account(browser)
    print("done")
    sys.exit()

# Somebody new, or who was here before.
browser = Browser()
back, answer = enter(browser, "grace")
for _ in range(90):
    # Keys that turned are read again at most once in thirty seconds.
    if part != "turned" or answer.status_code == 303:
        break
    assert answer.status_code in (401, 429), answer.text
    time.sleep(1)
    browser = Browser()
    back, answer = enter(browser, "grace")
assert answer.status_code == 303, answer.text
assert "<b>grace@harbour.example</b>" in account(browser), account(browser)
if part == "turned":
    print("done")
    sys.exit()
# An answer counts once (attack U4), also in another browser.
assert browser.session.get(back, allow_redirects=False).status_code == 401
assert Browser().session.get(back, allow_redirects=False).status_code == 401

# Somebody of another domain stays out.
_, answer = enter(Browser(), "eve@elsewhere.example")
assert answer.status_code == 401 and "may not sign in" in answer.text, answer.text

# Who says no there comes back to where passwords are asked for.
browser = Browser()
url = way_in(browser).headers["Location"]
answer = browser.session.get(url)
abort = re.search(r'href="([^"]*abort[^"]*)"', answer.text).group(1)
answer = browser.session.get(urljoin(answer.url, abort))
assert 'name="username"' in answer.text and "did not sign in" in answer.text, answer.text

# Somebody who is here already links the account.
browser = Browser()
browser.follow(origin + "/oauth/device")
left = browser.send("/oauth/upstream", account(browser))
assert left.status_code == 200, left.text
there = html.unescape(re.search(r'<a href="([^"]+)"', left.text).group(1))
answer = browser.session.get(sign_in_there(browser, there, "ada-there"), allow_redirects=False)
assert (answer.status_code, answer.headers["Location"]) == (303, "/account"), answer.text
other = Browser()
_, answer = enter(other, "ada-there")
assert answer.status_code == 303, answer.text
assert "<b>ada</b>" in account(other)
# And takes the link away: what came by it ends.
answer = browser.send("/account", account(browser), do="unlink")
assert answer.status_code == 200 and "taken away" in answer.text, answer.text
assert "<b>ada</b>" not in account(other)
print("done")
