/**
 * What the local mesh runs on: a place for each workload with its own addresses, from which its sidecar and its
 * program are started. One interface for the three kinds of isolation; who uses it need not know which one it is.
 */
import type { Launched, LaunchSpec } from "../intercept/index.ts";

export type IsolationKind = "netns" | "userns" | "loopback";

export interface WorkloadPort {
  readonly port: number;
  readonly name: string;
  /** `http`, `http2`, `grpc`, `tcp`, `tls`, or empty where it is to be detected. */
  readonly protocol: string;
}

/** A service that the program calls, so that it can be told where. */
export interface Upstream {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  /** As in `WorkloadPort`; decides the scheme of `<SERVICE>_URL` (`http`, else `tcp`). */
  readonly protocol: string;
}

export interface WorkloadRequest {
  readonly namespace: string;
  readonly name: string;
  /** Empty for a program that is a client only. The first one becomes `PORT`. */
  readonly ports: readonly WorkloadPort[];
  readonly upstreams: readonly Upstream[];
}

export interface GatewayRequest {
  readonly namespace: string;
  readonly name: string;
  /** The host's address that listeners are offered on, `127.0.0.1`. */
  readonly hostAddress: string;
  /** Overrides the listener's port; absent: the ports of the Gateway's own listeners. */
  readonly port?: number;
}

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** Same shape as the proxy's bootstrap, `capture`. */
type Capture =
  | {
      readonly kind: "redirect";
      readonly outboundPort: number;
      readonly inboundPort: number;
      readonly dnsPort: number;
      readonly mark: number;
    }
  | { readonly kind: "explicit"; readonly outbound: readonly ExplicitOutbound[] }
  | { readonly kind: "none" };

/** The sidecar listens here on behalf of one service port. */
export interface ExplicitOutbound extends SocketAddress {
  /** `namespace/name`. */
  readonly service: string;
  readonly servicePort: number;
}

/** The parts of the proxy's bootstrap that the place decides; spread them into it. */
export interface ProxyParts {
  readonly capture: Capture;
  readonly tunnel: SocketAddress;
  readonly application: { readonly address: string };
  readonly admin: SocketAddress;
  readonly health: SocketAddress;
  /** No fabric has a way out of the machine, so this is empty in namespaces. */
  readonly dnsUpstreams: readonly string[];
  /** Only for a site made by `addGateway`. */
  readonly gateway?: GatewayDoor;
}

/** Where the gateway listens: on the host itself, or on Unix sockets that the relay serves on the host's loopback. */
type GatewayDoor =
  | { readonly kind: "tcp"; readonly address: string; readonly port?: number }
  | { readonly kind: "unix"; readonly directory: string; readonly address: string; readonly port?: number };

/** What the caller decides about a start; the site adds namespaces, capabilities and the death signal. */
export interface SiteLaunch {
  readonly argv: readonly string[];
  /** The whole environment. For a program: the caller's own, then `site.environment`, then the file's `env`. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** As in `LaunchSpec`; absent: the caller's own 0, 1 and 2. */
  readonly stdio?: LaunchSpec["stdio"];
  /**
   * A session of its own, so that the terminal's Ctrl-C does not reach it. Absent: true for a proxy, true for a program.
   * `weft run` sets it to false for its program.
   */
  readonly ownSession?: boolean;
}

/** The place of one workload (or of a gateway). */
export interface Site {
  readonly namespace: string;
  readonly name: string;
  /** What the workload registers: IPv4 first, IPv6 where the fabric has it. */
  readonly addresses: readonly string[];
  /** For the program: `HOST`, `PORT`, and for each upstream `<SERVICE>_URL`, `<SERVICE>_SERVICE_HOST`, `<SERVICE>_SERVICE_PORT`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly proxy: ProxyParts;
  /** Starts the sidecar: keeps the right to mark its connections. Throws WeftError where the program cannot be started. */
  launchProxy(start: SiteLaunch): Launched;
  /** Starts the program: without the rights by which it could undo the capture. Throws WeftError `not_found`, `permission`. */
  launchProgram(start: SiteLaunch): Launched;
  /** Kills whatever still runs in the place, then removes links and addresses. Idempotent; never throws. */
  remove(): Promise<void>;
}

/** Where the control plane of this mesh serves. */
export interface ControlDoors {
  /** Reachable by every site. */
  readonly ads: SocketAddress;
  /** For people and tools on the host: its own TCP address, or a Unix socket that the relay serves there. */
  readonly api:
    | { readonly kind: "tcp"; readonly address: string; readonly port: number }
    | { readonly kind: "unix"; readonly unixPath: string; readonly hostAddress: SocketAddress };
}

export interface Fabric {
  readonly kind: IsolationKind;
  readonly control: ControlDoors;
  /** What this kind cannot do, each one sentence for the ready screen; empty where everything is captured. */
  readonly limits: readonly string[];
  /** Throws WeftError `exhausted` when addresses run out, `permission` and `io` where the kernel refuses; then nothing remains. */
  addWorkload(request: WorkloadRequest): Promise<Site>;
  addGateway(request: GatewayRequest): Promise<Site>;
  /** Starts a process of the mesh itself (the control plane) where `control.ads` can be bound. */
  launchControl(start: SiteLaunch): Launched;
  /** Removes every site, then the fabric. Idempotent; never throws. */
  close(): Promise<void>;
}

/** The environment a program is told by, the same in every kind. */
export function programEnvironment(
  listen: { readonly host: string; readonly port: number | undefined },
  upstreams: readonly { readonly upstream: Upstream; readonly reach: SocketAddress }[],
): Record<string, string> {
  const environment: Record<string, string> = { HOST: listen.host };
  if (listen.port !== undefined) environment["PORT"] = String(listen.port);
  for (const { upstream, reach } of upstreams) {
    const name = upstream.service.toUpperCase().replace(/[^A-Z0-9]/g, "_");
    environment[`${name}_URL`] = `${schemeOf(upstream.protocol)}://${reach.address}:${reach.port}`;
    environment[`${name}_SERVICE_HOST`] = reach.address;
    environment[`${name}_SERVICE_PORT`] = String(reach.port);
  }
  return environment;
}

function schemeOf(protocol: string): "http" | "tcp" {
  return ["", "http", "http2", "grpc"].includes(protocol) ? "http" : "tcp";
}
