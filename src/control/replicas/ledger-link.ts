/**
 * The lists of certificates of all replicas as one: each keeps its own file, tells the others what it notes, and has of them
 * what they noted and revoked. A revocation is in etcd before it is acknowledged; a proof is spent there, once for all.
 */
import type { CertificateLedger, KnownCertificate, Revocation } from "../../identity/index.ts";
import { type Clock, errorLine, type Log, type Timer } from "../../kernel/index.ts";
import { jsonOf, type SharedValues } from "../../store/etcd/index.ts";

const noted = "certificate/";
const revoked = "revoked/";
const spent = "spent/";
/** Five hundred workloads may start within a second: one write for all of them. */
const gatherMs = 200;
const retryMs = 2_000;
/** What is not told by then is shown to others by the proxies themselves. */
const maxWaiting = 50_000;
const keepExpiredMs = 86_400_000;
const sweepEveryMs = 600_000;

export interface LedgerLinkParts {
  readonly values: SharedValues;
  readonly ledger: CertificateLedger;
  readonly isLeading: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

export class LedgerLink {
  readonly #parts: LedgerLinkParts;
  readonly #waiting = new Map<string, Uint8Array>();
  readonly #unsubscribes: readonly (() => void)[];
  #timer: Timer | undefined;
  #isTaking = false;
  #sweptMs = 0;

  constructor(parts: LedgerLinkParts) {
    this.#parts = parts;
    const { values, ledger } = parts;
    this.#take([...values.names(noted)]);
    this.#takeRevoked();
    this.#unsubscribes = [
      values.onChange((names) => {
        this.#take(names.filter((name) => name.startsWith(noted)));
        if (names.some((name) => name.startsWith(revoked))) this.#takeRevoked();
      }),
      ledger.onNoted((certificate) => {
        if (!this.#isTaking) this.#tell(certificate);
      }),
    ];
  }

  /** Resolves when every replica will know. Rejects with `unavailable`; then nothing is certain, and it can be asked again. */
  async revoke(certificates: readonly KnownCertificate[], reason: string): Promise<void> {
    const revokedMs = this.#parts.clock.nowMs();
    const already = new Set(this.#parts.values.names(revoked));
    const values = new Map<string, Uint8Array>();
    for (const { issuer, serial, workload, identity, notAfterMs } of certificates) {
      const name = `${revoked}${issuer}-${serial}`;
      const revocation: Revocation = { issuer, serial, workload, identity, reason, revokedMs, notAfterMs };
      if (!already.has(name)) values.set(name, encode(revocation));
    }
    await this.#parts.values.set(values);
  }

  async unrevoke(certificates: readonly KnownCertificate[]): Promise<void> {
    const names = certificates.map(
      ({ issuer, serial }) => [`${revoked}${issuer}-${serial}`, undefined] as const,
    );
    await this.#parts.values.set(new Map(names));
  }

  /** False: it was used before, at whichever replica. */
  async spend(proof: string, untilMs: number): Promise<boolean> {
    // A value of its own, so that a try whose answer was lost knows itself.
    return await this.#parts.values.replace(
      `${spent}${proof}`,
      encode({ untilMs, by: crypto.randomUUID() }),
      0n,
    );
  }

  close(): void {
    this.#timer?.cancel();
    for (const unsubscribe of this.#unsubscribes) unsubscribe();
  }

  #tell(certificate: KnownCertificate): void {
    if (this.#waiting.size >= maxWaiting) return;
    this.#waiting.set(`${noted}${certificate.issuer}-${certificate.serial}`, encode(certificate));
    this.#schedule(gatherMs);
  }

  #schedule(delayMs: number): void {
    this.#timer ??= this.#parts.clock.after(delayMs, () => {
      void this.#send().finally(() => {
        this.#timer = undefined;
        if (this.#waiting.size > 0) this.#schedule(retryMs);
      });
    });
  }

  async #send(): Promise<void> {
    const batch = new Map(this.#waiting);
    try {
      await this.#parts.values.set(batch);
      for (const [name, value] of batch) if (this.#waiting.get(name) === value) this.#waiting.delete(name);
      await this.#sweep();
    } catch (error) {
      this.#parts.log.debug("certificates are not yet told to the other replicas", {
        error: errorLine(error),
      });
    }
  }

  #take(names: readonly string[]): void {
    const { values, ledger, log } = this.#parts;
    this.#isTaking = true;
    try {
      for (const name of names) {
        const found = values.get(name);
        const certificate = found === undefined ? undefined : certificateOf(jsonOf(found.value, name));
        if (certificate !== undefined) ledger.note(certificate);
      }
    } catch (error) {
      log.warn("what other replicas noted of certificates was not taken", { error: errorLine(error) });
    } finally {
      this.#isTaking = false;
    }
  }

  #takeRevoked(): void {
    const { values, ledger } = this.#parts;
    const list: Revocation[] = [];
    for (const name of values.names(revoked)) {
      const found = values.get(name);
      const revocation = found === undefined ? undefined : revocationOf(jsonOf(found.value, name));
      if (revocation !== undefined) list.push(revocation);
    }
    ledger.adoptRevoked(list);
  }

  /** What is expired is refused for that already. */
  async #sweep(): Promise<void> {
    const { values, clock, isLeading } = this.#parts;
    const nowMs = clock.nowMs();
    if (!isLeading() || nowMs - this.#sweptMs < sweepEveryMs) return;
    this.#sweptMs = nowMs;
    const outdated: string[] = [];
    for (const prefix of [noted, revoked, spent]) {
      for (const name of values.names(prefix)) {
        const found = values.get(name);
        const fields = fieldsOf(found === undefined ? undefined : jsonOf(found.value, name));
        const untilMs = fields.get("notAfterMs") ?? fields.get("untilMs");
        if (typeof untilMs === "number" && untilMs < nowMs - keepExpiredMs) outdated.push(name);
      }
    }
    await values.set(new Map(outdated.map((name) => [name, undefined])));
  }
}

function encode(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>(Object.entries(value ?? {}));
}

function certificateOf(value: unknown): KnownCertificate | undefined {
  return isCertificate(value) ? value : undefined;
}

function revocationOf(value: unknown): Revocation | undefined {
  return isRevocation(value) ? value : undefined;
}

function isCertificate(value: unknown): value is KnownCertificate {
  return hasTexts(value, ["root"]) && hasNames(value) && hasNumbers(value, ["notBeforeMs", "notAfterMs"]);
}

function isRevocation(value: unknown): value is Revocation {
  return hasTexts(value, ["reason"]) && hasNames(value) && hasNumbers(value, ["revokedMs", "notAfterMs"]);
}

function hasNames(value: unknown): boolean {
  return hasTexts(value, ["issuer", "serial", "workload", "identity"]);
}

function hasTexts(value: unknown, names: readonly string[]): boolean {
  return names.every((name) => typeof fieldsOf(value).get(name) === "string");
}

function hasNumbers(value: unknown, names: readonly string[]): boolean {
  return names.every((name) => typeof fieldsOf(value).get(name) === "number");
}
