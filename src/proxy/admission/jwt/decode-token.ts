/**
 * A token's text taken apart (RFC 7515 section 7.1), before anybody knows whether it is genuine. Strict: one text for one token, and
 * nothing in its header that would change how it is verified.
 */
import type { Claims } from "../../../decide/index.ts";
import { isJsonObject, readJsonObject } from "./bounded-json.ts";
import { type TokenFault, fault } from "./token-fault.ts";

/** Looked at before anything is decoded. Heads are bounded too; a query or a cookie may be longer than any token should be. */
const maxTokenLength = 8 * 1024;
const maxKidLength = 1_024;

export interface DecodedToken {
  readonly algorithm: string;
  /** Undefined: the token names no key. */
  readonly keyId: string | undefined;
  readonly claims: Claims;
  /** As it stands in the token. */
  readonly payload: string;
}

/** RFC 8725 section 3.11: what another kind of token says about itself. With or without "application/". */
const takenTypes: ReadonlySet<string> = new Set(["jwt", "at+jwt"]);

export function decodeToken(text: string): DecodedToken | TokenFault {
  if (text.length > maxTokenLength) return fault("too_long", `it is longer than ${maxTokenLength} bytes`);
  // Fields of one name are joined by commas, which no token has.
  if (text.includes(",")) return fault("ambiguous", "there are several in one place");
  const parts = text.split(".", 6);
  if (parts.length === 5) return fault("malformed", "it is encrypted (JWE)");
  const [header = "", payload = "", signature = ""] = parts;
  if (parts.length !== 3) return fault("malformed", "it has not three parts");
  const headerText = textOf(header);
  const payloadText = textOf(payload);
  if (headerText === undefined || payloadText === undefined || !isCanonical(signature)) {
    return fault("malformed", "its parts are no base64url of text");
  }
  const fields = readJsonObject(headerText);
  if (typeof fields === "string") return fault("malformed", `its header ${fields}`);
  const claims = readJsonObject(payloadText);
  if (typeof claims === "string") return fault("malformed", `its payload ${claims}`);
  return readHeader(fields, claims, payload);
}

/**
 * `jku`, `x5u`, `jwk` and `x5c` say where a key could be had or what it is. They are the sender's words: not read, never fetched.
 */
function readHeader(
  fields: Readonly<Record<string, unknown>>,
  claims: Claims,
  payload: string,
): DecodedToken | TokenFault {
  const { alg, kid, typ } = fields;
  if (typeof alg !== "string") return fault("malformed", "its header names no algorithm");
  // Whatever is critical (RFC 7515 section 4.1.11), nothing of it is understood here. `b64` without it: RFC 7797 section 6.
  if (Object.hasOwn(fields, "crit") || Object.hasOwn(fields, "b64")) {
    return fault("malformed", "its header asks for extensions (crit)");
  }
  if (kid !== undefined && (typeof kid !== "string" || kid.length > maxKidLength)) {
    return fault("malformed", `its kid is no string of at most ${maxKidLength} characters`);
  }
  if (typ !== undefined && !isTakenType(typ)) return fault("malformed", "its typ is neither JWT nor at+jwt");
  return { algorithm: alg, keyId: kid, claims, payload };
}

function isTakenType(typ: unknown): boolean {
  return typeof typ === "string" && takenTypes.has(typ.toLowerCase().replace(/^application\//, ""));
}

function textOf(part: string): string | undefined {
  if (!isCanonical(part)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(part, "base64url"));
  } catch {
    return undefined;
  }
}

/** Nothing but base64url, no padding, and the bits that no byte uses are 0: else one token could be written in many ways. */
function isCanonical(part: string): boolean {
  return part !== "" && Buffer.from(part, "base64url").toString("base64url") === part;
}

/** At the path; own members only, so that no prototype's name leads anywhere. */
export function claimAt(claims: Claims, path: readonly string[]): unknown {
  let value: unknown = claims;
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
