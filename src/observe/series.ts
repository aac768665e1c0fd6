/** What is counted apart from what: the labels of one series, read from a report with every length bounded. */
import { isGrpcServerFault } from "../kernel/index.ts";
import { Direction, type EdgeDelta } from "../wire/index.ts";

export interface Series {
  readonly direction: "outbound" | "inbound";
  /** "namespace/name"; empty: unknown. */
  readonly sourceWorkload: string;
  readonly sourceIdentity: string;
  readonly sourceVersion: string;
  readonly destinationWorkload: string;
  readonly destinationIdentity: string;
  readonly destinationService: string;
  readonly destinationPort: number;
  readonly destinationVersion: string;
  readonly route: string;
  readonly protocol: "http" | "tcp";
  readonly responseClass: string;
  /** HTTP status; 0: none, or none was told. */
  readonly responseCode: number;
  /** Counted from 1; 0: no gRPC. */
  readonly grpcStatus: number;
  readonly reason: string;
  readonly isMutualTls: boolean;
}

/** Namespace, slash and name are at most 63 + 1 + 253 characters; a SPIFFE id adds its trust domain. */
const maxLabelLength = 640;

/** What a proxy calls the edge where it counts what did not fit its own budget. */
const proxyOverflow = "overflow";

/** Undefined where the edge cannot be one that a proxy of ours would report. */
export function readSeries(edge: EdgeDelta): Series | undefined {
  if (edge.direction !== Direction.OUTBOUND && edge.direction !== Direction.INBOUND) return undefined;
  if (edge.protocol !== "http" && edge.protocol !== "tcp") return undefined;
  const series: Series = {
    direction: edge.direction === Direction.OUTBOUND ? "outbound" : "inbound",
    sourceWorkload: edge.sourceWorkload,
    sourceIdentity: edge.sourceIdentity,
    sourceVersion: edge.sourceVersion,
    destinationWorkload: edge.destinationWorkload,
    destinationIdentity: edge.destinationIdentity,
    destinationService: edge.destinationService,
    destinationPort: edge.destinationPort,
    destinationVersion: edge.destinationVersion,
    route: edge.route,
    protocol: edge.protocol,
    responseClass: edge.responseClass,
    responseCode: edge.responseCode,
    grpcStatus: edge.grpcStatus,
    reason: edge.reason,
    isMutualTls: edge.mtls,
  };
  const isBounded = Object.values(series).every(
    (label) => typeof label !== "string" || label.length <= maxLabelLength,
  );
  const isPossible =
    series.destinationPort <= 65_535 && series.responseCode <= 999 && series.grpcStatus <= 256;
  return isBounded && isPossible ? series : undefined;
}

/** The identity that has to have reported it: a proxy speaks for its own side of an edge. */
export function reporterOf(series: Series): string {
  return series.direction === "outbound" ? series.sourceIdentity : series.destinationIdentity;
}

export function isProxyOverflow(series: Series): boolean {
  return series.destinationService === proxyOverflow && reporterOf(series) === "";
}

export function seriesKey(series: Series): string {
  return JSON.stringify(Object.values(series));
}

/** Where the budget of series is used up, everything further is counted here, so that totals stay right. */
export function overflowSeries({ direction, protocol, responseClass }: Series): Series {
  return {
    ...unlabelled,
    direction,
    protocol,
    sourceWorkload: "other",
    destinationWorkload: "other",
    responseClass: responseClasses.has(responseClass) ? responseClass : "",
  };
}

/** Of what does not fit, callers are told apart no more: the figures of each endpoint stay right. */
export function withoutSource(series: Series): Series {
  const { direction, destinationWorkload, destinationService, destinationPort, protocol, responseClass } =
    series;
  return {
    ...unlabelled,
    ...{ direction, destinationWorkload, destinationService, destinationPort, protocol },
    sourceWorkload: "other",
    responseClass: responseClasses.has(responseClass) ? responseClass : "",
  };
}

const responseClasses: ReadonlySet<string> = new Set(["1xx", "2xx", "3xx", "4xx", "5xx", "ok", "error"]);

const unlabelled = {
  sourceIdentity: "",
  sourceVersion: "",
  destinationIdentity: "",
  destinationService: "",
  destinationPort: 0,
  destinationVersion: "",
  route: "",
  responseCode: 0,
  grpcStatus: 0,
  reason: "",
  isMutualTls: false,
};

/** At the level of services: the groups that both ends belong to in the place of workloads. */
export function foldSeries(series: Series, groupOf: (workload: string) => string): Series {
  const { destinationService, destinationWorkload } = series;
  return {
    ...series,
    sourceWorkload: groupOf(series.sourceWorkload),
    sourceIdentity: "",
    sourceVersion: "",
    destinationWorkload: destinationService === "" ? groupOf(destinationWorkload) : destinationService,
    destinationIdentity: "",
  };
}

/** A 5xx answer, a gRPC status of the server's fault, a connection that broke, or an exchange with a reason or without an answer. */
export function isFailure({ responseClass, reason, grpcStatus }: Series): boolean {
  if (responseClass === "5xx" || responseClass === "error" || responseClass === "") return true;
  return reason !== "" || (grpcStatus > 0 && isGrpcServerFault(grpcStatus - 1));
}

/** Of a series that was written as JSON. */
export function parseSeries(json: unknown): Series | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { direction, protocol } = { direction: undefined, protocol: undefined, ...json };
  if (direction !== "outbound" && direction !== "inbound") return undefined;
  if (protocol !== "http" && protocol !== "tcp") return undefined;
  const text = (name: string): string => {
    const value: unknown = Reflect.get(json, name);
    return typeof value === "string" ? value : "";
  };
  const number = (name: string): number => {
    const value: unknown = Reflect.get(json, name);
    return typeof value === "number" ? value : 0;
  };
  return {
    direction,
    sourceWorkload: text("sourceWorkload"),
    sourceIdentity: text("sourceIdentity"),
    sourceVersion: text("sourceVersion"),
    destinationWorkload: text("destinationWorkload"),
    destinationIdentity: text("destinationIdentity"),
    destinationService: text("destinationService"),
    destinationPort: number("destinationPort"),
    destinationVersion: text("destinationVersion"),
    route: text("route"),
    protocol,
    responseClass: text("responseClass"),
    responseCode: number("responseCode"),
    grpcStatus: number("grpcStatus"),
    reason: text("reason"),
    isMutualTls: Reflect.get(json, "isMutualTls") === true,
  };
}
