/**
 * A proxy of the mesh with workers. The parent is the one that the mesh knows: it has the certificate, the stream, the membership, the
 * name service and the pages. Workers carry the traffic, and are told all that it is told before that is acknowledged.
 *
 *   certificate and mesh there -> workers listen -> announced -> serving --drain()--> mesh told -> workers drained -> left -> ended
 */
import { type Clock, errorLine, type Log, systemClock, type Timer, WeftError } from "../kernel/index.ts";
import { type Listener, resetReusePort } from "../net/index.ts";
import {
  ApplicationMetrics,
  createAgent,
  JoinedReports,
  NameService,
  type ParentAgent,
  type ProxyBootstrap,
  TapRelay,
} from "../proxy/index.ts";
import { asBefore } from "./doors.ts";
import { MeshDesk } from "./mesh-desk.ts";
import type { Place, WorkerPlan } from "./messages.ts";
import { PageServer, type PageSource } from "./pages.ts";
import { retireAll } from "./retire-listener.ts";
import { Succession } from "./succession.ts";
import { WorkerPool } from "./worker-pool.ts";

export interface ProxyParentOptions {
  readonly bootstrap: ProxyBootstrap;
  readonly count: number;
  /** Replace the process that has the bootstrap's data directory; without one, start as ever. */
  readonly takesOver?: boolean;
  /** What starts the worker of this index. */
  readonly command: (index: number) => readonly string[];
  readonly log: Log;
  readonly clock?: Clock;
}

export interface RunningProxyParent {
  /** Undefined: a gateway. */
  readonly tunnel: Place | undefined;
  readonly admin: Place;
  /** The process that this one took over from. */
  readonly replacedPid: number | undefined;
  /** Resolves when another process has taken over and all that was in flight here is done. */
  readonly replaced: Promise<void>;
  /** Tells the mesh, has the workers finish what is in flight, leaves. Idempotent. */
  drain(): Promise<void>;
  /** Ends everything at once. Idempotent. */
  close(): void;
}

/** A control plane that registered us answers within a few milliseconds; one that just died must not stop the start. */
const inboundWaitMs = 5_000;

/** Resolves when every worker listens. Throws WeftError; then nothing is left open. */
export async function startProxyParent(options: ProxyParentOptions): Promise<RunningProxyParent> {
  refuseUnshareable(options.bootstrap);
  const { bootstrap, takesOver = false, log, clock = systemClock } = options;
  const succession = await Succession.enter({ dataDir: bootstrap.dataDir, takesOver, clock, log });
  const parent = new ProxyParent(options, succession);
  try {
    await parent.open();
  } catch (error) {
    parent.close();
    throw error;
  }
  return parent;
}

class ProxyParent implements RunningProxyParent {
  readonly #options: ProxyParentOptions;
  readonly #clock: Clock;
  readonly #agent: ParentAgent;
  readonly #pool: WorkerPool;
  readonly #desk: MeshDesk;
  readonly #reports = new JoinedReports();
  readonly #succession: Succession | undefined;
  readonly #replaced = Promise.withResolvers<void>();
  #retiring: Promise<unknown> = Promise.resolve();
  /** Undefined: a gateway. */
  readonly #application: ApplicationMetrics | undefined;
  #names: NameService | undefined;
  #admin: PageServer | undefined;
  #health: PageServer | undefined;
  #isOpen = false;
  #draining: Promise<void> | undefined;

  constructor(options: ProxyParentOptions, succession: Succession | undefined) {
    const { bootstrap, count, command, log, clock = systemClock } = options;
    const taken = succession?.takeOver;
    const dnsPort = bootstrap.capture.kind === "redirect" ? bootstrap.capture.dnsPort : undefined;
    this.#options = options;
    this.#succession = succession;
    this.#clock = clock;
    this.#application = applicationOf(bootstrap, clock, () => this.#agent);
    this.#pool = new WorkerPool({
      count,
      command,
      plan: asBefore(planOf(bootstrap, count), taken?.handed.doors),
      everything: () => this.#agent.everything(),
      // Names are the parent's.
      taken: taken?.places.filter(({ port }) => port !== dnsPort) ?? [],
      mesh: {
        standing: () => ({ identity: this.#agent.identity(), status: this.#agent.status }),
        status: () => this.#agent.status,
        onWord: (worker, word) => this.#desk.receive(worker, word),
        // Pages are merged family by family, so two of them may follow one another.
        metricsText: () => `${this.#names?.metricsText() ?? ""}${this.#application?.metricsText() ?? ""}`,
      },
      clock,
      log,
    });
    // It begins with what is on disk, and carries that on: to no worker yet.
    this.#agent = createAgent({ bootstrap, clock, log, carry: (change) => this.#pool.commit(change) });
    this.#desk = new MeshDesk({
      agent: this.#agent,
      reports: this.#reports,
      taps: new TapRelay({
        agent: this.#agent,
        workers: count,
        tell: (worker, orders) =>
          worker === undefined
            ? this.#pool.tellAll({ kind: "taps", orders })
            : this.#pool.tell(worker, { kind: "taps", orders }),
      }),
      refuse: (worker, name) => this.#pool.tell(worker, { kind: "noRoom", name }),
    });
  }

  get tunnel(): Place | undefined {
    return this.#options.bootstrap.role === "sidecar" ? this.#pool.plan.tunnel : undefined;
  }

  get admin(): Place {
    return this.#admin?.bound ?? { address: "", port: 0 };
  }

  async open(): Promise<void> {
    const isTaking = this.#succession?.takeOver !== undefined;
    // The process before still has these ports.
    if (!isTaking) this.#openPages();
    await this.#agent.ready();
    await this.#succession?.caughtUp(this.#agent);
    this.#agent.onIdentity((identity) => {
      this.#pool.tellAll({ kind: "standing", standing: { identity, status: this.#agent.status } });
    });
    await this.#pool.open();
    this.#openNames();
    await this.#announce();
    this.#agent.reportTelemetry(this.#reports);
    this.#isOpen = true;
    if (isTaking) await this.#succeed();
    this.#allowNext();
  }

  get replacedPid(): number | undefined {
    return this.#succession?.replacedPid;
  }

  get replaced(): Promise<void> {
    return this.#replaced.promise;
  }

  drain(): Promise<void> {
    if (this.#draining !== undefined) void this.#pool.drain();
    this.#draining ??= this.#agent.drainAndLeave(() => this.#pool.drain()).finally(() => this.close());
    return this.#draining;
  }

  close(): void {
    void this.#pool.close();
    this.#names?.close();
    this.#closePages();
    this.#agent.close();
    this.#succession?.close();
  }

  async #succeed(): Promise<void> {
    const names = this.#names?.listeners.openListeners() ?? [];
    await this.#succession?.succeed([...this.#pool.openPlaces, ...names], this.#options.count);
    this.#pool.tookOver();
    for (const { listener } of names) resetReusePort(listener);
    // The other process is leaving: whatever becomes of these, the traffic is ours.
    try {
      this.#openPages();
    } catch (error) {
      this.#options.log.error("serving without the admin and health ports", { error: errorLine(error) });
    }
  }

  #allowNext(): void {
    const pool = this.#pool;
    this.#succession?.allowNext({
      freeze: async () => {
        if (this.#notReady() !== undefined) return undefined;
        await this.#agent.flush();
        const names = this.#names?.listeners.openListeners() ?? [];
        return [...pool.taken(), ...names.map(({ address, port }) => ({ address, port, count: 1 }))];
      },
      handed: () => {
        const { plan } = pool;
        const outbound = plan.capture.kind === "explicit" ? plan.capture.outbound : [];
        const tunnel = plan.role === "sidecar" ? plan.tunnel : undefined;
        return {
          revision: this.#agent.snapshot.revision,
          doors: { outbound, tunnel, plaintextPort: undefined },
        };
      },
      retire: async (kept, count) => {
        const retiring = Promise.all([pool.retire(kept, count), this.#retireNames(kept)]);
        this.#retiring = retiring;
        await retiring;
      },
      release: () => this.#closePages(),
      leave: () => {
        this.#draining ??= this.#agent.handOver(() => pool.drain(true)).finally(() => this.close());
        void this.#draining.then(() => this.#replaced.resolve());
      },
      resume: async () => {
        await this.#retiring;
        this.#names?.listeners.reopen();
        await pool.reopen();
      },
    });
  }

  async #retireNames(kept: readonly Place[]): Promise<void> {
    const listeners = this.#names?.listeners;
    if (listeners === undefined) return;
    const holder = {
      openListeners: () => listeners.openListeners(),
      releaseListener: (listener: Listener) => listeners.release(listener),
    };
    await retireAll(holder, kept, () => 1, { clock: this.#clock, log: this.#options.log });
  }

  #openPages(): void {
    const { admin, health } = this.#options.bootstrap;
    const source: PageSource = {
      metrics: () => this.#metrics(),
      config: () => this.#pool.config(),
      notReady: () => this.#notReady(),
    };
    this.#admin = PageServer.openAdmin(admin, source);
    this.#health = PageServer.openHealth(health, source);
  }

  #closePages(): void {
    this.#admin?.close();
    this.#health?.close();
    this.#admin = undefined;
    this.#health = undefined;
  }

  async #metrics(): Promise<string> {
    const page = await this.#pool.metrics();
    return (await this.#application?.appendTo(page)) ?? page;
  }

  #notReady(): string | undefined {
    if (this.#draining !== undefined) return "draining";
    if (!this.#agent.status.isReady) return "no certificate or configuration yet";
    if (!this.#isOpen) return "listeners are not open yet";
    return this.#pool.isServing ? undefined : "no worker serves";
  }

  #openNames(): void {
    const { capture, workload, dnsUpstreams } = this.#options.bootstrap;
    if (capture.kind !== "redirect") return;
    this.#names = NameService.open({
      agent: this.#agent,
      namespace: workload.namespace,
      port: capture.dnsPort,
      dnsUpstreams,
      mark: capture.mark || undefined,
      clock: this.#clock,
      ...(this.#succession === undefined ? {} : { sharing: () => "join" as const }),
    });
  }

  /** Peers may dial from here on. What a sidecar may take in comes with the answer, so readiness waits for it a little. */
  async #announce(): Promise<void> {
    const { tunnel } = this;
    if (tunnel === undefined) return;
    const isWildcard = tunnel.address === "0.0.0.0" || tunnel.address === "::";
    this.#agent.announce({ address: isWildcard ? "" : tunnel.address, port: tunnel.port });
    const ready = Promise.withResolvers<void>();
    const check = (): void => {
      if (this.#agent.status.isReady) ready.resolve();
    };
    const stopWatching = this.#agent.onSnapshot(check);
    const timer: Timer = this.#clock.after(inboundWaitMs, () => ready.resolve());
    check();
    await ready.promise;
    timer.cancel();
    stopWatching();
    if (!this.#agent.status.isReady) {
      this.#options.log.warn("no inbound configuration yet; this workload is not reached until it comes");
    }
  }
}

function applicationOf(
  { role, application, workload }: ProxyBootstrap,
  clock: Clock,
  agent: () => ParentAgent,
): ApplicationMetrics | undefined {
  if (role !== "sidecar") return undefined;
  return new ApplicationMetrics({
    place: () => agent().snapshot.inbound?.applicationMetrics,
    addresses: [...new Set([application.address, ...workload.addresses])],
    clock,
  });
}

/** Of a bootstrap, what a worker must know: no token, no control plane, no place of a key. */
function planOf(bootstrap: ProxyBootstrap, processes: number): WorkerPlan {
  const { role, workload, capture, tunnel, application, gateway, accessLogFile, dataDir } = bootstrap;
  return {
    role,
    workload,
    capture,
    tunnel,
    application,
    dnsUpstreams: [],
    hasNoDns: true,
    processes,
    dataDir,
    ...(gateway === undefined ? {} : { gateway }),
    ...(accessLogFile === undefined ? {} : { accessLogFile }),
  };
}

/** Throws `usage` for doors that processes cannot share. */
function refuseUnshareable({ gateway, capture }: ProxyBootstrap): void {
  if (gateway?.kind === "unix") {
    throw new WeftError("usage", "--workers cannot share a gateway's Unix sockets", {
      hint: 'give the bootstrap a gateway of kind "tcp", or leave --workers out',
    });
  }
  if (capture.kind === "redirect" && (capture.outboundPort === 0 || capture.inboundPort === 0)) {
    throw new WeftError("usage", "--workers needs the numbers of the ports that traffic is redirected to", {
      hint: "give outboundPort and inboundPort numbers other than 0",
    });
  }
}
