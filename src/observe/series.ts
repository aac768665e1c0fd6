/** What is counted apart from what: the labels of one series, read from a report with every length bounded. */
import { Direction, type EdgeDelta } from "../wire/index.ts";

export interface Series {
  readonly direction: "outbound" | "inbound";
  /** "namespace/name"; empty: unknown. */
  readonly sourceWorkload: string;
  readonly sourceIdentity: string;
  readonly destinationWorkload: string;
  readonly destinationIdentity: string;
  readonly destinationService: string;
  readonly destinationPort: number;
  readonly destinationVersion: string;
  readonly route: string;
  readonly protocol: "http" | "tcp";
  readonly responseClass: string;
  readonly reason: string;
  readonly isMutualTls: boolean;
}

/** Namespace, slash and name are at most 63 + 1 + 253 characters; a SPIFFE id adds its trust domain. */
const maxLabelLength = 640;

/** Undefined where the edge cannot be one that a proxy of ours would report. */
export function readSeries(edge: EdgeDelta): Series | undefined {
  if (edge.direction === Direction.UNSPECIFIED) return undefined;
  if (edge.protocol !== "http" && edge.protocol !== "tcp") return undefined;
  const series: Series = {
    direction: edge.direction === Direction.OUTBOUND ? "outbound" : "inbound",
    sourceWorkload: edge.sourceWorkload,
    sourceIdentity: edge.sourceIdentity,
    destinationWorkload: edge.destinationWorkload,
    destinationIdentity: edge.destinationIdentity,
    destinationService: edge.destinationService,
    destinationPort: edge.destinationPort,
    destinationVersion: edge.destinationVersion,
    route: edge.route,
    protocol: edge.protocol,
    responseClass: edge.responseClass,
    reason: edge.reason,
    isMutualTls: edge.mtls,
  };
  const isBounded = Object.values(series).every(
    (label) => typeof label !== "string" || label.length <= maxLabelLength,
  );
  return isBounded && series.destinationPort <= 65_535 ? series : undefined;
}

export function seriesKey(series: Series): string {
  return JSON.stringify(Object.values(series));
}

/** Where the budget of series is used up, everything further is counted here, so that totals stay right. */
export function overflowSeries(protocol: "http" | "tcp"): Series {
  return {
    direction: "outbound",
    sourceWorkload: "other",
    sourceIdentity: "",
    destinationWorkload: "other",
    destinationIdentity: "",
    destinationService: "",
    destinationPort: 0,
    destinationVersion: "",
    route: "",
    protocol,
    responseClass: "",
    reason: "",
    isMutualTls: false,
  };
}
