#!/usr/bin/env bun
/**
 * What the codec costs a proxy for one request: a server session and a client session, joined by the least that
 * forwards, fed with recorded bytes of both peers and writing into a slab that nobody reads. No socket, no route.
 *
 *   bun src/http2/testing/measure-forwarding.ts [scenario] [rounds]
 */
import { Http2ClientSession } from "../client-session.ts";
import { HeaderFields } from "../header-fields.ts";
import { HpackEncoder } from "../hpack-encoder.ts";
import { Http2ServerSession } from "../server-session.ts";
import type { Http2Stream, StreamSink } from "../stream.ts";
import type { Transport } from "../transport.ts";
import { systemClock } from "../../kernel/index.ts";
import type { ConnectionSink } from "../../net/index.ts";
import { concat, encodeBlock, frame, uint32 } from "../testing.ts";

type Entries = readonly (readonly [string, string])[];

interface Scenario {
  readonly request: (index: number) => Entries;
  readonly requestBody: number;
  readonly response: (index: number) => Entries;
  readonly responseBody: number;
  readonly trailers: Entries | undefined;
  /** Requests in one chunk of bytes. */
  readonly batch: number;
}

const requestHead = (method: string, path: string): Entries => [
  [":method", method],
  [":scheme", "http"],
  [":authority", "shop.example:8080"],
  [":path", path],
];
const hex = (index: number, digits: number): string =>
  ((index + 1) * 2654435761).toString(16).padStart(digits, "7").repeat(4).slice(0, digits);
const responseHead = (type: string): Entries => [
  [":status", "200"],
  ["server", "nginx/1.22.1"],
  ["date", "Thu, 27 Nov 2025 10:20:30 GMT"],
  ["content-type", type],
];

const scenarios: Readonly<Record<string, Scenario>> = {
  h2load: {
    request: () => [...requestHead("GET", "/"), ["user-agent", "h2load nghttp2/1.52.0"]],
    requestBody: 0,
    response: () => [...responseHead("text/plain"), ["content-length", "36"]],
    responseBody: 36,
    trailers: undefined,
    batch: 8,
  },
  browser: {
    request: (index) => [
      ...requestHead("GET", `/api/catalogue/items/${index}?sort=price&page=${index % 7}`),
      ["user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"],
      ["accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
      ["accept-language", "en-US,en;q=0.5"],
      ["accept-encoding", "gzip, deflate, br, zstd"],
      ["referer", "https://shop.example/catalogue"],
      ["cookie", "session=0123456789abcdef0123456789abcdef"],
      ["sec-fetch-dest", "document"],
      ["sec-fetch-mode", "navigate"],
      ["sec-fetch-site", "same-origin"],
      ["x-request-id", `${hex(index, 8)}-aaaa-4bbb-8ccc-${hex(index, 12)}`],
      ["traceparent", `00-${hex(index, 32)}-${hex(index, 16)}-01`],
    ],
    requestBody: 0,
    response: (index) => [
      ...responseHead("application/json"),
      ["content-length", "1024"],
      ["cache-control", "private, max-age=0"],
      ["vary", "accept-encoding"],
      ["etag", `"${hex(index, 16)}"`],
    ],
    responseBody: 1024,
    trailers: undefined,
    batch: 1,
  },
  grpc: {
    request: (index) => [
      ...requestHead("POST", "/shop.Catalogue/GetItem"),
      ["content-type", "application/grpc"],
      ["user-agent", "grpc-go/1.83.1"],
      ["te", "trailers"],
      ["grpc-timeout", `${4_000_000 + index}u`],
    ],
    requestBody: 48,
    response: () => [
      [":status", "200"],
      ["content-type", "application/grpc"],
    ],
    responseBody: 112,
    trailers: [
      ["grpc-status", "0"],
      ["grpc-message", ""],
    ],
    batch: 4,
  },
};

/** Copies into a slab, as a connection does. */
class Slab implements Transport {
  sink: ConnectionSink = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };
  bytes = 0;
  writes = 0;
  readonly #slab = new Uint8Array(1 << 20);
  #at = 0;

  get bufferedBytes(): number {
    return 0;
  }
  write(bytes: Uint8Array): boolean {
    if (this.#at + bytes.length > this.#slab.length) this.#at = 0;
    if (bytes.length < 16) for (let i = 0; i < bytes.length; i++) this.#slab[this.#at++] = bytes[i] ?? 0;
    else {
      this.#slab.set(bytes, this.#at);
      this.#at += bytes.length;
    }
    this.bytes += bytes.length;
    this.writes++;
    return true;
  }
  flush(): void {}
  shutdown(): void {}
  close(): void {
    this.sink.onClose("local");
  }
  terminate(): void {}
}

/** One direction of a forwarded exchange. */
class Forwarding implements StreamSink {
  other: Http2Stream | undefined = undefined;
  onHead(fields: HeaderFields, isEnd: boolean): void {
    this.other?.sendHead(fields, isEnd);
  }
  onInterim(): void {}
  onData(chunk: Uint8Array, isLast: boolean): void {
    this.other?.write(chunk, isLast);
  }
  onEnd(trailers: HeaderFields | undefined): void {
    this.other?.end(trailers);
  }
  onDrain(): void {}
  onClose(): void {}
}

/** Frames of `batch` messages whose stream identifiers are filled in later. */
interface Recorded {
  readonly bytes: Uint8Array;
  readonly identifiers: { readonly at: number; readonly message: number }[];
}

const variants = 512;

/** What a peer with a warm table sends, in `variants` different chunks. */
function record(scenario: Scenario, side: "request" | "response"): Recorded[] {
  const encoder = new HpackEncoder();
  const isRequest = side === "request";
  const body = isRequest ? scenario.requestBody : scenario.responseBody;
  const trailers = isRequest ? undefined : scenario.trailers;
  const message = (index: number): Uint8Array[] => {
    const head = encodeBlock(encoder, HeaderFields.of(scenario[side](index)));
    const frames = [frame(1, body === 0 ? 5 : 4, 0, head)];
    if (body > 0) frames.push(frame(0, trailers === undefined ? 1 : 0, 0, new Uint8Array(body)));
    if (trailers !== undefined) {
      frames.push(frame(1, 5, 0, encodeBlock(encoder, HeaderFields.of(trailers))));
    }
    return frames;
  };
  const make = (variant: number): Recorded => {
    const identifiers: { at: number; message: number }[] = [];
    const parts: Uint8Array[] = [];
    let at = 0;
    for (let index = 0; index < scenario.batch; index++) {
      for (const part of message(variant * scenario.batch + index)) {
        identifiers.push({ at: at + 5, message: index });
        parts.push(part);
        at += part.length;
      }
    }
    return { bytes: concat(parts), identifiers };
  };
  return Array.from({ length: variants + 1 }, (_, variant) => make(variant));
}

function fill({ bytes, identifiers }: Recorded, firstStreamId: number): Uint8Array {
  for (const { at, message } of identifiers) {
    const id = firstStreamId + 2 * message;
    bytes[at] = id >>> 24;
    bytes[at + 1] = id >>> 16;
    bytes[at + 2] = id >>> 8;
    bytes[at + 3] = id;
  }
  return bytes;
}

function prepare(scenario: Scenario) {
  const down = new Slab();
  const up = new Slab();
  const client = new Http2ClientSession(
    up,
    {
      onClose(end) {
        throw new Error(end.detail);
      },
    },
    { clock: systemClock },
  );
  const server = new Http2ServerSession(
    down,
    {
      onStream(stream, request, isEnd) {
        const requests = new Forwarding();
        const responses = new Forwarding();
        responses.other = stream;
        stream.sink = requests;
        requests.other = client.request(request, isEnd, responses);
      },
      onRefused: (_reason, detail) => console.error(detail),
      onClose(end) {
        throw new Error(end.detail);
      },
    },
    { clock: systemClock },
  );
  const large = frame(4, 0, 0, [0, 4, ...uint32(1 << 20), 0, 3, ...uint32(1000)]);
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  down.sink.onData(concat([preface, large, frame(4, 1, 0, [])]));
  up.sink.onData(concat([large, frame(4, 1, 0, [])]));
  const requests = record(scenario, "request");
  const responses = record(scenario, "response");
  const widen = frame(8, 0, 0, uint32(30_000));
  let streamId = 1;
  let sinceWiden = 0;
  const forward = (variant: number): void => {
    const request = requests[variant];
    const response = responses[variant];
    if (request === undefined || response === undefined) return;
    down.sink.onData(fill(request, streamId));
    up.sink.onData(fill(response, streamId));
    streamId += 2 * scenario.batch;
    sinceWiden += scenario.batch * Math.max(scenario.requestBody, scenario.responseBody);
    if (sinceWiden < 30_000) return;
    sinceWiden -= 30_000;
    down.sink.onData(widen);
    up.sink.onData(widen);
  };
  forward(0);
  if (server.isClosed || server.streamCount > 0) throw new Error("the first request was not forwarded");
  return { down, up, forward };
}

function measure(name: string, scenario: Scenario, rounds: number): void {
  const perRound = Math.ceil(300_000 / (variants * scenario.batch));
  const times: number[] = [];
  let bytes = 0;
  let writes = 0;
  for (let round = 0; round < rounds; round++) {
    const { down, up, forward } = prepare(scenario);
    const [bytesBefore, writesBefore] = [down.bytes + up.bytes, down.writes + up.writes];
    const started = process.cpuUsage();
    for (let i = 0; i < perRound; i++) for (let variant = 1; variant <= variants; variant++) forward(variant);
    const used = process.cpuUsage(started);
    const count = perRound * variants * scenario.batch;
    times.push(((used.user + used.system) * 1000) / count);
    bytes = (down.bytes + up.bytes - bytesBefore) / count;
    writes = (down.writes + up.writes - writesBefore) / count;
  }
  times.sort((a, b) => a - b);
  const median = times[times.length >> 1] ?? 0;
  const figures = `median ${median.toFixed(0)} ns, best ${(times[0] ?? 0).toFixed(0)} ns`;
  console.log(
    `${name.padEnd(8)} ${figures}, ${writes.toFixed(1)} writes, ${bytes.toFixed(0)} bytes a request`,
  );
}

const [, , only, rounds] = process.argv;
for (const [name, scenario] of Object.entries(scenarios)) {
  if (only === undefined || only === "all" || only === name) measure(name, scenario, Number(rounds ?? 7));
}
