/** Certificates as an attacker, or a CA that went wrong, would make them: each wrong in one way, all signed with a real CA's key. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { type Authority, loadAuthority } from "../../../src/identity/authority-files.ts";
import { describeCertificate } from "../../../src/identity/x509/certificate.ts";
import {
  constructedTag,
  encodeBitString,
  encodeBoolean,
  encodeElement,
  encodeInteger,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeText,
  encodeTime,
  primitiveTag,
  tags,
} from "../../../src/identity/x509/der.ts";
import { oids } from "../../../src/identity/x509/oids.ts";
import { derToPem } from "../../../src/identity/x509/pem.ts";
import type { TlsIdentity } from "../../../src/net/index.ts";

const dayMs = 86_400_000;
const codeSigning = "1.3.6.1.5.5.7.3.3";
const peerName = "peer.weft.internal";

export interface Forgery {
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly isCa?: boolean;
  readonly usages?: readonly string[];
  readonly key?: "ec" | "rsa-1024";
  /** It signs itself. */
  readonly isSelfSigned?: boolean;
  /** Another CA below the one that signs, which allows none. */
  readonly hasExtraCa?: boolean;
}

/** The CA in a control plane's directory: what signs there, with its key. */
export function stolenAuthority(directory: string): Authority {
  const authority = loadAuthority(`${directory}/intermediate.pem`);
  if (authority === undefined) throw new Error(`no CA in ${directory}`);
  return authority;
}

interface Signer {
  readonly nameDer: Uint8Array;
  readonly key: KeyObject;
}

export function forge(
  authority: Authority,
  trustRootsPem: string,
  identity: string,
  forgery: Forgery,
): TlsIdentity {
  const issuer: Signer = {
    nameDer: describeCertificate(authority.certificateDer)?.subjectDer ?? new Uint8Array(),
    key: authority.privateKey,
  };
  const keys = keyPair(forgery.key ?? "ec");
  const chain: Uint8Array[] = [authority.certificateDer];
  let signer = issuer;
  if (forgery.hasExtraCa === true) {
    const extra = keyPair("ec");
    const nameDer = nameOf("extra");
    chain.unshift(
      certificate({ ...forgery, isCa: true, uris: [] }, { nameDer, key: extra.publicKey, signer: issuer }),
    );
    signer = { nameDer, key: extra.privateKey };
  }
  const nameDer = forgery.isSelfSigned === true ? nameOf("self") : encodeSequence();
  if (forgery.isSelfSigned === true) signer = { nameDer, key: keys.privateKey };
  const leaf = certificate({ uris: [identity], ...forgery }, { nameDer, key: keys.publicKey, signer });
  const sent = forgery.isSelfSigned === true ? [leaf] : [leaf, ...chain];
  return {
    certChainPem: sent.map((der) => derToPem(der)).join(""),
    privateKeyPem: keys.privateKey.export({ type: "pkcs8", format: "pem" }),
    trustRootsPem,
  };
}

/** By what they are wrong in; the identity is the right one but where it is what is wrong. */
export function forgeries(identity: string, side: "client" | "server"): Readonly<Record<string, Forgery>> {
  const nowMs = Date.now();
  return {
    expired: { notBeforeMs: nowMs - 2 * dayMs, notAfterMs: nowMs - 1_000 },
    "not yet valid": { notBeforeMs: nowMs + dayMs, notAfterMs: nowMs + 2 * dayMs },
    "of another trust domain": { uris: ["spiffe://other.weft/ns/default/sa/web"] },
    "with a name that is no identity": { uris: [identity.replace("/ns/", "/nope/")] },
    "with two names": { uris: [identity, identity.replace(/[^/]+$/, "admin")] },
    "without a name": { uris: [] },
    "for signing code": { usages: [codeSigning] },
    "for the other side only": { usages: [side === "client" ? oids.serverAuth : oids.clientAuth] },
    "self-signed": { isSelfSigned: true },
    "below a CA that may have none below it": { hasExtraCa: true },
    "with a weak key": { key: "rsa-1024" },
    "that is a CA's": { isCa: true },
  };
}

interface Parties {
  readonly nameDer: Uint8Array;
  readonly key: KeyObject;
  readonly signer: Signer;
}

function certificate(forgery: Forgery, { nameDer, key, signer }: Parties): Uint8Array {
  const algorithm = encodeSequence(
    ...(signer.key.asymmetricKeyType === "rsa"
      ? [encodeOid(oids.rsaWithSha256), encodeElement(0x05)]
      : [encodeOid(oids.ecdsaWithSha256)]),
  );
  const { notBeforeMs = Date.now() - dayMs, notAfterMs = Date.now() + dayMs } = forgery;
  const body = encodeSequence(
    encodeElement(constructedTag(0), encodeInteger(Uint8Array.of(2))),
    encodeInteger(Uint8Array.of(0x40, ...crypto.getRandomValues(new Uint8Array(15)))),
    algorithm,
    signer.nameDer,
    encodeSequence(encodeTime(notBeforeMs), encodeTime(notAfterMs)),
    nameDer,
    key.export({ type: "spki", format: "der" }),
    encodeElement(constructedTag(3), encodeSequence(...extensions(forgery))),
  );
  return encodeSequence(body, algorithm, encodeBitString(sign("sha256", body, signer.key)));
}

function extensions({ uris = [], dns = [peerName], isCa = false, usages }: Forgery): Uint8Array[] {
  const names = [
    ...uris.map((uri) => encodeText(primitiveTag(6), uri)),
    ...dns.map((name) => encodeText(primitiveTag(2), name)),
  ];
  const purposes = (usages ?? [oids.serverAuth, oids.clientAuth]).map((usage) => encodeOid(usage));
  return [
    extension(oids.subjectAltName, encodeSequence(...names)),
    extension(oids.basicConstraints, isCa ? encodeSequence(encodeBoolean(true)) : encodeSequence()),
    // A CA of this kind may sign a handshake as well, so that nothing but its flag is wrong.
    extension(oids.keyUsage, encodeBitString(Uint8Array.of(isCa ? 0x86 : 0x80), 1)),
    extension(oids.extendedKeyUsage, encodeSequence(...purposes)),
  ];
}

function extension(oid: string, value: Uint8Array): Uint8Array {
  return encodeSequence(encodeOid(oid), encodeOctetString(value));
}

function nameOf(commonName: string): Uint8Array {
  const attribute = encodeSequence(encodeOid(oids.commonName), encodeText(tags.utf8String, commonName));
  return encodeSequence(encodeElement(tags.set, attribute));
}

function keyPair(kind: "ec" | "rsa-1024"): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return kind === "ec"
    ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : generateKeyPairSync("rsa", { modulusLength: 1_024 });
}
