/** With which others a workload is counted at the level of services: those of its service, else those of its program. */
import type { RegistryViews } from "../../registry/index.ts";

/** By which labels programs without a Service are told apart, the first that is there. */
const groupLabels = ["app.kubernetes.io/name", "app"];

/** "namespace/name"; undefined: the registry does not know the workload. */
export function groupOfWorkload(registry: RegistryViews, workload: string): string | undefined {
  const view = registry.workload(workload);
  if (view === undefined) return undefined;
  // Of several services the first by name: an arbitrary one, but the same each time.
  const [service] = registry.servicesOf(workload);
  if (service !== undefined) return service;
  const label = groupLabels
    .map((name) => view.labels[name])
    .find((value) => value !== undefined && value !== "");
  return label === undefined ? workload : `${view.namespace}/${label}`;
}
