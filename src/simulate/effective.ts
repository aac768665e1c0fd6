/** What each proxy would have: the resources of its own name, of what it dials, and what belongs to them. */
import { inboundKey, meshKey, type ModelKind, outboundKey } from "../model/index.ts";
import type { CompiledMesh } from "./compiled-mesh.ts";
import type { EffectiveConfiguration, EffectiveResource } from "./input.ts";

export function proxiesOf(
  mesh: CompiledMesh,
): readonly { readonly kind: "workload" | "gateway"; readonly name: string }[] {
  const workloads = [...mesh.registry.workloads()].map(({ path }) => path).toSorted();
  return [
    ...workloads.map((name) => ({ kind: "workload" as const, name })),
    ...mesh.gateways().map((name) => ({ kind: "gateway" as const, name })),
  ];
}

export function effectiveOf(
  mesh: CompiledMesh,
  name: string,
  services: readonly string[] | undefined,
): EffectiveConfiguration {
  const wanted = new Map<string, readonly [ModelKind, string]>();
  const want = (kind: ModelKind, key: string): void => {
    if (mesh.version(kind, key) === undefined || wanted.has(`${kind} ${key}`)) return;
    wanted.set(`${kind} ${key}`, [kind, key]);
    const { clusters, certificates } = mesh.closure(kind, key);
    for (const certificate of certificates) want("Certificate", certificate);
    for (const cluster of clusters) {
      want("Cluster", cluster);
      for (const endpoint of mesh.endpointKeys(cluster)) want("Endpoint", endpoint);
    }
  };
  want("Mesh", meshKey);
  const workload = mesh.registry.workload(name);
  if (workload === undefined) {
    want("Gateway", name);
  } else {
    want("Inbound", inboundKey(workload.namespace, workload.name));
    for (const { path, namespace, name: service, ports } of mesh.registry.services()) {
      if (services !== undefined && !services.includes(path)) continue;
      for (const { port } of ports)
        want("Outbound", outboundKey(namespace, service, port, workload.namespace));
    }
  }
  const sorted = [...wanted.values()].toSorted(([a, b], [c, d]) => (`${a} ${b}` < `${c} ${d}` ? -1 : 1));
  return { resources: sorted.map(([kind, key]) => resourceOf(mesh, kind, key)) };
}

function resourceOf(mesh: CompiledMesh, kind: ModelKind, key: string): EffectiveResource {
  const version = mesh.version(kind, key) ?? "";
  return { kind, key, version, json: withoutSecrets(mesh.json(kind, key)) };
}

const hidden = "(not shown)";
const secretFields: ReadonlySet<string> = new Set(["privateKeyPem", "password"]);

/** Keys, passwords, and what collectors are told beside spans, are nobody's to read. */
function withoutSecrets(value: unknown, field = ""): unknown {
  if (secretFields.has(field) && value !== "") return hidden;
  if (Array.isArray(value)) return value.map((item: unknown) => withoutSecrets(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]: [string, unknown]) => [
      name,
      name === "collectors" ? withoutCollectorHeaders(member) : withoutSecrets(member, name),
    ]),
  );
}

function withoutCollectorHeaders(collectors: unknown): unknown {
  if (!Array.isArray(collectors)) return collectors;
  return collectors.map((collector: unknown) =>
    typeof collector === "object" && collector !== null && "headers" in collector
      ? { ...collector, headers: hidden }
      : collector,
  );
}
