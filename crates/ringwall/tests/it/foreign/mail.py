"""Follows the link of a letter and chooses a password: … ORIGIN ROOTS BINARY PASSWORD LINK."""

browser = Browser()
(link,) = more
path = urlsplit(link).path
page = browser.session.get(link)
assert page.status_code == 200, page.text
answer = browser.send(path, page.text, new=password, again=password)
assert answer.status_code == 200, answer.text
again = browser.session.get(link)
assert again.status_code == 400, again.text
browser.follow(origin + "/oauth/device")
shown = browser.session.get(origin + "/account").text
assert "ada@example.org" in shown, shown
print("done")
