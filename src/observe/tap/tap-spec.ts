/** What somebody wants to see of the traffic, and what the hub tells them. */
import type { Expression } from "../../model/index.ts";
import type { TapRecord } from "../../wire/index.ts";

export interface TapTarget {
  readonly kind: "namespace" | "workload" | "service" | "route";
  /** "namespace/name"; of a namespace its name. */
  readonly name: string;
}

export interface TapSpec {
  /** Any of them; none: everything. */
  readonly targets: readonly TapTarget[];
  /** Undefined: all of it. */
  readonly filter: Expression | undefined;
  readonly headers: boolean;
  /** Of each direction; 0: none. */
  readonly maxBodyBytes: number;
  /** At each proxy. */
  readonly maxPerSecond: number;
  readonly durationMs: number;
}

/** Called synchronously; must not throw. */
export interface TapListener {
  /** Without what was not asked for. */
  onRecord(record: TapRecord): void;
  /** Records that were not told. `proxy`: "namespace/workload", or its identity where that is all that is known. */
  onLoss(proxy: string, count: number): void;
  /** Once, last; not after `stop`. */
  onEnd(why: string): void;
}

export interface RunningTap {
  /** That were told of it at its start. */
  readonly proxies: number;
  stop(): void;
}
