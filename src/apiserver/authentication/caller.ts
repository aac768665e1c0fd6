/** Who makes a request, as one of the authenticators proved it. */

type AuthenticationMethod =
  | "instance_token"
  | "static_token"
  | "oidc"
  | "client_certificate"
  | "unix_peer"
  | "session";

export interface Caller {
  readonly user: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  /** "namespace/name" where the caller is a workload's service account. */
  readonly serviceAccount?: string | undefined;
  readonly method: AuthenticationMethod;
  /** When what proved it ends; undefined: it does not end. */
  readonly expiresAtMs?: number | undefined;
  /** Who really asks, where the rest is somebody whom they stand in for. */
  readonly impersonator?: string | undefined;
}

/** May do everything, whatever roles say: so that no role can lock the machine's owner out. */
export const mastersGroup = "system:masters";
/** Everybody who proved anything is in it. */
const authenticatedGroup = "system:authenticated";
export const instanceUser = "weft:admin";

export function callerOf(caller: Caller): Caller {
  return { ...caller, groups: [...new Set([...caller.groups, authenticatedGroup])] };
}

const accountPattern = /^system:serviceaccount:(?<account>[^:]+:[^:]+)$/;

/** Kubernetes' name of a service account, as "namespace/name". */
export function serviceAccountOfUser(user: string): string | undefined {
  return accountPattern.exec(user)?.groups?.["account"]?.replace(":", "/");
}
