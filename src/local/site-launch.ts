/** How everything in a fabric is started: marked as part of it, and unable to outlive who started it. */
import { type CapabilityName, type Launched, type LaunchSpec, launch } from "../intercept/index.ts";
import type { SiteLaunch } from "./fabric.ts";

/** In the environment of every process of a mesh: what `siteMarker` makes, or `<instance id>/control`. */
export const siteVariable = "WEFT_SITE";

/** Ends with a slash, so that no marker is the beginning of another one. */
export function siteMarker(
  instanceId: string,
  site: { readonly namespace: string; readonly name: string },
): string {
  return `${instanceId}/${site.namespace}/${site.name}/`;
}

/** With these a program could undo its capture, mark its own traffic as the proxy's, or look into the proxy. */
export const programDrops: readonly CapabilityName[] = [
  "net_admin",
  "net_raw",
  "sys_admin",
  "sys_ptrace",
  "sys_module",
];

/** The proxy marks its connections, for which it needs CAP_NET_ADMIN or CAP_NET_RAW. */
export const proxyDrops: readonly CapabilityName[] = ["sys_admin", "sys_ptrace", "sys_module"];

const SIGKILL = 9;

export function launchAt(
  site: string,
  start: SiteLaunch,
  place: Pick<LaunchSpec, "join" | "binds" | "confineTo" | "dropCapabilities">,
): Launched {
  return launch({
    ...place,
    argv: start.argv,
    env: { ...start.env, [siteVariable]: site },
    ...(start.cwd === undefined ? {} : { cwd: start.cwd }),
    ...(start.stdio === undefined ? {} : { stdio: start.stdio }),
    ownSession: start.ownSession ?? true,
    parentDeathSignal: SIGKILL,
  });
}
