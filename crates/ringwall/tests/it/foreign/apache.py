"""A person at a page behind mod_auth_openidc: code flow, claims, refresh, and the end of it."""

(site,) = more
browser = Browser()
page = site + "/members/index.html"
callback_at = site + "/members/callback"


def shown():
    """The page, which prints what Apache learned of the person."""
    return browser.session.get(page, allow_redirects=False)


def info():
    return browser.session.get(callback_at + "?info=json").json()


first = shown()
assert first.status_code == 302, first.text
assert first.headers["Location"].startswith(origin + "/oauth/authorize?"), first.headers
back = browser.visit(first.headers["Location"])
answer = browser.session.get(back, allow_redirects=False)
assert (answer.status_code, answer.headers["Location"]) == (302, page), answer.text
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

# At sign-out the module gives its tokens back.
browser.session.get(callback_at, params={"logout": site + "/"}, allow_redirects=False)
assert session().get(origin + "/oauth/userinfo", headers=userinfo).status_code == 401
assert shown().status_code == 302
print("done")
