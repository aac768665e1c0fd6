/** Who called whom by which way: all that is the same for the requests of one edge. */

/** What a TelemetryPolicy makes of an edge's labels. */
export interface LabelView {
  /** Names of metric labels that are not written. */
  readonly hidden: ReadonlySet<string>;
  /** Of `keyParts`: what outcomes are not told apart by. */
  readonly droppedParts: number;
  readonly added: readonly AddedLabel[];
  readonly hasIstioNames: boolean;
  /** No: it is told to the control plane only. */
  readonly isExposed: boolean;
}

interface AddedLabel {
  readonly name: string;
  readonly value: string;
}

export interface EdgeLabels {
  readonly direction: "outbound" | "inbound";
  /** "namespace/name"; empty: unknown. */
  readonly sourceWorkload: string;
  readonly sourceIdentity: string;
  readonly sourceVersion: string;
  /** "region/zone" or "region"; empty: unknown. */
  readonly sourceLocality: string;
  readonly destinationWorkload: string;
  readonly destinationIdentity: string;
  readonly destinationService: string;
  readonly destinationPort: number;
  readonly destinationVersion: string;
  readonly destinationLocality: string;
  /** "namespace/name" of the route; empty: none. */
  readonly route: string;
  readonly protocol: "http" | "tcp";
  readonly mtls: boolean;
  /** Undefined: no policy has said anything. */
  readonly view?: LabelView | undefined;
}

/** What is counted here had no room of its own. */
const overflowName = "overflow";

export function overflowLabels({ direction, protocol }: EdgeLabels): EdgeLabels {
  return {
    direction,
    sourceWorkload: overflowName,
    sourceIdentity: "",
    sourceVersion: "",
    sourceLocality: "",
    destinationWorkload: overflowName,
    destinationIdentity: "",
    destinationService: overflowName,
    destinationPort: 0,
    destinationVersion: "",
    destinationLocality: "",
    route: "",
    protocol,
    mtls: false,
  };
}

export function edgeKey(labels: EdgeLabels): string {
  const parts = [
    labels.direction,
    labels.protocol,
    labels.mtls ? 1 : 0,
    labels.destinationPort,
    labels.sourceWorkload,
    labels.sourceIdentity,
    labels.sourceVersion,
    labels.sourceLocality,
    labels.destinationWorkload,
    labels.destinationIdentity,
    labels.destinationService,
    labels.destinationVersion,
    labels.destinationLocality,
    labels.route,
  ];
  return labels.view === undefined ? parts.join("\n") : `${parts.join("\n")}\n${viewKey(labels.view)}`;
}

function viewKey({ hidden, droppedParts, added, hasIstioNames, isExposed }: LabelView): string {
  return JSON.stringify([[...hidden], droppedParts, added, hasIstioNames, isExposed]);
}

/** Of "namespace/name"; empty where there is none. */
export function namespaceOf(path: string): string {
  return path.slice(0, Math.max(0, path.indexOf("/")));
}
