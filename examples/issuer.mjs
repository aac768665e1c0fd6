// An issuer of tokens for docs/guides/jwt-at-the-edge.md: `node examples/issuer.mjs`. Port 9100: /jwks has its public key, /token a token,
// whose claims a query changes: /token?sub=bob&aud=other&seconds=-60. It gives tokens to everybody, so nobody should trust it.
import { generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";

const issuer = "http://127.0.0.1:9100";
const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function tokenFor({ sub = "alice", aud = "shop", seconds = "300" }) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, sub, aud, iat: now, exp: now + Number(seconds), roles: ["reader"] };
  const input = `${encode({ alg: "ES256", kid: "one", typ: "JWT" })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", issuer);
  const answers = {
    "/jwks": () => JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one" }] }),
    "/token": () => tokenFor(Object.fromEntries(searchParams)),
  };
  response.writeHead(Object.hasOwn(answers, pathname) ? 200 : 404, { "cache-control": "max-age=60" });
  response.end(answers[pathname]?.());
}).listen(9100, "127.0.0.1");
