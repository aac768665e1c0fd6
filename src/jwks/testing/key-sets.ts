/** Key sets as issuers publish them. */
import { generateKeyPairSync } from "node:crypto";

export function newKeySet(kid = "k1"): string {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid }] });
}

export function privateKeySet(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return JSON.stringify({ keys: [privateKey.export({ format: "jwk" })] });
}
