// openid-client 6: code + PKCE, refresh, client credentials, introspection, revocation, DPoP,
// pushed requests, devices.
const client = load("openid-client");
const oauth = load("oauth4webapi");
const browser = new Browser();

async function discovered(id, authentication) {
  const config = await client.discovery(new URL(origin), id, undefined, authentication);
  // ID tokens are verified by their signature too, and not only by where they came from.
  client.enableNonRepudiationChecks(config);
  return config;
}

/** A key that tokens are bound to (DPoP) of this algorithm, if any; its name in a question. */
async function proofs(config, isBound) {
  if (!isBound) return [undefined, {}];
  const pair = await client.randomDPoPKeyPair(isBound);
  const DPoP = client.getDPoPHandle(config, pair);
  return [{ DPoP }, { dpop_jkt: await DPoP.calculateThumbprint() }];
}

/** Sends the person to get a code; gives what the token endpoint needs. */
async function code(config, named, isPushed, proof) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const [expectedState, expectedNonce, maxAge] = [client.randomState(), client.randomNonce(), 300];
  const question = {
    redirect_uri: callback,
    scope: "openid profile",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
    nonce: expectedNonce,
    max_age: String(maxAge),
    ...named,
  };
  const url = isPushed
    ? await client.buildAuthorizationUrlWithPAR(config, question, proof)
    : client.buildAuthorizationUrl(config, question);
  assert.strictEqual(url.searchParams.has("request_uri"), isPushed);
  const back = await browser.visit(url);
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, maxAge, idTokenExpected: true };
  return [back, checks, undefined];
}

/** A challenge in the words of RFC 6750, or of RFC 9449 where the proof is at fault. */
async function unauthorized(call) {
  const errors = (await challenged(call)).map((challenge) => challenge.parameters.error);
  const known = ["invalid_token", "invalid_dpop_proof"];
  assert.ok(errors.some((error) => known.includes(error)), String(errors));
}

/** A client that proves nothing is told so as RFC 6749 section 5.2 wants it. */
async function stranger(id, authentication) {
  const config = await discovered(id, authentication);
  const [challenge] = await challenged(client.clientCredentialsGrant(config));
  assert.strictEqual(challenge.scheme, "basic");
}

async function challenged(call) {
  const error = await refused(call);
  assert.deepStrictEqual([error.code, error.status], ["OAUTH_WWW_AUTHENTICATE_CHALLENGE", 401], error);
  return error.cause;
}

/** A `GET` at the gateway. */
function got(config, token, path, proof) {
  const url = new URL(path, origin);
  return client.fetchProtectedResource(config, token, url, "GET", undefined, undefined, proof);
}

/** Code, userinfo, refresh, and the end. */
async function person(id, authentication, { isBound, isPushed = false, rotates = false }) {
  const config = await discovered(id, authentication);
  const [proof, named] = await proofs(config, isBound);
  const refresh = (token) => client.refreshTokenGrant(config, token, undefined, proof);
  const question = () => code(config, named, isPushed, proof);
  const tokens = await client.authorizationCodeGrant(config, ...(await question()), proof);
  assert.strictEqual(tokens.token_type, isBound ? "dpop" : "bearer");
  const { sub } = tokens.claims();
  const known = await client.fetchUserInfo(config, tokens.access_token, sub, proof);
  assert.strictEqual(known.preferred_username, "ada");
  assert.strictEqual((await got(config, tokens.access_token, "/books/7", proof)).status, 200);
  if (isBound) await stolen(config, tokens, isPushed);

  const next = await refresh(tokens.refresh_token);
  assert.strictEqual(next.claims().sub, sub);
  // Without a new one the old one stays.
  const current = next.refresh_token ?? tokens.refresh_token;
  assert.strictEqual(current !== tokens.refresh_token, rotates);
  // An answer got lost: the same question has the same answer.
  assert.strictEqual((await refresh(tokens.refresh_token)).refresh_token, next.refresh_token);
  if (id === "web") {
    // RFC 7662 section 2.1: a public client is nobody who may ask.
    await challenged(client.tokenIntrospection(config, next.access_token));
  } else {
    const worth = await client.tokenIntrospection(config, next.access_token);
    assert.deepStrictEqual([worth.active, worth.sub, worth.client_id], [true, sub, id]);
  }

  await client.tokenRevocation(config, current);
  await refused(refresh(current), "invalid_grant");
  await unauthorized(client.fetchUserInfo(config, next.access_token, sub, proof));
  await unauthorized(got(config, next.access_token, "/books/7", proof));

  await leave(config, id);

  // A code that comes back twice takes away what its first use gave.
  const answer = await question();
  const gone = await client.authorizationCodeGrant(config, ...answer, proof);
  await refused(client.authorizationCodeGrant(config, ...answer, proof), "invalid_grant");
  await unauthorized(client.fetchUserInfo(config, gone.access_token, sub, proof));
  await refused(refresh(gone.refresh_token), "invalid_grant");
}

/** Signs out by way of the application, which hears of it; then she signs in anew. */
async function leave(config, id) {
  const named = { post_logout_redirect_uri: after, state: "left" };
  assert.strictEqual(config.serverMetadata().backchannel_logout_session_supported, true);
  const url = client.buildEndSessionUrl(config, { ...named, client_id: id });
  // Without an ID token she is asked.
  const asked = await browser.follow(url);
  assert.ok(asked.includes(`<b>${id}</b>`), String(asked));
  const left = await browser.send(url.pathname, asked, {});
  assert.strictEqual(left.headers.get("location"), `${after}?state=left`);
}

/** Without its key, or with another, a bound token is worth nothing. */
async function stolen(config, tokens, isPushed) {
  const [other, name] = await proofs(config, "ES256");
  for (const proof of [undefined, other]) {
    await unauthorized(got(config, tokens.access_token, "/books/7", proof));
    const { sub } = tokens.claims();
    await unauthorized(client.fetchUserInfo(config, tokens.access_token, sub, proof));
  }
  const [back, checks] = await code(config, name, isPushed, other);
  const [third] = await proofs(config, "ES256");
  const answer = client.authorizationCodeGrant(config, back, checks, undefined, third);
  await refused(answer, "invalid_grant");
}

async function program(id, authentication, isBound) {
  const config = await discovered(id, authentication);
  const [proof, { dpop_jkt: jkt }] = await proofs(config, isBound);
  const answer = await client.clientCredentialsGrant(config, undefined, proof);
  const token = answer.access_token;
  assert.strictEqual(answer.token_type, isBound ? "dpop" : "bearer");
  assert.strictEqual((await got(config, token, "/books", proof)).status, 200);
  const worth = await client.tokenIntrospection(config, token);
  assert.deepStrictEqual([worth.active, worth.sub, worth.iss, worth.cnf?.jkt], [true, id, origin, jkt]);
  await client.tokenRevocation(config, token);
  assert.strictEqual((await client.tokenIntrospection(config, token)).active, false);
  await unauthorized(got(config, token, "/books", proof));
}

const after = "https://app.example/bye";
const wide = ["--redirect-uri", callback, "--grant", "refresh_token", "--post-logout", after];

/** A device without a browser: one that is let in, and one that is not. */
async function device(id) {
  const config = await discovered(id, client.None());
  const started = async (decision) => {
    const started = await client.initiateDeviceAuthorization(config, { scope: "openid profile" });
    await browser.decide(started.verification_uri_complete, id, decision);
    // The first question may come at once.
    return { ...started, interval: 0 };
  };
  const tokens = await client.pollDeviceAuthorizationGrant(config, await started("approve"));
  const known = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.strictEqual(known.preferred_username, "ada");
  const denied = client.pollDeviceAuthorizationGrant(config, await started("deny"));
  await refused(denied, "access_denied");
}

run(async () => {
  const rotates = true;
  register("web", "--public", ...wide);
  await person("web", client.None(), { rotates });
  await person("web", client.None(), { isBound: "ES256" });
  await person("web", client.None(), { isBound: "Ed25519", isPushed: true });
  register("tv", "--public", "--grant", "device_code");
  await device("tv");
  const secret = register("desk", "--bearer", ...wide);
  await person("desk", client.ClientSecretPost(secret), { rotates });
  await person("desk", client.ClientSecretBasic(secret), { rotates, isPushed: true });
  await program("desk", client.ClientSecretPost(secret));
  await program("desk", client.ClientSecretBasic(secret));
  await stranger("desk", client.ClientSecretBasic(`${secret}x`));
  for (const alg of ["ES256", "Ed25519", "PS256"]) {
    const id = `signer-${alg.toLowerCase()}`;
    const key = await registerKey(oauth, alg, id, "--par", ...wide);
    await person(id, client.PrivateKeyJwt(key), { isPushed: true });
    await program(id, client.PrivateKeyJwt(key));
    await program(id, client.PrivateKeyJwt(key), "ES256");
  }
  const other = await oauth.generateKeyPair("ES256");
  await stranger("signer-es256", client.PrivateKeyJwt(other.privateKey));
});
