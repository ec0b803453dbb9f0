"""A person at a page behind mod_auth_openidc: code flow, claims, refresh, and the end of it from
both sides."""

(site,) = more
browser = Browser()
page = site + "/members/index.html"
callback_at = site + "/members/callback"


def shown():
    """The page, which prints what Apache learned of the person."""
    return browser.session.get(page, allow_redirects=False)


def info():
    return browser.session.get(callback_at + "?info=json").json()


def sign_in():
    first = shown()
    assert first.status_code == 302, first.text
    assert first.headers["Location"].startswith(origin + "/oauth/authorize?"), first.headers
    back = browser.visit(first.headers["Location"])
    answer = browser.session.get(back, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, page), answer.text


def events(action):
    """Those in the audit log by now."""
    command = [binary, "audit", "query", "--action", action]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()


def heard(times):
    """Waits until the module was told so many times that a session has ended."""
    while len(events("logout-delivered")) < times:
        refusals = events("logout-undelivered")
        assert not refusals, refusals


sign_in()
claims = dict(line.split("=", 1) for line in html.unescape(shown().text).splitlines() if "=" in line)
assert claims["OIDC_CLAIM_preferred_username"] == "ada", claims
assert claims["OIDC_CLAIM_iss"] == origin and claims["OIDC_CLAIM_aud"] == "apache", claims
assert claims["REMOTE_USER"].startswith(claims["OIDC_CLAIM_sub"]), claims
# Roles count as the server says them: she is no clerk.
assert browser.session.get(site + "/members/staff/").status_code in (401, 403)

known = info()
assert known["userinfo"]["preferred_username"] == "ada", known
renewed = {"refresh": page, "access_token": known["access_token"]}
renewed = browser.session.get(callback_at, params=renewed, allow_redirects=False)
assert (renewed.status_code, renewed.headers["Location"]) == (302, page), renewed.text
following = info()
assert following["access_token"] != known["access_token"], following
assert following["refresh_token"] != known["refresh_token"], following
userinfo = {"Authorization": "Bearer " + following["access_token"]}
assert session().get(origin + "/oauth/userinfo", headers=userinfo).status_code == 200

# At sign-out the module gives its tokens back, and has her signed out here too. It is believed by its
# ID token: nobody is asked.
leaving = browser.session.get(callback_at, params={"logout": site + "/"}, allow_redirects=False)
assert leaving.headers["Location"].startswith(origin + "/oauth/end_session?"), leaving.headers
assert browser.visit(leaving.headers["Location"]) == site + "/"
assert session().get(origin + "/oauth/userinfo", headers=userinfo).status_code == 401
heard(1)
again = shown()
assert again.status_code == 302
asked = browser.session.get(again.headers["Location"], allow_redirects=False)
assert asked.headers["Location"].startswith("/login?"), asked.headers

# She signs out here, and the module hears of it and believes it.
sign_in()
assert shown().status_code == 200
form = browser.session.get(origin + "/logout").text
assert browser.send("/logout", form).status_code == 303
heard(2)
gone = shown()
assert gone.status_code == 302, gone.text
print("done")
