/**
 * What etcd must not be able to read: values are sealed with AES-256-GCM under a key that it does not hold, each bound to its
 * place, so that neither a copy of etcd's disk nor somebody who may write to it gets or moves a secret.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { WeftError } from "../../kernel/index.ts";

const nonceBytes = 12;
const tagBytes = 16;
const minSecretBytes = 32;
const maxSecretBytes = 4_096;

export interface Seal {
  /** `place` is where it is kept; it opens nowhere else. */
  seal(place: string, plain: Uint8Array): Uint8Array;
  /** Throws `io` where it was not sealed with this key for this place. */
  open(place: string, sealed: Uint8Array): Uint8Array;
}

/** `secret` has at least 32 bytes. A random nonce of 96 bits: good for some four billion values of one mesh. */
export function sealOf(secret: Uint8Array): Seal {
  const key = new Uint8Array(hkdfSync("sha256", secret, "", "weft store v1", 32));
  return {
    seal(place, plain) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(place));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(place, sealed) {
      try {
        const tag = sealed.subarray(sealed.length - tagBytes);
        const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceBytes))
          .setAAD(Buffer.from(place))
          .setAuthTag(tag);
        const middle = sealed.subarray(nonceBytes, sealed.length - tagBytes);
        return Buffer.concat([decipher.update(middle), decipher.final()]);
      } catch (cause) {
        throw new WeftError("io", `${place} in etcd cannot be opened with this key`, {
          cause,
          hint: "is --store-key-file the one that this mesh was made with?",
        });
      }
    },
  };
}

/** Throws `bad_input` for a file that is no key, `permission` for one that others may read, `io` where there is none. */
export function readStoreKey(file: string): Uint8Array {
  let bytes: Buffer;
  let mode: number;
  try {
    bytes = readFileSync(file);
    mode = statSync(file).mode;
  } catch (cause) {
    throw new WeftError("io", `cannot read the store's key in ${file}`, {
      cause,
      hint: "make one with: head -c 32 /dev/urandom | base64 > FILE; chmod 600 FILE",
    });
  }
  if ((mode & 0o077) !== 0) {
    throw new WeftError("permission", `${file} can be read by others`, { hint: `chmod 600 ${file}` });
  }
  const secret = Buffer.from(bytes.toString("latin1").trim(), "latin1");
  if (secret.length < minSecretBytes || secret.length > maxSecretBytes) {
    throw new WeftError("bad_input", `${file} holds no key: it has ${secret.length} bytes`, {
      hint: "32 random bytes in base64: head -c 32 /dev/urandom | base64",
    });
  }
  return secret;
}
