/** The API's documents as the dashboard reads them: as src/api declares them, with names for their parts. */
import type {
  Explanation,
  FindingDocument,
  FindingList,
  ServiceSummaries,
  ServiceViewDocument,
  SignalsDocument,
  Topology,
} from "../../../src/api/index.ts";

export type {
  CertificatesStatus,
  Explanation,
  ExplainRequest,
  HistoryEntry,
  MeshStatus,
  ProxyStatus,
  ServiceSummary,
  ServiceViewDocument,
  SignalsDocument,
  TopologyEdge,
} from "../../../src/api/index.ts";

export type ExplanationHop = Explanation["hops"][number];
export type ExplanationSource = NonNullable<Explanation["outcome"]["by"]>;
export type TopologyDocument = Topology;
export type TopologyNode = Topology["nodes"][number];
export type SignalGroup = SignalsDocument["groups"][number];
export type SignalPoint = SignalGroup["points"][number];
export type ServicesDocument = ServiceSummaries;
export type EndpointView = ServiceViewDocument["endpoints"][number];
export type RouteView = ServiceViewDocument["routes"][number];
export type PolicyView = ServiceViewDocument["policies"][number];
export type Finding = FindingDocument;
export type FindingsDocument = FindingList;

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
