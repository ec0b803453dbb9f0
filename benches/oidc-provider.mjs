// The peer of `cargo xtask bench token-issue`: node's oidc-provider, client credentials, JWT access
// tokens signed with Ed25519, everything in memory. Usage: node oidc-provider.mjs PORT
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'robot',
    client_secret: 'a-secret-of-at-least-32-characters!',
    token_endpoint_auth_method: 'client_secret_post',
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
    resourceIndicators: {
      enabled: true,
      defaultResource: () => issuer,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: '', audience: issuer, accessTokenTTL: 600, accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'EdDSA' } },
      }),
    },
  },
});
provider.listen(port, '127.0.0.1');
