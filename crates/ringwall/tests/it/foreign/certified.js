// openid-client 6 and oauth4webapi 3 over Node's own TLS with a client certificate: both methods of
// RFC 8705, the addresses of its metadata, bound tokens, introspection.
const client = load("openid-client");
const oauth = load("oauth4webapi");
const https = require("node:https");
const { readFileSync } = require("node:fs");

/** `fetch` over a connection that shows this certificate. */
function over(name) {
  const shown = name && {
    cert: readFileSync(`${name}.pem`),
    key: readFileSync(`${name}.key`),
  };
  const ca = readFileSync(process.env.NODE_EXTRA_CA_CERTS);
  return (url, { method = "GET", headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const fields = Object.fromEntries(new Headers(headers));
      const asked = https.request(url, { method, headers: fields, ca, ...shown }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => {
          const { statusCode: status, headers } = answer;
          const text = Buffer.concat(parts);
          resolve(new Response(text.length ? text : null, { status, headers }));
        });
      });
      asked.on("error", reject);
      asked.end(body && String(body));
    });
}

async function discovered(id, name) {
  const metadata = { use_mtls_endpoint_aliases: true };
  const options = { [client.customFetch]: over(name) };
  return client.discovery(new URL(origin), id, metadata, client.TlsClientAuth(), options);
}

async function program(id, name) {
  const config = await discovered(id, name);
  const tokens = await client.clientCredentialsGrant(config);
  assert.strictEqual(tokens.token_type, "bearer");
  const worth = await client.tokenIntrospection(config, tokens.access_token);
  assert.ok(worth.active && worth.cnf["x5t#S256"], JSON.stringify(worth));
  // The gateway takes it over a connection with that certificate, and no other.
  const books = new URL(config.serverMetadata().mtls_endpoint_aliases.token_endpoint);
  books.pathname = "/books/7";
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  for (const [by, status] of [[name, 200], ["other", 401], [undefined, 401]]) {
    assert.strictEqual((await over(by)(books, { headers })).status, status, by);
  }
  await client.tokenRevocation(config, tokens.access_token);
  assert.strictEqual((await over(name)(books, { headers })).status, 401);
}

/** The same as oauth4webapi does it: nothing that it checks is wrong. */
async function checked(id, name) {
  const options = { [oauth.customFetch]: over(name) };
  const answer = await oauth.discoveryRequest(new URL(origin), options);
  const server = await oauth.processDiscoveryResponse(new URL(origin), answer);
  for (const method of ["tls_client_auth", "self_signed_tls_client_auth"]) {
    assert.ok(server.token_endpoint_auth_methods_supported.includes(method), method);
  }
  assert.strictEqual(server.tls_client_certificate_bound_access_tokens, true);
  const known = { client_id: id, use_mtls_endpoint_aliases: true };
  const given = await oauth.clientCredentialsGrantRequest(
    server, known, oauth.TlsClientAuth(), new URLSearchParams(), options,
  );
  await oauth.processClientCredentialsResponse(server, known, given);
}

run(async () => {
  for (const id of ["kiosk", "own"]) {
    await program(id, id);
    await checked(id, id);
  }
  for (const [id, name] of [["kiosk", "other"], ["own", "kiosk"], ["kiosk", undefined]]) {
    const config = await discovered(id, name);
    const error = await refused(client.clientCredentialsGrant(config));
    assert.strictEqual(error.status, 401, error);
  }
});
