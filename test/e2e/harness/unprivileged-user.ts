/** Somebody without rights: this user where it has none, else a number that belongs to nobody. */
import { readFileSync } from "node:fs";

export interface SomeUser {
  readonly uid: number;
  /** The start of a command line that is run as this user. */
  readonly argv: readonly string[];
}

/** Beyond the users that systems make, below those that containers map. */
const strangerUid = 61_234;

export function unprivilegedUser(): SomeUser {
  const uid = process.getuid?.() ?? strangerUid;
  // Root by name may be nobody in fact: in a container, without the capabilities.
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  if (uid !== 0 || BigInt(`0x${capabilities ?? "0"}`) === 0n) return { uid, argv: [] };
  const id = String(strangerUid);
  return { uid: strangerUid, argv: ["setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--"] };
}

/**
 * As in an ordinary container: root by name, in a user namespace in which no further one may be made, and without a single
 * capability that could make anything else.
 */
export function ordinaryContainer(): readonly string[] {
  const strip = "setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs";
  const script = `echo 0 > /proc/sys/user/max_user_namespaces && exec ${strip} -- "$@"`;
  return ["unshare", "--user", "--map-root-user", "--", "sh", "-c", script, "sh"];
}
