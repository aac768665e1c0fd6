/** What is read of golden signals: who calls whom, figures over time, services, and what the control plane found. */
import type {
  FindingList,
  ServiceSummaries,
  ServiceViewDocument,
  SignalsDocument,
  Topology,
} from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import {
  type SignalGrouping,
  signalGroupings,
  type SignalsQuery,
  type TopologyQuery,
} from "../observe/index.ts";
import { parseNumber } from "./resources.ts";

type Answer<T> = T | Promise<T>;

export interface TelemetryProviders {
  topology(query: TopologyQuery): Answer<Topology>;
  signals(query: SignalsQuery): Answer<SignalsDocument>;
  services(windowSeconds: number, namespace: string | undefined): Answer<ServiceSummaries>;
  /** Throws `not_found`. */
  serviceView(
    service: { namespace: string; name: string },
    windowSeconds: number,
  ): Answer<ServiceViewDocument>;
  findings(namespace: string | undefined): Answer<FindingList>;
}

interface TelemetryTarget {
  readonly what: "topology" | "signals" | "services" | "serviceviews" | "findings";
  readonly named?: { readonly namespace: string; readonly name: string };
}

const defaultWindowSeconds = 60;
const maxWindowSeconds = 86_400;
const maxDepth = 10;
/** Longer than any name that there can be. */
const maxTextLength = 640;

/** Throws `usage` where the query cannot be understood. */
export async function answerTelemetry(
  providers: TelemetryProviders,
  { what, named }: TelemetryTarget,
  query: URLSearchParams,
): Promise<object> {
  switch (what) {
    case "topology":
      return await providers.topology({
        windowSeconds: windowOf(query),
        by: oneOf(query, "by", ["workload", "service"]),
        namespace: textOf(query, "namespace"),
        focus: textOf(query, "focus"),
        depth: numberOf(query, "depth", maxDepth),
        endMs: numberOf(query, "endMs"),
      });
    case "signals":
      return await providers.signals(signalsQuery(query));
    case "services":
      return await providers.services(windowOf(query), textOf(query, "namespace"));
    case "serviceviews":
      return await providers.serviceView(named ?? { namespace: "", name: "" }, windowOf(query));
    case "findings":
      return await providers.findings(textOf(query, "namespace"));
  }
}

function signalsQuery(query: URLSearchParams): SignalsQuery {
  const [service, workload] = [textOf(query, "service"), textOf(query, "workload")];
  if (service !== undefined && workload !== undefined) {
    throw new WeftError("usage", "only one of service and workload can be given", {
      hint: "such as ?service=shop/web; neither asks about the whole mesh",
    });
  }
  const [fromMs, toMs] = [numberOf(query, "fromMs"), numberOf(query, "toMs")];
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs) {
    throw new WeftError("usage", `fromMs must be before toMs, not ${fromMs} and ${toMs}`);
  }
  return {
    of: service !== undefined ? { service } : workload !== undefined ? { workload } : undefined,
    direction: oneOf(query, "direction", ["inbound", "outbound"]),
    route: textOf(query, "route"),
    source: textOf(query, "source"),
    fromMs,
    toMs,
    stepMs: numberOf(query, "stepMs"),
    by: oneOf<SignalGrouping>(query, "by", signalGroupings),
  };
}

function windowOf(query: URLSearchParams): number {
  const window = query.get("window") ?? String(defaultWindowSeconds);
  return Math.max(1, parseNumber("window", window, maxWindowSeconds));
}

function numberOf(query: URLSearchParams, name: string, max = Number.MAX_SAFE_INTEGER): number | undefined {
  const text = query.get(name);
  return text === null ? undefined : parseNumber(name, text, max);
}

function textOf(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (text !== "" && text.length <= maxTextLength) return text;
  throw new WeftError("usage", `${name} must have 1 to ${maxTextLength} characters`);
}

function oneOf<V extends string>(query: URLSearchParams, name: string, values: readonly V[]): V | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = values.find((each) => each === text);
  if (value !== undefined) return value;
  throw new WeftError("usage", `${name} must be one of ${values.join(", ")}, not "${text.slice(0, 40)}"`);
}
