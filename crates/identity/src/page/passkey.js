// Asks the browser for a passkey and sends its answer as the form that the page has for it.
"use strict";
(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form || !window.PublicKeyCredential) return;
  const { passkey, rp, user, name } = form.dataset;
  const field = (named) => form.elements.namedItem(named);
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const show = (which, isShown) =>
    document.querySelectorAll(which).forEach((one) => { one.hidden = !isShown; });
  const known = () => form.dataset.known.split(" ").filter(Boolean)
    .map((id) => ({ type: "public-key", id: bytes(id) }));
  const challenge = bytes(field("challenge").value);
  const timeout = 300000;

  const make = () => navigator.credentials.create({ publicKey: {
    challenge,
    timeout,
    rp: { id: rp, name: rp },
    user: { id: new TextEncoder().encode(user), name, displayName: name },
    pubKeyCredParams: form.dataset.algorithms.split(" ")
      .map((alg) => ({ type: "public-key", alg: Number(alg) })),
    excludeCredentials: known(),
    authenticatorSelection: { residentKey: "preferred", userVerification: form.dataset.verify },
    attestation: "none",
  } });
  const use = (more) => navigator.credentials.get({
    publicKey: {
      challenge,
      timeout,
      rpId: rp,
      allowCredentials: known(),
      userVerification: form.dataset.verify,
    },
    ...more,
  });
  const send = ({ rawId, response }) => {
    const answer = {
      credential: rawId,
      client_data: response.clientDataJSON,
      attestation: response.attestationObject,
      authenticator_data: response.authenticatorData,
      signature: response.signature,
      user_handle: response.userHandle,
    };
    for (const [named, buffer] of Object.entries(answer)) {
      const input = field(named);
      if (input && buffer) input.value = text(buffer);
    }
    form.submit();
  };

  let waiting = null;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    waiting?.abort();
    show("[data-passkey-failed]", false);
    (passkey === "make" ? make() : use()).then(send, () => show("[data-passkey-failed]", true));
  });
  show("form[data-passkey]", true);
  show("[data-passkey-none]", false);

  // Passkeys among the names that the browser proposes, where it can. Not again after a refusal: a
  // browser that needs nobody for it would go on for ever.
  const isProposed = document.querySelector("[autocomplete~=webauthn]");
  if (isProposed && !document.querySelector("[role=alert]")) {
    PublicKeyCredential.isConditionalMediationAvailable?.().then((can) => {
      if (!can) return;
      waiting = new AbortController();
      use({ mediation: "conditional", signal: waiting.signal }).then(send, () => {});
    });
  }
})();
