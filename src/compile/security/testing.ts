/** For tests: a mesh of objects that come and go, and what is compiled of it. */
import { fromBinary } from "@bufbuild/protobuf";
import { keyOf, keyText, type Stored } from "../../api/index.ts";
import { GatewaySchema, InboundSchema } from "../../model/index.ts";
import { Compiler } from "../compiler.ts";
import { stored, trust } from "../test/objects.ts";
import { TestRegistry } from "../test/test-registry.ts";

export class TestMesh {
  readonly registry = new TestRegistry();
  readonly compiler = new Compiler({ ...trust, registry: this.registry });
  readonly #objects = new Map<string, Stored>();

  constructor(...objects: Stored[]) {
    this.add(...objects);
  }

  add(...objects: Stored[]) {
    for (const object of objects) this.#objects.set(keyText(keyOf(object)), object);
    return this.#apply(objects, []);
  }

  remove(...objects: Stored[]) {
    for (const object of objects) this.#objects.delete(keyText(keyOf(object)));
    return this.#apply([], objects);
  }

  inbound(key = "shop/web-1") {
    const resource = this.compiler.get({ kind: "Inbound", key });
    if (resource === undefined) throw new Error(`no workload ${key}`);
    return {
      ...fromBinary(InboundSchema, resource.bytes),
      version: resource.version,
      closure: resource.closure,
    };
  }

  gateway(key = "shop/edge") {
    const resource = this.compiler.get({ kind: "Gateway", key });
    if (resource === undefined) throw new Error(`no gateway ${key}`);
    return fromBinary(GatewaySchema, resource.bytes);
  }

  /** What is asked at a port; undefined: nothing. */
  admission(port: number, key?: string) {
    const { ports, admissions } = this.inbound(key);
    const index = ports.find((each) => each.port === port)?.admission ?? 0;
    return index === 0 ? undefined : admissions[index - 1];
  }

  /** Names of the authorization policies at a port, with their level. */
  policiesAt(port: number, key?: string): string[] {
    return (this.admission(port, key)?.authorization?.policies ?? []).map(
      ({ source, level }) => `${level} ${source?.name}`,
    );
  }

  /** `type=status reason: message` of each condition of the newest status. */
  conditions(name: string): string[] {
    const status = this.compiler
      .statuses()
      .find((update) => update.name === name && update.status.kind === "policy")?.status;
    const ancestors = status?.kind === "policy" ? status.ancestors : [];
    return ancestors.flatMap(({ conditions }) =>
      conditions.map((each) => `${each.type}=${each.status} ${each.reason}: ${each.message}`),
    );
  }

  #apply(upserted: readonly Stored[], removed: readonly Stored[]) {
    const registry = this.registry.replace([...this.#objects.values()]);
    return this.compiler.apply({ upserted, removed: removed.map(keyOf), registry });
  }
}

type Kind = "AuthorizationPolicy" | "AuthenticationPolicy" | "RateLimitPolicy" | "TelemetryPolicy";

interface Written {
  readonly namespace?: string;
  readonly generation?: number;
  readonly created?: string;
}

export function policy(kind: Kind, name: string, spec: object, written: Written = {}): Stored {
  const { namespace = "shop", generation = 1, created: creationTimestamp } = written;
  const metadata = { name, namespace, ...(creationTimestamp && { creationTimestamp }) };
  return stored({ apiVersion: "weft.dev/v1alpha1", kind, metadata, spec }, generation);
}

export const wholeMesh = { targetRefs: [{ kind: "MeshConfig", name: "mesh" }] };
export const ofSystem = { namespace: "weft-system" };

export function targets(kind: string, name: string, sectionName?: string) {
  return { targetRefs: [{ kind, name, ...(sectionName === undefined ? {} : { sectionName }) }] };
}

export function service(name: string, ports: readonly object[], app = "web"): Stored {
  return stored({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { selector: { app }, clusterIPs: [`240.240.0.${name.length}`], ports },
  });
}

export function workload(name: string, labels: object, ports: readonly number[], namespace = "shop"): Stored {
  return stored({
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshWorkload",
    metadata: { name, namespace, labels },
    spec: {
      serviceAccount: "web",
      addresses: [`10.77.0.${name.length}`],
      ports: ports.map((port) => ({ port, protocol: "http" })),
    },
  });
}

export function meshConfig(spec: object, generation = 1): Stored {
  return stored(
    { apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "mesh" }, spec },
    generation,
  );
}
