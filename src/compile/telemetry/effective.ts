/** What holds for a workload, a Gateway and a route's rule: everything that is said of it, merged. */
import type { TelemetrySchema } from "../../model/index.ts";
import type { WorkloadView } from "../../registry/index.ts";
import type { InputReader } from "../inputs.ts";
import { compareText, type InitOf } from "../resource.ts";
import type { Place } from "../security/aimed-policies.ts";
import { listenerPlace, portPlace, rulePlace } from "../security/places.ts";
import { compileCollectors } from "./collectors.ts";
import { accessLogWith, mergeSettings } from "./merge.ts";
import type { TelemetryLayer } from "./telemetry-policies.ts";

type TelemetryContent = InitOf<typeof TelemetrySchema>;

export interface EffectiveTelemetry {
  /** Absent: nobody said anything. */
  readonly content: { readonly telemetry?: TelemetryContent };
  /** Of its collectors. */
  readonly clusters: readonly string[];
}

export function workloadTelemetry(inputs: InputReader, workload: WorkloadView): EffectiveTelemetry {
  const services = new Map(inputs.servicesOf(workload.path).map((path) => [path, []]));
  return withCollectors(inputs, portPlace(workload, services));
}

/** `key`: "namespace/name". */
export function gatewayTelemetry(inputs: InputReader, key: string): EffectiveTelemetry {
  return withCollectors(inputs, listenerPlace(key, ""));
}

export interface RuleOwner {
  readonly kind: "HTTPRoute" | "GRPCRoute";
  readonly namespace: string;
  readonly name: string;
  /** Undefined where the rule has none; then no policy can be aimed at it alone. */
  readonly ruleName: string | undefined;
}

/** What the route's own policies say: proxies lay it over their own. */
export function ruleTelemetry(inputs: InputReader, owner: RuleOwner): EffectiveTelemetry["content"] {
  const { kind, namespace, name, ruleName = "" } = owner;
  return contentOf(inputs.telemetry.layersAt(rulePlace(kind, namespace, name, ruleName)), []);
}

function withCollectors(inputs: InputReader, place: Place): EffectiveTelemetry {
  const layers: readonly TelemetryLayer[] = [...inputs.telemetry.layersAt(place), inputs.telemetry.mesh()];
  const named = layers.find(({ collectors }) => collectors !== undefined)?.collectors;
  const collectors = named === undefined ? [] : compileCollectors(inputs, named);
  const clusters = collectors.map(({ cluster }) => cluster ?? "");
  return { content: contentOf(layers, collectors), clusters: [...new Set(clusters)].toSorted(compareText) };
}

function contentOf(
  layers: readonly TelemetryLayer[],
  collectors: NonNullable<TelemetryContent["collectors"]>,
): EffectiveTelemetry["content"] {
  const merged = mergeSettings(layers.map(({ settings }) => settings));
  const { metrics, tracing } = merged;
  const accessLog = accessLogWith(merged);
  if (collectors.length === 0 && metrics === undefined && tracing === undefined && accessLog === undefined)
    return {};
  const policy = layers[0]?.policy?.metadata;
  return {
    telemetry: {
      ...(policy && {
        source: { kind: "TelemetryPolicy", namespace: policy.namespace, name: policy.name },
      }),
      collectors,
      ...(metrics && { metrics }),
      ...(tracing && { tracing }),
      ...(accessLog && { accessLog }),
    },
  };
}
