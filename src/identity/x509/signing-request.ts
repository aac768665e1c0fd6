/**
 * PKCS#10 (RFC 2986): the key pair of a workload is made where it is used; what travels is the public key with a proof
 * that the sender holds the private one. Subject and attributes of a request are never read.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { WeftError } from "../../kernel/index.ts";
import {
  constructedTag,
  decodeOid,
  DerReader,
  encodeBitString,
  encodeElement,
  encodeInteger,
  encodeOid,
  encodeSequence,
  tags,
} from "./der.ts";
import { oids } from "./oids.ts";

export interface KeyAndRequest {
  /** PKCS#8. A secret: never log it. */
  readonly privateKeyPem: string;
  /** PKCS#10 */
  readonly csrDer: Uint8Array;
}

/** A request with a P-384 key is about 300 bytes; attributes are ignored, so nobody needs more. */
export const maxRequestBytes = 4096;

/** ECDSA on P-256. */
export function generateKeyAndCsr(): KeyAndRequest {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const body = encodeSequence(
    encodeInteger(Uint8Array.of(0)),
    encodeSequence(),
    publicKey.export({ type: "spki", format: "der" }),
    encodeElement(constructedTag(0)),
  );
  return {
    privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }),
    csrDer: encodeSequence(
      body,
      encodeSequence(encodeOid(oids.ecdsaWithSha256)),
      encodeBitString(sign("sha256", body, privateKey)),
    ),
  };
}

/** The key, once the proof of possession holds. Throws `bad_input` for anything else, weak keys included. */
export function parseCsr(csrDer: Uint8Array): KeyObject {
  if (csrDer.length > maxRequestBytes) {
    throw new WeftError("bad_input", `certificate request is larger than ${maxRequestBytes} bytes`);
  }
  const outer = new DerReader(csrDer);
  const request = outer.enter(tags.sequence);
  outer.finish();
  const body = request.next(tags.sequence);
  const algorithm = decodeOid(request.enter(tags.sequence).next(tags.oid).content);
  const signature = request.next(tags.bitString).content;
  request.finish();
  const hash = signatureHashes[algorithm];
  if (hash === undefined || signature[0] !== 0) {
    throw new WeftError(
      "bad_input",
      `certificate request is signed with ${algorithm}; sign with ECDSA and SHA-2`,
    );
  }
  const fields = new DerReader(body.content);
  fields.next(tags.integer);
  fields.next(tags.sequence);
  const key = parsePublicKey(fields.next(tags.sequence).encoded);
  if (!verify(hash, body.encoded, key, signature.subarray(1))) {
    throw new WeftError("bad_input", "certificate request's signature does not match its key");
  }
  return key;
}

const signatureHashes: Readonly<Record<string, "sha256" | "sha384">> = {
  [oids.ecdsaWithSha256]: "sha256",
  [oids.ecdsaWithSha384]: "sha384",
};

/** Named curves of 128 bits of strength or more, told from the encoding itself so that no library's leniency counts. */
function parsePublicKey(spki: Uint8Array): KeyObject {
  const algorithm = new DerReader(spki).enter(tags.sequence).enter(tags.sequence);
  const kind = decodeOid(algorithm.next(tags.oid).content);
  const curve = kind === oids.ecPublicKey ? decodeOid(algorithm.next(tags.oid).content) : "";
  if (curve !== oids.p256 && curve !== oids.p384) {
    throw new WeftError("bad_input", "certificate request's key is not an ECDSA key on P-256 or P-384");
  }
  try {
    return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch (cause) {
    throw new WeftError("bad_input", "certificate request's key is not a point on its curve", { cause });
  }
}
