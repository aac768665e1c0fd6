/** Proxies of files, where nobody knows what applications dial: each may dial every service. */
import type { ResourceName } from "../../compile/index.ts";
import { inboundKey, meshKey, outboundKey } from "../../model/index.ts";
import type { PlannedProxy } from "./effective-change.ts";
import type { TrackedMesh } from "./tracked-mesh.ts";

/** Ports times namespaces beyond which only what services' own namespaces see is looked at. */
const maxOutbounds = 100_000;

/** Of every workload that has a proxy, and of every Gateway. */
export function proxiesOfObjects(mesh: TrackedMesh): PlannedProxy[] {
  const workloads = [...mesh.registry.workloads()].filter(({ tunnel }) => tunnel.kind !== "none");
  const outbounds = outboundsOf(mesh, new Set(workloads.map(({ namespace }) => namespace)));
  const sidecars = workloads.map(
    ({ path, namespace, name }): PlannedProxy => ({
      role: "sidecar",
      name: path,
      roots: [
        { kind: "Mesh", key: meshKey },
        { kind: "Inbound", key: inboundKey(namespace, name) },
        ...(outbounds.get(namespace) ?? []),
      ],
    }),
  );
  const gateways = mesh.compiler.gateways().map(
    (key): PlannedProxy => ({
      role: "gateway",
      name: key,
      roots: [
        { kind: "Mesh", key: meshKey },
        { kind: "Gateway", key },
      ],
    }),
  );
  return [...sidecars, ...gateways];
}

/** By the callers' namespace; of one namespace all have the same list. */
function outboundsOf(mesh: TrackedMesh, namespaces: ReadonlySet<string>): Map<string, ResourceName[]> {
  const ports = [
    ...[...mesh.registry.services()].flatMap(({ namespace, name, ports: all }) =>
      all.flatMap(({ port, transport }) => (transport === "TCP" ? [{ namespace, name, port }] : [])),
    ),
    ...[...mesh.objects.values()].flatMap((object) =>
      object.kind === "ExternalService"
        ? object.spec.ports.map(({ port }) => ({ ...object.metadata, port }))
        : [],
    ),
  ];
  const isAll = ports.length * namespaces.size <= maxOutbounds;
  return new Map(
    [...namespaces].map((client) => [
      client,
      ports.map(({ namespace, name, port }): ResourceName => {
        const seenBy = isAll ? client : namespace;
        return { kind: "Outbound", key: outboundKey(namespace, name, port, seenBy) };
      }),
    ]),
  );
}
