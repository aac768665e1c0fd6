/** Starts a proxy at a site: writes its bootstrap, gets it a join token, waits until it serves, keeps it running. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, type Log, type LogLevel, WeftError } from "../kernel/index.ts";
import type { Site, SiteLaunch, SocketAddress, WorkloadPort } from "./fabric.ts";
import type { MeshControl } from "./mesh-control.ts";
import { Restarter } from "./restarter.ts";
import { untilReady } from "./until-ready.ts";
import { proxyCommand, proxyEnvironment } from "./weft-command.ts";

/** A proxy that is not ready after this has no control plane and no last good configuration. */
const readyTimeoutMs = 15_000;

export interface ProxyIdentity {
  readonly role: "sidecar" | "gateway";
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ports: readonly WorkloadPort[];
  readonly locality?: { readonly region?: string; readonly zone?: string };
}

export interface ProxySurroundings {
  readonly clock: Clock;
  readonly log: Log;
  readonly control: MeshControl;
  readonly ads: SocketAddress;
  readonly trustRootsPem: string;
  /** Holds a folder for each proxy. */
  readonly proxiesDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFormat: "text" | "json";
  readonly logLevel: LogLevel;
  /** Where its log and its access log go. */
  readonly logOf: (name: string) => { readonly fd: number; readonly lastLine: () => string | undefined };
}

export function proxyProcess(
  site: Site,
  identity: ProxyIdentity,
  surroundings: ProxySurroundings,
): Restarter {
  const { clock, log } = surroundings;
  const name = `the ${identity.role} of ${site.namespace}/${site.name}`;
  const logFile = surroundings.logOf(`${site.namespace}.${site.name}.proxy`);
  return new Restarter({
    name,
    clock,
    log,
    launch: async () => {
      const bootstrap = await writeBootstrap(site, identity, surroundings);
      const start: SiteLaunch = {
        argv: proxyCommand(bootstrap),
        // Its successor would be nobody's child: told to start one, it refuses (cli/successor.ts).
        env: { ...proxyEnvironment(surroundings.env), WEFT_SUPERVISED: "1" },
        stdio: ["null", { fd: logFile.fd }, { fd: logFile.fd }],
        ownSession: true,
      };
      return site.launchProxy(start);
    },
    ready: (launched) =>
      untilReady({ name, launched, clock, timeoutMs: readyTimeoutMs, lastLine: logFile.lastLine }, () =>
        isServing(site),
      ),
  });
}

async function writeBootstrap(
  site: Site,
  identity: ProxyIdentity,
  surroundings: ProxySurroundings,
): Promise<string> {
  const dataDir = join(surroundings.proxiesDir, site.namespace, site.name);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const joinTokenFile = await writeJoinToken(site, identity, surroundings, dataDir);
  const bootstrap = {
    role: identity.role,
    workload: {
      namespace: site.namespace,
      name: site.name,
      serviceAccount: identity.serviceAccount,
      labels: identity.labels,
      ...(identity.annotations && { annotations: identity.annotations }),
      addresses: site.addresses,
      ports: identity.ports,
      region: identity.locality?.region ?? "",
      zone: identity.locality?.zone ?? "",
    },
    controlPlane: { ...surroundings.ads, trustRootsPem: surroundings.trustRootsPem },
    ...(joinTokenFile === undefined ? {} : { joinTokenFile }),
    dataDir,
    ...site.proxy,
    logFormat: surroundings.logFormat,
    logLevel: surroundings.logLevel,
  };
  const path = join(dataDir, "bootstrap.json");
  writeFileSync(path, `${JSON.stringify(bootstrap, null, 2)}\n`, { mode: 0o600 });
  return path;
}

/** Without a control plane the proxy starts from the certificate and configuration that it kept. */
async function writeJoinToken(
  site: Site,
  identity: ProxyIdentity,
  { control }: ProxySurroundings,
  dataDir: string,
): Promise<string | undefined> {
  try {
    const token = await control.createJoinToken(site.namespace, identity.serviceAccount);
    const path = join(dataDir, "join-token");
    writeFileSync(path, token, { mode: 0o600 });
    return path;
  } catch (error) {
    if (error instanceof WeftError && ["unreachable", "unavailable", "timeout"].includes(error.code))
      return undefined;
    throw error;
  }
}

async function isServing(site: Site): Promise<boolean> {
  try {
    const response = await fetch(pageOf(site, site.proxy.health, "/healthz/ready"), {
      signal: AbortSignal.timeout(1_000),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false; // not listening yet; what is wrong with it its log says
  }
}

/**
 * Why listeners of this gateway, which has its first configuration, are not open; each names its address. Throws WeftError
 * `unavailable` where it does not say.
 */
export async function gatewayFailures(site: Site): Promise<readonly string[]> {
  try {
    const response = await fetch(pageOf(site, site.proxy.admin, "/config"), {
      signal: AbortSignal.timeout(5_000),
    });
    const page: unknown = await response.json();
    return failuresIn(page);
  } catch (cause) {
    throw new WeftError("unavailable", "the gateway does not say whether its listeners are open", { cause });
  }
}

function failuresIn(page: unknown): readonly string[] {
  const failures =
    typeof page === "object" && page !== null && "gatewayFailures" in page && page.gatewayFailures;
  if (!Array.isArray(failures)) throw new Error("its page of configuration has no gatewayFailures");
  return failures.map(String);
}

function pageOf(site: Site, { address, port }: SocketAddress, path: string): string {
  const reachable = address === "0.0.0.0" || address === "::" ? (site.addresses[0] ?? "127.0.0.1") : address;
  const host = reachable.includes(":") ? `[${reachable}]` : reachable;
  return `http://${host}:${port}${path}`;
}
