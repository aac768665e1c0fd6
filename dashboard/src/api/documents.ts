/**
 * The API's documents as the dashboard reads them. Those that src/api declares are taken from there; the figures of services and
 * what belongs to them are written out as the control plane answers them.
 */
import type { Topology, TopologyEdge as Edge } from "../../../src/api/index.ts";

export type {
  CertificatesStatus,
  HistoryEntry,
  MeshStatus,
  ProxyStatus,
} from "../../../src/api/index.ts";

/** By version of the destination, where the edge is one between services. */
export type TopologyEdge = Edge & { readonly versions?: Readonly<Record<string, number>> };
type Node = Topology["nodes"][number];
export type TopologyNode = Omit<Node, "kind"> & { readonly kind: Node["kind"] | "service" };
export interface TopologyDocument {
  readonly windowSeconds: number;
  readonly endTimeMs: number;
  readonly nodes: readonly TopologyNode[];
  readonly edges: readonly TopologyEdge[];
}

interface Figures {
  readonly count: number;
  readonly failures: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}
export interface SignalPoint extends Figures {
  readonly timeMs: number;
}
export interface SignalGroup {
  readonly key: string;
  readonly points: readonly SignalPoint[];
  readonly totals: Figures;
}
export interface SignalsDocument {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly from: "window" | "prometheus";
  readonly groups: readonly SignalGroup[];
}

export interface ServiceSummary {
  readonly namespace: string;
  readonly name: string;
  readonly kind: "Service" | "ExternalService";
  readonly ports: readonly { readonly port: number; readonly name?: string; readonly protocol: string }[];
  readonly workloads: number;
  readonly ready: number;
  readonly versions: readonly string[];
  readonly requestsPerSecond: number;
  readonly successRate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mutualTlsShare: number;
  /** Requests per second of the last 30 slots. */
  readonly history: readonly number[];
}
export interface ServicesDocument {
  readonly items: readonly ServiceSummary[];
}

interface Ejection {
  readonly proxy: string;
  readonly reason: string;
  readonly untilMs: number;
}
export interface EndpointView {
  readonly workload: string;
  readonly address: string;
  readonly port: number;
  readonly version: string;
  readonly locality: string;
  readonly state: "ready" | "draining" | "dead";
  readonly ejectedBy: readonly Ejection[];
  readonly requestsPerSecond: number;
  readonly successRate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
export interface RouteView {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly { readonly name: string; readonly hits: number }[];
  readonly hits: number;
}
export interface PolicyView {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly target: string;
  readonly accepted: boolean;
  readonly message: string;
  readonly hits: number;
}
export interface ServiceViewDocument {
  readonly service: ServiceSummary;
  readonly endpoints: readonly EndpointView[];
  readonly routes: readonly RouteView[];
  readonly policies: readonly PolicyView[];
  readonly callers: readonly TopologyEdge[];
  readonly callees: readonly TopologyEdge[];
}

export interface Finding {
  readonly code: string;
  readonly level: "ok" | "note" | "bad";
  readonly message: string;
  readonly fix: string;
  readonly about?: { readonly kind: string; readonly namespace: string; readonly name: string } | undefined;
}
export interface FindingsDocument {
  readonly items: readonly Finding[];
}

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}
export interface Reference {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  readonly sectionName?: string;
  readonly port?: number;
}
/** What every kind has that the dashboard lists. */
export interface ResourceObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
  };
  readonly spec?: Readonly<Record<string, unknown>> & {
    readonly parentRefs?: readonly Reference[];
    readonly targetRefs?: readonly Reference[];
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly hostnames?: readonly string[];
    readonly rules?: readonly unknown[];
  };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly parents?: readonly {
      readonly parentRef: Reference;
      readonly conditions: readonly Condition[];
    }[];
    readonly ancestors?: readonly {
      readonly ancestorRef: Reference;
      readonly conditions: readonly Condition[];
    }[];
  };
}
export interface ResourceList {
  readonly items: readonly ResourceObject[];
}

export interface SessionDocument {
  readonly user: string;
  readonly groups: readonly string[];
  readonly csrfToken: string;
  readonly endsAt: string;
}
