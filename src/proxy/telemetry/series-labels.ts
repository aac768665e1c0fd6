/** The labels of one cell as they are written. What is empty is left out, which Prometheus takes for the same. */
import { escapeLabel } from "../../kernel/index.ts";
import { namespaceOf } from "./edge-labels.ts";
import type { EdgeSeries } from "./edge-series.ts";
import { readOutcome } from "./outcome-key.ts";
import type { SeriesCell } from "./series-cell.ts";

const edgeLabels = [
  "source_workload",
  "source_namespace",
  "source_identity",
  "source_version",
  "source_locality",
  "destination_workload",
  "destination_namespace",
  "destination_identity",
  "destination_service",
  "destination_port",
  "destination_version",
  "destination_locality",
  "http_route",
  "network_protocol_name",
  "mtls",
] as const;
const outcomeLabels = ["http_request_method", "http_response_status_code", "rpc_grpc_status_code"] as const;

export const httpLabels: readonly string[] = [...edgeLabels, ...outcomeLabels, "error_type"];
export const tcpLabels: readonly string[] = ["direction", ...edgeLabels, "error_type"];

const reserved: ReadonlySet<string> = new Set([...httpLabels, ...tcpLabels, "le", "quantile"]);

/** What stands between the braces. */
export function labelText(edge: EdgeSeries, cell: SeriesCell): string {
  const { labels } = edge;
  const { method, status, grpcStatus, reason } = readOutcome(cell.key);
  const hidden = labels.view?.hidden;
  let text = "";
  const add = (name: string, value: string): void => {
    if (value === "" || hidden?.has(name) === true) return;
    text += text === "" ? `${name}="${escapeLabel(value)}"` : `,${name}="${escapeLabel(value)}"`;
  };
  if (labels.protocol === "tcp") add("direction", labels.direction);
  add("source_workload", labels.sourceWorkload);
  add("source_namespace", namespaceOf(labels.sourceWorkload));
  add("source_identity", labels.sourceIdentity);
  add("source_version", labels.sourceVersion);
  add("source_locality", labels.sourceLocality);
  add("destination_workload", labels.destinationWorkload);
  add("destination_namespace", namespaceOf(labels.destinationService || labels.destinationWorkload));
  add("destination_identity", labels.destinationIdentity);
  add("destination_service", labels.destinationService);
  add("destination_port", labels.destinationPort === 0 ? "" : String(labels.destinationPort));
  add("destination_version", labels.destinationVersion);
  add("destination_locality", labels.destinationLocality);
  add("http_route", labels.route);
  add("network_protocol_name", grpcStatus === undefined ? labels.protocol : "grpc");
  add("mtls", String(labels.mtls));
  add("http_request_method", method);
  const code = status === 0 ? "" : edge.hasClassesOnly ? `${String(status)[0]}xx` : String(status);
  add("http_response_status_code", code);
  add("rpc_grpc_status_code", grpcStatus === undefined ? "" : String(grpcStatus));
  add("error_type", reason === "" && status >= 500 ? code : reason);
  for (const { name, value } of labels.view?.added ?? []) {
    if (isFree(name)) add(name, value);
  }
  return text;
}

function isFree(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/.test(name) && !name.startsWith("__") && !reserved.has(name);
}
