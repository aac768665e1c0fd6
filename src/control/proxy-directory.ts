/** Which proxies are connected, as whom and in which role: what status and topology tell of them. */
import type { MeshStatus, ProxyStatus } from "../api/index.ts";
import type {
  MetricsPlace,
  PresenceListener,
  ProxyIdentity,
  ProxyRole,
  RefusedResource,
  ResourceName,
  SubscriptionCore,
} from "../distribute/index.ts";
import { formatSpiffeId, type SpiffeId } from "../kernel/index.ts";
import { meshKey } from "../model/index.ts";
import { type Registry, versionOf } from "../registry/index.ts";
import type { ShownCertificate } from "./shown-certificate.ts";
import {
  maxRefusals,
  type ProxyRecord,
  refusedPart,
  type RefusalRecord,
  restoredRefusal,
} from "./replicas/proxies-elsewhere.ts";

/** Fewer that are away are not worth a look at all of them. */
const minSweepSize = 100;

interface ConnectedProxy {
  readonly role: ProxyRole;
  readonly identity: string;
}

export interface KnownProxy {
  readonly workload: string;
  readonly isConnected: boolean;
  /** 0: it was never seen here. */
  readonly awaySinceMs: number;
  /** Undefined: it was never seen here. */
  readonly certificate: ShownCertificate | undefined;
}

/** One that says where its metrics are read. */
export interface ScrapedProxy {
  /** "namespace/name" */
  readonly workload: string;
  readonly role: ProxyRole;
  /** Its SPIFFE id; empty: unknown. */
  readonly identity: string;
  /** Empty: its workload has none, or it is a gateway. */
  readonly version: string;
  readonly place: MetricsPlace;
}

interface Admission {
  readonly workload: string;
  readonly identity: string;
}

export class ProxyDirectory implements PresenceListener {
  readonly #registry: Registry;
  readonly #trustDomain: string;
  readonly #connected = new Map<string, ConnectedProxy>();
  /** The identity that was last allowed to open a stream: presence, which comes right after, does not carry it. */
  #admitted: Admission | undefined;
  /** Of workloads that are or were connected; those that left are forgotten when they are not registered any more. */
  readonly #shown = new Map<string, ShownCertificate>();
  readonly #awaySince = new Map<string, number>();
  /** With so many away, those that are not registered any more are forgotten. */
  #sweepSize = minSweepSize;
  readonly #metrics = new Map<string, MetricsPlace>();
  /** Addresses of the machines of connected gateways. */
  readonly #machines = new Map<string, readonly string[] | undefined>();
  readonly #onGatewayAddresses: (addresses: readonly string[] | undefined) => void;
  readonly #nowMs: () => number;
  /** Connected to other control planes of the mesh, by workload. */
  #elsewhere: ReadonlyMap<string, ProxyRecord> = new Map();
  readonly #elsewhereListeners = new Set<() => void>();
  #isStopping = false;

  /**
   * `onGatewayAddresses`: the addresses of all gateways' machines together, sorted, or undefined where one of them does not
   * tell. While no gateway is connected the last ones count.
   */
  constructor(
    registry: Registry,
    trustDomain: string,
    onGatewayAddresses: (addresses: readonly string[] | undefined) => void = () => {},
    nowMs: () => number = Date.now,
  ) {
    this.#nowMs = nowMs;
    this.#registry = registry;
    this.#trustDomain = trustDomain;
    this.#onGatewayAddresses = onGatewayAddresses;
  }

  admit(workload: string, id: SpiffeId, certificate?: ShownCertificate): void {
    this.#admitted = { workload, identity: formatSpiffeId(id) };
    if (certificate !== undefined) this.#shown.set(workload, certificate);
  }

  /** Connected here or elsewhere, or registered and away. */
  known(): KnownProxy[] {
    const here = [...this.#connected.keys()].map((workload): KnownProxy => {
      return { workload, isConnected: true, awaySinceMs: 0, certificate: this.#shown.get(workload) };
    });
    const connected = [
      ...here,
      ...this.#onlyElsewhere().map(({ workload, certificate }): KnownProxy => {
        return { workload, isConnected: true, awaySinceMs: 0, certificate };
      }),
    ];
    const away = this.#away().map((workload): KnownProxy => {
      const awaySinceMs = this.#awaySince.get(workload) ?? 0;
      return { workload, isConnected: false, awaySinceMs, certificate: this.#shown.get(workload) };
    });
    return [...connected, ...away].toSorted((a, b) => (a.workload < b.workload ? -1 : 1));
  }

  connected(workload: string, role: ProxyRole): void {
    const identity =
      this.#admitted?.workload === workload ? this.#admitted.identity : this.#registered(workload);
    this.#connected.set(workload, { role, identity });
    this.#awaySince.delete(workload);
    this.#registry.connected(workload);
  }

  introduced({ workload, role, addresses, metrics }: ProxyIdentity): void {
    if (metrics === undefined) this.#metrics.delete(workload);
    else this.#metrics.set(workload, metrics);
    if (role !== "gateway") return;
    this.#machines.set(workload, addresses);
    this.#tellAddresses();
  }

  disconnected(workload: string): void {
    this.#connected.delete(workload);
    if (!this.#elsewhere.has(workload)) this.#awaySince.set(workload, this.#nowMs());
    this.#forgetGone();
    if (this.#machines.delete(workload)) this.#tellAddresses();
    // Streams that end because we do say nothing about their workloads.
    if (!this.#isStopping) this.#registry.disconnected(workload);
  }

  stop(): void {
    this.#isStopping = true;
  }

  /** By workload, of proxies that refuse something, here and elsewhere. What is tried out on them alone is not in here. */
  refusals(core: SubscriptionCore): Map<string, readonly RefusedResource[]> {
    const elsewhere = this.#onlyElsewhere().flatMap(
      ({ workload, refused = [] }): [string, readonly RefusedResource[]][] =>
        refused.length === 0 ? [] : [[workload, refused.map(restoredRefusal)]],
    );
    return new Map([...elsewhere, ...core.refusals()]);
  }

  /** Called when other control planes have told of their proxies. Returns the way out. */
  onElsewhere(listener: () => void): () => void {
    this.#elsewhereListeners.add(listener);
    return () => void this.#elsewhereListeners.delete(listener);
  }

  /** For the other control planes. */
  records(core: SubscriptionCore): ProxyRecord[] {
    const subscribers = new Map(core.statuses().map((status) => [status.identity.workload, status]));
    const withoutMesh = core.behindOn("Mesh", meshKey);
    const mesh = core.source.get("Mesh", meshKey)?.version ?? "";
    return [...this.#connected].map(([workload, { role, identity }]): ProxyRecord => {
      const subscriber = subscribers.get(workload);
      const [certificate, metrics] = [this.#shown.get(workload), this.#metrics.get(workload)];
      const addresses = this.#machines.get(workload);
      return {
        ...{ workload, role, identity, revision: subscriber?.revision ?? 0 },
        ...(subscriber === undefined ? {} : { answered: subscriber.answered }),
        ...refusedPart(subscriber?.refused ?? []),
        ...(certificate === undefined ? {} : { certificate }),
        mesh: withoutMesh.has(workload) ? "" : mesh,
        ...(metrics === undefined ? {} : { metrics }),
        ...(addresses === undefined ? {} : { addresses }),
      };
    });
  }

  /** All that are connected to other control planes now; each counts for its workload's lease as one of its streams does. */
  setElsewhere(proxies: ReadonlyMap<string, ProxyRecord>): void {
    const before = this.#elsewhere;
    this.#elsewhere = proxies;
    for (const workload of proxies.keys()) {
      this.#awaySince.delete(workload);
      if (!before.has(workload)) this.#registry.connected(workload);
    }
    for (const workload of before.keys()) {
      if (proxies.has(workload)) continue;
      this.#awaySince.set(workload, this.#nowMs());
      this.#registry.disconnected(workload);
    }
    this.#tellAddresses();
    for (const listener of this.#elsewhereListeners) listener();
  }

  /** Those of them that have not acknowledged that version of the `Mesh` resource. */
  elsewhereWithoutMesh(version: string): ReadonlySet<string> {
    const behind = this.#onlyElsewhere().filter(({ mesh }) => mesh !== version);
    return new Set(behind.map(({ workload }) => workload));
  }

  /** Connected ones. */
  gateways(): string[] {
    return [...this.#connected].flatMap(([workload, { role }]) => (role === "gateway" ? [workload] : []));
  }

  /**
   * Connected ones first in the order of their ids, then workloads that are registered and not connected. `objectsOf`: what a
   * refusal may be due to.
   */
  statuses(
    core: SubscriptionCore,
    objectsOf: (resource: ResourceName) => readonly string[] = () => [],
  ): MeshStatus["proxies"] {
    const subscribers = new Map(core.statuses().map((status) => [status.identity.workload, status]));
    const connected = [...this.#connected].map(([workload, { role, identity }]): ProxyStatus => {
      const subscriber = subscribers.get(workload);
      return {
        id: workload,
        role,
        workload,
        identity,
        connected: true,
        revision: subscriber?.revision ?? 0,
        answered: subscriber?.answered ?? 0,
        ...rejectionsPart(subscriber?.refused ?? [], objectsOf),
      };
    });
    const elsewhere = this.#onlyElsewhere().map(
      ({ workload, role, identity, revision, answered, refused = [] }): ProxyStatus => ({
        ...{ id: workload, role, workload, identity, connected: true, revision },
        ...(answered === undefined ? {} : { answered }),
        ...rejectionsPart(refused, objectsOf),
      }),
    );
    const lost = this.#away().map((path): ProxyStatus => {
      const identity = this.#registered(path);
      return { id: path, role: "sidecar", workload: path, identity, connected: false, revision: 0 };
    });
    return [...[...connected, ...elsewhere].toSorted(byId), ...lost.toSorted(byId)];
  }

  /** Connected, or registered and away: whoever scrapes shall see that it is gone. In the order of their ids. */
  scraped(): ScrapedProxy[] {
    const elsewhere = [...this.#elsewhere.values()].filter(({ metrics }) => metrics !== undefined);
    const workloads = new Set([...this.#metrics.keys(), ...elsewhere.map(({ workload }) => workload)]);
    return [...workloads].toSorted().flatMap((workload) => this.scrapedOf(workload) ?? []);
  }

  scrapedOf(workload: string): ScrapedProxy | undefined {
    const elsewhere = this.#elsewhere.get(workload);
    const place = this.#metrics.get(workload) ?? elsewhere?.metrics;
    const connected = this.#connected.get(workload) ?? elsewhere;
    const view = this.#registry.views.workload(workload);
    if (place === undefined || (connected === undefined && view === undefined)) return undefined;
    return {
      workload,
      role: connected?.role ?? "sidecar",
      identity: connected?.identity ?? this.#registered(workload),
      version: view === undefined ? "" : versionOf(view.labels),
      place,
    };
  }

  #onlyElsewhere(): ProxyRecord[] {
    return [...this.#elsewhere.values()].filter(({ workload }) => !this.#connected.has(workload));
  }

  #away(): string[] {
    return [...this.#registry.views.workloads()]
      .filter(
        ({ path, tunnel }) =>
          tunnel.kind !== "none" && !this.#connected.has(path) && !this.#elsewhere.has(path),
      )
      .map(({ path }) => path);
  }

  /** Whoever is away and not registered any more. All of a large mesh may go at once, so not all are looked at for each. */
  #forgetGone(): void {
    if (this.#awaySince.size < this.#sweepSize) return;
    for (const workload of this.#awaySince.keys()) {
      if (this.#registry.views.workload(workload) !== undefined) continue;
      this.#awaySince.delete(workload);
      this.#shown.delete(workload);
      this.#metrics.delete(workload);
    }
    this.#sweepSize = Math.max(minSweepSize, this.#awaySince.size * 2);
  }

  #tellAddresses(): void {
    const gateways = this.#onlyElsewhere().filter(({ role }) => role === "gateway");
    const machines = [...this.#machines.values(), ...gateways.map(({ addresses }) => addresses)];
    // While no gateway is connected the last ones count.
    if (machines.length === 0) return;
    const addresses = machines.flatMap((each) => each ?? []);
    this.#onGatewayAddresses(machines.includes(undefined) ? undefined : [...new Set(addresses)].toSorted());
  }

  #registered(workload: string): string {
    const view = this.#registry.views.workload(workload);
    if (view === undefined) return "";
    const { namespace, serviceAccount } = view;
    return formatSpiffeId({ trustDomain: this.#trustDomain, namespace, serviceAccount });
  }
}

function rejectionsPart(
  refused: readonly RefusalRecord[],
  objectsOf: (resource: ResourceName) => readonly string[],
): Pick<ProxyStatus, "rejections"> {
  if (refused.length === 0) return {};
  const rejections = refused.slice(0, maxRefusals).map(({ kind, key, why, revision }) => {
    const objects = objectsOf({ kind, key });
    return {
      resource: `${kind} ${key}`,
      message: why,
      revision,
      ...(objects.length === 0 ? {} : { objects }),
    };
  });
  return { rejections };
}

function byId(a: ProxyStatus, b: ProxyStatus): number {
  return a.id < b.id ? -1 : 1;
}
