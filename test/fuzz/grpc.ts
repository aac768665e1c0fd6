/** gRPC's messages and gRPC-Web's bodies under damage, beside readers that see the whole body and keep no state. */
import { GrpcWebRequestDecoder } from "../../src/grpc/grpc-web-request-decoder.ts";
import { GrpcWebResponseEncoder } from "../../src/grpc/grpc-web-response-encoder.ts";
import { MessageReader } from "../../src/grpc/message-reader.ts";
import { HeaderFields } from "../../src/http2/index.ts";
import { mustHold } from "./must-hold.ts";
import { mutate, type Random } from "./mutate.ts";
import { randomPieces } from "./random-cuts.ts";

const prefixBytes = 5;
const maxMessageBytes = 300;

const bodies: readonly Buffer[] = [[0], [7], [1, 2, 3], [300], [3, 0, 40], [0, 0, 1], [64, 65, 66]].map(
  (lengths) => Buffer.concat(lengths.map(frame)),
);
const texts = bodies.flatMap((body) => [
  Buffer.from(body.toString("base64"), "latin1"),
  // Padded in the middle, as senders do that flush.
  ...[4, 5].map((cut) =>
    Buffer.from(body.subarray(0, cut).toString("base64") + body.subarray(cut).toString("base64"), "latin1"),
  ),
]);
const alphabet = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", "latin1");

function frame(length: number): Buffer {
  const bytes = Buffer.alloc(prefixBytes + length, 0x5a);
  bytes[0] = 0;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

export const grpcTargets = { messages, webRequest, webResponse } as const;

/** The same messages and the same refusal, however the bytes are cut. */
function messages(random: Random, inputs: number): number {
  let valid = 0;
  for (let done = 0; done < inputs; done++) {
    const seed = random.pick(bodies);
    const input = mutate(random, seed, random.pick(bodies));
    const read: string[] = [];
    const reader = new MessageReader(
      (bytes) => read.push(Buffer.from(bytes).toString("hex")),
      maxMessageBytes,
    );
    let refusal: string | undefined;
    for (const piece of randomPieces(random, input)) refusal ??= reader.push(piece)?.code;
    const expected = framesOf(input, 0, maxMessageBytes);
    mustHold(read.join() === expected.frames.join(), "other messages", input);
    mustHold((refusal !== undefined) === (expected.end === "refused"), "refused differently", input);
    if (refusal === undefined) {
      mustHold(reader.isBetweenMessages === (expected.end === "between"), "another end", input);
      valid++;
    }
  }
  return valid;
}

/** Text into messages: the same bytes and the same fault as a decoder of whole groups finds. */
function webRequest(random: Random, inputs: number): number {
  let valid = 0;
  for (let done = 0; done < inputs; done++) {
    const seed = random.pick(texts);
    const input = damagedText(random, seed);
    const decoder = new GrpcWebRequestDecoder("text");
    const out: Uint8Array[] = [];
    let fault: string | undefined;
    for (const piece of randomPieces(random, input)) {
      const bytes = decoder.push(piece);
      if (typeof bytes === "string") {
        fault = bytes;
        break;
      }
      out.push(bytes);
    }
    fault ??= decoder.end();
    const text = groupsOf(input);
    const { end } = framesOf(text.bytes, 1, Number.POSITIVE_INFINITY);
    const expected =
      end === "refused"
        ? "malformed_frame"
        : text.end === "broken"
          ? "malformed_text"
          : end === "inside" || text.end === "inside"
            ? "truncated"
            : undefined;
    mustHold(fault === expected, `${fault} where ${expected} was due`, input);
    if (fault !== undefined) continue;
    mustHold(Buffer.concat(out).equals(text.bytes), "other bytes", input);
    valid++;
  }
  return valid;
}

/** Half of it stays text: one character is another. */
function damagedText(random: Random, seed: Uint8Array): Uint8Array {
  if (random.below(2) === 0) return mutate(random, seed, random.pick(texts));
  const text = new Uint8Array(seed);
  text[random.below(text.length)] = alphabet[random.below(alphabet.length)] ?? 0;
  return text;
}

const trailers = HeaderFields.of([
  ["grpc-status", "0"],
  ["grpc-message", "ok"],
]);

/** Messages into text: decoded again it is the body and the frame of trailers, however the body is cut. */
function webResponse(random: Random, inputs: number): number {
  const ending = new GrpcWebResponseEncoder("binary").end(trailers);
  if (typeof ending === "string") throw new Error(ending);
  let valid = 0;
  for (let done = 0; done < inputs; done++) {
    const seed = random.pick(bodies);
    const input = mutate(random, seed, random.pick(bodies));
    const encoder = new GrpcWebResponseEncoder("text");
    const out: Uint8Array[] = [];
    let fault: string | undefined;
    for (const piece of [...randomPieces(random, input), undefined]) {
      const bytes = piece === undefined ? encoder.end(trailers) : encoder.push(piece);
      if (typeof bytes === "string") {
        fault = bytes;
        break;
      }
      out.push(bytes);
    }
    const { end } = framesOf(input, 1, Number.POSITIVE_INFINITY);
    const expected = end === "refused" ? "malformed_frame" : end === "inside" ? "truncated" : undefined;
    mustHold(fault === expected, `${fault} where ${expected} was due`, input);
    if (fault !== undefined) continue;
    const text = groupsOf(Buffer.concat(out));
    mustHold(text.end === "between", "no base64", input);
    mustHold(text.bytes.equals(Buffer.concat([input, ending])), "other bytes", input);
    valid++;
  }
  return valid;
}

interface Frames {
  /** In hexadecimal. */
  readonly frames: readonly string[];
  readonly end: "between" | "inside" | "refused";
}

/** With `maxFlags` 0 a prefix is judged once it is whole, as a reader does that names the length; else at its first byte. */
function framesOf(bytes: Uint8Array, maxFlags: 0 | 1, maxLength: number): Frames {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: string[] = [];
  for (let at = 0; at < buffer.length; ) {
    const isPrefixWhole = at + prefixBytes <= buffer.length;
    const flags = buffer[at] ?? 0;
    if (flags > maxFlags && (isPrefixWhole || maxFlags > 0)) return { frames, end: "refused" };
    if (!isPrefixWhole) return { frames, end: "inside" };
    const length = buffer.readUInt32BE(at + 1);
    if (length > maxLength) return { frames, end: "refused" };
    const end = at + prefixBytes + length;
    if (end > buffer.length) return { frames, end: "inside" };
    frames.push(buffer.toString("hex", at + prefixBytes, end));
    at = end;
  }
  return { frames, end: "between" };
}

/** Groups of four characters, each padded or not; a group is right if it is what its bytes are encoded to. */
function groupsOf(text: Uint8Array): { bytes: Buffer; end: "between" | "inside" | "broken" } {
  const characters = Buffer.from(text).toString("latin1");
  const pieces: Buffer[] = [];
  for (let at = 0; at < characters.length; at += 4) {
    const group = characters.slice(at, at + 4);
    const isWhole = group.length === 4;
    // The rest of a group cut off could be anything: padding where it has begun, else zeros.
    const completed = isWhole ? group : group.padEnd(4, group.includes("=") ? "=" : "A");
    const bytes = Buffer.from(completed, "base64");
    if (bytes.toString("base64") !== completed) return { bytes: Buffer.concat(pieces), end: "broken" };
    if (!isWhole) return { bytes: Buffer.concat(pieces), end: "inside" };
    pieces.push(bytes);
  }
  return { bytes: Buffer.concat(pieces), end: "between" };
}
