// openid-client 6: a client that registers itself (RFC 7591), and reads itself (RFC 7592).
const client = load("openid-client");
const browser = new Browser();

async function registered(metadata, authentication) {
  const words = ["client", "initial-token", "make"];
  const initialAccessToken = execFileSync(binary, words, { encoding: "utf8" }).trim();
  const wanted = { redirect_uris: [callback], ...metadata };
  const options = { initialAccessToken };
  const config = await client.dynamicClientRegistration(new URL(origin), wanted, authentication, options);
  const told = config.clientMetadata();
  assert.ok(told.client_id && told.registration_access_token, JSON.stringify(told));
  const headers = { authorization: `Bearer ${told.registration_access_token}` };
  const read = await (await fetch(told.registration_client_uri, { headers })).json();
  assert.deepStrictEqual(read.redirect_uris, [callback]);
  // Once.
  const again = client.dynamicClientRegistration(new URL(origin), wanted, authentication, options);
  assert.strictEqual((await refused(again)).status, 401);
  return config;
}

run(async () => {
  const open = await registered({ token_endpoint_auth_method: "none" }, client.None());
  await registered({ token_endpoint_auth_method: "client_secret_post" });
  // People are asked about it.
  const question = {
    redirect_uri: callback,
    scope: "openid",
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
    code_challenge_method: "S256",
  };
  const page = await browser.follow(client.buildAuthorizationUrl(open, question));
  assert.ok(String(page).includes(open.clientMetadata().client_id), String(page));
});
