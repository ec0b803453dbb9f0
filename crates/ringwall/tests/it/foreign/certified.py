# requests-oauth2client over Python's own TLS with a client certificate (RFC 8705).
try:
    import requests_oauth2client as oauth
except ModuleNotFoundError as error:
    sys.exit(print(f"missing {error.name}"))

document = session().get(origin + "/.well-known/oauth-authorization-server").json()
aliases = document["mtls_endpoint_aliases"]


def certified(name):
    made = session()
    made.cert = (f"{name}.pem", f"{name}.key")
    return made


def known(client_id, name):
    return oauth.OAuth2Client(
        token_endpoint=aliases["token_endpoint"],
        introspection_endpoint=aliases["introspection_endpoint"],
        auth=oauth.PublicApp(client_id),
        session=certified(name),
    )


for name in ("kiosk", "own"):
    client = known(name, name)
    token = client.client_credentials()
    assert client.introspect_token(token)["cnf"]["x5t#S256"]
    books = urljoin(aliases["token_endpoint"], "/books/7")
    for by, status in ((name, 200), ("other", 401)):
        assert certified(by).get(books, auth=token).status_code == status, by
for client_id, name in (("kiosk", "other"), ("own", "kiosk")):
    refused(known(client_id, name).client_credentials, oauth.InvalidClient)
print("done")
