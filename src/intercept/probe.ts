/** What this process may do, found by doing it in a child that ends at once, and in words where it may not. */
import { errorLine, WeftError } from "../kernel/index.ts";
import { EACCES, EPERM } from "./errno.ts";
import { type Refusal, tryLaunch } from "./launch.ts";

/** Undefined: it works. Otherwise why not, for a person. */
export type ProbeResult = string | undefined;

/** A network namespace by the rights that this process has already. */
export function probeNetNamespace(): ProbeResult {
  return probe(
    () => tryLaunch({ newNet: true }),
    "this needs root or CAP_SYS_ADMIN, and a container's seccomp profile that allows unshare",
  );
}

/** A network namespace inside a user namespace, for which no right is needed unless the system forbids it. */
export function probeUserNamespace(): ProbeResult {
  return probe(
    () => tryLaunch({ newUser: { uid: 0, gid: 0 }, newNet: true }),
    "user namespaces are forbidden here (a container's seccomp profile, user.max_user_namespaces or an AppArmor rule)",
  );
}

function probe(attempt: () => Refusal | undefined, whenForbidden: string): ProbeResult {
  try {
    const refusal = attempt();
    if (refusal === undefined) return undefined;
    const isForbidden = refusal.errno === EPERM || refusal.errno === EACCES;
    return isForbidden ? `${refusal.reason}; ${whenForbidden}` : refusal.reason;
  } catch (error) {
    if (error instanceof WeftError) return errorLine(error);
    throw error;
  }
}
