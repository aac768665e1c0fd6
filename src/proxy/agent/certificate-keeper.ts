/**
 * Keeps the proxy in possession of a valid certificate: the one on disk where it is still good, else a first one for
 * the join token, then a new key and certificate before half of each one's life is over.
 */
import { create } from "@bufbuild/protobuf";
import { readFileSync } from "node:fs";
import { derToPem, generateKeyAndCsr, writePrivateFile } from "../../identity/x509/index.ts";
import { type Clock, errorLine, type Log, type Timer, WeftError } from "../../kernel/index.ts";
import { type IssueResponse, IssueRequestSchema } from "../../wire/index.ts";
import { Backoff } from "./backoff.ts";
import type { ControlPlane } from "./control-plane.ts";
import { checkIdentity, encodeIdentity, type HeldIdentity, loadIdentity } from "./stored-identity.ts";

export interface CertificateKeeperOptions {
  readonly path: string;
  readonly namespace: string;
  readonly workload: string;
  readonly serviceAccount: string;
  readonly joinTokenFile: string | undefined;
  readonly trustRootsPem: string;
  readonly issue: ControlPlane["issue"];
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** A certificate is there, the first or a newer one. */
  readonly onIdentity: (identity: HeldIdentity) => void;
}

const retryLimits = { minMs: 200, maxMs: 30_000 };
/** Renewal lies between these shares of a certificate's life, so that proxies started together do not renew together. */
const earliestRenewal = 0.4;
const latestRenewal = 0.5;
/** A suspended machine's timers stand still while its certificates age: look at the wall clock at least this often. */
const maxWaitMs = 60_000;
/** Tokens have about fifty characters; a wrong file must not be read into a header. */
const maxTokenLength = 512;

export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions;
  readonly #backoff: Backoff;
  #held: HeldIdentity | undefined;
  #renewAtMs = 0;
  #timer: Timer | undefined;
  #isClosed = false;
  #lastError = "";

  constructor(options: CertificateKeeperOptions) {
    this.#options = options;
    this.#backoff = new Backoff(retryLimits, options.random);
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
    this.#renewAtMs = identity.notBeforeMs + lifeMs * share;
    this.#lastError = "";
    this.#backoff.reset();
    this.#wait();
    this.#options.onIdentity(identity);
  }

  #wait(): void {
    if (this.#isClosed) return;
    const { clock } = this.#options;
    const delayMs = Math.min(maxWaitMs, Math.max(0, this.#renewAtMs - clock.nowMs()));
    this.#timer?.cancel();
    this.#timer = clock.after(delayMs, () => {
      if (clock.nowMs() >= this.#renewAtMs) void this.#obtain();
      else this.#wait();
    });
  }

  async #obtain(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      const identity = await this.#request();
      if (this.#isClosed) return;
      this.#adopt(identity);
      await this.#store(identity);
    } catch (error) {
      if (this.#isClosed) return;
      const line = errorLine(error);
      // Once per cause: while the control plane is away this is tried for hours.
      if (line !== this.#lastError)
        log.warn("no certificate could be had yet; trying again", { error: line });
      this.#lastError = line;
      this.#timer = clock.after(this.#backoff.nextMs(), () => void this.#obtain());
    }
  }

  async #request(): Promise<HeldIdentity> {
    const { namespace, workload, issue } = this.#options;
    const token = this.identity === undefined ? this.#readToken() : undefined;
    const { privateKeyPem, csrDer } = generateKeyAndCsr();
    const request = create(IssueRequestSchema, {
      csr: Uint8Array.from(csrDer),
      workload: `${namespace}/${workload}`,
    });
    return this.#check(await issue(request, token), privateKeyPem);
  }

  #check(response: IssueResponse, privateKeyPem: string): HeldIdentity {
    const { namespace, serviceAccount, trustRootsPem, clock } = this.#options;
    const checked = checkIdentity(
      {
        certChainPem: response.chain.map((der) => derToPem(der)).join(""),
        privateKeyPem,
        trustRootsPem: response.trustRoots.map((der) => derToPem(der)).join(""),
      },
      { namespace, serviceAccount, trustRootsPem, nowMs: clock.nowMs() },
    );
    if (typeof checked === "string")
      throw new WeftError("unauthenticated", `the control plane's answer is refused: ${checked}`);
    return checked;
  }

  /** Read each time: an operator may have put a new one there. */
  #readToken(): string {
    const path = this.#options.joinTokenFile;
    if (path === undefined) {
      throw new WeftError("unauthenticated", "there is no valid certificate and no join token", {
        hint: "give the proxy a join token for its namespace and service account",
      });
    }
    let token: string;
    try {
      token = readFileSync(path, "utf8").trim();
    } catch (cause) {
      throw new WeftError("io", `the join token in ${path} cannot be read`, { cause });
    }
    if (!/^[\x21-\x7e]+$/.test(token) || token.length > maxTokenLength) {
      throw new WeftError("bad_input", `${path} holds no join token`);
    }
    return token;
  }

  async #store(identity: HeldIdentity): Promise<void> {
    const { path, log } = this.#options;
    try {
      await writePrivateFile(path, encodeIdentity(identity));
    } catch (error) {
      log.warn("the certificate could not be stored; after a restart the proxy must join again", {
        error: errorLine(error),
      });
    }
  }
}
