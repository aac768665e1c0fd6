/** Where collectors stand. One that cannot be reached is left out, and its policy's status says why. */
import { milliseconds } from "../../api/index.ts";
import { CollectorProtocol, type CollectorSchema } from "../../model/index.ts";
import type { Referrer } from "../grants.ts";
import type { InputReader } from "../inputs.ts";
import type { InitOf } from "../resource.ts";
import { resolveAsked } from "../security/asked-services.ts";
import type { CollectorInput, Collectors } from "./telemetry-input.ts";

type CollectorContent = InitOf<typeof CollectorSchema>;

export function compileCollectors(inputs: InputReader, { from, list }: Collectors): CollectorContent[] {
  return list.flatMap((collector): CollectorContent[] => {
    const asked = resolveAsked(inputs, from, collector.backendRef);
    if (!("cluster" in asked)) return [];
    const { protocol, path = "", headers = [], signals } = collector;
    return [
      {
        cluster: asked.cluster,
        protocol: protocol === "GRPC" ? CollectorProtocol.GRPC : CollectorProtocol.HTTP,
        authority: collector.authority ?? ownName(inputs, from, collector),
        path: path.replace(/\/+$/, ""),
        headers: headers.map(({ name, value }) => ({ name: name.toLowerCase(), value })),
        metrics: signals.includes("Metrics"),
        traces: signals.includes("Traces"),
        logs: signals.includes("Logs"),
        timeoutMs: milliseconds(collector.timeout) ?? 0,
        metricsIntervalMs: milliseconds(collector.metricsInterval) ?? 0,
      },
    ];
  });
}

/** What is the matter with each, by its place. */
export function collectorProblems(inputs: InputReader, { from, list }: Collectors, path: string) {
  return list.flatMap(({ backendRef }, index) => {
    const asked = resolveAsked(inputs, from, backendRef);
    if ("cluster" in asked) return [];
    const message = `${path}[${index}].backendRef: ${asked.unresolved}`;
    return [{ reason: asked.reason, message }];
  });
}

/** As its own clients call it. */
function ownName(inputs: InputReader, from: Referrer, { backendRef }: CollectorInput): string {
  const namespace = backendRef.namespace ?? from.namespace;
  if (backendRef.kind === "Service") return `${backendRef.name}.${namespace}`;
  const external = inputs.external.service(`${namespace}/${backendRef.name}`);
  return external?.spec.hosts[0] ?? backendRef.name;
}
