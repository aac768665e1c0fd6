/** What views of golden signals are put together from. */
import type { CertificatesStatus, MeshStatus } from "../../api/index.ts";
import type { Aggregator, Ejections, NodeNames, PlaintextCallers, Reporters } from "../../observe/index.ts";
import type { Log } from "../../kernel/index.ts";
import type { RegistryViews } from "../../registry/index.ts";
import type { Store } from "../../store/index.ts";

export interface ObservedParts {
  readonly aggregator: Aggregator;
  readonly reporters: Reporters;
  readonly ejections: Ejections;
  readonly plaintextCallers: PlaintextCallers;
  readonly registry: RegistryViews;
  readonly store: Pick<Store, "list">;
  /** As things are now: asked once for each view. */
  readonly names: () => NodeNames;
  readonly meshStatus: () => MeshStatus;
  readonly certificates: () => CertificatesStatus;
  readonly nowMs: () => number;
  readonly log: Log;
}
