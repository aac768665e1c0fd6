/**
 * What the mesh trusts, brought to every proxy: hands out roots and revocations, and drives a change of root from phase to phase
 * as proxies acknowledge and renew. All that must survive a crash is in the authority's and the ledger's files; this only looks.
 */
import type { RotationRequest, RotationStatus } from "../api/index.ts";
import type { SubscriptionCore } from "../distribute/index.ts";
import {
  type CertificateAuthority,
  type CertificateLedger,
  isGoingBack,
  movesCertificates,
  numberOf,
  type Rotation,
} from "../identity/index.ts";
import { certificateNumber, fingerprintOf, RevokedSet, serialText } from "../identity/x509/index.ts";
import { type Clock, errorLine, type Log, type Timer } from "../kernel/index.ts";
import { meshKey } from "../model/index.ts";
import type { Configuration } from "./configuration.ts";
import type { Lead } from "./lead.ts";
import type { KnownProxy, ProxyDirectory } from "./proxy-directory.ts";
import type { PeerOfPort } from "./proxies.ts";

export interface TrustControlOptions {
  readonly authority: CertificateAuthority;
  readonly ledger: CertificateLedger;
  readonly configuration: Configuration;
  readonly core: SubscriptionCore;
  readonly directory: ProxyDirectory;
  readonly clock: Clock;
  readonly log: Log;
  /** The newest roots are to be written where programs find them. */
  readonly publishRoots: () => void;
  /** Of several control planes one drives the change of root; default: this one. */
  readonly lead?: Lead;
  /** Resolves when a change of the CA is where it counts; default: it is at once. */
  readonly published?: () => Promise<void>;
  /** Ends connections of the proxies' port. */
  readonly closePeers: (isUnwanted: (peer: PeerOfPort) => boolean) => number;
}

const lookEveryMs = 200;
/** Connections that were begun with the trust of before are set up by then; each takes milliseconds. */
const settleMs = 1_000;
/** A proxy that lost its stream, or a control plane that was started again, is back by then: proxies try every 4 s at the latest. */
const returnMs = 15_000;
/** Renewals are spread so that no more than some hundred come in a second, over at most half a minute. */
const minReissueMs = 1_000;
const maxReissueMs = 30_000;
const reissueMsPerProxy = 10;

export class TrustControl {
  readonly #options: TrustControlOptions;
  /** Since when this control plane drives. */
  #startedMs: number;
  #revoked = RevokedSet.none;
  #timer: Timer | undefined;
  #doneSinceMs: number | undefined;
  readonly #unsubscribes: readonly (() => void)[];

  constructor(options: TrustControlOptions) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
    this.#apply();
    this.#unsubscribes = [
      options.authority.onChange(() => {
        this.#apply();
        // Another control plane may have begun it.
        if (options.authority.rotation.current !== undefined) this.#schedule();
      }),
      options.ledger.onRevoked(() => this.#apply()),
      ...(options.lead === undefined ? [] : [options.lead.onChange(() => this.#led())]),
    ];
    const { current } = options.authority.rotation;
    if (current !== undefined) {
      options.log.info("a change of the root goes on", {
        phase: current.phase,
        from: current.from,
        to: current.to,
      });
      this.#schedule();
    }
  }

  isRevoked(der: Uint8Array): boolean {
    return this.#revoked.has(der);
  }

  /** Rejects with `conflict` where that cannot be done now. */
  async request({ action, pauseAfter, forceAfterSeconds }: RotationRequest): Promise<RotationStatus> {
    const { authority, log } = this.#options;
    const options = {
      pauseAfter,
      forceAfterMs: forceAfterSeconds === undefined ? undefined : forceAfterSeconds * 1_000,
    };
    const { rotation } = authority;
    this.#doneSinceMs = undefined;
    if (action === "start") rotation.start(options);
    else if (action === "continue") rotation.resume(options);
    else rotation.abort(options);
    await this.#options.published?.();
    log.info(`root rotation: ${action}`, this.#describe());
    this.#schedule();
    return this.status();
  }

  status(): RotationStatus {
    const { current, last } = this.#options.authority.rotation;
    const behind = current === undefined ? [] : this.#behind(current);
    const total = this.#options.directory.known().length;
    return {
      phase: current?.phase ?? "none",
      aborting: current !== undefined && isGoingBack(current.phase),
      paused: current?.isPaused ?? false,
      ...(current?.pauseAfter === undefined ? {} : { pauseAfter: current.pauseAfter }),
      ...(current?.forceAfterMs === undefined
        ? {}
        : { forceAfterSeconds: Math.floor(current.forceAfterMs / 1_000) }),
      from: current?.from ?? "",
      to: current?.to ?? "",
      startedMs: current?.startedMs ?? 0,
      phaseStartedMs: current?.phaseStartedMs ?? 0,
      done: total - behind.length,
      total,
      behind: behind.map(({ workload, isConnected, why }) => ({ workload, connected: isConnected, why })),
      ...(last === undefined
        ? {}
        : { last: { outcome: last.outcome, finishedMs: last.finishedMs, from: last.from, to: last.to } }),
    };
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribes) unsubscribe();
    this.#timer?.cancel();
  }

  /** Roots and revocations to everybody; who is revoked is put out at once. */
  #apply(): void {
    const { authority, ledger, configuration, directory, closePeers, publishRoots, log } = this.#options;
    const { roots, issuing } = authority.trust;
    const revoked = [...ledger.revoked.map(numberOf), ...authority.revoked];
    this.#revoked = RevokedSet.of(revoked);
    publishRoots();
    const spread = directory.known().length * reissueMsPerProxy;
    configuration.setTrust({
      roots,
      issuingRoot: Buffer.from(issuing, "hex"),
      reissueWithinMs: Math.min(maxReissueMs, minReissueMs + spread),
      revoked,
    });
    const trusted = new Set(roots.map((der) => fingerprintOf(der)));
    const closed = closePeers((peer) => this.#revoked.has(peer.der) || !this.#isOf(peer.der, trusted));
    if (closed > 0)
      log.warn("connections of proxies whose certificates are not taken any more were ended", {
        connections: closed,
      });
  }

  /** What is not known to be of another root is. */
  #isOf(der: Uint8Array, roots: ReadonlySet<string>): boolean {
    const number = certificateNumber(der);
    if (number === undefined) return false;
    const issuer = Buffer.from(number.issuer).toString("hex");
    const root = this.rootOf({ issuer, serial: serialText(number.serial) });
    return root === undefined || root === "" || roots.has(root);
  }

  /** Whoever drives from now on gives everybody the time to be seen. */
  #led(): void {
    this.#startedMs = this.#options.clock.nowMs();
    this.#doneSinceMs = undefined;
    if (this.#options.authority.rotation.current !== undefined) this.#schedule();
  }

  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(lookEveryMs, () => {
      this.#timer = undefined;
      try {
        this.#look();
      } catch (error) {
        // Most likely the disk: the phase stays, and is tried again.
        this.#options.log.error("the change of the root cannot go on", { error: errorLine(error) });
      }
      if (this.#options.authority.rotation.current !== undefined) this.#schedule();
    });
  }

  #look(): void {
    const { authority, clock, log } = this.#options;
    const { current } = authority.rotation;
    if (current === undefined || current.isPaused) return;
    if (this.#options.lead?.isLeading() === false) return;
    const nowMs = clock.nowMs();
    if (this.#blocking(current, nowMs).length > 0 || nowMs - this.#startedMs < this.#graceMs(current)) {
      this.#doneSinceMs = undefined;
      return;
    }
    this.#doneSinceMs ??= nowMs;
    if (nowMs - this.#doneSinceMs < settleMs) return;
    this.#doneSinceMs = undefined;
    const before = this.#describe();
    const next = authority.rotation.advance();
    log.info("root rotation: phase over", { ...before, next });
  }

  /** A control plane that went down in the middle does not know yet who is there. */
  #graceMs(rotation: Rotation): number {
    return rotation.phaseStartedMs < this.#startedMs ? returnMs : 0;
  }

  /** Those without which the phase is not over. */
  #blocking(rotation: Rotation, nowMs: number): readonly BehindProxy[] {
    const { phase, forceAfterMs, phaseStartedMs } = rotation;
    const isForced = forceAfterMs !== undefined && nowMs - phaseStartedMs >= forceAfterMs;
    return this.#behind(rotation).filter(({ isConnected, awaySinceMs }) => {
      if (isConnected) return true;
      if (isForced) return false;
      // After these a root is taken away: whoever has not moved would be cut off.
      if (movesCertificates(phase)) return true;
      return nowMs - Math.max(awaySinceMs, this.#startedMs) < returnMs;
    });
  }

  #behind(rotation: Rotation): readonly BehindProxy[] {
    const { core, directory, authority } = this.#options;
    const version = core.source.get("Mesh", meshKey)?.version ?? "";
    const withoutMesh = new Set([
      ...core.behindOn("Mesh", meshKey),
      ...directory.elsewhereWithoutMesh(version),
    ]);
    const { issuing } = authority.trust;
    const wantsMove = movesCertificates(rotation.phase);
    return directory.known().flatMap((proxy): BehindProxy[] => {
      const why = this.#lacking(proxy, withoutMesh, wantsMove ? issuing : undefined);
      return why === undefined ? [] : [{ ...proxy, why }];
    });
  }

  #lacking(
    { workload, isConnected, certificate }: KnownProxy,
    withoutMesh: ReadonlySet<string>,
    root: string | undefined,
  ): string | undefined {
    if (!isConnected) return "it is not connected";
    if (withoutMesh.has(workload)) return "it has not acknowledged the roots";
    if (root === undefined || certificate === undefined) return undefined;
    return this.rootOf(certificate) === root ? undefined : "its certificate is of the other root";
  }

  /** Fingerprint of the root of a certificate; undefined: not known. */
  rootOf({ issuer, serial }: { readonly issuer: string; readonly serial: string }): string | undefined {
    const { authority, ledger } = this.#options;
    return authority.rootOf(issuer) ?? ledger.find(issuer, serial)?.root;
  }

  #describe(): Record<string, string | number> {
    const { phase, from, to, done, total } = this.status();
    return { phase, from: from.slice(0, 16), to: to.slice(0, 16), done, total };
  }
}

interface BehindProxy extends KnownProxy {
  readonly why: string;
}
