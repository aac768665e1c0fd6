/**
 * The mesh's own CA: a root that signs nothing but intermediates, and an intermediate that signs workloads. Leaves
 * carry the intermediate with them, so that it is replaced without anybody's noticing; proxies trust the root only.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type Clock,
  formatSpiffeId,
  type Log,
  parseSpiffeId,
  silentLog,
  type SpiffeId,
  systemClock,
  WeftError,
} from "../kernel/index.ts";
import { type Authority, createAuthority, loadAuthority } from "./authority-files.ts";
import { encodeCertificate } from "./x509/certificate-builder.ts";
import { verifyChain } from "./x509/chain.ts";
import { parseCsr } from "./x509/signing-request.ts";

export interface CertificateAuthorityOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  /** Made at random where absent and nothing is on disk; must agree with what is on disk. */
  readonly trustDomain?: string;
}

export interface IssuedCertificate {
  /** DER, leaf first, without the root. */
  readonly chain: readonly Uint8Array[];
  readonly notAfterMs: number;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const rootLifetimeMs = 3650 * dayMs;
const intermediateLifetimeMs = 365 * dayMs;
const defaultLifetimeMs = 24 * hourMs;
/** Nothing revokes a workload's certificate but its end. */
const maxLifetimeMs = 7 * dayMs;
const minLifetimeMs = 60_000;
/** Clocks of other machines may be behind ours by this much. */
const clockSkewMs = 60_000;

/** The DNS name in every certificate of the mesh, so that TLS libraries can verify chain and name; who it is tells the URI. */
export const peerDnsName = "peer.weft.internal";

export class CertificateAuthority {
  readonly trustDomain: string;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #root: Authority;
  #intermediate: Authority;

  private constructor(directory: string, root: Authority, clock: Clock, log: Log) {
    this.#directory = directory;
    this.#root = root;
    this.#clock = clock;
    this.#log = log;
    this.trustDomain = root.trustDomain;
    this.#intermediate = this.#loadIntermediate() ?? this.#createIntermediate();
  }

  /**
   * Loads what `directory` holds, or makes it there. Throws `io` for damaged files and `permission` for readable ones;
   * `bad_input` for another trust domain than that on disk.
   */
  static open(directory: string, options: CertificateAuthorityOptions = {}): CertificateAuthority {
    const clock = options.clock ?? systemClock;
    const log = options.log ?? silentLog;
    makePrivateDirectory(directory);
    const wanted = options.trustDomain;
    if (wanted !== undefined && parseSpiffeId(`spiffe://${wanted}/ns/a/sa/a`) === undefined) {
      throw new WeftError("bad_input", `"${wanted}" is no trust domain`, {
        hint: "lower-case letters, digits, dots, dashes",
      });
    }
    const file = rootFile(directory);
    const root = loadAuthority(file) ?? createRoot(file, wanted ?? randomTrustDomain(), clock.nowMs());
    if (wanted !== undefined && wanted !== root.trustDomain) {
      throw new WeftError(
        "bad_input",
        `${directory} holds the CA of trust domain ${root.trustDomain}, not ${wanted}`,
        {
          hint: "use another data directory, or leave the trust domain out",
        },
      );
    }
    if (root.notAfterMs - clock.nowMs() < intermediateLifetimeMs) {
      log.warn("the mesh's root certificate ends within a year", {
        notAfter: new Date(root.notAfterMs).toISOString(),
      });
    }
    return new CertificateAuthority(directory, root, clock, log);
  }

  /**
   * Signs the request's key for `id`; nothing else of the request is used. Throws `bad_input` for a request without
   * proof of possession or with a weak key, or an id of another trust domain. The lifetime ends with the CA's at the latest.
   */
  issue(csrDer: Uint8Array, id: SpiffeId, lifetimeMs: number = defaultLifetimeMs): IssuedCertificate {
    if (id.trustDomain !== this.trustDomain || parseSpiffeId(formatSpiffeId(id)) === undefined) {
      throw new WeftError(
        "bad_input",
        `${formatSpiffeId(id)} is no identity of trust domain ${this.trustDomain}`,
      );
    }
    if (!(lifetimeMs >= minLifetimeMs && lifetimeMs <= maxLifetimeMs)) {
      throw new WeftError(
        "bad_input",
        `a certificate's lifetime must be between ${minLifetimeMs} and ${maxLifetimeMs} ms`,
      );
    }
    const publicKey = parseCsr(csrDer);
    this.#renewIntermediate();
    const nowMs = this.#clock.nowMs();
    const notAfterMs = wholeSeconds(Math.min(nowMs + lifetimeMs, this.#intermediate.notAfterMs));
    const leaf = encodeCertificate(
      {
        commonName: "",
        publicKey,
        uriSans: [formatSpiffeId(id)],
        dnsSans: [peerDnsName],
        notBeforeMs: nowMs - clockSkewMs,
        notAfterMs,
      },
      this.#intermediate,
    );
    return { chain: [leaf, this.#intermediate.certificateDer], notAfterMs };
  }

  /** DER. Every one of them is to be trusted. */
  trustRoots(): Uint8Array[] {
    return [this.#root.certificateDer];
  }

  /** At half life, so that a failing disk has months to be noticed. */
  #renewIntermediate(): void {
    const { notBeforeMs, notAfterMs } = this.#intermediate;
    const nowMs = this.#clock.nowMs();
    if (nowMs < (notBeforeMs + notAfterMs) / 2) return;
    try {
      this.#intermediate = this.#createIntermediate();
    } catch (error) {
      if (nowMs + minLifetimeMs > notAfterMs) throw error;
      this.#log.error("the intermediate CA is due for renewal and could not be written", {
        error: error instanceof Error ? error.message : String(error),
        notAfter: new Date(notAfterMs).toISOString(),
      });
    }
  }

  /** One that another root signed (files mixed up, root remade) or that is expired is no use. */
  #loadIntermediate(): Authority | undefined {
    const loaded = loadAuthority(intermediateFile(this.#directory));
    if (loaded === undefined || loaded.notAfterMs <= this.#clock.nowMs()) return undefined;
    return isSignedBy(loaded, this.#root) ? loaded : undefined;
  }

  #createIntermediate(): Authority {
    const nowMs = this.#clock.nowMs();
    const notAfterMs = Math.min(nowMs + intermediateLifetimeMs, this.#root.notAfterMs);
    if (notAfterMs <= nowMs) {
      throw new WeftError("io", "the mesh's root certificate is expired", {
        hint: `remove ${this.#directory} and let every proxy join again`,
      });
    }
    return createAuthority(intermediateFile(this.#directory), {
      commonName: `weft intermediate ${randomBytes(4).toString("hex")} ${this.trustDomain}`,
      trustDomain: this.trustDomain,
      notBeforeMs: nowMs - clockSkewMs,
      notAfterMs,
      pathLength: 0,
      permitted: { uriHosts: [this.trustDomain], dnsNames: [peerDnsName] },
      issuer: this.#root,
    });
  }
}

function createRoot(file: string, trustDomain: string, nowMs: number): Authority {
  try {
    return createAuthority(file, {
      commonName: `weft root ${trustDomain}`,
      trustDomain,
      notBeforeMs: nowMs - clockSkewMs,
      notAfterMs: nowMs + rootLifetimeMs,
      pathLength: 1,
    });
  } catch (error) {
    // Another process made one at the same moment: then that is the mesh's root.
    const made =
      error instanceof WeftError && error.code === "already_exists" ? loadAuthority(file) : undefined;
    if (made === undefined) throw error;
    return made;
  }
}

function isSignedBy(authority: Authority, root: Authority): boolean {
  return (
    verifyChain({
      chain: [authority.certificateDer],
      roots: [root.certificateDer],
      nowMs: authority.notAfterMs - 1,
    }) === undefined
  );
}

function makePrivateDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
  } catch (cause) {
    throw new WeftError("permission", `cannot make ${directory} private to this user`, { cause });
  }
}

function randomTrustDomain(): string {
  return `${randomBytes(4).toString("hex")}.weft`;
}

function rootFile(directory: string): string {
  return join(directory, "root.pem");
}

function intermediateFile(directory: string): string {
  return join(directory, "intermediate.pem");
}

/** Certificates count in whole seconds; what we say of them must not be later. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
