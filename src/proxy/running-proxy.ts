/**
 * One proxy put together: agent, upstreams, the doors that its bootstrap asks for, telemetry, and how it ends.
 *
 *   opening -> serving --drain()--> told the mesh -> accepting nothing -> in flight done | deadline -> closed
 */
import { join } from "node:path";
import type { Clock, Timer } from "../kernel/index.ts";
import { type Listener, originalDestination, shedCodePages, TimerWheel } from "../net/index.ts";
import { filterFactories } from "./admission/index.ts";
import type { Agent } from "./agent/index.ts";
import { Avoidance } from "./avoidance.ts";
import { announceTunnel } from "./await-readiness.ts";
import { type Reason, WorkEnd } from "./await-work.ts";
import type { ListenAddress } from "./bootstrap.ts";
import type { ProxyParts, ProxyPlan } from "./proxy-parts.ts";
import { NameLookups } from "./name-lookups.ts";
import { AdminServer, type AdminSource } from "./serve/admin.ts";
import { Application } from "./serve/application.ts";
import { ServeContext } from "./serve/context.ts";
import { describeAdmin } from "./serve/describe.ts";
import { DnsServer } from "./serve/dns.ts";
import type { OpenListener } from "./serve/door-listeners.ts";
import { type GatewayAddress, GatewayServer } from "./serve/gateway.ts";
import { endIfExpired, endRevoked } from "./serve/ended-trust.ts";
import { GuardReports } from "./serve/guard-reports.ts";
import { InboundPlaintext } from "./serve/inbound-plaintext.ts";
import { InboundTunnel } from "./serve/inbound-tunnel.ts";
import { localWorkload } from "./serve/local-workload.ts";
import { ServeMetrics } from "./serve/metrics.ts";
import { ProtocolMemory } from "./serve/protocol-memory.ts";
import { http1LimitNames } from "./serve/limits.ts";
import { OutboundServer } from "./serve/outbound.ts";
import { RefusalLog } from "./serve/refusal-log.ts";
import { RouteSelector } from "./serve/route-selector.ts";
import type { DestinationOf, Server } from "./serve/server.ts";
import { AccessLog, AccessLogger } from "./access-log/index.ts";
import { serveTaps } from "./tap/index.ts";
import { applyTelemetry } from "./told-traffic.ts";
import { encodeMetrics, ReportBuilder, SeriesRegistry } from "./telemetry/index.ts";
import { HopDialer, PeerTrust, Upstreams } from "./upstream/index.ts";

/** What was bound, port 0 resolved. */
export interface BoundAddresses {
  readonly outbound: readonly ListenAddress[];
  readonly tunnel: ListenAddress | undefined;
  readonly plaintextPort: number | undefined;
  readonly dns: ListenAddress | undefined;
  /** Port 0: not opened. */
  readonly admin: ListenAddress;
  readonly health: ListenAddress;
}

export interface RunningProxy {
  readonly bound: BoundAddresses;
  /** A gateway's listeners come and go with the configuration. */
  gatewayAddresses(): readonly GatewayAddress[];
  /** Listeners that could not be opened and are tried again: one line each. */
  gatewayFailures(): readonly string[];
  /** Listeners of all doors that another process may take over, one by one; see `reopenListeners`. */
  openListeners(): readonly OpenListener[];
  releaseListener(listener: Listener): void;
  /** The other process did not: what was released is opened again. */
  reopenListeners(): void;
  /** What the admin port answers, for a parent that has it. */
  metricsText(): string;
  configPage(): unknown;
  /** Undefined: ready; else what is missing. */
  notReady(): string | undefined;
  readonly avoidance: Avoidance;
  /** Of a plan without: opened later. Throws `address_in_use` or `permission`. */
  openPages(pages: { readonly admin: ListenAddress; readonly health: ListenAddress }): void;
  closePages(): void;
  /** What another process that reads the same folder starts from is there. */
  flush(): Promise<void>;
  /**
   * Another process is this proxy from now on and has its ports: tells the mesh nothing, ends when its connections have, at most after an
   * hour or the mesh's drain timeout, whichever is longer; `drain` makes it hurry. Idempotent.
   */
  handOver(): Promise<void>;
  /** Tells the mesh, finishes what is in flight up to the mesh's drain timeout, ends. Idempotent. */
  drain(): Promise<void>;
  /** Ends everything at once. Idempotent. */
  close(): void;
}

/** Fine enough for a request timeout, coarse enough to cost nothing: 512 slots of 10 ms make a turn of 5 s. */
const wheelTickMs = 10;
const wheelSlots = 512;
const sweepMs = 1_000;
const defaultDrainTimeoutMs = 10_000;

/** Resolves when everything that the bootstrap asks for listens and the agent is ready. Throws WeftError; nothing stays open then. */
export async function runProxy(parts: ProxyParts): Promise<RunningProxy> {
  const proxy = new Proxy(parts);
  try {
    await proxy.open();
  } catch (error) {
    proxy.close();
    throw error;
  }
  return proxy;
}

class Proxy implements RunningProxy {
  readonly #bootstrap: ProxyPlan;
  readonly #agent: Agent;
  readonly #clock: Clock;
  readonly #destinationOf: DestinationOf;
  readonly #context: ServeContext;
  readonly #accessLog: AccessLog;
  readonly #application: Application | undefined;
  readonly #gateway: GatewayServer | undefined;
  readonly #wheel: TimerWheel;
  readonly #names: NameLookups;
  readonly #selector: RouteSelector;
  readonly #servers: Server[] = [];
  #tunnel: InboundTunnel | undefined;
  #admin: AdminServer | undefined;
  #health: AdminServer | undefined;
  readonly avoidance: Avoidance;
  readonly #adminSource: AdminSource;
  #doors: Omit<BoundAddresses, "admin" | "health"> | undefined;
  #sweepTimer: Timer | undefined;
  #codePages: Timer | undefined;
  #stopWatching: () => void = () => {};
  #draining: Promise<void> | undefined;
  #work: WorkEnd | undefined;
  #isClosed = false;
  readonly #isTelemetryGiven: boolean;

  constructor(parts: ProxyParts) {
    const { bootstrap, agent, clock, log, observers = [] } = parts;
    const workload = localWorkload(bootstrap);
    const workloadKey = workload.key;
    const mark = bootstrap.capture.kind === "redirect" ? bootstrap.capture.mark || undefined : undefined;
    const metrics = new ServeMetrics();
    this.#bootstrap = bootstrap;
    this.#destinationOf = parts.destinationOf ?? originalDestination;
    this.#agent = agent;
    this.#clock = clock;
    this.#wheel = new TimerWheel(clock, wheelTickMs, wheelSlots);
    this.#names = new NameLookups({ upstreams: bootstrap.dnsUpstreams, wheel: this.#wheel, mark, clock });
    const { resolver } = this.#names;
    const [trust, refusalLog] = [new PeerTrust(() => agent.snapshot.mesh), new RefusalLog(log, clock)];
    const dialer = new HopDialer({
      trust,
      isExpired: () => this.#context.hasExpiredCertificate,
      onPeerRefused: ({ reason, detail }, { tunnelAddress, tunnelPort }) =>
        refusalLog.refused("upstream", { reason, detail, peer: `${tunnelAddress}:${tunnelPort}` }),
      names: { resolver, clock, random: Math.random },
      identity: () => agent.identity(),
      sourceWorkload: workloadKey,
      mark,
      limits: {
        current: () => this.#context.limits,
        onReached: (limit) => metrics.limitReached(http1LimitNames[limit]),
      },
    });
    const protocolsFile = bootstrap.dataDir ? join(bootstrap.dataDir, "protocols.json") : undefined;
    this.#context = new ServeContext({
      agent,
      workload,
      dialer,
      trust,
      refusalLog,
      upstreams: new Upstreams(dialer, clock, bootstrap.role === "gateway" ? "http1" : "client", {
        place: bootstrap.workload,
        listener: new GuardReports(metrics, log, clock),
        resolver,
      }),
      series: new SeriesRegistry(),
      metrics,
      protocols: new ProtocolMemory({ path: protocolsFile, clock, log }),
      clock,
      wheel: this.#wheel,
      random: Math.random,
      log,
      mark,
      filters: parts.filters ?? filterFactories(),
      processes: bootstrap.processes ?? 1,
    });
    this.#accessLog = AccessLog.open(bootstrap.accessLogFile, clock, metrics.accessLogDropped);
    this.#context.observers.set([
      new AccessLogger({ log: this.#accessLog, agent, clock, sink: this.#context.exports }),
      ...observers,
    ]);
    const selector = new RouteSelector(this.#context);
    this.#selector = selector;
    if (bootstrap.role === "sidecar") {
      this.#application = new Application({
        address: bootstrap.application.address,
        addresses: bootstrap.workload.addresses,
        workload: workloadKey,
        dialer,
        clock,
      });
    }
    if (bootstrap.gateway !== undefined) {
      this.#gateway = new GatewayServer(this.#context, selector, bootstrap.gateway, bootstrap.sharing);
      this.#servers.push(this.#gateway);
    }
    this.avoidance = new Avoidance(this.#context.upstreams, clock);
    this.#adminSource = this.#describe();
    this.#context.families = this.#adminSource.families;
    this.#isTelemetryGiven = parts.telemetry !== undefined;
    this.#context.applyTelemetry(parts.telemetry);
  }

  get bound(): BoundAddresses {
    if (this.#doors === undefined) throw new Error("the proxy is not open");
    const notOpened = { address: "", port: 0 };
    return {
      ...this.#doors,
      admin: this.#admin?.bound ?? notOpened,
      health: this.#health?.bound ?? notOpened,
    };
  }

  gatewayAddresses(): readonly GatewayAddress[] {
    return this.#gateway?.addresses() ?? [];
  }

  gatewayFailures(): readonly string[] {
    return this.#gateway?.failures() ?? [];
  }

  openListeners(): readonly OpenListener[] {
    return this.#servers.flatMap(({ listeners }) => listeners.openListeners());
  }

  releaseListener(listener: Listener): void {
    for (const { listeners } of this.#servers) listeners.release(listener);
  }

  reopenListeners(): void {
    if (!this.#context.isDraining) for (const { listeners } of this.#servers) listeners.reopen();
  }

  openPages({ admin, health }: { readonly admin?: ListenAddress; readonly health?: ListenAddress }): void {
    const source = this.#adminSource;
    this.#admin ??= admin && AdminServer.openAdmin(admin, source);
    this.#health ??= health && AdminServer.openHealth(health, source);
  }

  closePages(): void {
    this.#admin?.close();
    this.#health?.close();
    this.#admin = undefined;
    this.#health = undefined;
  }

  async flush(): Promise<void> {
    await Promise.all([this.#agent.flush(), this.#context.protocols.flush()]);
  }

  metricsText(): string {
    const { series, families } = this.#adminSource;
    return encodeMetrics(series, families);
  }

  configPage(): unknown {
    return this.#adminSource.config();
  }

  async open(): Promise<void> {
    const { admin, health } = this.#bootstrap;
    this.openPages({ ...(admin && { admin }), ...(health && { health }) });
    this.#stopWatching = this.#agent.onSnapshot((snapshot, previous) => {
      if (snapshot.mesh !== previous.mesh) endRevoked(this.#context, this.#tunnel);
      this.#context.upstreams.applySnapshot(snapshot);
      this.#context.admissions.applySnapshot(snapshot);
      if (!this.#isTelemetryGiven) applyTelemetry(this.#context, snapshot);
      this.#application?.refresh(snapshot.inboundTable);
      this.#gateway?.applySnapshot(snapshot);
      this.#context.configuredAtMs = this.#clock.nowMs();
    });
    await this.#agent.ready();
    this.#context.upstreams.applySnapshot(this.#agent.snapshot);
    this.#context.admissions.applySnapshot(this.#agent.snapshot);
    if (!this.#isTelemetryGiven) applyTelemetry(this.#context, this.#agent.snapshot);
    const doors = this.#openDoors();
    this.#gateway?.applySnapshot(this.#agent.snapshot);
    this.#context.configuredAtMs = this.#clock.nowMs();
    if (doors.tunnel !== undefined) await announceTunnel(doors.tunnel, this.#context);
    const { series, workload } = this.#context;
    const reports = new ReportBuilder(series, workload.key, () => this.#clock.nowMs(), this.#context);
    this.#agent.reportTelemetry(reports);
    serveTaps(this.#context);
    this.#doors = doors;
    this.#scheduleSweep();
    this.#codePages = shedCodePages(this.#clock);
  }

  drain(): Promise<void> {
    // One that is replaced and still has connections hurries: now somebody waits for it.
    this.#work?.hurry("leaving");
    this.#draining ??= this.#agent
      .drainAndLeave(() => this.#finishWork("leaving"))
      .finally(() => this.close());
    return this.#draining;
  }

  handOver(): Promise<void> {
    this.#draining ??= this.#agent.handOver(() => this.#finishWork("replaced")).finally(() => this.close());
    return this.#draining;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWatching();
    this.#sweepTimer?.cancel();
    this.#codePages?.cancel();
    for (const server of this.#servers) server.close();
    this.#context.admissions.close();
    this.#context.exports.close();
    this.#context.upstreams.close();
    this.#names.close();
    this.#application?.close();
    this.closePages();
    this.#wheel.close();
    this.#accessLog.close();
    this.#context.protocols.close();
    this.#agent.close();
  }

  #openDoors(): Omit<BoundAddresses, "admin" | "health"> {
    const bootstrap = this.#bootstrap;
    const { capture, sharing } = bootstrap;
    const outbound = this.#add(
      new OutboundServer(this.#context, this.#selector, this.#destinationOf, sharing),
    ).open(capture);
    const application = this.#application;
    if (application === undefined)
      return { outbound, tunnel: undefined, plaintextPort: undefined, dns: undefined };
    this.#tunnel = this.#add(new InboundTunnel(this.#context, application, sharing));
    const tunnel = this.#tunnel.open(bootstrap.tunnel);
    if (capture.kind !== "redirect") return { outbound, tunnel, plaintextPort: undefined, dns: undefined };
    const plaintextPort = this.#add(
      new InboundPlaintext(this.#context, application, this.#destinationOf, sharing),
    ).open(capture.inboundPort);
    if (bootstrap.hasNoDns === true) return { outbound, tunnel, plaintextPort, dns: undefined };
    const server = new DnsServer(this.#context, this.#names.forwarder, sharing);
    const dns = this.#add(server).open(capture.dnsPort);
    return { outbound, tunnel, plaintextPort, dns };
  }

  #add<S extends Server>(server: S): S {
    this.#servers.push(server);
    return server;
  }

  #describe(): AdminSource {
    const parts = { context: this.#context, application: this.#application, gateway: this.#gateway };
    return describeAdmin(parts, this.#names.families, () => this.notReady());
  }

  notReady(): string | undefined {
    if (this.#context.isDraining) return "draining";
    if (!this.#agent.status.isReady) return "no certificate or configuration yet";
    return this.#doors === undefined ? "listeners are not open yet" : undefined;
  }

  #scheduleSweep(): void {
    this.#sweepTimer = this.#clock.after(sweepMs, () => {
      const nowMs = (this.#context.coarseNowMs = this.#clock.nowMs());
      endIfExpired(this.#context, this.#tunnel);
      for (const server of this.#servers) server.connections.sweep(nowMs);
      this.#gateway?.sweep(nowMs);
      this.#context.upstreams.sweep();
      this.#application?.sweep(nowMs);
      if (!this.#isClosed) this.#scheduleSweep();
    });
  }

  /** From here on: no new connections but peers', `Connection: close` on every response, idle ones go after a moment's grace. */
  async #finishWork(reason: Reason): Promise<void> {
    const context = this.#context;
    context.isDraining = true;
    for (const server of this.#servers) if (server !== this.#tunnel) server.stopAccepting();
    const work = {
      context,
      clock: this.#clock,
      servers: this.#servers,
      tunnel: this.#tunnel,
      drainTimeoutMs: this.#agent.snapshot.mesh?.drainTimeoutMs || defaultDrainTimeoutMs,
    };
    this.#work = new WorkEnd(work, reason);
    await this.#work.done();
    await context.exports.flush();
    await context.protocols.flush();
  }
}
