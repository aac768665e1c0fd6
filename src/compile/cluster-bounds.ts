/** What a cluster is made of apart from policies. */
import type { ClusterSchema } from "../model/index.ts";
import type { InitOf } from "./resource.ts";

/** What follows from the Service or ExternalService itself. */
export type OwnClusterContent = InitOf<typeof ClusterSchema> & {
  readonly source: {
    readonly kind: "Service" | "ExternalService";
    readonly namespace: string;
    readonly name: string;
    /** The port's name. */
    readonly section: string;
  };
};

/** What holds for every cluster where no policy says otherwise. */
export const clusterBounds = {
  /** Within a network that the mesh spans, a peer that does not answer in this time is not there. */
  connectTimeoutMs: 5_000,
  /** Longer than the pauses of ordinary clients, shorter than the 350 s after which common NAT tables forget. */
  idleTimeoutMs: 90_000,
  /** Bounds what one proxy can do to one instance: an application's accept queue is mostly 128 to 4096. */
  maxConnectionsPerEndpoint: 1_024,
  maxPendingRequests: 1_024,
} as const;
