/**
 * PURE: which changes are about a service: to itself and its EndpointSlices, to what refers to it or to a route that does, to
 * policies that choose its workloads by their labels, and to what holds for all (its Namespace, MeshConfig).
 */
import { type ApiObject, keyOf, keyText, namespaceOf } from "../../api/index.ts";
import type { Change } from "../../store/index.ts";

export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

/** The label by which Kubernetes ties an EndpointSlice to its Service. */
const sliceLabel = "kubernetes.io/service-name";
const routeKinds: ReadonlySet<string> = new Set([
  "HTTPRoute",
  "GRPCRoute",
  "TLSRoute",
  "TCPRoute",
  "UDPRoute",
]);

export class ServiceChanges {
  readonly #service: ServiceName;
  /** Labels that the service chooses its workloads by. */
  readonly #selector: Readonly<Record<string, string>>;
  /** Of routes that lead to the service, "Kind namespace/name"; grows with those that are met on the way back in time. */
  readonly #routes = new Set<string>();

  /** `routes`: those that there are now. */
  constructor(service: ServiceName, selector: Readonly<Record<string, string>>, routes: Iterable<ApiObject>) {
    this.#service = service;
    this.#selector = selector;
    for (const route of routes) this.#noteRoute(route);
  }

  concerns(change: Change): boolean {
    for (const side of [change.before, change.after]) if (side !== undefined) this.#noteRoute(side);
    return [change.before, change.after].some((side) => side !== undefined && this.#isAbout(side));
  }

  #noteRoute(object: ApiObject): void {
    if (!routeKinds.has(object.kind)) return;
    if (this.#refers(object)) this.#routes.add(keyText(keyOf(object)));
  }

  #isAbout(object: ApiObject): boolean {
    const { namespace, name } = this.#service;
    switch (object.kind) {
      case "MeshConfig":
        return true;
      case "Namespace":
        return object.metadata.name === namespace;
      case "Service":
      case "ExternalService":
        return namespaceOf(object) === namespace && object.metadata.name === name;
      case "EndpointSlice":
        return namespaceOf(object) === namespace && object.metadata.labels?.[sliceLabel] === name;
      default:
        return this.#refers(object) || this.#selects(object);
    }
  }

  #refers(object: ApiObject): boolean {
    const own = namespaceOf(object);
    return [...references("spec" in object ? object.spec : undefined)].some((reference) => {
      const namespace = textOf(reference, "namespace") ?? own;
      const [kind, name] = [textOf(reference, "kind") ?? "Service", textOf(reference, "name") ?? ""];
      if (kind === "Service" || kind === "ExternalService") {
        return namespace === this.#service.namespace && name === this.#service.name;
      }
      return this.#routes.has(`${kind} ${namespace}/${name}`);
    });
  }

  /** A policy without selector and without targets is about its whole namespace. */
  #selects(object: ApiObject): boolean {
    if (!object.kind.endsWith("Policy") || namespaceOf(object) !== this.#service.namespace) return false;
    const spec = "spec" in object ? object.spec : undefined;
    const labels = valueOf(valueOf(spec, "selector"), "matchLabels");
    if (labels === undefined) return valueOf(spec, "targetRefs") === undefined;
    const wanted = Object.entries(Object(labels));
    return wanted.every(([label, value]) => (this.#selector[label] ?? value) === value);
  }
}

/** Objects that stand under names such as `backendRefs`, `parentRefs`, `targetRefs`, `backendRef`. */
function* references(value: unknown, isReference = false): Generator {
  if (Array.isArray(value)) {
    for (const item of value) yield* references(item, isReference);
  } else if (typeof value === "object" && value !== null) {
    if (isReference) yield value;
    for (const [name, inner] of Object.entries(value)) yield* references(inner, /Refs?$/.test(name));
  }
}

function textOf(value: unknown, name: string): string | undefined {
  const found = valueOf(value, name);
  return typeof found === "string" && found !== "" ? found : undefined;
}

function valueOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)).get(name) : undefined;
}
