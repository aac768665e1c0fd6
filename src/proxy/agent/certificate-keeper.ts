/**
 * Keeps the proxy in possession of a valid certificate: the one on disk where it is still good, else a first one for
 * the join token, then a new key and certificate before half of each one's life is over.
 */
import { create } from "@bufbuild/protobuf";
import { derToPem, generateKeyAndCsr, writePrivateFile } from "../../identity/x509/index.ts";
import { type Clock, errorLine, type Log, type Timer, WeftError } from "../../kernel/index.ts";
import { type IssueResponse, IssueRequestSchema } from "../../wire/index.ts";
import type { Mesh } from "../../model/index.ts";
import { Backoff } from "./backoff.ts";
import type { ControlPlane } from "./control-plane.ts";
import { ExpiryWarning } from "./expiry-warning.ts";
import { readFirstProof } from "./first-proof.ts";
import {
  checkIdentity,
  encodeIdentity,
  type HeldIdentity,
  isBeneath,
  loadIdentity,
} from "./stored-identity.ts";

export interface CertificateKeeperOptions {
  readonly path: string;
  readonly namespace: string;
  readonly workload: string;
  readonly serviceAccount: string;
  readonly joinTokenFile: string | undefined;
  /** In the place of a join token, where there is none. */
  readonly serviceAccountTokenFile?: string | undefined;
  /** In the place of both, where there is neither. */
  readonly attestationSocket?: string | undefined;
  readonly trustRootsPem: string;
  readonly issue: ControlPlane["issue"];
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** A certificate is there, the first or a newer one. */
  readonly onIdentity: (identity: HeldIdentity) => void;
}

/** What of the mesh's configuration is about certificates. */
type MeshTrust = Pick<Mesh, "trustRoots" | "issuingRoot" | "reissueWithinMs">;

const retryLimits = { minMs: 200, maxMs: 30_000 };
/** Renewal lies between these shares of a certificate's life, so that proxies started together do not renew together. */
const earliestRenewal = 0.4;
const latestRenewal = 0.5;
/** A suspended machine's timers stand still while its certificates age: look at the wall clock at least this often. */
const maxWaitMs = 60_000;
/** For a certificate of another root than the issuing one, where the mesh does not say how long. */
const defaultReissueWithinMs = 30_000;

export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions;
  readonly #backoff: Backoff;
  #held: HeldIdentity | undefined;
  #renewAtMs = 0;
  /** Because the mesh issues beneath another root; Infinity: it does not. */
  #reissueAtMs = Infinity;
  #mesh: MeshTrust | undefined;
  readonly #expiry: ExpiryWarning;
  #timer: Timer | undefined;
  #isObtaining = false;
  #storing: Promise<void> = Promise.resolve();
  #isClosed = false;
  #lastError = "";

  constructor(options: CertificateKeeperOptions) {
    this.#options = options;
    this.#backoff = new Backoff(retryLimits, options.random);
    this.#expiry = new ExpiryWarning(options.log, options.clock);
  }

  /** Undefined: none yet, or it is expired: nobody would take it. */
  get identity(): HeldIdentity | undefined {
    const held = this.#held;
    return held !== undefined && held.notAfterMs > this.#options.clock.nowMs() ? held : undefined;
  }

  /** Why there is no newer certificate; empty where none is due. */
  get lastError(): string {
    return this.#lastError;
  }

  /** Of a new configuration: its roots are trusted, and its issuing root is where certificates are to come from. */
  setMesh(mesh: MeshTrust, isLive: boolean): void {
    const before = this.#mesh;
    this.#mesh = mesh;
    const held = this.#held;
    if (held === undefined) return;
    if (isLive && !isSameRoots(before?.trustRoots, mesh.trustRoots)) {
      const trustRootsPem = mesh.trustRoots.map((der) => derToPem(der)).join("");
      // On disk at once: after a restart nothing else tells which roots are the newest.
      if (trustRootsPem !== "" && trustRootsPem !== held.trustRootsPem) {
        this.#held = { ...held, trustRootsPem };
        void this.#store(this.#held);
      }
    }
    this.#planReissue();
    this.#wait();
  }

  start(): void {
    const stored = this.#load();
    if (stored !== undefined) this.#adopt(stored);
    else void this.#obtain();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #load(): HeldIdentity | undefined {
    const { path, namespace, serviceAccount, trustRootsPem, clock, log } = this.#options;
    let stored: HeldIdentity | string | undefined;
    try {
      stored = loadIdentity(path, { namespace, serviceAccount, trustRootsPem, nowMs: clock.nowMs() });
    } catch (error) {
      stored = errorLine(error);
    }
    if (typeof stored !== "string") return stored;
    log.info("the stored certificate is not used", { path, reason: stored });
    return undefined;
  }

  #adopt(identity: HeldIdentity): void {
    const lifeMs = identity.notAfterMs - identity.notBeforeMs;
    const share = earliestRenewal + (latestRenewal - earliestRenewal) * this.#options.random();
    this.#held = identity;
    this.#expiry.begin(identity);
    this.#renewAtMs = identity.notBeforeMs + lifeMs * share;
    this.#lastError = "";
    this.#backoff.reset();
    this.#reissueAtMs = Infinity;
    this.#planReissue();
    this.#wait();
    this.#options.onIdentity(identity);
  }

  /** At a moment of its own within the time that the mesh gives, so that a thousand proxies do not ask at once. */
  #planReissue(): void {
    const { clock, random } = this.#options;
    const held = this.#held;
    const issuingRoot = this.#mesh?.issuingRoot;
    if (held === undefined || issuingRoot === undefined || issuingRoot.length === 0) return;
    const trusted = { ...held, trustRootsPem: this.#trustedPem() };
    if (isBeneath(trusted, issuingRoot, clock.nowMs()) !== false) {
      this.#reissueAtMs = Infinity;
    } else if (this.#reissueAtMs === Infinity) {
      const withinMs = this.#mesh?.reissueWithinMs || defaultReissueWithinMs;
      this.#reissueAtMs = clock.nowMs() + random() * withinMs;
    }
  }

  get #dueMs(): number {
    return Math.min(this.#renewAtMs, this.#reissueAtMs);
  }

  #wait(): void {
    if (this.#isClosed || this.#isObtaining) return;
    const { clock } = this.#options;
    const delayMs = Math.min(maxWaitMs, Math.max(0, this.#dueMs - clock.nowMs()));
    this.#timer?.cancel();
    this.#timer = clock.after(delayMs, () => {
      this.#expiry.look(this.#lastError);
      if (clock.nowMs() >= this.#dueMs) void this.#obtain();
      else this.#wait();
    });
  }

  async #obtain(): Promise<void> {
    const { clock, log } = this.#options;
    this.#isObtaining = true;
    try {
      const identity = await this.#request();
      if (this.#isClosed) return;
      this.#isObtaining = false;
      this.#adopt(identity);
      await this.#store(identity);
    } catch (error) {
      if (this.#isClosed) return;
      const line = errorLine(error);
      // Once per cause: while the control plane is away this is tried for hours.
      if (line !== this.#lastError)
        log.warn("no certificate could be had yet; trying again", { error: line });
      this.#lastError = line;
      this.#expiry.look(line);
      this.#timer?.cancel();
      this.#timer = clock.after(this.#backoff.nextMs(), () => void this.#obtain());
    }
  }

  async #request(): Promise<HeldIdentity> {
    const { namespace, workload, issue } = this.#options;
    const proof = this.identity === undefined ? await readFirstProof(this.#options) : undefined;
    const { privateKeyPem, csrDer } = generateKeyAndCsr();
    const request = create(IssueRequestSchema, {
      csr: Uint8Array.from(csrDer),
      workload: `${namespace}/${workload}`,
    });
    if (proof?.attestation !== undefined) request.attestation = proof.attestation;
    return this.#check(await issue(request, proof?.joinToken), privateKeyPem);
  }

  #check(response: IssueResponse, privateKeyPem: string): HeldIdentity {
    const { namespace, serviceAccount, clock } = this.#options;
    const checked = checkIdentity(
      {
        certChainPem: response.chain.map((der) => derToPem(der)).join(""),
        privateKeyPem,
        trustRootsPem: response.trustRoots.map((der) => derToPem(der)).join(""),
      },
      { namespace, serviceAccount, trustRootsPem: this.#trustedPem(), nowMs: clock.nowMs() },
    );
    if (typeof checked === "string")
      throw new WeftError("unauthenticated", `the control plane's answer is refused: ${checked}`);
    return checked;
  }

  /** The roots that it was told to join by, and those that the mesh has come to trust since. */
  #trustedPem(): string {
    const roots = this.#mesh?.trustRoots ?? [];
    return [
      this.#options.trustRootsPem,
      this.#held?.trustRootsPem ?? "",
      ...roots.map((der) => derToPem(der)),
    ].join("");
  }

  async #store(identity: HeldIdentity): Promise<void> {
    const { path, log, trustRootsPem } = this.#options;
    const write = async (): Promise<void> => writePrivateFile(path, encodeIdentity(identity, trustRootsPem));
    try {
      // One after the other: the newest is to stay.
      this.#storing = this.#storing.then(write, write);
      await this.#storing;
    } catch (error) {
      log.warn("the certificate could not be stored; after a restart the proxy must join again", {
        error: errorLine(error),
      });
    }
  }
}

function isSameRoots(a: readonly Uint8Array[] | undefined, b: readonly Uint8Array[]): boolean {
  return a?.length === b.length && b.every((root, i) => Buffer.compare(root, a[i] ?? new Uint8Array()) === 0);
}
