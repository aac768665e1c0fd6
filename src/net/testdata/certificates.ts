/** Certificates for tests, made on the spot: a root, and leaves that are right or wrong in one way. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  type ClientTls,
  meshServerName,
  type PeerCertificate,
  type OpenServerTls,
  type ServerTls,
  type TlsIdentity,
  type VerifyingServerTls,
} from "../tls.ts";

const dayMs = 86_400_000;

export interface LeafOptions {
  /** An empty list: no URI SAN at all. */
  readonly uris?: readonly string[];
  readonly dns?: string;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
}

export interface TestRoot {
  readonly pem: string;
  issue(options?: LeafOptions): TlsIdentity;
}

export const testUri = "spiffe://test.weft/ns/default/sa/web";

export function makeRoot(name: string): TestRoot {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const validity = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs };
  const isAuthority = extension([0x55, 0x1d, 0x13], der(0x30, der(0x01, Buffer.from([0xff]))));
  const root = certificate(
    { subject: name, issuer: name, signer: keys.privateKey, key: keys.publicKey, ...validity },
    [isAuthority],
  );
  return {
    pem: root,
    issue(options = {}) {
      const leafKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const names = [
        ...(options.uris ?? [testUri]).map((uri) => der(0x86, Buffer.from(uri))),
        der(0x82, Buffer.from(options.dns ?? meshServerName)),
      ];
      const fields = { subject: "leaf", issuer: name, signer: keys.privateKey, key: leafKeys.publicKey };
      const leaf = certificate(
        {
          ...fields,
          notBeforeMs: options.notBeforeMs ?? validity.notBeforeMs,
          notAfterMs: options.notAfterMs ?? validity.notAfterMs,
        },
        [extension([0x55, 0x1d, 0x11], der(0x30, ...names))],
      );
      return {
        certChainPem: leaf,
        privateKeyPem: leafKeys.privateKey.export({ type: "pkcs8", format: "pem" }),
        trustRootsPem: root,
      };
    },
  };
}

interface CertificateFields {
  readonly subject: string;
  readonly issuer: string;
  readonly signer: KeyObject;
  readonly key: KeyObject;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** RFC 5280 4.1, ECDSA with SHA-256. */
function certificate(fields: CertificateFields, extensions: readonly Buffer[]): string {
  const ecdsaWithSha256 = der(0x30, der(0x06, Buffer.from([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])));
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1, ...crypto.getRandomValues(new Uint8Array(8))])),
    ecdsaWithSha256,
    commonName(fields.issuer),
    der(0x30, time(fields.notBeforeMs), time(fields.notAfterMs)),
    commonName(fields.subject),
    fields.key.export({ type: "spki", format: "der" }),
    der(0xa3, der(0x30, ...extensions)),
  );
  const signature = sign("sha256", body, fields.signer);
  const bytes = der(0x30, body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  const lines = bytes.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function extension(oid: readonly number[], value: Buffer): Buffer {
  return der(0x30, der(0x06, Buffer.from(oid)), der(0x04, value));
}

function commonName(name: string): Buffer {
  const oid = der(0x06, Buffer.from([0x55, 0x04, 0x03]));
  return der(0x30, der(0x31, der(0x30, oid, der(0x0c, Buffer.from(name)))));
}

/** UTCTime. */
function time(ms: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replace(/[-:T]/g, "")}Z`));
}

function refuseOthers(peer: PeerCertificate): boolean {
  return peer.uriSans.length !== 1 || peer.uriSans[0] !== testUri;
}

/** A server that wants a client certificate with `testUri`. */
export function meshServer(identity: TlsIdentity, options: Partial<VerifyingServerTls> = {}): ServerTls {
  return {
    identity,
    alpn: ["weft/1"],
    clientCertificate: "required",
    verifyPeer: (peer) => (refuseOthers(peer) ? "peer_identity_invalid" : undefined),
    ...options,
  };
}

/** A server that takes everybody, as a gateway does. */
export function openServer(identity: TlsIdentity, options: Partial<OpenServerTls> = {}): ServerTls {
  const { certChainPem, privateKeyPem } = identity;
  return {
    identity: { certChainPem, privateKeyPem },
    alpn: ["weft/1"],
    clientCertificate: "none",
    ...options,
  };
}

/** A client that wants a server certificate with `testUri`. */
export function meshClient(identity: TlsIdentity | undefined, trustRootsPem: string): ClientTls {
  return {
    identity,
    trustRootsPem,
    serverName: meshServerName,
    alpn: ["weft/1"],
    verifyPeer: (peer) => (refuseOthers(peer) ? "upstream_identity_mismatch" : undefined),
  };
}
