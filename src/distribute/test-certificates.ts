/** For tests only: a root, and certificates as the mesh's own look (RFC 5280), valid for an hour. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { meshServerName, type TlsIdentity } from "../net/index.ts";

const hourMs = 3_600_000;
const oids = {
  commonName: [0x55, 0x04, 0x03],
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  subjectAltName: [0x55, 0x1d, 0x11],
  basicConstraints: [0x55, 0x1d, 0x13],
} as const;

export interface MeshRoot {
  readonly pem: string;
  issue(uri: string): TlsIdentity;
}

export function makeMeshRoot(): MeshRoot {
  const name = "test root";
  const { privateKey, publicKey } = makeKeys();
  const constraints = extension(oids.basicConstraints, sequence(tagged(0x01, [0xff])));
  const pem = certificate({
    subject: name,
    issuer: name,
    publicKey,
    signer: privateKey,
    extensions: constraints,
  });
  return {
    pem,
    issue(uri) {
      const keys = makeKeys();
      const names = sequence(tagged(0x86, Buffer.from(uri)), tagged(0x82, Buffer.from(meshServerName)));
      const extensions = extension(oids.subjectAltName, names);
      const leaf = {
        subject: "leaf",
        issuer: name,
        publicKey: keys.publicKey,
        signer: privateKey,
        extensions,
      };
      return {
        certChainPem: certificate(leaf),
        privateKeyPem: keys.privateKey.export({ type: "pkcs8", format: "pem" }),
        trustRootsPem: pem,
      };
    },
  };
}

function makeKeys(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

interface CertificateParts {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: Buffer;
}

function certificate({ subject, issuer, publicKey, signer, extensions }: CertificateParts): string {
  const algorithm = sequence(tagged(0x06, oids.ecdsaWithSha256));
  const nowMs = Date.now();
  const body = sequence(
    tagged(0xa0, tagged(0x02, [2])),
    tagged(0x02, [1, ...crypto.getRandomValues(new Uint8Array(8))]),
    algorithm,
    distinguishedName(issuer),
    sequence(utcTime(nowMs - 60_000), utcTime(nowMs + hourMs)),
    distinguishedName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(extensions)),
  );
  const signature = sign("sha256", body, signer);
  const bytes = sequence(body, algorithm, tagged(0x03, Buffer.concat([Buffer.of(0), signature])));
  const lines = bytes.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(text: string): Buffer {
  const attribute = sequence(tagged(0x06, oids.commonName), tagged(0x0c, Buffer.from(text)));
  return sequence(tagged(0x31, attribute));
}

function extension(oid: readonly number[], value: Buffer): Buffer {
  return sequence(tagged(0x06, oid), tagged(0x04, value));
}

function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().slice(2, 19).replace(/[-:T]/g, "");
  return tagged(0x17, Buffer.from(`${digits}Z`));
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function tagged(tag: number, content: Uint8Array | readonly number[]): Buffer {
  const bytes = Buffer.from(content);
  const { length } = bytes;
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...(length < 0x80 ? [length] : long)]), bytes]);
}
