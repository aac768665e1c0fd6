/** A CA's key under a passphrase: PKCS#8 in PBES2 (RFC 8018), PBKDF2 with SHA-256 and AES-256-CBC, so that openssl reads it too. */
import { createCipheriv, createPrivateKey, type KeyObject, pbkdf2Sync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { WeftError } from "../kernel/index.ts";
import { encodeElement, encodeInteger, encodeOctetString, encodeOid, encodeSequence } from "./x509/der.ts";
import { derToPem, pemToDer } from "./x509/pem.ts";

/** OWASP's figure for PBKDF2 with SHA-256: some 100 ms at each start, and for each guess of a thief. */
const iterations = 600_000;
const saltBytes = 16;
const ivBytes = 16;
const keyBytes = 32;
/** The protection is no better than what is typed. */
const minPassphraseLength = 12;

const oid = {
  pbes2: "1.2.840.113549.1.5.13",
  pbkdf2: "1.2.840.113549.1.5.12",
  hmacWithSha256: "1.2.840.113549.2.9",
  aes256Cbc: "2.16.840.1.101.3.4.1.42",
} as const;

/** The first line of the file. Throws `io` where it cannot be read, `bad_input` where it is no passphrase. */
export function readPassphrase(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new WeftError("io", `cannot read the passphrase in ${path}`, { cause });
  }
  const passphrase = text.split("\n", 1)[0]?.replace(/\r$/, "") ?? "";
  if (passphrase.length < minPassphraseLength) {
    throw new WeftError(
      "bad_input",
      `${path} holds no passphrase of at least ${minPassphraseLength} characters`,
    );
  }
  return passphrase;
}

export function encodeKey(key: KeyObject, passphrase: string | undefined): string {
  const der = key.export({ type: "pkcs8", format: "der" });
  if (passphrase === undefined) return derToPem(der, "PRIVATE KEY");
  const salt = randomBytes(saltBytes);
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(
    "aes-256-cbc",
    pbkdf2Sync(passphrase, salt, iterations, keyBytes, "sha256"),
    iv,
  );
  const data = Buffer.concat([cipher.update(der), cipher.final()]);
  const derivation = encodeSequence(
    encodeOid(oid.pbkdf2),
    encodeSequence(
      encodeOctetString(salt),
      encodeInteger(Uint8Array.of(iterations >> 16, (iterations >> 8) & 0xff, iterations & 0xff)),
      encodeSequence(encodeOid(oid.hmacWithSha256), encodeElement(0x05)),
    ),
  );
  const encryption = encodeSequence(encodeOid(oid.aes256Cbc), encodeOctetString(iv));
  const algorithm = encodeSequence(encodeOid(oid.pbes2), encodeSequence(derivation, encryption));
  return derToPem(encodeSequence(algorithm, encodeOctetString(data)), "ENCRYPTED PRIVATE KEY");
}

export interface DecodedKey {
  readonly key: KeyObject;
  readonly isEncrypted: boolean;
}

/** Undefined: there is no key, or it is damaged. Throws `forbidden` where the passphrase is missing or another one. Never quotes what it read. */
export function decodeKey(path: string, pem: string, passphrase: string | undefined): DecodedKey | undefined {
  const plain = pemToDer(pem, "PRIVATE KEY")[0];
  if (plain !== undefined) {
    try {
      const key = createPrivateKey({ key: Buffer.from(plain), format: "der", type: "pkcs8" });
      return { key, isEncrypted: false };
    } catch {
      // Without the cause: what a key parser says may quote what it parsed.
      return undefined;
    }
  }
  const encrypted = pemToDer(pem, "ENCRYPTED PRIVATE KEY")[0];
  if (encrypted === undefined) return undefined;
  if (passphrase === undefined) {
    throw new WeftError("forbidden", `the key in ${path} is encrypted`, {
      hint: "give the file with its passphrase: --ca-passphrase-file FILE",
    });
  }
  try {
    const key = createPrivateKey({ key: Buffer.from(encrypted), format: "der", type: "pkcs8", passphrase });
    return { key, isEncrypted: true };
  } catch {
    throw new WeftError("forbidden", `the passphrase does not open the key in ${path}`);
  }
}
