/** What can be asked of golden signals, and how that stands in a query. */

export interface TopologyQuestion {
  /** Default: workload. */
  readonly by?: "workload" | "service";
  /** Edges with an end in it. */
  readonly namespace?: string | undefined;
  /** Id of a node: what is near it. */
  readonly focus?: string;
  /** How near. Default 1. */
  readonly depth?: number;
  /** Default: now. */
  readonly endMs?: number;
}

export interface SignalsQuestion {
  /** "namespace/name". With neither it is about the whole mesh, each request counted once. */
  readonly service?: string;
  readonly workload?: string;
  /** Default: inbound. */
  readonly direction?: "inbound" | "outbound";
  readonly route?: string;
  readonly source?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly stepMs?: number;
  readonly by?: "version" | "route" | "source" | "destination" | "code" | "workload" | "reason";
}

export function textsOf(question: TopologyQuestion | SignalsQuestion): Record<string, string> {
  const given = Object.entries(question).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}
