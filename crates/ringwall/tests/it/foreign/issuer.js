// node's oidc-provider, as the issuer at which people sign in: PORT CALLBACK.
let Provider;
try {
  ({ Provider } = require('oidc-provider'));
} catch (error) {
  console.log(`missing oidc-provider (${error.code})`);
  process.exit();
}
const { generateKeyPairSync } = require('node:crypto');

// A mail address, or who would have one here.
const address = (id) => (id.includes('@') ? id : `${id}@harbour.example`);
const [port, callback] = process.argv.slice(1);
const key = (bits, more) => ({
  ...generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ format: 'jwk' }), ...more,
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'harbour',
    client_secret: 'a secret/with + signs: of 32 and more',
    redirect_uris: [callback],
    require_auth_time: true,
  }],
  // One to sign with, RS256, and one for another purpose, as many issuers have it. Both are new at
  // each start, and so are their names.
  features: { encryption: { enabled: true } },
  jwks: {
    keys: [
      key(2048, { alg: 'RS256', use: 'sig', kid: `one-${process.pid}` }),
      key(2048, { alg: 'RSA-OAEP', use: 'enc', kid: `two-${process.pid}` }),
    ],
  },
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: address(id), email_verified: true }),
  }),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
