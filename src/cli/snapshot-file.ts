/**
 * A snapshot's file: a line that says what follows, with its SHA-256, then the content, compressed and maybe encrypted.
 *
 *   weft-snapshot/1 {"sha256":"…","encryption":{"salt":"…","iv":"…","tag":"…"}}
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from "node:crypto";
import { WeftError } from "../kernel/index.ts";

const magic = "weft-snapshot/1 ";
const cipher = "aes-256-gcm";
/** scrypt as RFC 7914 has it for files: 32 MiB and a tenth of a second for each guess. */
const scryptOptions = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1_024 * 1_024 };
const maxHeaderBytes = 1_024;
/** Of what is unpacked: a mesh of 100,000 objects has some 100 MB. */
const maxContentBytes = 1_024 * 1_024 * 1_024;

interface Header {
  readonly sha256: string;
  readonly encryption?: { readonly salt: string; readonly iv: string; readonly tag: string };
}

export function encodeSnapshot(content: unknown, passphrase: string | undefined): Buffer {
  const packed = Bun.zstdCompressSync(Buffer.from(JSON.stringify(content)));
  if (passphrase === undefined) return join({ sha256: sha256(packed) }, packed);
  const [salt, iv] = [randomBytes(16), randomBytes(12)];
  const encrypting = createCipheriv(cipher, scryptSync(passphrase, salt, 32, scryptOptions), iv);
  const body = Buffer.concat([encrypting.update(packed), encrypting.final()]);
  const [saltText, ivText, tag] = [salt, iv, encrypting.getAuthTag()].map((bytes) => bytes.toString("hex"));
  const encryption = { salt: saltText ?? "", iv: ivText ?? "", tag: tag ?? "" };
  return join({ sha256: sha256(body), encryption }, body);
}

/** Throws `bad_input` for what is no snapshot, is damaged, or has another passphrase. */
export function decodeSnapshot(bytes: Buffer, passphrase: string | undefined): unknown {
  const end = bytes.subarray(0, maxHeaderBytes).indexOf(10);
  if (end < 0 || bytes.toString("latin1", 0, magic.length) !== magic)
    throw refused("it is no snapshot of weft");
  const header = parseHeader(bytes.toString("utf8", magic.length, end));
  const body = bytes.subarray(end + 1);
  if (header === undefined || sha256(body) !== header.sha256) {
    throw refused("it is damaged: its checksum is another");
  }
  const packed = header.encryption === undefined ? body : decrypt(body, header.encryption, passphrase);
  const content = Bun.zstdDecompressSync(packed);
  if (content.length > maxContentBytes) throw refused("it is larger than 1 GiB");
  return JSON.parse(Buffer.from(content).toString("utf8"));
}

function decrypt(
  body: Buffer,
  { salt, iv, tag }: NonNullable<Header["encryption"]>,
  passphrase: string | undefined,
): Buffer {
  if (passphrase === undefined) throw refused("it is encrypted; name its passphrase with --passphrase-file");
  const key = scryptSync(passphrase, Buffer.from(salt, "hex"), 32, scryptOptions);
  try {
    const decrypting = createDecipheriv(cipher, key, Buffer.from(iv, "hex"), { authTagLength: 16 });
    decrypting.setAuthTag(Buffer.from(tag, "hex"));
    return Buffer.concat([decrypting.update(body), decrypting.final()]);
  } catch {
    throw refused("the passphrase is another");
  }
}

function parseHeader(text: string): Header | undefined {
  try {
    const value: Partial<Header> = JSON.parse(text);
    return typeof value.sha256 === "string" ? { ...value, sha256: value.sha256 } : undefined;
  } catch {
    return undefined;
  }
}

function join(header: Header, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${magic}${JSON.stringify(header)}\n`), body]);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function refused(why: string): WeftError {
  return new WeftError("bad_input", `the snapshot cannot be used: ${why}`);
}
