/** The metrics that golden signals are written as. Names and labels follow OpenTelemetry's conventions as Prometheus writes them. */
import type { MetricType } from "../../kernel/index.ts";
import type { EdgeSeries } from "./edge-series.ts";
import { readOutcome } from "./outcome-key.ts";
import type { SeriesCell } from "./series-cell.ts";
import { tcpLabels, httpLabels, labelText } from "./series-labels.ts";
import type { SampleWriter } from "./sample-writer.ts";

export interface SeriesFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** In the order in which they are written; those that are empty are not. */
  readonly labelNames: readonly string[];
  selects(edge: EdgeSeries): boolean;
  write(writer: SampleWriter, edge: EdgeSeries, cell: SeriesCell): void;
}

const httpFamilies = (["server", "client"] as const).flatMap((side): SeriesFamily[] => {
  const direction = side === "server" ? "inbound" : "outbound";
  const at = side === "server" ? "at the called workload's proxy" : "at the caller's proxy";
  const selects = ({ labels }: EdgeSeries): boolean =>
    labels.protocol === "http" && labels.direction === direction && labels.view?.isExposed !== false;
  const common = { labelNames: httpLabels, selects };
  return [
    {
      ...common,
      name: `http_${side}_request_duration_seconds`,
      help: `Time from a request's head to the end of its response, ${at}. gRPC calls too.`,
      type: "histogram",
      write: (writer, edge, cell) => writer.durations(`http_${side}_request_duration_seconds`, edge, cell),
    },
    {
      ...common,
      name: `http_${side}_request_body_size_bytes`,
      help: `Bytes of request bodies as they were sent, ${at}: their sum, and how many requests there were.`,
      type: "summary",
      write: (writer, edge, cell) =>
        writer.total(
          `http_${side}_request_body_size_bytes`,
          labelText(edge, cell),
          cell.requestBytes,
          cell.count,
        ),
    },
    {
      ...common,
      name: `http_${side}_response_body_size_bytes`,
      help: `Bytes of response bodies as they were sent, ${at}: their sum, and how many requests there were.`,
      type: "summary",
      write: (writer, edge, cell) =>
        writer.total(
          `http_${side}_response_body_size_bytes`,
          labelText(edge, cell),
          cell.responseBytes,
          cell.count,
        ),
    },
  ];
});

function tcpFamily(
  name: string,
  help: string,
  type: "counter" | "gauge",
  read: (cell: SeriesCell) => number,
): SeriesFamily {
  return {
    name,
    help,
    type,
    labelNames: tcpLabels.filter((label) => label !== "error_type"),
    selects: isTcp,
    write: (writer, edge, cell) => {
      if (isOpened(cell)) writer.sample(name, labelText(edge, cell), read(cell));
    },
  };
}

const isTcp = ({ labels }: EdgeSeries): boolean =>
  labels.protocol === "tcp" && labels.view?.isExposed !== false;
const isOpened = ({ key }: SeriesCell): boolean => readOutcome(key).reason === "";

const tcpFamilies: readonly SeriesFamily[] = [
  tcpFamily("weft_tcp_connections_opened_total", "Connections opened.", "counter", (cell) => cell.count),
  tcpFamily(
    "weft_tcp_connections_closed_total",
    "Connections opened that have ended, however they did.",
    "counter",
    (cell) => cell.durationCount,
  ),
  tcpFamily("weft_tcp_connections_open", "Connections that are open.", "gauge", (cell) => cell.openNow),
  {
    name: "weft_tcp_connections_failed_total",
    help: "Connections that could not be opened, were refused or broke, with the reason. Those that broke were opened too.",
    type: "counter",
    labelNames: tcpLabels,
    selects: isTcp,
    write: (writer, edge, cell) => {
      if (!isOpened(cell))
        writer.sample("weft_tcp_connections_failed_total", labelText(edge, cell), cell.count);
    },
  },
  tcpFamily(
    "weft_tcp_sent_bytes_total",
    "Bytes from client to server.",
    "counter",
    (cell) => cell.requestBytes,
  ),
  tcpFamily(
    "weft_tcp_received_bytes_total",
    "Bytes from server to client.",
    "counter",
    (cell) => cell.responseBytes,
  ),
  {
    name: "weft_tcp_connection_duration_seconds",
    help: "How long connections that have ended were open.",
    type: "histogram",
    labelNames: tcpLabels.filter((label) => label !== "error_type"),
    selects: isTcp,
    write: (writer, edge, cell) => {
      if (isOpened(cell)) writer.durations("weft_tcp_connection_duration_seconds", edge, cell);
    },
  },
];

export const seriesFamilies: readonly SeriesFamily[] = [...httpFamilies, ...tcpFamilies];
