/** gRPC-Web bodies against hand-written ones: wherever they are cut, and damaged. */
import { expect, test } from "bun:test";
import { HeaderFields } from "../http2/index.ts";
import { type GrpcWebFault, GrpcWebRequestDecoder } from "./grpc-web-request-decoder.ts";
import { GrpcWebResponseEncoder } from "./grpc-web-response-encoder.ts";
import type { GrpcWebForm } from "./grpc-web-type.ts";

const faults: ReadonlySet<unknown> = new Set<GrpcWebFault>([
  "malformed_text",
  "malformed_frame",
  "truncated",
]);

function frame(message: string | Uint8Array, flags = 0): Buffer {
  const bytes = Buffer.from(message);
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

function base64(bytes: Uint8Array): Buffer {
  return Buffer.from(Buffer.from(bytes).toString("base64"), "latin1");
}

/** latin1 text of what comes out, or the fault. */
function readRequest(form: GrpcWebForm, pieces: readonly Uint8Array[]): string {
  const decoder = new GrpcWebRequestDecoder(form);
  let out = "";
  for (const piece of pieces) {
    const bytes = decoder.push(piece);
    if (typeof bytes === "string") return bytes;
    out += Buffer.from(bytes).toString("latin1");
  }
  return decoder.end() ?? out;
}

function writeResponse(form: GrpcWebForm, pieces: readonly Uint8Array[], trailers: HeaderFields): string {
  const encoder = new GrpcWebResponseEncoder(form);
  let out = "";
  for (const piece of pieces) {
    const bytes = encoder.push(piece);
    if (typeof bytes === "string") return bytes;
    out += Buffer.from(bytes).toString("latin1");
  }
  const last = encoder.end(trailers);
  return typeof last === "string" ? last : out + Buffer.from(last).toString("latin1");
}

function cuts(bytes: Uint8Array): Uint8Array[][] {
  const byOne = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
  const inTwo = Array.from({ length: bytes.length + 1 }, (_, i) => [bytes.subarray(0, i), bytes.subarray(i)]);
  return [[bytes], byOne, ...inTwo];
}

/** A client's reading of a text body: groups of four characters, each a base64 of its own. */
function naiveText(text: string): Buffer {
  return Buffer.concat((text.match(/.{1,4}/gs) ?? []).map((group) => Buffer.from(group, "base64")));
}

const trailers = HeaderFields.of([
  ["grpc-status", "0"],
  ["grpc-message", "gr%C3%BC%C3%9Fe"],
  ["x-bytes-bin", "q6ur"],
  ["x-twice", "1"],
  ["x-twice", "2"],
  ["x-latin", "\xe9"],
  ["x-empty", ""],
]);
const trailersText =
  "grpc-status: 0\r\ngrpc-message: gr%C3%BC%C3%9Fe\r\nx-bytes-bin: q6ur\r\nx-twice: 1\r\nx-twice: 2\r\nx-latin: \xe9\r\nx-empty: \r\n";
const messages = [
  frame("hello"),
  frame(""),
  frame("c", 1),
  frame(new Uint8Array(300).fill(0x80)),
  frame("xy"),
];
const body = Buffer.concat(messages);

test("a binary request is the same bytes, and no copies of them", () => {
  for (const pieces of cuts(body)) expect(readRequest("binary", pieces)).toBe(body.toString("latin1"));
  expect(new GrpcWebRequestDecoder("binary").push(body)).toBe(body);
});

test("a text request is decoded wherever it is cut and wherever its sender flushed", () => {
  const paddings = [
    base64(body),
    Buffer.concat(messages.map(base64)),
    Buffer.concat([base64(body.subarray(0, 1)), base64(body.subarray(1, 3)), base64(body.subarray(3))]),
    Buffer.concat(Array.from(body, (byte) => base64(Uint8Array.of(byte)))),
  ];
  for (const text of paddings) {
    for (const pieces of cuts(text)) expect(readRequest("text", pieces)).toBe(body.toString("latin1"));
  }
});

test("an empty request body is one", () => {
  expect(readRequest("binary", [])).toBe("");
  expect(readRequest("text", [new Uint8Array(0)])).toBe("");
});

test.each([
  ["trailers of gRPC-Web's own", frame("grpc-status: 0\r\n", 0x80), "malformed_frame"],
  ["unknown flags", frame("a", 2), "malformed_frame"],
  ["bad flags in the second frame", Buffer.concat([frame("a"), frame("b", 0x81)]), "malformed_frame"],
  ["an end inside the prefix", Buffer.concat([frame("a"), Buffer.from([0, 0])]), "truncated"],
  ["an end inside the message", frame("abc").subarray(0, 7), "truncated"],
  ["a message that never comes", Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), "truncated"],
] as const)("a request with %s is refused wherever it is cut", (_what, bytes, fault) => {
  for (const pieces of cuts(bytes)) expect(readRequest("binary", pieces)).toBe(fault);
  for (const pieces of cuts(base64(bytes))) expect(readRequest("text", pieces)).toBe(fault);
});

test("text that is no base64 is refused wherever it is cut", () => {
  const text = base64(body).toString("latin1");
  for (const broken of [`${text}!`, `${text}\n`, ` ${text}`, text.replace("A", "-")]) {
    for (const pieces of cuts(Buffer.from(broken))) {
      expect(readRequest("text", pieces)).toBe("malformed_text");
    }
  }
  for (const pieces of cuts(Buffer.from(`${text}AA`))) expect(readRequest("text", pieces)).toBe("truncated");
});

test("a binary response is its messages and a last frame of trailers, however it is cut", () => {
  const wanted =
    body.toString("latin1") + frame(Buffer.from(trailersText, "latin1"), 0x80).toString("latin1");
  for (const pieces of cuts(body)) expect(writeResponse("binary", pieces, trailers)).toBe(wanted);
});

test("a text response is each message and the trailers in base64, however it is cut", () => {
  const last = frame(Buffer.from(trailersText, "latin1"), 0x80);
  const wanted = [...messages, last].map((part) => base64(part).toString("latin1")).join("");
  for (const pieces of cuts(body)) expect(writeResponse("text", pieces, trailers)).toBe(wanted);
});

test("no message waits for what comes behind it", () => {
  for (let size = 0; size < 8; size++) {
    const encoder = new GrpcWebResponseEncoder("text");
    const first = frame("x".repeat(size));
    const seen = encoder.push(Buffer.concat([first, Buffer.from([0])]));
    const text = typeof seen === "string" ? seen : Buffer.from(seen).toString("latin1");
    expect(naiveText(text).toString("latin1")).toStartWith(first.toString("latin1"));
  }
});

test("a response without messages is its trailers alone", () => {
  const only = HeaderFields.of([["grpc-status", "5"]]);
  const wanted = frame("grpc-status: 5\r\n", 0x80);
  expect(writeResponse("binary", [], only)).toBe(wanted.toString("latin1"));
  expect(writeResponse("text", [], only)).toBe(base64(wanted).toString("latin1"));
  expect(writeResponse("binary", [], new HeaderFields())).toBe("\x80\0\0\0\0");
});

test.each([
  ["an end inside a message", frame("abc").subarray(0, 7), trailers, "truncated"],
  ["a frame with gRPC-Web's flag", frame("grpc-status: 0\r\n", 0x80), trailers, "malformed_frame"],
  ["a line end in a value", body, HeaderFields.of([["a", "1\r\ngrpc-status: 0"]]), "malformed_trailers"],
  ["a line feed in a name", body, HeaderFields.of([["a\nb", "1"]]), "malformed_trailers"],
  ["a colon in a name", body, HeaderFields.of([["a: b", "1"]]), "malformed_trailers"],
  ["a pseudo field", body, HeaderFields.of([[":status", "200"]]), "malformed_trailers"],
  ["an upper-case name", body, HeaderFields.of([["A", "1"]]), "malformed_trailers"],
  ["a character of two bytes", body, HeaderFields.of([["a", "\u0141"]]), "malformed_trailers"],
  ["much text", body, HeaderFields.of([["a", "x".repeat(65_536)]]), "trailers_too_large"],
] as const)("a response with %s is a fault in both forms", (_what, bytes, fields, fault) => {
  expect(writeResponse("binary", [bytes], fields)).toBe(fault);
  expect(writeResponse("text", [bytes], fields)).toBe(fault);
});

test("a large body takes no memory beyond the piece at hand", () => {
  const piece = new Uint8Array(64 * 1024);
  const head = Uint8Array.of(0, 0x40, 0, 0, 0);
  const run = (form: GrpcWebForm): void => {
    const encoder = new GrpcWebResponseEncoder(form);
    encoder.push(head);
    for (let i = 0; i < 200; i++) encoder.push(piece);
    const decoder = new GrpcWebRequestDecoder(form);
    decoder.push(form === "binary" ? head : base64(head));
    const text = form === "binary" ? piece : new Uint8Array(64 * 1024).fill(0x41);
    for (let i = 0; i < 200; i++) decoder.push(text);
    Bun.gc(true);
  };
  run("text");
  const before = process.memoryUsage().arrayBuffers;
  run("text");
  run("binary");
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024);
});

/** More by hand: `WEFT_MUTATIONS=10000000 bun test …`. */
const rounds = Number(process.env["WEFT_MUTATIONS"] ?? 20_000);

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function damage(whole: Buffer, random: () => number): Buffer {
  const bytes = [...whole];
  const telling = [0, 1, 2, 0x80, 0x81, 0xff, 0x0a, 0x2b, 0x2f, 0x3d, 0x3d, 0x41, 0x42, 0x51, 0x67];
  for (let n = Math.floor(random() * 4); n > 0; n--) {
    const at = Math.floor(random() * bytes.length);
    const way = random();
    const byte = telling[Math.floor(random() * telling.length)] ?? 0;
    if (way < 0.4) bytes[at] = byte;
    else if (way < 0.6) bytes.splice(at, 0, byte);
    else if (way < 0.8) bytes.splice(at, 1);
    else bytes.length = at;
  }
  return Buffer.from(bytes);
}

function cutRandomly(bytes: Buffer, random: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = Math.min(bytes.length, at + 1 + Math.floor(random() * 9));
    pieces.push(bytes.subarray(at, next));
    at = next;
  }
  return pieces;
}

/** The verdict of a decoder that has the whole body before it. */
function naiveVerdict(bytes: Buffer): "whole" | "malformed_frame" | "truncated" {
  for (let at = 0; at < bytes.length; ) {
    if ((bytes[at] ?? 0) > 1) return "malformed_frame";
    if (at + 5 > bytes.length) return "truncated";
    at += 5 + bytes.readUInt32BE(at + 1);
    if (at > bytes.length) return "truncated";
  }
  return "whole";
}

test("damaged bodies mean the same however they are cut, and the same as to naive decoders", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = randomFrom(seed);
  const small = Buffer.concat([frame("hello"), frame("", 1), frame("xy")]);
  const texts = [base64(small), Buffer.concat([frame("hello"), frame("", 1), frame("xy")].map(base64))];
  const isBase64 = /^([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)*$/;
  const seen = { whole: 0, malformed_frame: 0, truncated: 0, malformed_text: 0 };
  for (let round = 0; round < rounds; round++) {
    const form: GrpcWebForm = random() < 0.5 ? "binary" : "text";
    const origin = form === "binary" ? small : (texts[round % 2] ?? small);
    const bytes = damage(origin, random);
    const pieces = cutRandomly(bytes, random);
    const result = readRequest(form, pieces);
    const context = `seed ${seed}, round ${round}: ${form} ${JSON.stringify(bytes.toString("latin1"))}`;
    if (result !== readRequest(form, [bytes])) throw new Error(`${context}: differs when cut`);
    seen[
      result === "malformed_text" || result === "malformed_frame" || result === "truncated" ? result : "whole"
    ]++;
    if (form === "binary") {
      const verdict = naiveVerdict(bytes);
      const wanted = verdict === "whole" ? bytes.toString("latin1") : verdict;
      if (result !== wanted) throw new Error(`${context}: ${result}, wanted ${wanted}`);
      if (
        writeResponse(form, pieces, new HeaderFields()) !==
        (verdict === "whole" ? `${wanted}\x80\0\0\0\0` : verdict)
      )
        throw new Error(`${context}: another verdict on the response`);
    } else if (!faults.has(result)) {
      const text = bytes.toString("latin1");
      const isSame = isBase64.test(text) && naiveText(text).toString("latin1") === result;
      if (!isSame) throw new Error(`${context}: accepted as ${JSON.stringify(result)}`);
      const response = writeResponse(form, [naiveText(text)], new HeaderFields());
      if (naiveText(response).toString("latin1") !== `${result}\x80\0\0\0\0`)
        throw new Error(`${context}: the response says ${response}`);
    }
  }
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(rounds / 1000);
}, 3_600_000);
