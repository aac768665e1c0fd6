/**
 * A CA that somebody else made: a certificate with its key in files, and the root above it. It signs workloads itself. What is
 * wrong with the files is told all at once, and files that change while the control plane runs are read again.
 */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { type Clock, errorLine, type Log, type Timer, WeftError } from "../kernel/index.ts";
import type { Authority } from "./authority-files.ts";
import type { SigningAuthority } from "./signer.ts";
import { type CertificateDescription, describeCertificate } from "./x509/certificate.ts";
import { issuerHash } from "./x509/certificate-number.ts";
import { verifyChain } from "./x509/chain.ts";
import { fingerprintOf } from "./x509/fingerprint.ts";
import { pemToDer } from "./x509/pem.ts";
import { crlEntries } from "./x509/revocation-list.ts";
import type { CertificateNumber } from "./x509/certificate-number.ts";

export interface PluggedFiles {
  /** PEM: the CA's certificate, then those between it and the root. */
  readonly certificateFile: string;
  readonly keyFile: string;
  /** PEM: every root that is to be trusted. Absent: the certificate is a root itself. */
  readonly rootFile?: string | undefined;
  /** PEM or DER: what the CA has revoked. */
  readonly crlFile?: string | undefined;
}

export interface PluggedOptions extends PluggedFiles {
  readonly passphrase: string | undefined;
  /** Where the certificate does not name one. */
  readonly trustDomain: string | undefined;
  readonly nowMs: number;
}

export interface PluggedAuthority extends SigningAuthority {
  readonly trustDomain: string;
  readonly trustRoots: readonly Uint8Array[];
  readonly revoked: readonly CertificateNumber[];
}

const minRsaBits = 2_048;
const acceptedCurves: readonly string[] = ["prime256v1", "secp384r1"];

/** Throws `bad_input` with one line for each problem. */
export function loadPlugged(options: PluggedOptions): PluggedAuthority {
  const { certificateFile, keyFile, rootFile, nowMs } = options;
  const problems: string[] = [];
  const read = (path: string): Uint8Array => readInto(path, problems);
  const chain = pemToDer(new TextDecoder().decode(read(certificateFile)));
  const signing = chain[0];
  const description = signing === undefined ? undefined : describeCertificate(signing);
  if (signing === undefined) problems.push(`${certificateFile} holds no certificate in PEM`);
  else if (description === undefined) problems.push(`${certificateFile}: the certificate cannot be read`);
  else problems.push(...certificateProblems(description, nowMs).map((each) => `${certificateFile}: ${each}`));
  const key = readKey(options, problems);
  const roots =
    rootFile === undefined ? selfSigned(signing) : pemToDer(new TextDecoder().decode(read(rootFile)));
  if (roots.length === 0) problems.push(noRoot(certificateFile, rootFile));
  if (signing !== undefined && key !== undefined && !new X509Certificate(signing).checkPrivateKey(key))
    problems.push(`the key in ${keyFile} is not that of the certificate in ${certificateFile}`);
  const root = signing === undefined ? undefined : roots.find((each) => leadsTo(chain, each, nowMs));
  if (signing !== undefined && roots.length > 0 && root === undefined)
    problems.push(
      `the chain in ${certificateFile} does not lead to a root in ${rootFile ?? certificateFile}: ${verifyChain({ chain, roots, nowMs }) ?? ""}`,
    );
  const trustDomain = trustDomainOf(description, options.trustDomain, problems);
  const revoked = readRevoked(options.crlFile, [...chain, ...roots], problems);
  if (
    problems.length > 0 ||
    signing === undefined ||
    description === undefined ||
    key === undefined ||
    root === undefined
  ) {
    throw new WeftError("bad_input", `the CA cannot be plugged in: ${problems.join("; ")}`, {
      hint: "give --ca-cert a CA's certificate with what lies between it and the root, --ca-key its key, --ca-root the root",
    });
  }
  return pluggedOf({ key, signing, description, chain, root, roots, trustDomain, revoked });
}

interface Parts {
  readonly key: KeyObject;
  readonly signing: Uint8Array;
  readonly description: CertificateDescription;
  readonly chain: readonly Uint8Array[];
  readonly root: Uint8Array;
  readonly roots: readonly Uint8Array[];
  readonly trustDomain: string;
  readonly revoked: readonly CertificateNumber[];
}

function pluggedOf(parts: Parts): PluggedAuthority {
  const { key, signing, description, root, trustDomain } = parts;
  const { subjectDer, subjectKeyIdentifier, notBeforeMs, notAfterMs } = description;
  const authority: Authority = {
    commonName: description.subject,
    publicKey: createPublicKey(key),
    privateKey: key,
    foreign: { subjectDer, keyIdentifier: subjectKeyIdentifier },
    certificateDer: signing,
    trustDomain,
    notBeforeMs,
    notAfterMs,
  };
  const name = Buffer.from(issuerHash(subjectDer)).toString("hex");
  // A root that is at the end of the file, or is the signing certificate itself, need not travel.
  const sent = parts.chain.filter((der) => Buffer.compare(der, root) !== 0);
  return {
    root: fingerprintOf(root),
    rootDer: root,
    trustDomain,
    trustRoots: parts.roots,
    revoked: parts.revoked,
    current: () => authority,
    intermediates: () => sent,
    isNamed: (issuer) => issuer === name,
  };
}

function readInto(path: string, problems: string[]): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    problems.push(`${path} cannot be read: ${errorLine(error)}`);
    return new Uint8Array();
  }
}

function readKey({ keyFile, passphrase }: PluggedOptions, problems: string[]): KeyObject | undefined {
  const pem = readInto(keyFile, problems);
  if (pem.length === 0) return undefined;
  if ((statSync(keyFile).mode & 0o077) !== 0) problems.push(`${keyFile} can be read by others; chmod 600 it`);
  let key: KeyObject;
  try {
    key = createPrivateKey({
      key: Buffer.from(pem),
      format: "pem",
      ...(passphrase === undefined ? {} : { passphrase }),
    });
  } catch {
    // Without the cause: what a key parser says may quote what it parsed.
    const isEncrypted = Buffer.from(pem).includes("ENCRYPTED");
    const why = isEncrypted ? "an encrypted key that the passphrase does not open" : "no private key in PEM";
    problems.push(`${keyFile} holds ${why}`);
    return undefined;
  }
  const details = key.asymmetricKeyDetails ?? {};
  const isStrong =
    key.asymmetricKeyType === "ec"
      ? acceptedCurves.includes(details.namedCurve ?? "")
      : key.asymmetricKeyType === "rsa" && (details.modulusLength ?? 0) >= minRsaBits;
  if (!isStrong)
    problems.push(`${keyFile}: use ECDSA on P-256 or P-384, or RSA with at least ${minRsaBits} bits`);
  return key;
}

function certificateProblems(description: CertificateDescription, nowMs: number): string[] {
  const problems: string[] = [];
  if (!description.isCa) problems.push("the certificate is no CA's (basicConstraints CA is not true)");
  if (description.signsCertificates === false) problems.push("its key may not sign certificates (keyUsage)");
  if (nowMs < description.notBeforeMs) problems.push("it is not valid yet");
  if (nowMs >= description.notAfterMs)
    problems.push(`it is expired since ${new Date(description.notAfterMs).toISOString()}`);
  return problems;
}

function selfSigned(der: Uint8Array | undefined): readonly Uint8Array[] {
  if (der === undefined) return [];
  const { issuerDer, subjectDer } = describeCertificate(der) ?? {};
  return issuerDer !== undefined && subjectDer !== undefined && Buffer.compare(issuerDer, subjectDer) === 0
    ? [der]
    : [];
}

function noRoot(certificateFile: string, rootFile: string | undefined): string {
  return rootFile === undefined
    ? `${certificateFile} is not a root: give the root above it with --ca-root`
    : `${rootFile} holds no certificate in PEM`;
}

function leadsTo(chain: readonly Uint8Array[], root: Uint8Array, nowMs: number): boolean {
  return verifyChain({ chain, roots: [root], nowMs }) === undefined;
}

function trustDomainOf(
  description: CertificateDescription | undefined,
  told: string | undefined,
  problems: string[],
): string {
  const named = description?.uriSans.find((uri) => uri.startsWith("spiffe://"))?.slice("spiffe://".length);
  if (named !== undefined && told !== undefined && named !== told)
    problems.push(`the certificate is for trust domain ${named}, not ${told}`);
  if (description !== undefined && named === undefined && told === undefined)
    problems.push("the certificate names no trust domain (URI spiffe://…): give one with --trust-domain");
  return named ?? told ?? "";
}

function readRevoked(
  file: string | undefined,
  authorities: readonly Uint8Array[],
  problems: string[],
): readonly CertificateNumber[] {
  if (file === undefined) return [];
  const bytes = readInto(file, problems);
  if (bytes.length === 0) return [];
  const issuers = authorities.flatMap((certificateDer) => {
    try {
      return [{ certificateDer, publicKey: new X509Certificate(certificateDer).publicKey }];
    } catch {
      return [];
    }
  });
  try {
    return crlEntries(bytes, issuers).entries;
  } catch (error) {
    problems.push(`${file}: ${errorLine(error)}`);
    return [];
  }
}

/** Looks at the files' times: a mounted secret is replaced by a rename that watches of files do not see. */
const lookEveryMs = 5_000;

export class PluggedFilesWatch {
  readonly #files: readonly string[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #reload: () => void;
  #seen: string;
  #timer: Timer;

  /** `reload` is called after a change, and again for the next one; what it throws is logged, and all stays as it was. */
  constructor(options: {
    readonly files: PluggedFiles;
    readonly clock: Clock;
    readonly log: Log;
    readonly reload: () => void;
  }) {
    const { certificateFile, keyFile, rootFile, crlFile } = options.files;
    this.#files = [certificateFile, keyFile, rootFile, crlFile].filter((file) => file !== undefined);
    this.#clock = options.clock;
    this.#log = options.log;
    this.#reload = options.reload;
    this.#seen = this.#look();
    this.#timer = this.#schedule();
  }

  close(): void {
    this.#timer.cancel();
  }

  #schedule(): Timer {
    return this.#clock.after(lookEveryMs, () => {
      const now = this.#look();
      if (now !== this.#seen) {
        this.#seen = now;
        try {
          this.#reload();
        } catch (error) {
          this.#log.error("the plugged-in CA's files changed and cannot be used; the ones before stay", {
            error: errorLine(error),
          });
        }
      }
      this.#timer = this.#schedule();
    });
  }

  #look(): string {
    return this.#files
      .map((file) => {
        const stat = statSync(file, { throwIfNoEntry: false });
        return stat === undefined ? "" : `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
      })
      .join("|");
  }
}
