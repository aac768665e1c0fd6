/** What a program in a namespace sees of names and users: the mesh's resolver, and itself as who started the mesh. */
import { readFileSync } from "node:fs";
import type { Bind } from "../intercept/index.ts";
import { fabricAddresses } from "./addresses.ts";

/**
 * Any server's address will do, for questions to port 53 are redirected. Short names have two dots at most
 * (`reviews.default.svc`), so names with more are asked for as they stand first.
 */
export function resolvConf(namespace: string): string {
  const search = [`${namespace}.svc.cluster.local`, "svc.cluster.local", "cluster.local"];
  return `nameserver ${fabricAddresses.v4}\nsearch ${search.join(" ")}\noptions ndots:3\n`;
}

/** Beside the file itself: the sockets by which a libc would ask a resolver of the host, past the redirection. */
export function nameBinds(resolvFile: string): Bind[] {
  return [
    { source: resolvFile, target: "/etc/resolv.conf" },
    { source: "/dev/null", target: "/run/nscd/socket" },
    { source: "/dev/null", target: "/var/run/nscd/socket" },
    { source: "/dev/null", target: "/run/systemd/resolve/io.systemd.Resolve" },
  ];
}

/**
 * In a user namespace that maps one id, that id as it is outside: programs get it back, and with it no right over
 * the namespaces around them. Undefined where ids are the machine's own.
 */
export function idsOutside(): { readonly uid: number; readonly gid: number } | undefined {
  const uid = singleMapping("/proc/self/uid_map");
  const gid = singleMapping("/proc/self/gid_map");
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/** The file's lines: id inside, id outside, how many. */
function singleMapping(path: string): number | undefined {
  const lines = readFileSync(path, "utf8").trim().split("\n");
  const [, outside, count] = (lines[0] ?? "").trim().split(/\s+/).map(Number);
  return lines.length === 1 && count === 1 ? outside : undefined;
}
