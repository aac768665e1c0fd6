/** One line for a person for each exchange of a tap. Whatever a peer chose is made safe for the terminal. */
import type { TapRecordView } from "../api/index.ts";
import type { Output, Style } from "./output.ts";
import { plainText } from "./plain-text.ts";
import { formatMs, shortId } from "./topology-table.ts";

/** A longer path pushes what matters off the screen. */
const maxPathLength = 120;

export function tapLine(record: TapRecordView, output: Pick<Output, "styled">, isWide: boolean): string {
  const { reason = "", policy = "", detail = "" } = record;
  const parts = [
    output.styled("dim", clockTime(startMs(record))),
    `${plainText(shortId(sourceOf(record)))} → ${plainText(shortId(destinationOf(record)))}`,
    output.styled("bold", plainText(what(record))),
    output.styled(styleOf(record), outcomeOf(record)),
    formatMs(Number(record.endUs ?? 0) / 1_000),
  ];
  if (reason !== "") parts.push(output.styled("red", plainText(reason)));
  if (policy !== "") parts.push(plainText(policy));
  if (!isWide) return parts.join("  ");
  const more = [
    record.direction === "DIRECTION_INBOUND" ? "server" : "client",
    record.protocol ?? "",
    record.mtls === true ? "mTLS" : "plaintext",
    record.route === undefined ? "" : `${shortId(record.route)} ${record.rule ?? ""}`.trim(),
    `${record.tries?.length ?? 0} tries`,
    `${record.requestBytes ?? 0}/${record.responseBytes ?? 0} bytes`,
    record.requestId ?? "",
    detail,
  ];
  return [...parts, ...more.filter((each) => each !== "").map(plainText)].join("  ");
}

export function startMs(record: TapRecordView): number {
  return Number(record.startUnixUs ?? 0) / 1_000;
}

/** As it is known: a workload, else the address that it came from. */
function sourceOf({ sourceWorkload = "", peerAddress = "" }: TapRecordView): string {
  return sourceWorkload === "" ? peerAddress : sourceWorkload;
}

function destinationOf(record: TapRecordView): string {
  const { destinationWorkload = "", destinationService = "", authority = "" } = record;
  if (destinationWorkload !== "") return destinationWorkload;
  return destinationService === "" ? authority : destinationService;
}

function what({ protocol, method = "", path = "", query = "", destinationPort = 0 }: TapRecordView): string {
  if (protocol === "tcp") return `TCP port ${destinationPort}`;
  const target = query === "" ? path : `${path}?${query}`;
  return `${method} ${target.length > maxPathLength ? `${target.slice(0, maxPathLength)}…` : target}`;
}

function outcomeOf({ protocol, status = 0, grpcStatus = 0, reason = "" }: TapRecordView): string {
  if (protocol === "tcp") return reason === "" ? "ok" : "failed";
  return grpcStatus === 0 ? String(status) : `grpc ${grpcStatus - 1}`;
}

function styleOf({ protocol, status = 0, grpcStatus = 0, reason = "" }: TapRecordView): Style {
  if (protocol === "tcp") return reason === "" ? "green" : "red";
  if (status >= 500 || status === 0) return "red";
  return status >= 400 || grpcStatus > 1 || reason !== "" ? "yellow" : "green";
}

/** Of this machine's time zone: a person compares it with a watch. */
function clockTime(ms: number): string {
  const date = new Date(ms);
  const pad = (value: number, width: number): string => String(value).padStart(width, "0");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((each) => pad(each, 2)).join(":");
  return `${time}.${pad(date.getMilliseconds(), 3)}`;
}
