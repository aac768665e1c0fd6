/** What the data path sees of the agent. `createAgent` makes one. */
import type { TlsIdentity } from "../../net/index.ts";
import type { Address, Name } from "../../model/index.ts";
import type { TapOrders, TelemetryReport } from "../../wire/index.ts";
import type { PreparedOutbound, Snapshot, Unknown } from "./snapshot.ts";

/** The kinds that a proxy asks for one by one, on demand. */
export type DemandKind = "Address" | "Name" | "Outbound";

/** "unknown": there is no such thing. "unavailable": no answer within the deadline, or the agent is closed. */
export type Resolved<T> = T | Unknown | "unavailable";

export interface PendingLookup {
  /** The callback will not be called any more. The subscription stays. */
  cancel(): void;
}

export interface AgentStatus {
  /**
   * It can serve: it has a certificate and the mesh's configuration, from the control plane or from disk; a sidecar that
   * was announced its own inbound configuration too.
   */
  readonly isReady: boolean;
  /** The stream to the control plane is open. */
  readonly isConnected: boolean;
  readonly revision: number;
  readonly identity: string;
  /** 0: no certificate yet. */
  readonly certificateNotAfterMs: number;
  readonly subscriptions: number;
  /** Resources that this proxy could not use as they came, and serves as they were before: "Kind name: why". */
  readonly rejected: readonly string[];
  /** Why the control plane is not reached at the moment; empty when it is. */
  readonly lastError: string;
}

/** Where telemetry deltas come from. `take` returns what happened since the call before; undefined: nothing. */
export interface TelemetrySource {
  take(): TelemetryReport | undefined;
  /** What `take` returned is a part of what happened, the next one may be taken when that is sent. Absent: never. */
  readonly hasMore?: boolean;
  /** One that was taken is lost: the control plane was away for too long. */
  dropped?(): void;
}

/** Whoever taps what the proxy carries. */
export interface TapHandler {
  /** Replaces what was said before. Undefined: the control plane is not there any more, and nothing is tapped. */
  onOrders(orders: TapOrders | undefined): void;
  /** After `send` returned false: more is wanted. */
  onDrain(): void;
}

export interface TapSender {
  /** An encoded `TapUpload`. False: it was taken, but stop until `onDrain`. Without a control plane it is dropped. */
  send(upload: Uint8Array): boolean;
}

export interface Agent {
  /** The current one. Read once per request and kept until its end. */
  readonly snapshot: Snapshot;
  readonly status: AgentStatus;
  /** Called after each swap, before lookups that waited for it are answered. Returns the way out. */
  onSnapshot(listener: (snapshot: Snapshot, previous: Snapshot) => void): () => void;

  /**
   * The callback is called exactly once: before this returns where the answer is known (then nothing is returned),
   * else when the answer comes or `deadlineMs` have passed. By then `snapshot` holds the answer.
   * Each call counts as a use of the subscription.
   */
  resolveAddress(
    ip: string,
    deadlineMs: number,
    callback: (result: Resolved<Address>) => void,
  ): PendingLookup | undefined;
  resolveOutbound(
    key: string,
    deadlineMs: number,
    callback: (result: Resolved<PreparedOutbound>) => void,
  ): PendingLookup | undefined;
  resolveName(
    fqdn: string,
    deadlineMs: number,
    callback: (result: Resolved<Name>) => void,
  ): PendingLookup | undefined;
  /** Starts what a dial to this address will need: the address, then the outbounds of its service's first ports. For DNS answers. */
  prefetch(ip: string): void;
  /** Keeps a subscription from idling out: call it when a connection or request uses the key. Costs one map lookup. */
  touch(kind: DemandKind, key: string): void;

  /** The current certificate. Throws `unavailable` before the first one: await `ready()` before listening. */
  identity(): TlsIdentity;
  onIdentity(listener: (identity: TlsIdentity) => void): () => void;

  /** Resolves once `status.isReady` holds for the first time. Rejects only when the agent is closed before. */
  ready(): Promise<void>;
  /**
   * Says where the mesh reaches this workload, and registers it from then on whenever the control plane is there: call
   * it once the tunnel's listener is bound. Peers may dial from that moment; `snapshot.inboundTable` comes after it.
   */
  announce(tunnel: { readonly address: string; readonly port: number }): void;
  /** Starts to upload reports at the interval that the control plane asks for. Called once. */
  reportTelemetry(source: TelemetrySource): void;
  /** Takes orders of taps from now on. Called once. */
  serveTaps(handler: TapHandler): TapSender;
  /**
   * Tells the mesh that this workload takes no new requests, awaits `whenDrained`, sends the last telemetry, leaves,
   * closes. A control plane that is not reached only costs its timeout.
   */
  drainAndLeave(whenDrained: () => Promise<void>): Promise<void>;
  /**
   * Another process is this workload from now on, so the mesh is told nothing: awaits `whenDrained`, sends the last telemetry, closes.
   * What is on disk is the other's.
   */
  handOver(whenDrained: () => Promise<void>): Promise<void>;
  /** What it would start from is on disk, or could not be put there. */
  flush(): Promise<void>;
  /** Ends streams and timers at once, without leaving. Idempotent. */
  close(): void;
}
