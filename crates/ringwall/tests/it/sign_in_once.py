"""Signs in once with the standard library; the server may die at any moment."""

import http.client
import re
import ssl
import sys
import urllib.parse

origin, roots, password = sys.argv[1:]
context = ssl.create_default_context(cafile=roots)
try:
    connection = http.client.HTTPSConnection(
        origin.removeprefix("https://"), context=context, timeout=20
    )
    connection.request("GET", "/login")
    page = connection.getresponse()
    cookie = page.getheader("Set-Cookie", "").split(";")[0]
    fields = dict(re.findall(r'name="(form_token|return_to)" value="([^"]*)"', page.read().decode()))
    body = urllib.parse.urlencode({**fields, "username": "ada", "password": password})
    headers = {
        "Cookie": cookie,
        "Origin": origin,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection.request("POST", "/login", body, headers)
    print(connection.getresponse().status)
except (OSError, http.client.HTTPException) as error:
    print(type(error).__name__)
