/**
 * Tokens of an OpenID provider: its keys are found by discovery and kept, fetched anew now and then or for a key that is not
 * known, and used on through an outage of the provider for a bounded time. Only signatures that need the provider's private key count.
 */
import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import { boundedText, type Clock, errorLine, type Log, WeftError } from "../../kernel/index.ts";
import type { TokenAuthenticator } from "./authenticator.ts";
import { type Caller, callerOf } from "./caller.ts";

/** Symmetric ones and `none` would let whoever knows a public key sign. */
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
/** Above a token with hundreds of groups, below what the HTTP server takes in a header. */
const maxTokenLength = 12_288;
const maxDocumentBytes = 1_048_576;
const fetchTimeoutMs = 5_000;
const refreshAfterMs = 10 * 60_000;
/** An unknown key asks for a fetch; not more often than this, or anybody could make us fetch. */
const minRefreshMs = 10_000;
/** Keys that could not be confirmed for so long are not believed any more. */
const maxStaleMs = 24 * 3_600_000;
const clockSkewSeconds = 60;
const maxGroups = 256;

export interface OidcOptions {
  /** An https URL; exactly the tokens' `iss`. */
  readonly issuer: string;
  readonly clientId: string;
  readonly usernameClaim: string;
  readonly groupsClaim: string;
  /** Before names, so that nobody at the provider becomes somebody of here. */
  readonly usernamePrefix: string;
  readonly groupsPrefix: string;
  /** PEM; the system's authorities where absent. */
  readonly caPem?: string | undefined;
}

interface ProviderDocument {
  readonly jwksUri: string;
  readonly authorizationEndpoint: string | undefined;
  readonly tokenEndpoint: string | undefined;
}

interface Known {
  readonly document: ProviderDocument;
  readonly keys: ReturnType<typeof createLocalJWKSet>;
  readonly atMs: number;
}

export class OidcAuthenticator implements TokenAuthenticator {
  readonly #options: OidcOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  #known: Known | undefined;
  #fetching: Promise<void> | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;

  /** Throws `usage` for an issuer that is not https. */
  constructor(options: OidcOptions, clock: Clock, log: Log) {
    if (URL.parse(options.issuer)?.protocol !== "https:") {
      throw new WeftError("usage", `the OIDC issuer ${options.issuer} must be an https URL`);
    }
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  /** Where a browser is sent, and where codes become tokens. Rejects with `unavailable`. */
  async provider(): Promise<ProviderDocument> {
    return (await this.#current(false)).document;
  }

  async authenticate(token: string): Promise<Caller | undefined> {
    if (!this.#isOurs(token)) return undefined;
    const payload = await this.verify(token);
    return payload === undefined ? undefined : this.callerFrom(payload);
  }

  /** Undefined where the token is not valid. Rejects with `unavailable` where that cannot be told now. */
  async verify(token: string): Promise<JWTPayload | undefined> {
    const known = await this.#current(false);
    const first = await this.#check(token, known);
    if (first !== "unknown_key") return first;
    const renewed = await this.#current(true);
    const second = renewed === known ? first : await this.#check(token, renewed);
    return second === "unknown_key" ? undefined : second;
  }

  /** Undefined where the claims name nobody. */
  callerFrom(payload: JWTPayload): Caller | undefined {
    const { usernameClaim, groupsClaim, usernamePrefix, groupsPrefix } = this.#options;
    const name = payload[usernameClaim];
    if (typeof name !== "string" || name === "" || payload.exp === undefined) return undefined;
    // Anybody can write any address into their account.
    if (usernameClaim === "email" && payload["email_verified"] === false) return undefined;
    const user = `${usernamePrefix}${name}`;
    if (isReserved(user)) return undefined;
    return callerOf({
      user,
      ...(payload.sub === undefined ? {} : { uid: payload.sub }),
      groups: groupNames(payload[groupsClaim])
        .map((group) => `${groupsPrefix}${group}`)
        .filter((group) => !isReserved(group)),
      method: "oidc",
      expiresAtMs: (payload.exp + clockSkewSeconds) * 1000,
    });
  }

  /** Spends nothing on tokens that are not of this provider. */
  #isOurs(token: string): boolean {
    if (token.length > maxTokenLength || token.split(".").length !== 3) return false;
    try {
      return decodeJwt(token).iss === this.#options.issuer;
    } catch {
      return false;
    }
  }

  async #check(token: string, { keys }: Known): Promise<JWTPayload | "unknown_key" | undefined> {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: this.#options.issuer,
        audience: this.#options.clientId,
        algorithms,
        clockTolerance: clockSkewSeconds,
        requiredClaims: ["exp"],
        currentDate: new Date(this.#clock.nowMs()),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return "unknown_key";
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  async #current(wantsNewer: boolean): Promise<Known> {
    const nowMs = this.#clock.nowMs();
    const age = this.#known === undefined ? Number.POSITIVE_INFINITY : nowMs - this.#known.atMs;
    const isDue = wantsNewer || age > refreshAfterMs;
    if (isDue && nowMs - this.#triedAtMs >= minRefreshMs) {
      this.#triedAtMs = nowMs;
      this.#fetching ??= this.#refresh().finally(() => {
        this.#fetching = undefined;
      });
    }
    // Known keys serve while newer ones are on their way, unless it is a new one that is looked for.
    if (wantsNewer || age > maxStaleMs) await this.#fetching;
    const known = this.#known;
    if (known === undefined || this.#clock.nowMs() - known.atMs > maxStaleMs) {
      throw new WeftError("unavailable", `the keys of ${this.#options.issuer} cannot be had`, {
        hint: "is the OpenID provider reachable from the control plane?",
      });
    }
    return known;
  }

  async #refresh(): Promise<void> {
    try {
      const { issuer } = this.#options;
      const document = parseDocument(
        await this.#getJson(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`),
        issuer,
      );
      const jwks = await this.#getJson(document.jwksUri);
      this.#known = { document, keys: createLocalJWKSet(asKeySet(jwks)), atMs: this.#clock.nowMs() };
    } catch (error) {
      this.#log.warn("the OpenID provider's keys cannot be fetched", {
        issuer: this.#options.issuer,
        error: errorLine(error),
      });
    }
  }

  #getJson(url: string): Promise<unknown> {
    return fetchJson(url, {}, this.#options.caPem);
  }
}

/** Rejects with `unavailable`. Follows no redirect, takes https only. */
export async function fetchJson(url: string, init: RequestInit, caPem: string | undefined): Promise<unknown> {
  if (URL.parse(url)?.protocol !== "https:") throw new WeftError("unavailable", `${url} is no https URL`);
  try {
    const response = await fetch(url, {
      ...init,
      redirect: "error",
      signal: AbortSignal.timeout(fetchTimeoutMs),
      ...(caPem === undefined ? {} : { tls: { ca: caPem } }),
    });
    if (!response.ok) throw new WeftError("unavailable", `${url} answered ${response.status}`);
    const text = await boundedText(response.body, maxDocumentBytes);
    if (text === undefined) throw new WeftError("unavailable", "the document is too large");
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof WeftError) throw cause;
    throw new WeftError("unavailable", `${url} cannot be read: ${errorLine(cause)}`, { cause });
  }
}

function parseDocument(value: unknown, issuer: string): ProviderDocument {
  const textOf = (name: string): string | undefined => {
    const field: unknown = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
    return typeof field === "string" ? field : undefined;
  };
  const jwksUri = textOf("jwks_uri");
  if (textOf("issuer") !== issuer || jwksUri === undefined) {
    throw new WeftError("unavailable", `the discovery document is not that of ${issuer}`);
  }
  return {
    jwksUri,
    authorizationEndpoint: textOf("authorization_endpoint"),
    tokenEndpoint: textOf("token_endpoint"),
  };
}

function asKeySet(value: unknown): JSONWebKeySet {
  const keys: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "keys") : undefined;
  if (!Array.isArray(keys)) throw new WeftError("unavailable", "the provider's keys are no key set");
  return { keys };
}

function groupNames(claim: unknown): string[] {
  const names: unknown[] = Array.isArray(claim) ? claim : [claim];
  return names.slice(0, maxGroups).flatMap((name) => (typeof name === "string" && name !== "" ? [name] : []));
}

/** Names that only this control plane itself gives. */
function isReserved(name: string): boolean {
  return /^(system|weft|unix):|^spiffe:/i.test(name);
}
