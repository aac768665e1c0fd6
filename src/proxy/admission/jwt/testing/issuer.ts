/** An issuer that signs whatever it is asked to, byte by byte, as attackers and careless programs would. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  type JwtAuthentication,
  JwtAuthenticationSchema,
  type JwtLocation,
  JwtLocationSchema,
  type JwtProvider,
  JwtProviderSchema,
  type Source,
} from "../../../../model/index.ts";
import { startMs } from "./fake-exchange.ts";

export const issuerName = "https://issuer.example";
const startSeconds = startMs / 1000;

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface SigningKey {
  readonly kid: string | undefined;
  readonly algorithm: string;
  readonly pair: KeyPair;
}

const makers: Readonly<Record<string, () => KeyPair>> = {
  RS: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  PS: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ES384: () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  ES512: () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
  Ed: () => generateKeyPairSync("ed25519"),
};

export function signingKey(algorithm = "ES256", kid: string | undefined = "k1"): SigningKey {
  const make = makers[algorithm] ?? makers[algorithm.slice(0, 2)];
  if (make === undefined) throw new Error(`no key for ${algorithm}`);
  return { kid, algorithm, pair: make() };
}

/** A key without kid where `kid` is undefined. */
export function jwksOf(...keys: readonly SigningKey[]): string {
  return JSON.stringify({
    keys: keys.map(({ kid, pair }) => ({
      ...pair.publicKey.export({ format: "jwk" }),
      ...(kid === undefined ? {} : { kid }),
    })),
  });
}

export function goodClaims(more: object = {}): Record<string, unknown> {
  return { iss: issuerName, sub: "alice", aud: "shop", exp: startSeconds + 300, iat: startSeconds, ...more };
}

/** `header` is laid over what the key says; members that are undefined are left out. */
export function tokenOf(key: SigningKey, claims: object = goodClaims(), header: object = {}): string {
  return rawToken(
    key,
    JSON.stringify({ alg: key.algorithm, kid: key.kid, ...header }),
    JSON.stringify(claims),
  );
}

export function rawToken(key: SigningKey, header: string, payload: string): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${signed(key.algorithm, key.pair.privateKey, input).toString("base64url")}`;
}

/** With the text of a public key as the secret: what a verifier that trusts the header's alg would take. */
export function hmacToken(secret: string | Buffer, header: object, claims: object = goodClaims()): string {
  const input = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(claims))}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

export function encode(text: string | Uint8Array): string {
  return Buffer.from(text).toString("base64url");
}

function signed(algorithm: string, key: KeyObject, input: string): Buffer {
  const bytes = Buffer.from(input);
  if (algorithm.startsWith("Ed")) return sign(null, bytes, key);
  const hash = `sha${algorithm.slice(2)}`;
  if (algorithm.startsWith("ES")) return sign(hash, bytes, { key, dsaEncoding: "ieee-p1363" });
  // 6: RSA_PKCS1_PSS_PADDING; -1: a salt as long as the digest.
  return algorithm.startsWith("PS")
    ? sign(hash, bytes, { key, padding: 6, saltLength: -1 })
    : sign(hash, bytes, key);
}

export const fromAuthorization = location({ case: "header", value: "authorization" }, "Bearer ");

export function location(place: JwtLocation["place"], prefix = ""): JwtLocation {
  return create(JwtLocationSchema, { place, prefix });
}

export function provider(jwks: string, more: Partial<JwtProvider> = {}): JwtProvider {
  const { $typeName: _, ...fields } = more;
  return create(JwtProviderSchema, {
    source: policy("jwt"),
    name: "main",
    issuer: issuerName,
    audiences: ["shop"],
    jwks,
    algorithms: [],
    clockSkewSeconds: 0,
    locations: [fromAuthorization],
    ...fields,
  });
}

export function authentication(providers: readonly JwtProvider[], required = true): JwtAuthentication {
  return create(JwtAuthenticationSchema, {
    providers: [...providers],
    required,
    requiredBy: policy("strict"),
  });
}

function policy(name: string): Source {
  return {
    $typeName: "weft.model.v1.Source",
    kind: "AuthenticationPolicy",
    namespace: "default",
    name,
    section: "",
  };
}
