/**
 * A real OpenID provider (the library `oidc-provider`) for tests: one public client, a person for each login name, claims in the token.
 * Argument: JSON with port, redirectUri, jwks, cert and key. Prints a line when it listens.
 */
import { createServer } from "node:https";
import Provider from "oidc-provider";

const { port, redirectUri, jwks, cert, key } = JSON.parse(process.argv[2] ?? "{}");
const provider = new Provider(`https://localhost:${port}`, {
  clients: [
    {
      client_id: "weft",
      redirect_uris: [redirectUri],
      response_types: ["code"],
      grant_types: ["authorization_code"],
      token_endpoint_auth_method: "none",
    },
  ],
  jwks,
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["only-for-tests"] },
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, groups: ["dev", "system:masters"] }),
  }),
});
const server = createServer({ cert, key }, provider.callback());
server.listen(port, "127.0.0.1", () => console.log("listening"));
