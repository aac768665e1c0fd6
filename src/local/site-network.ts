/** What a workload's namespace is connected with: a veth to the fabric's bridge, addresses, a default route, the capture. */
import { writeFileSync } from "node:fs";
import { installCapture, type NetNamespace, RouteSocket } from "../intercept/index.ts";
import { WeftError } from "../kernel/index.ts";
import {
  type AddressPair,
  fabricAddresses,
  freeIndices,
  maxWorkloads,
  workloadPrefix4,
  workloadPrefix6,
} from "./addresses.ts";
import { capturePorts } from "./ports.ts";

export const bridgeName = "weft0";
/** The group of the links to workloads, so that all of them can be deleted at once. */
export const workloadLinks = 77;
const linkPrefix = "weft-";
const innerLink = "eth0";
const loopbackIndex = 1;

/** The bridge's own, where the control plane is dialled: it must not change as workloads come and go. */
export const bridgeHardwareAddress = hardwareAddress(1);

export function linkName(index: number): string {
  return `${linkPrefix}${index}`;
}

/** The link's name is the lock on its addresses: the kernel refuses a second one, also to another process. */
export function addLink(routes: RouteSocket, net: NetNamespace, previousIndex: number): number {
  const links = routes.links();
  const bridge = links.find((link) => link.name === bridgeName)?.index ?? 0;
  const inUse = new Set(
    links
      .filter((link) => link.name.startsWith(linkPrefix))
      .map((link) => Number(link.name.slice(linkPrefix.length))),
  );
  if (inUse.size >= maxWorkloads) {
    throw new WeftError("exhausted", `a local mesh holds at most ${maxWorkloads} workloads`);
  }
  for (const index of freeIndices(inUse.add(previousIndex))) {
    const name = linkName(index);
    try {
      const peer = { name: innerLink, namespaceFd: net.fd, hardwareAddress: hardwareAddress(index) };
      routes.addVeth(name, peer, workloadLinks);
    } catch (error) {
      if (error instanceof WeftError && error.code === "already_exists") continue;
      throw error;
    }
    const link = routes.linkIndex(name);
    routes.enslave(link, bridge);
    routes.setUp(link);
    return index;
  }
  throw new WeftError("exhausted", "no free workload address is left");
}

/**
 * The same for the same addresses: whoever is given those of a workload that ended is found where its neighbours still remember
 * the other one. Locally administered, as the first byte says.
 */
function hardwareAddress(index: number): Uint8Array {
  return Uint8Array.of(0x02, 0x77, 0x66, 0x74, index >> 8, index & 0xff);
}

/** Runs inside the new namespace. */
export function configureInside(pair: AddressPair, hasIpv6: boolean, captures: boolean): void {
  // A program without rights may bind port 80 here as well: nobody else's ports are in its way.
  trySysctl("net/ipv4/ip_unprivileged_port_start", "0");
  const routes = new RouteSocket();
  try {
    routes.setUp(loopbackIndex);
    const link = routes.linkIndex(innerLink);
    routes.addAddress(link, pair.v4, workloadPrefix4.bits);
    if (hasIpv6) routes.addAddress(link, pair.v6, workloadPrefix6.bits);
    routes.setUp(link);
    routes.addDefaultRoute(link, fabricAddresses.v4);
    if (hasIpv6) routes.addDefaultRoute(link, fabricAddresses.v6);
  } finally {
    routes.close();
  }
  if (captures) installCapture(capturePorts);
}

/** Where /proc/sys may not be written, as in many containers, the system's own setting stays. */
function trySysctl(path: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/${path}`, value);
  } catch {
    return;
  }
}
