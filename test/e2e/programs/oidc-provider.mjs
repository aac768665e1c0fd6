/**
 * An OpenID Connect provider on loopback that gives JWT access tokens for client credentials. The first line of its output is its
 * issuer; each line on its input is the kids of its keys from then on, the first of which signs, and is answered by a line when it holds.
 */
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

// The library's notices are not for who reads our lines.
console.info = console.error;
const [, , clientSecret] = process.argv;
const keys = new Map();
let handle = (_request, response) => response.writeHead(503).end();
const server = createServer((request, response) => handle(request, response));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

function keyOf(kid) {
  const known = keys.get(kid);
  if (known !== undefined) return known;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = { ...privateKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" };
  keys.set(kid, key);
  return key;
}

function rotate(kids) {
  const provider = new Provider(issuer, {
    jwks: { keys: kids.map(keyOf) },
    clients: [
      {
        client_id: "caller",
        client_secret: clientSecret,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: "ES256",
      },
    ],
    ttl: { ClientCredentials: 300 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:shop",
        getResourceServerInfo: () => ({
          scope: "read",
          audience: "shop",
          accessTokenTTL: 300,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
  });
  handle = provider.callback();
}

rotate(["one"]);
console.log(issuer);
for await (const line of createInterface({ input: process.stdin })) {
  rotate(line.split(","));
  console.log(line);
}
process.exit(0);
