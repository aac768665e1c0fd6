/**
 * The mesh's CA: one root that issues, and while it is being changed a second one that is trusted beside it; or a CA of
 * somebody else's that is plugged in. Signs for identities that others have proved. Which roots hold at a time is on disk.
 */
import { type KeyObject, randomBytes } from "node:crypto";
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
import {
  loadPlugged,
  type PluggedAuthority,
  type PluggedFiles,
  PluggedFilesWatch,
} from "./plugged-authority.ts";
import { RootRotation } from "./rotation-control.ts";
import { trustPlan } from "./root-rotation.ts";
import { intermediateOf, makePrivateDirectory, removeOrphans, rootFiles } from "./root-files.ts";
import { clockSkewMs, intermediateLifetimeMs, Signer, type SigningAuthority } from "./signer.ts";
import { loadTrustState, storeTrustState, type TrustState } from "./trust-file.ts";
import { encodeCertificate } from "./x509/certificate-builder.ts";
import type { CertificateNumber } from "./x509/certificate-number.ts";
import { fingerprintOf } from "./x509/fingerprint.ts";
import { parseCsr } from "./x509/signing-request.ts";

export interface CertificateAuthorityOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  /** Made at random where absent and nothing is on disk; must agree with what is on disk. */
  readonly trustDomain?: string;
  /** Keys are encrypted with it, those that are on disk already too. */
  readonly passphrase?: string;
  /** Somebody else's CA signs. */
  readonly plugged?: PluggedFiles;
}

export interface IssuedCertificate {
  /** DER, leaf first, without the root. */
  readonly chain: readonly Uint8Array[];
  readonly notAfterMs: number;
  /** Fingerprint of the root that it leads to. */
  readonly root: string;
}

export interface Trust {
  /** DER. Every one of them is to be trusted. */
  readonly roots: readonly Uint8Array[];
  /** Fingerprint of the one beneath which workloads' certificates are issued. */
  readonly issuing: string;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const rootLifetimeMs = 3650 * dayMs;
const defaultLifetimeMs = 24 * hourMs;
/** A stolen certificate is of use for so long to whoever keeps it from being missed. */
const maxLifetimeMs = 7 * dayMs;
const minLifetimeMs = 60_000;

/** The DNS name in every certificate of the mesh, so that TLS libraries can verify chain and name; who it is tells the URI. */
export const peerDnsName = "peer.weft.internal";
const firstRoot = "root.pem";

export class CertificateAuthority {
  readonly trustDomain: string;
  readonly rotation: RootRotation;
  readonly #directory: string;
  readonly #options: CertificateAuthorityOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #listeners = new Set<() => void>();
  readonly #signers = new Map<string, SigningAuthority>();
  #plugged: PluggedAuthority | undefined;
  #watch: PluggedFilesWatch | undefined;
  #state: TrustState;

  private constructor(directory: string, options: CertificateAuthorityOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLog;
    this.#state = this.#loadState();
    this.rotation = new RootRotation({
      clock: this.#clock,
      state: () => this.#state,
      store: (state) => this.#store(state),
      createRoot: () => this.#createNext(),
    });
    this.trustDomain = options.plugged === undefined ? this.#openOwn() : this.#openPlugged(options.plugged);
  }

  /**
   * Loads what `directory` holds, or makes it there. Throws `io` for damaged files and `permission` for readable ones;
   * `bad_input` for another trust domain than that on disk, and for a CA that cannot be plugged in.
   */
  static open(directory: string, options: CertificateAuthorityOptions = {}): CertificateAuthority {
    makePrivateDirectory(directory);
    const wanted = options.trustDomain;
    if (wanted !== undefined && parseSpiffeId(`spiffe://${wanted}/ns/a/sa/a`) === undefined) {
      throw new WeftError("bad_input", `"${wanted}" is no trust domain`, {
        hint: "lower-case letters, digits, dots, dashes",
      });
    }
    return new CertificateAuthority(directory, options);
  }

  /**
   * Signs the request's key for `id`; nothing else of the request is used. A key is one that `parseCsr` gave back. Throws `bad_input` for a request without
   * proof of possession or with a weak key, or an id of another trust domain. The lifetime ends with the CA's at the latest.
   * `purpose` "control": for the control plane itself, which those that know only the older root must be able to check.
   */
  issue(
    request: Uint8Array | KeyObject,
    id: SpiffeId,
    lifetimeMs: number = defaultLifetimeMs,
    purpose: "workload" | "control" = "workload",
  ): IssuedCertificate {
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
    const publicKey = request instanceof Uint8Array ? parseCsr(request) : request;
    const signer = this.#signerFor(purpose);
    const authority = signer.current();
    const nowMs = this.#clock.nowMs();
    const notAfterMs = wholeSeconds(Math.min(nowMs + lifetimeMs, authority.notAfterMs));
    if (notAfterMs <= nowMs) throw new WeftError("io", "the CA's certificate is expired");
    const leaf = encodeCertificate(
      {
        commonName: "",
        publicKey,
        uriSans: [formatSpiffeId(id)],
        dnsSans: [peerDnsName],
        notBeforeMs: nowMs - clockSkewMs,
        notAfterMs,
      },
      authority,
    );
    return { chain: [leaf, ...signer.intermediates()], notAfterMs, root: signer.root };
  }

  get trust(): Trust {
    const plugged = this.#plugged;
    if (plugged !== undefined) return { roots: plugged.trustRoots, issuing: plugged.root };
    const { trusted, issuing } = this.#plan();
    return { roots: trusted.map((root) => this.#signer(root).rootDer), issuing };
  }

  /** DER. Every one of them is to be trusted. */
  trustRoots(): Uint8Array[] {
    return [...this.trust.roots];
  }

  /** What a plugged-in CA has revoked. */
  get revoked(): readonly CertificateNumber[] {
    return this.#plugged?.revoked ?? [];
  }

  get isPlugged(): boolean {
    return this.#plugged !== undefined;
  }

  /** DER of the CA certificates that stand between leaves and roots now. */
  intermediates(): readonly Uint8Array[] {
    return [...this.#signers.values()].flatMap((signer) => signer.intermediates());
  }

  intermediatesOf(root: string): readonly Uint8Array[] {
    return this.#signers.get(root)?.intermediates() ?? [];
  }

  /** The root that a certificate with that issuer (SHA-256 of its name in hex) leads to; undefined: not one of those in use. */
  rootOf(issuer: string): string | undefined {
    for (const signer of this.#signers.values()) if (signer.isNamed(issuer)) return signer.root;
    return undefined;
  }

  /** Called after roots, issuing root or what is revoked by a plugged-in CA have changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#watch?.close();
    this.#listeners.clear();
  }

  get #trustFile(): string {
    return join(this.#directory, "trust.json");
  }

  #openOwn(): string {
    const wanted = this.#options.trustDomain;
    const { current, next } = this.#state;
    const root = this.#load(current) ?? this.#createFirst(current, wanted ?? randomTrustDomain());
    if (wanted !== undefined && wanted !== root.trustDomain) {
      throw new WeftError(
        "bad_input",
        `${this.#directory} holds the CA of trust domain ${root.trustDomain}, not ${wanted}`,
        { hint: "use another data directory, or leave the trust domain out" },
      );
    }
    if (root.notAfterMs - this.#clock.nowMs() < intermediateLifetimeMs) {
      this.#log.warn("the mesh's root certificate ends within a year; change it with weft cert rotate-root", {
        notAfter: new Date(root.notAfterMs).toISOString(),
      });
    }
    this.#addSigner(current, root);
    if (next !== undefined) {
      const other = this.#load(next);
      if (other === undefined)
        throw new WeftError("io", `${join(this.#directory, next)} is missing`, {
          hint: "restore it from a backup",
        });
      this.#addSigner(next, other);
    }
    removeOrphans(this.#directory, [this.#state.current, this.#state.next]);
    return root.trustDomain;
  }

  #openPlugged(files: PluggedFiles): string {
    if (this.#state.rotation !== undefined) {
      throw new WeftError("conflict", "the mesh's own root is being changed", {
        hint: "let weft cert rotate-root end, or abort it, before another CA is plugged in",
      });
    }
    const { trustDomain } = this.#plug(files, this.#options.trustDomain);
    this.#watch = new PluggedFilesWatch({
      files,
      clock: this.#clock,
      log: this.#log,
      reload: () => {
        this.#plug(files, trustDomain);
        this.#log.info("the plugged-in CA's files were read again", { issuing: this.trust.issuing });
        this.#tell();
      },
    });
    return trustDomain;
  }

  #plug(files: PluggedFiles, trustDomain: string | undefined): PluggedAuthority {
    const plugged = loadPlugged({
      ...files,
      trustDomain,
      passphrase: this.#options.passphrase,
      nowMs: this.#clock.nowMs(),
    });
    this.#plugged = plugged;
    this.#signers.clear();
    this.#signers.set(plugged.root, plugged);
    return plugged;
  }

  #plan(): { readonly trusted: readonly string[]; readonly issuing: string; readonly serving: string } {
    const { rotation } = this.#state;
    if (rotation !== undefined) return trustPlan(rotation);
    const [only = ""] = this.#signers.keys();
    return { trusted: [only], issuing: only, serving: only };
  }

  #signerFor(purpose: "workload" | "control"): SigningAuthority {
    if (this.#plugged !== undefined) return this.#plugged;
    const { issuing, serving } = this.#plan();
    return this.#signer(purpose === "control" ? serving : issuing);
  }

  #signer(root: string): SigningAuthority {
    const signer = this.#signers.get(root);
    if (signer === undefined) throw new WeftError("internal", `there is no root ${root}`);
    return signer;
  }

  #load(file: string): Authority | undefined {
    return loadAuthority(join(this.#directory, file), this.#options.passphrase);
  }

  #addSigner(file: string, root: Authority): string {
    const signer = new Signer({
      root,
      intermediateFile: join(this.#directory, intermediateOf(file)),
      passphrase: this.#options.passphrase,
      peerDnsName,
      clock: this.#clock,
      log: this.#log,
    });
    this.#signers.set(signer.root, signer);
    return signer.root;
  }

  #createFirst(file: string, trustDomain: string): Authority {
    const others = rootFiles(this.#directory);
    if (others.length > 0) {
      throw new WeftError(
        "io",
        `${join(this.#directory, file)} is missing, and ${others.join(", ")} there is`,
        {
          hint: "restore the directory from a backup; a root made anew would cut everybody off",
        },
      );
    }
    try {
      return this.#createRoot(file, trustDomain);
    } catch (error) {
      // Another process made one at the same moment: then that is the mesh's root.
      const made =
        error instanceof WeftError && error.code === "already_exists" ? this.#load(file) : undefined;
      if (made === undefined) throw error;
      return made;
    }
  }

  #createNext(): { readonly file: string; readonly from: string; readonly to: string } {
    if (this.#plugged !== undefined) {
      throw new WeftError("conflict", "the root is plugged in, and made elsewhere", {
        hint: "put the old and the new root into the --ca-root file, then the new certificate and key, then only the new root",
      });
    }
    const [from = ""] = this.#signers.keys();
    const file = `root-${randomBytes(4).toString("hex")}.pem`;
    const root = this.#createRoot(file, this.trustDomain);
    return { file, from, to: this.#addSigner(file, root) };
  }

  #createRoot(file: string, trustDomain: string): Authority {
    const nowMs = this.#clock.nowMs();
    // Names differ: a chain is looked for by the issuer's name first.
    const name = file === firstRoot ? "" : `${file.slice("root-".length, -".pem".length)} `;
    return createAuthority(join(this.#directory, file), {
      commonName: `weft root ${name}${trustDomain}`,
      trustDomain,
      notBeforeMs: nowMs - clockSkewMs,
      notAfterMs: nowMs + rootLifetimeMs,
      pathLength: 1,
      passphrase: this.#options.passphrase,
    });
  }

  /** The files of the directory were replaced by another control plane's: they hold from now on. */
  reload(): void {
    if (this.#plugged !== undefined) return;
    const state = this.#loadState();
    const roots = [state.current, state.next].flatMap((file) => {
      const root = file === undefined ? undefined : this.#load(file);
      return file === undefined || root === undefined ? [] : [{ file, root }];
    });
    if (roots.length === 0) throw new WeftError("io", `${this.#directory} has lost its root`);
    const before = new Map(this.#signers);
    this.#signers.clear();
    for (const { file, root } of roots) {
      const known = before.get(fingerprintOf(root.certificateDer));
      if (known === undefined) this.#addSigner(file, root);
      else this.#signers.set(known.root, known);
    }
    this.#state = state;
    removeOrphans(this.#directory, [state.current, state.next]);
    this.#tell();
  }

  #loadState(): TrustState {
    return (
      loadTrustState(this.#trustFile) ?? {
        current: firstRoot,
        next: undefined,
        rotation: undefined,
        last: undefined,
      }
    );
  }

  #store(changed: TrustState): void {
    const state = { ...changed, generation: (this.#state.generation ?? 0) + 1 };
    storeTrustState(this.#trustFile, state);
    this.#state = state;
    if (state.rotation === undefined) this.#keepOnly(state.current);
    this.#tell();
  }

  /** A root that is no longer trusted by anybody signs nothing: its key goes. */
  #keepOnly(file: string): void {
    const root = this.#load(file);
    const kept = root === undefined ? undefined : fingerprintOf(root.certificateDer);
    for (const known of this.#signers.keys()) if (known !== kept) this.#signers.delete(known);
    removeOrphans(this.#directory, [this.#state.current, this.#state.next]);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function randomTrustDomain(): string {
  return `${randomBytes(4).toString("hex")}.weft`;
}

/** Certificates count in whole seconds; what we say of them must not be later. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
