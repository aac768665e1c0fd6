/** What a start may ask for, and what it gives back. */

/** Names of <linux/capability.h> in lower case, without CAP_. */
export const capabilityNumbers = {
  net_admin: 12,
  net_raw: 13,
  sys_module: 16,
  sys_ptrace: 19,
  sys_admin: 21,
} as const;

export type CapabilityName = keyof typeof capabilityNumbers;

/**
 * Where a descriptor of the child comes from: the caller's own of the same number, /dev/null, a descriptor of the
 * caller, or a pipe whose other end `Launched.pipes` has (the child reads from 0, writes to all others).
 */
export type StdioSource = "inherit" | "null" | "pipe" | { readonly fd: number };

/** A namespace to enter, by descriptor. They are entered in the given order; a user namespace belongs first. */
export interface JoinedNamespace {
  readonly kind: "user" | "net" | "mount";
  readonly fd: number;
}

/** A file or directory of the host shown at another path, in a mount namespace of the child's own. */
export interface Bind {
  readonly source: string;
  /** Left out where it does not exist. */
  readonly target: string;
}

export interface LaunchSpec {
  /** Without a slash, `argv[0]` is looked up in `env.PATH`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The index is the child's descriptor; absent: 0, 1 and 2 inherited. No other descriptor is passed on. */
  readonly stdio?: readonly StdioSource[];
  readonly join?: readonly JoinedNamespace[];
  /** A new user namespace that maps one id, the caller's own, to these. Made before `newNet` and before the binds. */
  readonly newUser?: { readonly uid: number; readonly gid: number };
  readonly newNet?: boolean;
  /** Asked for by themselves; a mount namespace is made for them. */
  readonly binds?: readonly Bind[];
  /**
   * A user namespace made last, inside all others: the program has this id and no right over the namespaces around
   * it, whatever its capabilities say.
   */
  readonly confineTo?: { readonly uid: number; readonly gid: number };
  /** Taken from the bounding set, and everything from the inheritable and ambient sets. */
  readonly dropCapabilities?: readonly CapabilityName[];
  readonly ownSession?: boolean;
  /** Sent to the child when its parent dies. */
  readonly parentDeathSignal?: number;
}

export type Exit =
  | { readonly kind: "code"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: number };

export interface Launched {
  readonly pid: number;
  /** Settles once, when the process has ended and was reaped. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Our ends of the `pipe` entries of `stdio`, by the child's descriptor. The caller closes them. */
  readonly pipes: ReadonlyMap<number, number>;
  /** False where it has ended already: its number may belong to somebody else by then, so nothing is sent. */
  kill(signal: number): boolean;
}
