// oauth4webapi 3, the strict low level: both discovery documents, and every answer checked in steps.
const oauth = load("oauth4webapi");
const browser = new Browser();
const at = new URL(origin);

/** The server's document, by OpenID Connect Discovery (`oidc`) or by RFC 8414 (`oauth2`). */
async function found(algorithm) {
  return oauth.processDiscoveryResponse(at, await oauth.discoveryRequest(at, { algorithm }));
}

/** What another resource server checks of an access token (RFC 9068). */
async function isAccessToken(server, token, subject) {
  const request = new Request(origin, { headers: { authorization: `Bearer ${token}` } });
  assert.strictEqual((await oauth.validateJwtAccessToken(server, request, origin)).sub, subject);
}

/** Sends the person with a question; what comes back, and what it has to be checked with. */
async function asked(server, id, more) {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: "code",
    client_id: id,
    redirect_uri: callback,
    scope: "openid profile",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    ...more,
  });
  return { back: await browser.visit(url), verifier, state, nonce };
}

/** Errors come back to the application with `state` and `iss` (RFC 9207) as answers do. */
async function errors(server, id) {
  const sent = [
    ["login_required", { prompt: "none" }],
    ["unsupported_response_type", { response_type: "token" }],
    ["invalid_request", { code_challenge_method: "plain" }],
    ["invalid_request", { response_mode: "fragment" }],
    ["invalid_scope", { scope: "openid everything" }],
  ];
  for (const [code, more] of sent) {
    const { back, state } = await asked(server, id, more);
    assert.strictEqual(back.searchParams.get("iss"), origin);
    const validated = async () => oauth.validateAuthResponse(server, { client_id: id }, back, state);
    await refused(validated(), code);
  }
}

async function person(server, id, authentication) {
  const client = { client_id: id };
  const { back, verifier, state, nonce } = await asked(server, id, { max_age: "300" });
  const parameters = oauth.validateAuthResponse(server, client, back, state);
  const changes = [server, client, authentication, parameters, callback];
  const response = await oauth.authorizationCodeGrantRequest(...changes, verifier);
  const checks = { expectedNonce: nonce, maxAge: 300, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, checks);
  await oauth.validateApplicationLevelSignature(server, response);
  const { sub } = oauth.getValidatedIdTokenClaims(tokens);
  await isAccessToken(server, tokens.access_token, sub);
  const known = await oauth.userInfoRequest(server, client, tokens.access_token);
  assert.strictEqual((await oauth.processUserInfoResponse(server, client, sub, known)).name, "ada");

  const asks = [server, client, authentication, tokens.refresh_token];
  const refreshed = await oauth.refreshTokenGrantRequest(...asks);
  const next = await oauth.processRefreshTokenResponse(server, client, refreshed);
  assert.strictEqual(oauth.getValidatedIdTokenClaims(next).sub, sub);
  await isAccessToken(server, next.access_token, sub);
  const narrow = { additionalParameters: { scope: "openid everything" } };
  const wider = await oauth.refreshTokenGrantRequest(...asks, narrow);
  await refused(oauth.processRefreshTokenResponse(server, client, wider), "invalid_scope");
}

/** A verifier that is not the challenge's is refused, and the code is spent. */
async function stolen(server, id, authentication) {
  const client = { client_id: id };
  const { back, verifier, state } = await asked(server, id);
  const parameters = oauth.validateAuthResponse(server, client, back, state);
  for (const guess of [oauth.generateRandomCodeVerifier(), verifier]) {
    const sent = [server, client, authentication, parameters, callback, guess];
    const response = await oauth.authorizationCodeGrantRequest(...sent);
    const answer = oauth.processAuthorizationCodeResponse(server, client, response);
    await refused(answer, "invalid_grant");
  }
}

async function program(server, id, authentication) {
  const client = { client_id: id };
  const sent = [server, client, authentication];
  const response = await oauth.clientCredentialsGrantRequest(...sent, {});
  const { access_token: token } =
    await oauth.processClientCredentialsResponse(server, client, response);
  await isAccessToken(server, token, id);
  const worth = async () => {
    const response = await oauth.introspectionRequest(...sent, token);
    return (await oauth.processIntrospectionResponse(server, client, response)).active;
  };
  assert.strictEqual(await worth(), true);
  const revoked = await oauth.revocationRequest(...sent, token);
  await oauth.processRevocationResponse(revoked);
  assert.strictEqual(await worth(), false);
}

/** A token for a key (RFC 9449), and what a resource server sees of its proof. */
async function bound(server, id, authentication) {
  const client = { client_id: id };
  let seen;
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
  const watched = (url, init) => {
    seen = new Request(url, { method: init.method, headers: init.headers });
    return fetch(url, init);
  };
  const options = { DPoP, [oauth.customFetch]: watched };
  const ask = async () => {
    const sent = [server, client, authentication, {}, options];
    const response = await oauth.clientCredentialsGrantRequest(...sent);
    return oauth.processClientCredentialsResponse(server, client, response);
  };
  // The first proof lacks the nonce that the answer brings; the second one has it.
  assert.ok(oauth.isDPoPNonceError(await refused(ask())));
  const { access_token: token, token_type: kind } = await ask();
  assert.strictEqual(kind, "dpop");
  const books = new URL("/books", origin);
  const asked = () => oauth.protectedResourceRequest(token, "GET", books, undefined, null, options);
  assert.strictEqual((await asked()).status, 200);
  const claims = await oauth.validateJwtAccessToken(server, seen, origin, { requireDPoP: true });
  assert.strictEqual(claims.cnf.jkt, await DPoP.calculateThumbprint());
  const again = await fetch(books, { headers: seen.headers });
  assert.strictEqual(again.status, 401, "the same proof twice");
}

/** A device asks too early, too fast, and then gets what the person gave. */
async function device(server, id) {
  const client = { client_id: id };
  const start = async () => {
    const sent = [server, client, oauth.None(), { scope: "openid" }];
    const response = await oauth.deviceAuthorizationRequest(...sent);
    return oauth.processDeviceAuthorizationResponse(server, client, response);
  };
  const poll = async ({ device_code: code }) => {
    const response = await oauth.deviceCodeGrantRequest(server, client, oauth.None(), code);
    return oauth.processDeviceCodeResponse(server, client, response);
  };
  const early = await start();
  await refused(poll(early), "authorization_pending");
  await refused(poll(early), "slow_down");
  const started = await start();
  await browser.decide(started.verification_uri_complete, id, "approve");
  const tokens = await poll(started);
  await isAccessToken(server, tokens.access_token, oauth.getValidatedIdTokenClaims(tokens).sub);
  await refused(poll(started), "invalid_grant");
}

/** A client that has to push its requests is heard in no other way, and each of them once. */
async function pushed(server, id, authentication) {
  const client = { client_id: id };
  const { back, state } = await asked(server, id);
  const open = async () => oauth.validateAuthResponse(server, client, back, state);
  await refused(open(), "invalid_request");
  const verifier = oauth.generateRandomCodeVerifier();
  const question = {
    response_type: "code",
    redirect_uri: callback,
    scope: "openid",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  const push = async (changes) => {
    const sent = [server, client, authentication, { ...question, ...changes }];
    const response = await oauth.pushedAuthorizationRequest(...sent);
    return oauth.processPushedAuthorizationResponse(server, client, response);
  };
  await refused(push({ redirect_uri: `${callback}/other` }), "invalid_request");
  await refused(push({ scope: "openid everything" }), "invalid_scope");
  const { request_uri: uri } = await push({});
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({ client_id: id, request_uri: uri });
  const answer = oauth.validateAuthResponse(server, client, await browser.visit(url));
  const spent = [server, client, authentication, answer, callback, verifier];
  const response = await oauth.authorizationCodeGrantRequest(...spent);
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response);
  assert.ok(tokens.id_token);
  assert.strictEqual((await browser.go(url)).status, 400, "the same request twice");
}

run(async () => {
  const servers = [await found("oidc"), await found("oauth2")];
  assert.deepStrictEqual(servers[0], servers[1]);
  const wide = ["--redirect-uri", callback, "--grant", "refresh_token"];
  register("web", "--public", ...wide);
  await errors(servers[0], "web");
  await person(servers[1], "web", oauth.None());
  await stolen(servers[0], "web", oauth.None());
  const secret = register("desk", "--bearer", ...wide);
  const key = await registerKey(oauth, "ES256", "signer", ...wide);
  const ways = [
    ["desk", oauth.ClientSecretBasic(secret)],
    ["desk", oauth.ClientSecretPost(secret)],
    ["signer", oauth.PrivateKeyJwt(key)],
  ];
  for (const [id, authentication] of ways) {
    await person(servers[0], id, authentication);
    await program(servers[0], id, authentication);
    await bound(servers[0], id, authentication);
  }
  register("tv", "--public", "--grant", "device_code");
  await device(servers[0], "tv");
  const careful = register("careful", "--par", ...wide);
  await pushed(servers[0], "careful", oauth.ClientSecretBasic(careful));
});
