/**
 * One root with the intermediate beneath it. Leaves carry the intermediate with them, so that it is replaced without anybody's
 * noticing; proxies trust the root only.
 */
import { randomBytes } from "node:crypto";
import { type Clock, type Log, WeftError } from "../kernel/index.ts";
import { type Authority, createAuthority, loadAuthority } from "./authority-files.ts";
import { describeCertificate } from "./x509/certificate.ts";
import { issuerHash } from "./x509/certificate-number.ts";
import { verifyChain } from "./x509/chain.ts";
import { fingerprintOf } from "./x509/fingerprint.ts";

/** What signs workloads' certificates, whoever made it. */
export interface SigningAuthority {
  /** Of the root that its chain leads to: SHA-256 in lower-case hex. */
  readonly root: string;
  readonly rootDer: Uint8Array;
  /** The one that signs now. Throws `io` where there is none any more. */
  current(): Authority;
  /** DER of what stands between a leaf and the root, lowest first. */
  intermediates(): readonly Uint8Array[];
  /** Whether it signs under that name (SHA-256 of it in hex). */
  isNamed(issuer: string): boolean;
}

export interface SignerOptions {
  readonly root: Authority;
  /** Where the intermediate is kept. */
  readonly intermediateFile: string;
  readonly passphrase: string | undefined;
  readonly peerDnsName: string;
  readonly clock: Clock;
  readonly log: Log;
}

const dayMs = 86_400_000;
export const intermediateLifetimeMs = 365 * dayMs;
/** Clocks of other machines may be behind ours by this much. */
export const clockSkewMs = 60_000;
/** What is left of an intermediate that could not be replaced is of no use below this. */
const lastUseMs = 60_000;

export class Signer implements SigningAuthority {
  readonly root: string;
  readonly rootDer: Uint8Array;
  readonly #options: SignerOptions;
  readonly #names = new Set<string>();
  #intermediate: Authority;

  constructor(options: SignerOptions) {
    this.#options = options;
    this.rootDer = options.root.certificateDer;
    this.root = fingerprintOf(this.rootDer);
    this.#intermediate = this.#use(this.#load() ?? this.#create());
  }

  /** Replaced at half life, so that a failing disk has months to be noticed. */
  current(): Authority {
    const { clock, log } = this.#options;
    const { notBeforeMs, notAfterMs } = this.#intermediate;
    const nowMs = clock.nowMs();
    if (nowMs < (notBeforeMs + notAfterMs) / 2) return this.#intermediate;
    try {
      this.#intermediate = this.#use(this.#create());
    } catch (error) {
      if (nowMs + lastUseMs > notAfterMs) throw error;
      log.error("the intermediate CA is due for renewal and could not be written", {
        error: error instanceof Error ? error.message : String(error),
        notAfter: new Date(notAfterMs).toISOString(),
      });
    }
    return this.#intermediate;
  }

  intermediates(): readonly Uint8Array[] {
    return [this.#intermediate.certificateDer];
  }

  isNamed(issuer: string): boolean {
    return this.#names.has(issuer);
  }

  #use(intermediate: Authority): Authority {
    const subject = describeCertificate(intermediate.certificateDer)?.subjectDer;
    if (subject !== undefined) this.#names.add(Buffer.from(issuerHash(subject)).toString("hex"));
    return intermediate;
  }

  /** One that another root signed (files mixed up, root remade) or that is expired is no use. */
  #load(): Authority | undefined {
    const { intermediateFile, passphrase, clock, root } = this.#options;
    const loaded = loadAuthority(intermediateFile, passphrase);
    if (loaded === undefined || loaded.notAfterMs <= clock.nowMs()) return undefined;
    const isSigned =
      verifyChain({
        chain: [loaded.certificateDer],
        roots: [root.certificateDer],
        nowMs: loaded.notAfterMs - 1,
      }) === undefined;
    return isSigned ? loaded : undefined;
  }

  #create(): Authority {
    const { root, clock, intermediateFile, passphrase, peerDnsName } = this.#options;
    const nowMs = clock.nowMs();
    const notAfterMs = Math.min(nowMs + intermediateLifetimeMs, root.notAfterMs);
    if (notAfterMs <= nowMs) {
      throw new WeftError("io", "the mesh's root certificate is expired", {
        hint: `remove the directory of ${intermediateFile} and let every proxy join again`,
      });
    }
    const { trustDomain } = root;
    return createAuthority(intermediateFile, {
      commonName: `weft intermediate ${randomBytes(4).toString("hex")} ${trustDomain}`,
      trustDomain,
      notBeforeMs: nowMs - clockSkewMs,
      notAfterMs,
      pathLength: 0,
      permitted: { uriHosts: [trustDomain], dnsNames: [peerDnsName] },
      issuer: root,
      passphrase,
    });
  }
}
