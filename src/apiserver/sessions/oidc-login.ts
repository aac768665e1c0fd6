/**
 * Logging in at an OpenID provider (RFC 6749's code grant with RFC 7636): where the browser is sent, and the code that it comes
 * back with made into a caller. What ties both ends together is kept here and in a cookie of the same browser.
 */
import { createHash, randomBytes } from "node:crypto";
import { type Clock, WeftError } from "../../kernel/index.ts";
import type { Caller } from "../authentication/caller.ts";
import { fetchJson, type OidcAuthenticator } from "../authentication/oidc.ts";
import { sameText } from "./cookies.ts";

/** Logins that are under way; the oldest goes for a new one. */
const maxPending = 256;
export const pendingSeconds = 600;
const secretBytes = 32;

export interface OidcLoginOptions {
  readonly oidc: OidcAuthenticator;
  readonly clientId: string;
  /** Absent: a public client; the code's proof key is enough then. */
  readonly clientSecret?: string | undefined;
  readonly caPem?: string | undefined;
  readonly scopes: readonly string[];
}

interface Pending {
  readonly verifier: string;
  readonly nonce: string;
  readonly redirectUri: string;
  readonly endsAtMs: number;
}

export class OidcLogin {
  readonly #options: OidcLoginOptions;
  readonly #clock: Clock;
  /** By `state`. */
  readonly #pending = new Map<string, Pending>();

  constructor(options: OidcLoginOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** The state is for a cookie of the browser as well. Rejects with `unavailable`. */
  async start(redirectUri: string): Promise<{ readonly url: string; readonly state: string }> {
    const { authorizationEndpoint } = await this.#options.oidc.provider();
    const url = authorizationEndpoint === undefined ? null : URL.parse(authorizationEndpoint);
    if (url?.protocol !== "https:")
      throw new WeftError("unavailable", "the OpenID provider names no place to log in");
    const [state, nonce, verifier] = [secret(), secret(), secret()];
    const [oldest] = this.#pending.keys();
    if (this.#pending.size >= maxPending && oldest !== undefined) this.#pending.delete(oldest);
    const endsAtMs = this.#clock.nowMs() + pendingSeconds * 1000;
    this.#pending.set(state, { verifier, nonce, redirectUri, endsAtMs });
    const parameters = {
      response_type: "code",
      client_id: this.#options.clientId,
      redirect_uri: redirectUri,
      scope: this.#options.scopes.join(" "),
      state,
      nonce,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return { url: url.href, state };
  }

  /** Whom the provider let in. Throws `unauthenticated` for what is not the end of a login that began in this browser. */
  async finish(query: URLSearchParams, stateOfBrowser: string | undefined): Promise<Caller> {
    const state = query.get("state") ?? "";
    const pending = this.#pending.get(state);
    this.#pending.delete(state);
    const isOurs = pending !== undefined && stateOfBrowser !== undefined && sameText(state, stateOfBrowser);
    if (!isOurs || pending.endsAtMs <= this.#clock.nowMs())
      throw refused("this login did not begin here, or too long ago");
    const code = query.get("code");
    if (code === null)
      throw refused(`the OpenID provider says ${(query.get("error") ?? "nothing").slice(0, 64)}`);
    const token = await this.#redeem(code, pending);
    const payload = await this.#options.oidc.verify(token);
    if (payload === undefined || payload["nonce"] !== pending.nonce)
      throw refused("the provider's token is not valid");
    const caller = this.#options.oidc.callerFrom(payload);
    if (caller === undefined) throw refused("the provider's token names nobody");
    return caller;
  }

  async #redeem(code: string, { verifier, redirectUri }: Pending): Promise<string> {
    const { oidc, clientId, clientSecret, caPem } = this.#options;
    const { tokenEndpoint } = await oidc.provider();
    if (tokenEndpoint === undefined)
      throw new WeftError("unavailable", "the OpenID provider names no token endpoint");
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
      ...(clientSecret === undefined ? { client_id: clientId } : {}),
    });
    const basic = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret ?? "")}`;
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      ...(clientSecret === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(basic).toString("base64")}` }),
    };
    const answer = await fetchJson(tokenEndpoint, { method: "POST", body: body.toString(), headers }, caPem);
    const token: unknown =
      typeof answer === "object" && answer !== null ? Reflect.get(answer, "id_token") : undefined;
    if (typeof token !== "string") throw refused("the provider gave no token");
    return token;
  }
}

function secret(): string {
  return randomBytes(secretBytes).toString("base64url");
}

function refused(message: string): WeftError {
  return new WeftError("unauthenticated", message, { hint: "begin anew at /auth/oidc/start" });
}
