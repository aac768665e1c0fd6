/** What every proxy of the mesh knows. */
import { parseDurationMs } from "../api/index.ts";
import { MeshSchema, meshKey } from "../model/index.ts";
import type { InputReader } from "./inputs.ts";
import { type CompiledResource, encodeResource } from "./resource.ts";

export function compileMesh(inputs: InputReader, key: string): CompiledResource | undefined {
  if (key !== meshKey) return undefined;
  const { spec } = inputs.meshConfig();
  return encodeResource({ kind: "Mesh", key }, MeshSchema, {
    source: { kind: "MeshConfig", name: meshKey },
    trustDomain: inputs.trustDomain,
    trustRoots: [...inputs.trustRoots],
    virtualPrefixes: [...spec.virtualIpCidrs],
    workloadPrefixes: [...spec.workloadCidrs],
    domainSuffix: spec.domainSuffix,
    discoveryTimeoutMs: parseDurationMs(spec.discovery.timeout) ?? 0,
    discoveryIdleMs: parseDurationMs(spec.discovery.idleTimeout) ?? 0,
    drainTimeoutMs: parseDurationMs(spec.drainTimeout) ?? 0,
    accessLog: spec.accessLog,
    allowUnknownDestinations: spec.outboundTraffic === "allow",
  });
}
