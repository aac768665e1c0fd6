/**
 * The fabric where no namespace may be made: workloads share the machine's loopback, each with addresses of its own.
 * Nothing is captured; a program reaches the mesh by the addresses that its environment names.
 */
import { readFileSync } from "node:fs";
import { killAll, type Launched, processesWithVariable } from "../intercept/index.ts";
import { errorLine, type Log, nameserversOf } from "../kernel/index.ts";
import { type AddressLease, LoopbackAddresses } from "./addresses.ts";
import {
  type ControlDoors,
  type ExplicitOutbound,
  type Fabric,
  type GatewayRequest,
  type ProxyParts,
  programEnvironment,
  type Site,
  type SiteLaunch,
  type SocketAddress,
  type Upstream,
  type WorkloadRequest,
} from "./fabric.ts";
import { ports } from "./ports.ts";
import { launchAt, siteMarker, siteVariable } from "./site-launch.ts";

export interface LoopbackFabricOptions {
  readonly instanceId: string;
  readonly api: SocketAddress;
  /** Where the mesh's control plane serves already; absent: this fabric chooses. */
  readonly ads?: SocketAddress;
  readonly log: Log;
}

const killMs = 2000;
/** Below, only root may listen; the sidecar's listeners for such ports stand at the port plus this. */
const firstFreePort = 1024;
const lowPortOffset = 20_000;

export class LoopbackFabric implements Fabric {
  readonly kind = "loopback";
  readonly control: ControlDoors;
  readonly limits = [
    "a program is part of the mesh only where it listens on HOST:PORT and calls others by their <SERVICE>_URL",
    "service names do not resolve, and calls to addresses of the program's own choosing go past the mesh",
  ];
  readonly #options: LoopbackFabricOptions;
  readonly #addresses = new LoopbackAddresses();
  readonly #controlLease: AddressLease | undefined;
  readonly #sites = new Set<LoopbackSite>();
  #closing: Promise<void> | undefined;

  /** Throws WeftError `unavailable` where the system has one loopback address only. */
  constructor(options: LoopbackFabricOptions) {
    this.#options = options;
    this.#controlLease = options.ads === undefined ? this.#addresses.lease() : undefined;
    const ads = options.ads ?? { address: this.#controlLease?.address ?? "", port: ports.ads };
    this.control = { ads, api: { kind: "tcp", ...options.api } };
  }

  async addWorkload(request: WorkloadRequest): Promise<Site> {
    return this.#add(request, (leases) => placeWorkload(request, () => leases.take()));
  }

  async addGateway(request: GatewayRequest): Promise<Site> {
    return this.#add(request, (leases) => placeGateway(request, () => leases.take()));
  }

  launchControl(start: SiteLaunch): Launched {
    return launchAt(`${this.#options.instanceId}/control`, start, {});
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #add(
    request: { readonly namespace: string; readonly name: string },
    choose: (leases: Leases) => Place,
  ): Site {
    const leases = new Leases(this.#addresses);
    try {
      const site: LoopbackSite = new LoopbackSite({
        marker: siteMarker(this.#options.instanceId, request),
        namespace: request.namespace,
        name: request.name,
        place: choose(leases),
        leases,
        log: this.#options.log,
        onRemoved: () => this.#sites.delete(site),
      });
      this.#sites.add(site);
      return site;
    } catch (error) {
      leases.releaseAll();
      throw error;
    }
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#sites].map((site) => site.remove()));
    this.#controlLease?.release();
  }
}

class Leases {
  readonly #addresses: LoopbackAddresses;
  readonly #taken: AddressLease[] = [];

  constructor(addresses: LoopbackAddresses) {
    this.#addresses = addresses;
  }

  take(): string {
    const lease = this.#addresses.lease();
    this.#taken.push(lease);
    return lease.address;
  }

  releaseAll(): void {
    for (const lease of this.#taken.splice(0)) lease.release();
  }
}

interface Place {
  readonly addresses: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly proxy: ProxyParts;
}

function placeWorkload(request: WorkloadRequest, take: () => string): Place {
  const application = take();
  const sidecar = take();
  const outbound = request.upstreams.map((upstream) => ({
    upstream,
    listener: explicitOutbound(upstream, take()),
  }));
  return {
    addresses: [application],
    environment: programEnvironment(
      { host: application, port: request.ports[0]?.port },
      outbound.map(({ upstream, listener }) => ({ upstream, reach: listener })),
    ),
    proxy: {
      capture: { kind: "explicit", outbound: outbound.map(({ listener }) => listener) },
      ...sidecarParts(sidecar),
      application: { address: application },
    },
  };
}

function placeGateway(request: GatewayRequest, take: () => string): Place {
  const address = take();
  return {
    addresses: [address],
    environment: {},
    proxy: {
      capture: { kind: "none" },
      ...sidecarParts(address),
      application: { address },
      gateway: {
        kind: "tcp",
        address: request.hostAddress,
        ...(request.port === undefined ? {} : { port: request.port }),
      },
    },
  };
}

function sidecarParts(address: string): Pick<ProxyParts, "tunnel" | "admin" | "health" | "dnsUpstreams"> {
  return {
    tunnel: { address, port: ports.tunnel },
    admin: { address, port: ports.admin },
    health: { address, port: ports.health },
    dnsUpstreams: machineResolvers(),
  };
}

/** Sidecars here have the machine's network, so names of external services lead where they lead the machine. */
function machineResolvers(): string[] {
  try {
    return nameserversOf(readFileSync("/etc/resolv.conf", "utf8"));
  } catch {
    return [];
  }
}

/** Its address is its own, so any port is free; the service's own is the one that people recognise. */
function explicitOutbound(upstream: Upstream, address: string): ExplicitOutbound {
  return {
    address,
    port: upstream.port < firstFreePort ? upstream.port + lowPortOffset : upstream.port,
    service: `${upstream.namespace}/${upstream.service}`,
    servicePort: upstream.port,
  };
}

interface LoopbackSiteOptions {
  readonly marker: string;
  readonly namespace: string;
  readonly name: string;
  readonly place: Place;
  readonly leases: Leases;
  readonly log: Log;
  readonly onRemoved: () => void;
}

class LoopbackSite implements Site {
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly proxy: ProxyParts;
  readonly #options: LoopbackSiteOptions;
  #removal: Promise<void> | undefined;

  constructor(options: LoopbackSiteOptions) {
    this.#options = options;
    this.namespace = options.namespace;
    this.name = options.name;
    this.addresses = options.place.addresses;
    this.environment = options.place.environment;
    this.proxy = options.place.proxy;
  }

  launchProxy(start: SiteLaunch): Launched {
    return launchAt(this.#options.marker, start, {});
  }

  /** With all of its rights: there is no capture here that it could undo. */
  launchProgram(start: SiteLaunch): Launched {
    return launchAt(this.#options.marker, start, {});
  }

  remove(): Promise<void> {
    this.#removal ??= this.#remove();
    return this.#removal;
  }

  async #remove(): Promise<void> {
    const { marker, leases, log, onRemoved } = this.#options;
    try {
      const find = (): number[] => processesWithVariable(siteVariable, marker);
      const left = await killAll(find, killMs);
      if (left.length > 0) log.warn("processes would not end", { site: marker, pids: left.join(",") });
    } catch (error) {
      log.warn("a workload's processes could not be ended", { site: marker, error: errorLine(error) });
    }
    leases.releaseAll();
    onRemoved();
  }
}
