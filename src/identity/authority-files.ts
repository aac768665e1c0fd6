/**
 * One CA key with its certificate in one file, so that the two can never disagree after a crash. The file is a
 * secret: see private-file.ts.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { WeftError } from "../kernel/index.ts";
import { decodeKey, encodeKey } from "./encrypted-key.ts";
import { describeCertificate } from "./x509/certificate.ts";
import { encodeCertificate, type Issuer } from "./x509/certificate-builder.ts";
import { derToPem, pemToDer } from "./x509/pem.ts";
import { readPrivateFileSync, writePrivateFileSync } from "./x509/private-file.ts";

/** A CA that can sign. `certificateDer` is public, the rest is not. */
export interface Authority extends Issuer {
  readonly certificateDer: Uint8Array;
  readonly trustDomain: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface NewAuthority {
  readonly commonName: string;
  readonly trustDomain: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly pathLength: number;
  readonly permitted?: { readonly uriHosts: readonly string[]; readonly dnsNames: readonly string[] };
  /** Absent: it signs itself. */
  readonly issuer?: Issuer;
  /** Absent: the key is on disk as it is. */
  readonly passphrase?: string | undefined;
}

export function createAuthority(path: string, options: NewAuthority): Authority {
  const keys: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
  });
  const { commonName, trustDomain, notBeforeMs, notAfterMs, pathLength, permitted } = options;
  const self: Issuer = { commonName, ...keys };
  const certificateDer = encodeCertificate(
    {
      commonName,
      publicKey: keys.publicKey,
      // SPIFFE: a signing certificate names its trust domain and no path.
      uriSans: [`spiffe://${trustDomain}`],
      dnsSans: [],
      notBeforeMs,
      notAfterMs,
      authority: permitted === undefined ? { pathLength } : { pathLength, permitted },
    },
    options.issuer ?? self,
  );
  // A root is made once; an intermediate replaces the one before.
  const mode = options.issuer === undefined ? "new" : "replace";
  const key = encodeKey(keys.privateKey, options.passphrase);
  writePrivateFileSync(path, key + derToPem(certificateDer), mode);
  return { ...self, certificateDer, trustDomain, notBeforeMs, notAfterMs };
}

/**
 * Undefined where there is no file. Throws `io` where it is damaged: a CA is never silently replaced. A key that is not
 * encrypted is, as soon as there is a passphrase.
 */
export function loadAuthority(path: string, passphrase?: string): Authority | undefined {
  const bytes = readPrivateFileSync(path);
  if (bytes === undefined) return undefined;
  const pem = new TextDecoder().decode(bytes);
  const certificateDer = pemToDer(pem)[0];
  const decoded = decodeKey(path, pem, passphrase);
  const description = certificateDer === undefined ? undefined : describeCertificate(certificateDer);
  const trustDomain = description?.uriSans[0]?.slice("spiffe://".length);
  const commonName = /CN=(?<name>.+)$/.exec(description?.subject ?? "")?.groups?.["name"];
  if (certificateDer === undefined || decoded === undefined || description === undefined) throw damaged(path);
  if (trustDomain === undefined || commonName === undefined || !description.isCa) throw damaged(path);
  const { key: privateKey, isEncrypted } = decoded;
  if (!new X509Certificate(certificateDer).checkPrivateKey(privateKey)) throw damaged(path);
  if (passphrase !== undefined && !isEncrypted)
    writePrivateFileSync(path, encodeKey(privateKey, passphrase) + derToPem(certificateDer));
  return {
    commonName,
    publicKey: createPublicKey(privateKey),
    privateKey,
    certificateDer,
    trustDomain,
    notBeforeMs: description.notBeforeMs,
    notAfterMs: description.notAfterMs,
  };
}

function damaged(path: string): WeftError {
  return new WeftError("io", `${path} does not hold a CA's key with its certificate`, {
    hint: "restore it from a backup; without it every proxy must join again",
  });
}
