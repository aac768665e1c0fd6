/**
 * JWK Sets (RFC 7517) as issuers publish them and people write them: which keys in them can verify a token. Pure: no cryptography
 * happens here. A set that holds a secret is refused as a whole, and no text from here holds a key.
 */

/** Where tokens' algorithms come from (RFC 7518, RFC 8037, RFC 9864). Neither "none" nor a symmetric one is among them. */
export const jwtAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

export type JwtAlgorithm = (typeof jwtAlgorithms)[number];

/** A key that verifies, with nothing else than its own members. */
export interface PublicJwk {
  readonly kid: string | undefined;
  /** What its type and its own `alg` allow. */
  readonly algorithms: readonly JwtAlgorithm[];
  readonly key:
    | { readonly kty: "RSA"; readonly n: string; readonly e: string }
    | { readonly kty: "EC"; readonly crv: string; readonly x: string; readonly y: string }
    | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string };
}

type JwkSetReading = { readonly keys: readonly PublicJwk[] } | { readonly problem: string };

/** Real ones have two to ten keys in a few kilobytes. */
export const maxJwkSetBytes = 256 * 1024;
const maxKeys = 100;
const maxKidLength = 1_024;
/** RFC 7518 section 3.3; above the upper bound one verification takes long enough to be a weapon. */
const minRsaBits = 2_048;
const maxRsaBits = 8_192;

/** RFC 7518 section 6 and RFC 8037 section 2. */
const secretMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** Bytes of a coordinate, and the one algorithm of the curve (RFC 7518 section 3.4). */
const curves: Readonly<Record<string, { readonly bytes: number; readonly algorithm: JwtAlgorithm }>> = {
  "P-256": { bytes: 32, algorithm: "ES256" },
  "P-384": { bytes: 48, algorithm: "ES384" },
  "P-521": { bytes: 66, algorithm: "ES512" },
};

const rsaAlgorithms: readonly JwtAlgorithm[] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const edwardsAlgorithms: readonly JwtAlgorithm[] = ["EdDSA", "Ed25519"];

/** Why the text is no JWK Set that a token can be verified with; undefined: it is one. */
export function checkJwks(text: string): string | undefined {
  const reading = readJwkSet(text);
  return "problem" in reading ? reading.problem : undefined;
}

/**
 * The keys that verify. Others are left out, as RFC 7517 section 5 has it for what a reader does not understand; a set without
 * any, or with a private or symmetric key in it, is refused.
 */
export function readJwkSet(text: string): JwkSetReading {
  if (text.length > maxJwkSetBytes) return { problem: `longer than ${maxJwkSetBytes} bytes` };
  const members = parse(text);
  if (!Array.isArray(members)) {
    return { problem: 'no JWK Set: it must be a JSON object with an array "keys" (RFC 7517)' };
  }
  if (members.length > maxKeys) return { problem: `more than ${maxKeys} keys` };
  const keys: PublicJwk[] = [];
  let firstFault = "";
  for (const [index, member] of members.entries()) {
    const read = readKey(member);
    if (typeof read !== "string") keys.push(read);
    else if (read === isSecret) return { problem: `keys[${index}] ${isSecret}` };
    else firstFault ||= `: keys[${index}] ${read}`;
  }
  return keys.length === 0 ? { problem: `no key in it can verify a token${firstFault}` } : { keys };
}

const isSecret =
  "is a secret: a private or symmetric key must never be published; take it out and make a new one";

function parse(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text);
    return isRecord(document) ? document["keys"] : undefined;
  } catch {
    return undefined;
  }
}

function readKey(member: unknown): PublicJwk | string {
  if (!isRecord(member)) return "is no object";
  if (member["kty"] === "oct" || secretMembers.some((name) => Object.hasOwn(member, name))) return isSecret;
  const { kid, use, key_ops: operations, alg } = member;
  if (kid !== undefined && (typeof kid !== "string" || kid.length > maxKidLength)) {
    return `has a kid that is no string of at most ${maxKidLength} characters`;
  }
  if (use !== undefined && use !== "sig") return "is not for signatures (use)";
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) {
    return "does not verify (key_ops)";
  }
  const material = readMaterial(member);
  if (typeof material === "string") return material;
  const algorithms =
    alg === undefined ? material.algorithms : material.algorithms.filter((each) => each === alg);
  if (algorithms.length === 0) return "has an alg that does not fit its type";
  return { kid, algorithms, key: material.key };
}

type Material = Pick<PublicJwk, "algorithms" | "key">;

function readMaterial(member: Readonly<Record<string, unknown>>): Material | string {
  switch (member["kty"]) {
    case "RSA":
      return readRsa(member["n"], member["e"]);
    case "EC":
      return readCurve(member["crv"], member["x"], member["y"]);
    case "OKP": {
      const { crv, x } = member;
      if (crv !== "Ed25519" || bytesOf(x)?.length !== 32) return "is no Ed25519 key";
      return { algorithms: edwardsAlgorithms, key: { kty: "OKP", crv, x: String(x) } };
    }
    default:
      return "is of no type that verifies (RSA, EC, OKP)";
  }
}

function readRsa(n: unknown, e: unknown): Material | string {
  const modulus = bytesOf(n);
  const exponent = bytesOf(e);
  if (modulus === undefined || exponent === undefined) return "has no n and e in base64url";
  const bits = bitLength(modulus);
  if (bits < minRsaBits || bits > maxRsaBits) {
    return `is an RSA key of ${bits} bits; ${minRsaBits} to ${maxRsaBits} are taken`;
  }
  // With 1 every signature is its own message; an even one has no inverse. Longer ones only cost time.
  const isOdd = ((exponent.at(-1) ?? 0) & 1) === 1;
  const exponentBits = bitLength(exponent);
  if (!isOdd || exponentBits < 2 || exponentBits > 32) return "has an exponent that no RSA key should have";
  return { algorithms: rsaAlgorithms, key: { kty: "RSA", n: String(n), e: String(e) } };
}

function readCurve(crv: unknown, x: unknown, y: unknown): Material | string {
  const curve = typeof crv === "string" && Object.hasOwn(curves, crv) ? curves[crv] : undefined;
  if (curve === undefined) return "is of no curve that is taken (P-256, P-384, P-521)";
  if (bytesOf(x)?.length !== curve.bytes || bytesOf(y)?.length !== curve.bytes) {
    return "has coordinates that do not fit its curve";
  }
  return {
    algorithms: [curve.algorithm],
    key: { kty: "EC", crv: String(crv), x: String(x), y: String(y) },
  };
}

function bytesOf(text: unknown): Uint8Array | undefined {
  if (typeof text !== "string" || text === "" || !/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  return Buffer.from(text, "base64url");
}

function bitLength(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first < 0) return 0;
  return (bytes.length - first) * 8 - Math.clz32(bytes[first] ?? 0) + 24;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
