// The peer of `cargo xtask bench token-…`: node's oidc-provider, client credentials, everything in
// memory. Usage: node oidc-provider.mjs PORT FORMAT [JWKS]. FORMAT is that of access tokens: `jwt`, signed
// with Ed25519, or `opaque`, which alone it introspects. With the file JWKS the client has a key, not a secret.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Provider } from 'oidc-provider';

const [port, format, jwks] = [Number(process.argv[2]), process.argv[3], process.argv[4]];
const issuer = `http://127.0.0.1:${port}`;
const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'robot',
    ...(jwks
      ? { jwks: JSON.parse(readFileSync(jwks)), token_endpoint_auth_method: 'private_key_jwt' }
      : {
        client_secret: 'a-secret-of-at-least-32-characters!',
        token_endpoint_auth_method: 'client_secret_post',
      }),
    grant_types: ['client_credentials'],
    id_token_signed_response_alg: 'EdDSA',
    redirect_uris: [],
    response_types: [],
  }],
  jwks: { keys: [{ ...key, alg: 'EdDSA', use: 'sig', kid: 'one' }] },
  enabledJWA: { idTokenSigningAlgValues: ['EdDSA'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => issuer,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: '', audience: issuer, accessTokenTTL: 600, accessTokenFormat: format,
        ...(format === 'jwt' && { jwt: { sign: { alg: 'EdDSA' } } }),
      }),
    },
  },
});
provider.listen(port, '127.0.0.1');
