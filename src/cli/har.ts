/** Exchanges of a tap as entries of an HTTP Archive 1.2 (http://www.softwareishard.com/blog/har-12-spec/). Connections without HTTP have no place in one. */
import { STATUS_CODES } from "node:http";
import type { TapRecordView } from "../api/index.ts";
import { startMs } from "./tap-line.ts";

type Headers = NonNullable<TapRecordView["requestHeaders"]>;

/** Around the entries. */
export function harFrame(version: string): { readonly head: string; readonly tail: string } {
  const creator = JSON.stringify({ name: "weft", version });
  return { head: `{"log":{"version":"1.2","creator":${creator},"pages":[],"entries":[`, tail: "]}}\n" };
}

/** Undefined: it was no HTTP. */
export function harEntry(record: TapRecordView): object | undefined {
  const { method, protocol = "" } = record;
  if (protocol === "tcp" || method === undefined) return undefined;
  const { requestHeaders = [], responseHeaders = [], status = 0 } = record;
  const totalMs = millis(record.endUs);
  const httpVersion = protocol === "gRPC" ? "HTTP/2" : protocol;
  return {
    startedDateTime: new Date(startMs(record)).toISOString(),
    time: totalMs,
    request: {
      ...{ method, url: urlOf(record), httpVersion, cookies: [], headers: pairs(requestHeaders) },
      queryString: queryPairs(record.query),
      ...postData(record),
      headersSize: -1,
      bodySize: Number(record.requestBytes ?? 0),
    },
    response: {
      ...{ status, statusText: STATUS_CODES[status] ?? "", httpVersion, cookies: [] },
      headers: pairs(responseHeaders),
      content: content(record),
      redirectURL: valueOf(responseHeaders, "location"),
      headersSize: -1,
      bodySize: Number(record.responseBytes ?? 0),
    },
    cache: {},
    timings: timings(record, totalMs),
    ...serverAddress(record),
    comment: [record.reason, record.detail].filter((each) => each !== undefined).join(": "),
    _weft: {
      ...{ requestId: record.requestId, proxy: record.proxy, direction: record.direction },
      ...{ source: record.sourceWorkload, destination: record.destinationWorkload },
      ...{ service: record.destinationService, route: record.route, tries: record.tries },
    },
  };
}

/** Waiting for policies and for an endpoint is "blocked"; each part is told, and together they are the whole. */
function timings(record: TapRecordView, totalMs: number) {
  const last = record.tries?.at(-1);
  const sentMs = Math.min(millis(last?.connectedUs), totalMs);
  const answeredMs = Math.min(Math.max(millis(record.firstByteUs), sentMs), totalMs);
  const hasAnswer = record.firstByteUs !== undefined;
  return {
    blocked: sentMs,
    dns: -1,
    connect: -1,
    ssl: -1,
    send: 0,
    wait: (hasAnswer ? answeredMs : totalMs) - sentMs,
    receive: hasAnswer ? totalMs - answeredMs : 0,
  };
}

function millis(us: string | undefined): number {
  return Number(us ?? 0) / 1_000;
}

function urlOf({ scheme = "http", authority = "", path = "/", query }: TapRecordView): string {
  const host = authority === "" ? "unknown" : authority;
  return `${scheme}://${host}${path.startsWith("/") ? path : `/${path}`}${query === undefined ? "" : `?${query}`}`;
}

function pairs(headers: Headers): { readonly name: string; readonly value: string }[] {
  return headers.map(({ name = "", value = "" }) => ({
    name,
    value: Buffer.from(value, "base64").toString("latin1"),
  }));
}

function valueOf(headers: Headers, wanted: string): string {
  return pairs(headers).find(({ name }) => name === wanted)?.value ?? "";
}

function queryPairs(query: string | undefined): { readonly name: string; readonly value: string }[] {
  return [...new URLSearchParams(query ?? "")].map(([name, value]) => ({ name, value }));
}

function postData({ requestBody, requestHeaders = [] }: TapRecordView): object {
  if (requestBody === undefined) return {};
  const bytes = Buffer.from(requestBody, "base64");
  const mimeType = valueOf(requestHeaders, "content-type");
  const text = textOf(bytes);
  // HAR has no encoding for what is sent, as it has for what comes back.
  return text === undefined
    ? { postData: { mimeType, params: [], text: requestBody, comment: "base64" } }
    : { postData: { mimeType, params: [], text } };
}

function content({ responseBody, responseBytes, responseHeaders = [] }: TapRecordView): object {
  const size = Number(responseBytes ?? 0);
  const mimeType = valueOf(responseHeaders, "content-type");
  if (responseBody === undefined) return { size, mimeType };
  const text = textOf(Buffer.from(responseBody, "base64"));
  return text === undefined
    ? { size, mimeType, text: responseBody, encoding: "base64" }
    : { size, mimeType, text };
}

/** Undefined: it is no text. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function serverAddress({ tries }: TapRecordView): object {
  const address = tries?.at(-1)?.address;
  return address === undefined
    ? {}
    : { serverIPAddress: address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "") };
}
