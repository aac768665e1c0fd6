/**
 * The place of one workload in kinds netns and userns: a network namespace, a veth to the bridge, addresses, a default
 * route into nowhere (so that any destination may be dialled, to be captured), and the capture's rules.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  killAll,
  type Launched,
  NetNamespace,
  processesInNetNamespace,
  type RouteSocket,
  tryLaunch,
} from "../intercept/index.ts";
import { errorLine, type Log, WeftError } from "../kernel/index.ts";
import { type AddressPair, workloadAddresses } from "./addresses.ts";
import {
  type GatewayRequest,
  type ProxyParts,
  programEnvironment,
  type Site,
  type SiteLaunch,
  type Upstream,
  type WorkloadRequest,
} from "./fabric.ts";
import { hostDirectory } from "./instance.ts";
import { idsOutside, nameBinds, resolvConf } from "./program-place.ts";
import { ports, proxyMark } from "./ports.ts";
import { addLink, configureInside, linkName } from "./site-network.ts";
import { launchAt, programDrops, proxyDrops, siteMarker } from "./site-launch.ts";

const killMs = 2000;

export interface SiteOptions {
  readonly what:
    | { readonly role: "workload"; readonly request: WorkloadRequest }
    | { readonly role: "gateway"; readonly request: GatewayRequest };
  /** In the fabric's namespace. */
  readonly routes: RouteSocket;
  readonly hasIpv6: boolean;
  readonly instanceId: string;
  readonly instanceDirectory: string;
  /** The index that was given out last, so that it is not the next to be given out again. */
  readonly previousIndex: number;
  readonly log: Log;
  readonly onRemoved: () => void;
}

export class NamespaceSite implements Site {
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly proxy: ProxyParts;
  readonly index: number;
  readonly #options: SiteOptions;
  readonly #net: NetNamespace;
  readonly #link: string;
  readonly #resolvFile: string;
  #removal: Promise<void> | undefined;

  private constructor(options: SiteOptions, net: NetNamespace, index: number) {
    const { role, request } = options.what;
    const pair = workloadAddresses(index);
    this.namespace = request.namespace;
    this.name = request.name;
    this.addresses = options.hasIpv6 ? [pair.v4, pair.v6] : [pair.v4];
    this.environment = role === "workload" ? environmentOf(request) : {};
    this.proxy = proxyParts(options, pair);
    this.index = index;
    this.#options = options;
    this.#net = net;
    this.#link = linkName(index);
    this.#resolvFile = join(options.instanceDirectory, `${this.#link}.resolv.conf`);
  }

  /** Throws WeftError; then nothing remains. */
  static create(options: SiteOptions): NamespaceSite {
    const net = NetNamespace.create();
    let index: number | undefined;
    try {
      index = addLink(options.routes, net, options.previousIndex);
      const site = new NamespaceSite(options, net, index);
      const captures = options.what.role === "workload";
      net.run(() => configureInside(workloadAddresses(site.index), options.hasIpv6, captures));
      writeFileSync(site.#resolvFile, resolvConf(site.namespace), { mode: 0o644 });
      return site;
    } catch (error) {
      if (index !== undefined) options.routes.deleteLink(linkName(index));
      net.close();
      throw error;
    }
  }

  launchProxy(start: SiteLaunch): Launched {
    return launchAt(this.#marker, start, {
      join: [{ kind: "net", fd: this.#net.fd }],
      dropCapabilities: proxyDrops,
    });
  }

  launchProgram(start: SiteLaunch): Launched {
    return launchAt(this.#marker, start, this.#programPlace());
  }

  /** Throws WeftError where a program could not be started here, before anybody depends on it. */
  checkProgramsAllowed(): void {
    const refusal = tryLaunch(this.#programPlace());
    if (refusal !== undefined)
      throw new WeftError("permission", `start programs confined: ${refusal.reason}`);
  }

  remove(): Promise<void> {
    this.#removal ??= this.#remove();
    return this.#removal;
  }

  get #marker(): string {
    return siteMarker(this.#options.instanceId, this);
  }

  #programPlace() {
    const confineTo = idsOutside();
    return {
      join: [{ kind: "net", fd: this.#net.fd }],
      binds: nameBinds(this.#resolvFile),
      dropCapabilities: programDrops,
      ...(confineTo === undefined ? {} : { confineTo }),
    } as const;
  }

  /** Kills whatever runs here. Never throws. */
  async endProcesses(): Promise<void> {
    const { log } = this.#options;
    try {
      const left = await killAll(() => processesInNetNamespace(this.#net.id), killMs);
      if (left.length > 0) log.warn("processes would not end", { site: this.#marker, pids: left.join(",") });
    } catch (error) {
      log.warn("a workload's processes could not be ended", { site: this.#marker, error: errorLine(error) });
    }
  }

  async #remove(): Promise<void> {
    const { log, routes, onRemoved } = this.#options;
    await this.endProcesses();
    try {
      // Threads of ours that the engine started meanwhile may hold the namespace, so it does not take its link along.
      routes.deleteLink(this.#link);
    } catch (error) {
      log.warn("a workload's link could not be removed", { site: this.#marker, error: errorLine(error) });
    }
    rmSync(this.#resolvFile, { force: true });
    this.#net.close();
    onRemoved();
  }
}

function environmentOf(request: WorkloadRequest): Record<string, string> {
  const upstreams = request.upstreams.map((upstream) => ({
    upstream,
    reach: { address: shortName(upstream, request.namespace), port: upstream.port },
  }));
  return programEnvironment({ host: "0.0.0.0", port: request.ports[0]?.port }, upstreams);
}

function shortName(upstream: Upstream, from: string): string {
  return upstream.namespace === from ? upstream.service : `${upstream.service}.${upstream.namespace}`;
}

function proxyParts(options: SiteOptions, pair: AddressPair): ProxyParts {
  const { what } = options;
  const parts: Omit<ProxyParts, "capture"> = {
    tunnel: { address: pair.v4, port: ports.tunnel },
    application: { address: "127.0.0.1" },
    admin: { address: pair.v4, port: ports.admin },
    health: { address: pair.v4, port: ports.health },
    dnsUpstreams: [],
  };
  if (what.role === "workload") {
    return {
      ...parts,
      capture: {
        kind: "redirect",
        outboundPort: ports.outbound,
        inboundPort: ports.inbound,
        dnsPort: ports.dns,
        mark: proxyMark,
      },
    };
  }
  return {
    ...parts,
    capture: { kind: "none" },
    gateway: {
      kind: "unix",
      directory: hostDirectory(options.instanceDirectory),
      address: what.request.hostAddress,
      ...(what.request.port === undefined ? {} : { port: what.request.port }),
    },
  };
}
