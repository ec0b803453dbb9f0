// A single-page application with tokens of its own: docs/guides/single-page-app.md.

import * as oauth from "./node_modules/oauth4webapi/build/index.js";

const issuer = new URL("https://notebook.localhost:8443");
const client = { client_id: "notespage" }; // no secret: everybody can read this file
const redirect = `${location.origin}/`; // registered, byte by byte
const server = await oauth
  .discoveryRequest(issuer)
  .then((answer) => oauth.processDiscoveryResponse(issuer, answer));

// Tokens are in memory only. A reload asks again, and whoever is signed in sees no page.
let tokens = null;

// The key survives the way to the login page and back, and no script can read it out of the browser.
const dpop = oauth.DPoP(client, await key());

async function key() {
  const store = await new Promise((resolve, reject) => {
    const open = indexedDB.open("notespage", 1);
    open.onupgradeneeded = () => open.result.createObjectStore("keys");
    open.onsuccess = () => resolve(open.result);
    open.onerror = () => reject(open.error);
  });
  const ask = (mode, act) =>
    new Promise((resolve, reject) => {
      const asked = act(store.transaction("keys", mode).objectStore("keys"));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  const kept = await ask("readonly", (keys) => keys.get("dpop"));
  if (kept) return kept;
  const made = await oauth.generateKeyPair("ES256", { extractable: false });
  await ask("readwrite", (keys) => keys.put(made, "dpop"));
  return made;
}

// To the login page. What has to be compared afterwards waits in this tab.
async function signIn() {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  sessionStorage.setItem("asked", JSON.stringify({ verifier, state }));
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: "code",
    client_id: client.client_id,
    redirect_uri: redirect,
    scope: "openid profile",
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    dpop_jkt: await dpop.calculateThumbprint(), // the code is for this key, too
  });
  location.assign(url);
}

// Back from there.
async function arrive() {
  const asked = JSON.parse(sessionStorage.getItem("asked") ?? "null");
  const here = new URL(location.href);
  if (!asked || !here.searchParams.has("state")) return;
  sessionStorage.removeItem("asked");
  history.replaceState(null, "", redirect); // no code in the address, the history or a referrer
  const answer = oauth.validateAuthResponse(server, client, here, asked.state); // `state` and `iss`
  await take(() =>
    oauth.authorizationCodeGrantRequest(
      server, client, oauth.None(), answer, redirect, asked.verifier, { DPoP: dpop },
    ).then((given) => oauth.processAuthorizationCodeResponse(server, client, given)),
  );
}

async function refresh() {
  await take(() =>
    oauth.refreshTokenGrantRequest(
      server, client, oauth.None(), tokens.refresh, { DPoP: dpop },
    ).then((given) => oauth.processRefreshTokenResponse(server, client, given)),
  );
}

async function take(ask) {
  const given = await twice(ask);
  tokens = {
    access: given.access_token,
    refresh: given.refresh_token ?? tokens?.refresh,
    id: given.id_token ?? tokens?.id,
    ends: Date.now() + given.expires_in * 1000,
    name: oauth.getValidatedIdTokenClaims(given)?.preferred_username ?? tokens?.name,
  };
}

// The first proof is answered by the nonce for the second one.
async function twice(ask) {
  try {
    return await ask();
  } catch (error) {
    if (oauth.isDPoPNonceError(error)) return ask();
    throw error;
  }
}

// A request to the API. Two at once share one renewal.
let renewal = null;
async function call(path) {
  if (tokens.ends < Date.now() + 30_000) {
    renewal ??= refresh().finally(() => (renewal = null));
    await renewal;
  }
  const url = new URL(path, issuer);
  return oauth.protectedResourceRequest(tokens.access, "GET", url, undefined, undefined, { DPoP: dpop });
}

// Ends the session and all that was issued in it. The ID token says that it is this page's own session: nobody
// is asked, and the browser comes back.
function signOut() {
  const url = new URL(server.end_session_endpoint);
  url.search = new URLSearchParams({ id_token_hint: tokens.id, post_logout_redirect_uri: redirect });
  location.assign(url);
}

const find = (id) => document.getElementById(id);
find("sign-in").onclick = signIn;
find("sign-out").onclick = signOut;
find("notes").onclick = async () => (find("out").textContent = await (await call("/notes")).text());
await arrive().catch((error) => (find("out").textContent = `${error.error ?? error.message}`));
if (tokens) {
  find("who").textContent = `Signed in as ${tokens.name}.`;
  find("sign-in").hidden = true;
  find("notes").hidden = find("sign-out").hidden = false;
}
