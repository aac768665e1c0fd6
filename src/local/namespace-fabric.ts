/**
 * The fabric of kinds netns and userns: each workload in a network namespace of its own, all of them on one bridge in
 * the namespace that this process runs in, which has no link out of the machine. Nothing here refers to a file or to
 * the host's network, so all of it vanishes with its processes.
 */
import {
  currentNetNamespaceId,
  errnoOf,
  killAll,
  type Launched,
  processesInNetNamespace,
  RouteSocket,
  signalProcess,
} from "../intercept/index.ts";
import { errorLine, type Log, WeftError } from "../kernel/index.ts";
import { fabricAddresses, workloadPrefix4, workloadPrefix6 } from "./addresses.ts";
import type {
  ControlDoors,
  Fabric,
  GatewayRequest,
  IsolationKind,
  Site,
  SiteLaunch,
  SocketAddress,
  WorkloadRequest,
} from "./fabric.ts";
import { hostSocketPath } from "./instance.ts";
import { NamespaceSite, type SiteOptions } from "./namespace-site.ts";
import { ports } from "./ports.ts";
import { launchAt, programDrops } from "./site-launch.ts";
import { bridgeHardwareAddress, bridgeName, workloadLinks } from "./site-network.ts";

export interface NamespaceFabricOptions {
  readonly kind: Exclude<IsolationKind, "loopback">;
  /** Marks every process that belongs to the mesh. */
  readonly instanceId: string;
  /** Short-lived files of sites, and `host/` for the relay's sockets. */
  readonly instanceDirectory: string;
  /** Where people reach the API on the host, by way of the relay. */
  readonly api: SocketAddress;
  readonly log: Log;
}

/** How long runners that joined get to end by themselves before they are killed. */
const joinedEndMs = 3000;
const killMs = 2000;
const SIGTERM = 15;
const loopbackIndex = 1;

export class NamespaceFabric implements Fabric {
  readonly kind: IsolationKind;
  readonly control: ControlDoors;
  readonly limits: readonly string[];
  readonly #options: NamespaceFabricOptions;
  readonly #routes: RouteSocket;
  readonly #isOwner: boolean;
  readonly #hasIpv6: boolean;
  readonly #sites = new Set<NamespaceSite>();
  #previousIndex = 0;
  #closing: Promise<void> | undefined;

  private constructor(
    options: NamespaceFabricOptions,
    routes: RouteSocket,
    isOwner: boolean,
    hasIpv6: boolean,
  ) {
    this.kind = options.kind;
    this.#options = options;
    this.#routes = routes;
    this.#isOwner = isOwner;
    this.#hasIpv6 = hasIpv6;
    this.limits = hasIpv6 ? [] : ["IPv6 is switched off on this machine, so workloads have IPv4 only"];
    this.control = {
      ads: { address: fabricAddresses.v4, port: ports.ads },
      api: {
        kind: "unix",
        unixPath: hostSocketPath(options.instanceDirectory, options.api),
        hostAddress: options.api,
      },
    };
  }

  /**
   * In a process that was started in a network namespace of its own. Proves with a workload that is removed again that
   * everything needed is allowed: throws WeftError where it is not, and then nothing remains.
   */
  static async open(options: NamespaceFabricOptions): Promise<NamespaceFabric> {
    const routes = new RouteSocket();
    try {
      checkFresh(routes);
      routes.setUp(loopbackIndex);
      routes.addBridge(bridgeName, bridgeHardwareAddress);
      const bridge = routes.linkIndex(bridgeName);
      routes.setUp(bridge);
      routes.addAddress(bridge, fabricAddresses.v4, workloadPrefix4.bits);
      const hasIpv6 = addIpv6(routes, bridge);
      const fabric = new NamespaceFabric(options, routes, true, hasIpv6);
      await fabric.#tryOut();
      return fabric;
    } catch (error) {
      routes.close();
      throw error;
    }
  }

  /** In a process that was started in the namespace of another fabric, to add workloads of its own. */
  static join(options: NamespaceFabricOptions): NamespaceFabric {
    const routes = new RouteSocket();
    try {
      routes.linkIndex(bridgeName);
      const hasIpv6 = routes.addresses().includes(fabricAddresses.v6);
      return new NamespaceFabric(options, routes, false, hasIpv6);
    } catch (error) {
      routes.close();
      throw error;
    }
  }

  async addWorkload(request: WorkloadRequest): Promise<Site> {
    return this.#addCounted({ role: "workload", request });
  }

  async addGateway(request: GatewayRequest): Promise<Site> {
    return this.#addCounted({ role: "gateway", request });
  }

  launchControl(start: SiteLaunch): Launched {
    return launchAt(`${this.#options.instanceId}/control`, start, { dropCapabilities: programDrops });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #tryOut(): Promise<void> {
    const request = { namespace: "weft", name: "trial", ports: [], upstreams: [] };
    const trial = this.#add({ role: "workload", request });
    try {
      trial.checkProgramsAllowed();
    } finally {
      await trial.remove();
    }
  }

  #addCounted(what: SiteOptions["what"]): Site {
    const site = this.#add(what);
    this.#previousIndex = site.index;
    return site;
  }

  #add(what: SiteOptions["what"]): NamespaceSite {
    const site: NamespaceSite = NamespaceSite.create({
      what,
      routes: this.#routes,
      hasIpv6: this.#hasIpv6,
      instanceId: this.#options.instanceId,
      instanceDirectory: this.#options.instanceDirectory,
      previousIndex: this.#previousIndex,
      log: this.#options.log,
      onRemoved: () => this.#sites.delete(site),
    });
    this.#sites.add(site);
    return site;
  }

  async #close(): Promise<void> {
    if (this.#isOwner) {
      await Promise.all([...this.#sites].map((site) => site.endProcesses()));
      await this.#endJoined();
      // All at once: one by one each takes its 30 ms.
      this.#deleteLinks();
    }
    await Promise.all([...this.#sites].map((site) => site.remove()));
    this.#routes.close();
  }

  #deleteLinks(): void {
    try {
      this.#routes.deleteGroup(workloadLinks);
      this.#routes.deleteLink(bridgeName);
    } catch (error) {
      this.#options.log.warn("the fabric's links could not be removed", { error: errorLine(error) });
    }
  }

  /** Whoever joined stands in this namespace too. Without the fabric it has nothing to do. */
  async #endJoined(): Promise<void> {
    const here = currentNetNamespaceId();
    const find = (): number[] => processesInNetNamespace(here);
    for (const pid of find()) signalProcess(pid, SIGTERM);
    const endMs = performance.now() + joinedEndMs;
    while (find().length > 0 && performance.now() < endMs) await Bun.sleep(20);
    const left = await killAll(find, killMs);
    if (left.length > 0) this.#options.log.warn("processes would not end", { pids: left.join(",") });
  }
}

/** False where the machine has no IPv6 or it is switched off for new links. */
function addIpv6(routes: RouteSocket, bridge: number): boolean {
  try {
    routes.addAddress(bridge, fabricAddresses.v6, workloadPrefix6.bits);
    return true;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

/**
 * Closing ends everything in this namespace, so it must be one that was made for us: there, and nowhere in use, all
 * links are still down, the loopback too.
 */
function checkFresh(routes: RouteSocket): void {
  if (routes.links().every((link) => !link.isUp)) return;
  throw new WeftError("internal", "the fabric was to be made in a network namespace that is in use");
}
