/** What objects say by themselves, or of each other, that their authors can hardly mean. */
import { matchLabels, type ObjectKey, type PlanWarning, type Stored } from "../../../api/index.ts";
import { isRoute } from "../../../compile/index.ts";
import type { RegistryViews } from "../../../registry/index.ts";

/** `registry` shows the state in which the object is there. */
export function objectWarnings(object: Stored, registry: RegistryViews): PlanWarning[] {
  return [...selectorWarnings(object, registry), ...backendWarnings(object, registry)];
}

function selectorWarnings(object: Stored, registry: RegistryViews): PlanWarning[] {
  const selector = selectorOf(object);
  if (selector === undefined) return [];
  const { kind, metadata } = object;
  const namespace = metadata.namespace ?? "";
  for (const workload of registry.workloads()) {
    if (workload.namespace === namespace && matchLabels(selector, workload.labels)) return [];
  }
  const labels = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
  const key = { kind, namespace, name: metadata.name };
  const message = `${kind} ${namespace}/${metadata.name} selects ${labels.join(",")}, which no workload of the namespace has`;
  return [{ code: "selects_nothing", message, object: key }];
}

function selectorOf(object: Stored): Readonly<Record<string, string>> | undefined {
  switch (object.kind) {
    case "AuthorizationPolicy":
    case "AuthenticationPolicy":
    case "RateLimitPolicy":
    case "TelemetryPolicy":
      return object.spec.selector?.matchLabels;
    default:
      return undefined;
  }
}

interface BackendInput {
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
  readonly weight?: number;
}

function backendWarnings(object: Stored, registry: RegistryViews): PlanWarning[] {
  if (!isRoute(object)) return [];
  return (object.spec.rules ?? []).flatMap((rule, index) =>
    ruleWarnings(object, rule.name ?? `rules[${index}]`, rule.backendRefs ?? [], registry),
  );
}

function ruleWarnings(
  { kind, metadata: { namespace = "", name } }: Stored,
  rule: string,
  backends: readonly BackendInput[],
  registry: RegistryViews,
): PlanWarning[] {
  const object: ObjectKey = { kind, namespace, name };
  const text = `${rule} of ${kind} ${namespace}/${name}`;
  if (backends.length > 0 && backends.every(({ weight = 1 }) => weight === 0)) {
    const message = `all backends of ${text} have weight 0: its requests are answered with 500`;
    return [{ code: "zero_weights", message, object }];
  }
  return backends.flatMap((backend): PlanWarning[] => {
    const { weight = 1, port } = backend;
    if (weight === 0 || port === undefined || (backend.kind ?? "Service") !== "Service") return [];
    const path = `${backend.namespace ?? namespace}/${backend.name}`;
    const service = registry.service(path);
    // A Service or a port that is not there is told by the route's status.
    const found = service?.ports.find((each) => each.port === port);
    if (found === undefined) return [];
    const transport = found.transport === "UDP" ? "UDP" : "TCP";
    if (registry.endpoints(path, port, transport).length > 0) return [];
    const message = `${text} sends to ${path}:${port}, which no workload is behind`;
    return [{ code: "no_endpoints", message, object }];
  });
}
