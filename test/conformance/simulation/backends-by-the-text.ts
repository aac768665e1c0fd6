/** Which backend a request goes to, whether there is such a one, and who stands behind it, by the texts of Gateway API. */
import { isBehind, portAt } from "./access-by-the-text.ts";
import {
  type Applied,
  type BackendRef,
  namespaceOf,
  pathOf,
  type Question,
  type ReferenceGrant,
  type Route,
  type Workload,
} from "./applied.ts";
import { serviceOf, type Taken } from "./attachment-by-the-text.ts";
import { shareByTheText } from "./share-by-the-text.ts";

export interface Endpoint {
  readonly workload: Workload;
  readonly port: number;
}

/** Its share is the weight divided by the sum, in the order in which they are written. Undefined: nothing can be chosen. */
export function chooseByTheText({ route, rule }: Taken, requestId: string): BackendRef | undefined {
  const backends = (rule.backendRefs ?? []).filter(({ weight = 1 }) => weight > 0);
  const total = backends.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const share = shareByTheText(requestId, `backend ${pathOf(route)}`);
  let sum = 0;
  return backends.find(({ weight = 1 }) => {
    sum += weight;
    return share < sum / total;
  });
}

/** Each backend's weight divided by the sum. */
export function sharesByTheText(
  objects: readonly Applied[],
  question: Question,
  taken: Taken | undefined,
): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  if (taken === undefined) return shares;
  const backends = taken.rule.backendRefs ?? [];
  const total = backends.reduce((sum, { weight = 1 }) => sum + weight, 0);
  for (const backend of backends.filter((each) => isResolved(objects, taken.route, question, each))) {
    const cluster = `${backend.namespace ?? namespaceOf(taken.route)}/${backend.name}:${backend.port}`;
    shares.set(cluster, (shares.get(cluster) ?? 0) + (backend.weight ?? 1) / total);
  }
  return shares;
}

/** There is such a port, the reference is permitted, and what the port declares is what the route sends. */
export function isResolved(
  objects: readonly Applied[],
  route: Route,
  question: Question,
  backend: BackendRef,
): boolean {
  const from = namespaceOf(route);
  const namespace = backend.namespace ?? from;
  const port = serviceOf(objects, `${namespace}/${backend.name}`)?.spec.ports.find(
    (each) => each.port === backend.port,
  );
  if (port === undefined) return false;
  if (route.kind === "GRPCRoute" && port.appProtocol === "http") return false;
  // Under a Service routes open nothing that was not there, so nobody has to permit it (GEP-1426).
  return (
    namespace === from ||
    question.from.kind === "workload" ||
    isGranted(objects, route, namespace, backend.name)
  );
}

function isGranted(objects: readonly Applied[], route: Route, namespace: string, name: string): boolean {
  return objects.some(
    (each): each is ReferenceGrant =>
      each.kind === "ReferenceGrant" &&
      namespaceOf(each) === namespace &&
      each.spec.from.some(
        (from) =>
          from.group === "gateway.networking.k8s.io" &&
          from.kind === route.kind &&
          from.namespace === namespaceOf(route),
      ) &&
      each.spec.to.some((to) => to.group === "" && to.kind === "Service" && (to.name ?? name) === name),
  );
}

/** Workloads behind the Service that have the port to which it sends. */
export function endpointsByTheText(objects: readonly Applied[], path: string, number: number): Endpoint[] {
  const service = serviceOf(objects, path);
  const port = service?.spec.ports.find((each) => each.port === number);
  if (service === undefined || port === undefined) return [];
  return objects
    .filter((each): each is Workload => each.kind === "MeshWorkload" && isBehind(service, each))
    .flatMap((workload) => {
      const at = portAt(workload, port);
      return at === undefined ? [] : [{ workload, port: at }];
    });
}
