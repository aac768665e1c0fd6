/**
 * A token that a cluster gives to a pod for us (a projected service-account token): signed by the cluster's issuer, for the
 * audience `weft`, soon expired, and taken once. Its claims name namespace and service account; nothing else of it is believed.
 */
import { createHash } from "node:crypto";
import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { type Clock, errorLine, parseSpiffeId } from "../../kernel/index.ts";
import type { AttestationRefusal, AttestedSubject, Attestor } from "./attestor.ts";
import { KeySet } from "./key-set.ts";

export interface ServiceAccountTokenOptions {
  /** The cluster's own, as in `iss`. */
  readonly issuer: string;
  /** File or URL of its keys. */
  readonly jwks: string;
  readonly clock: Clock;
  /** Notes that a proof was used, until it is of no use anyway; false: it was used before. On disk before it says yes. */
  readonly spend: (proofHash: string, untilMs: number) => boolean | Promise<boolean>;
}

const audience = "weft";
/** What clusters sign with. Pinned: never what the token itself asks for, never a shared secret. */
const algorithms = ["RS256", "ES256", "ES384", "PS256", "EdDSA"];
const clockSkewSeconds = 30;
/** A token of a day is no longer "for this start". */
const maxLifeSeconds = 86_400;
const maxTokenLength = 16_384;

export class ServiceAccountTokens implements Attestor {
  readonly name = "service_account_token";
  readonly #options: ServiceAccountTokenOptions;
  readonly #keys: KeySet;

  constructor(options: ServiceAccountTokenOptions) {
    this.#options = options;
    this.#keys = new KeySet(options.jwks, options.clock);
  }

  async attest(token: string): Promise<AttestedSubject | AttestationRefusal> {
    if (token.length > maxTokenLength) return refuse("malformed", "the token is too long");
    try {
      const payload = await this.#verify(token);
      const subject = subjectOf(payload);
      if (subject === undefined) return refuse("malformed", "the token names no service account");
      const untilMs = ((payload.exp ?? 0) + clockSkewSeconds) * 1_000;
      const hash = createHash("sha256")
        .update(token.slice(0, token.lastIndexOf(".")))
        .digest("hex");
      return (await this.#options.spend(hash, untilMs))
        ? subject
        : refuse("replayed", "the token was used before");
    } catch (error) {
      return refusalOf(error);
    }
  }

  async #verify(token: string): Promise<JWTPayload> {
    try {
      return await this.#verifyWith(token, false);
    } catch (error) {
      // The issuer may have a new key.
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return this.#verifyWith(token, true);
    }
  }

  async #verifyWith(token: string, isMissing: boolean): Promise<JWTPayload> {
    const { issuer, clock } = this.#options;
    const { payload } = await jwtVerify(token, createLocalJWKSet(await this.#keys.get(isMissing)), {
      issuer,
      audience,
      algorithms,
      clockTolerance: clockSkewSeconds,
      currentDate: new Date(clock.nowMs()),
      requiredClaims: ["exp", "iat", "sub"],
      maxTokenAge: maxLifeSeconds,
    });
    return payload;
  }
}

/** Two claims say the same; a token in which they differ is not a cluster's. */
function subjectOf(payload: JWTPayload): AttestedSubject | undefined {
  const cluster = fieldsOf(payload["kubernetes.io"]);
  const namespace = cluster?.get("namespace");
  const serviceAccount = fieldsOf(cluster?.get("serviceaccount"))?.get("name");
  if (typeof namespace !== "string" || typeof serviceAccount !== "string") return undefined;
  if (payload.sub !== `system:serviceaccount:${namespace}:${serviceAccount}`) return undefined;
  if (parseSpiffeId(`spiffe://a/ns/${namespace}/sa/${serviceAccount}`) === undefined) return undefined;
  return { namespace, serviceAccount };
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}

function refusalOf(error: unknown): AttestationRefusal {
  if (error instanceof errors.JWTExpired) return refuse("expired", "the token is expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    const isEarly = error.claim === "nbf" || error.claim === "iat";
    return isEarly
      ? refuse("not_yet_valid", "the token is not valid yet, by this machine's clock")
      : refuse("untrusted", `the token's claim ${error.claim} is not what it must be`);
  }
  if (error instanceof errors.JOSEError)
    return refuse("untrusted", `the token does not verify (${error.code})`);
  return refuse("unavailable", errorLine(error));
}

function refuse(refusal: AttestationRefusal["refusal"], detail: string): AttestationRefusal {
  return { refusal, detail };
}
