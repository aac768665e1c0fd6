/**
 * A gRPC response's body and trailers into a gRPC-Web body, piece by piece: messages pass as they are, trailers become the
 * last frame, all of it in base64 where the form is text. Text is padded at the end of each message, never inside one, so
 * that no message waits for the next. A response of a head alone needs no body: its status stays among the head's fields.
 */
import type { HeaderFields } from "../http2/index.ts";
import { Base64Encoder } from "./base64-stream.ts";
import { FrameWalker } from "./frame-walker.ts";
import type { GrpcWebFault } from "./grpc-web-request-decoder.ts";
import type { GrpcWebForm } from "./grpc-web-type.ts";

/** As much as a header list may have in HTTP/2 here, so that what a server could send always fits. */
const maxTrailersBytes = 64 * 1024;
const trailersFlag = 0x80;
const prefixBytes = 5;
/** A token (RFC 9110 section 5.6.2) in lower case. */
const namePattern = /^[0-9a-z!#$%&'*+\-.^_`|~]+$/;
/** Visible characters and what stands between them; a line's end would be the next field's start. */
const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/;

export class GrpcWebResponseEncoder {
  readonly #text: Base64Encoder | undefined;
  readonly #frames = new FrameWalker();

  constructor(form: GrpcWebForm) {
    this.#text = form === "text" ? new Base64Encoder() : undefined;
  }

  /** gRPC-Web's bytes: the chunk itself, or text in bytes of their own. */
  push(chunk: Uint8Array): Uint8Array | GrpcWebFault {
    if (this.#text === undefined) return this.#frames.walkAll(chunk) ? chunk : "malformed_frame";
    let out = new Uint8Array(this.#text.maxLength(chunk.length));
    let to = 0;
    for (let from = 0; from < chunk.length; ) {
      const end = this.#frames.walk(chunk, from);
      if (end < 0) return "malformed_frame";
      const needed = to + this.#text.maxLength(end - from);
      if (needed > out.length) out = grown(out, to, needed);
      to = this.#text.encode(chunk, { from, end, flushes: this.#frames.isBetweenFrames }, out, to);
      from = end;
    }
    return out.subarray(0, to);
  }

  /**
   * The last frame. Values of "-bin" fields stay base64 as they came, in text bodies too: their bytes could be line ends.
   * After "truncated" the body cannot be ended: trailers would be read as the message's rest, so the response must be cut.
   */
  end(trailers: HeaderFields): Uint8Array | GrpcWebFault {
    if (!this.#frames.isBetweenFrames) return "truncated";
    const frame = encodeTrailers(trailers);
    if (typeof frame === "string" || this.#text === undefined) return frame;
    const out = new Uint8Array(this.#text.maxLength(frame.length));
    this.#text.encode(frame, { from: 0, end: frame.length, flushes: true }, out, 0);
    return out;
  }
}

function encodeTrailers(trailers: HeaderFields): Uint8Array | GrpcWebFault {
  let length = 0;
  for (let i = 0; i < trailers.count; i++) {
    const [name, value] = [trailers.nameAt(i), trailers.valueAt(i)];
    if (!namePattern.test(name) || !valuePattern.test(value)) return "malformed_trailers";
    length += name.length + value.length + 4;
  }
  if (length > maxTrailersBytes) return "trailers_too_large";
  const frame = Buffer.alloc(prefixBytes + length);
  frame[0] = trailersFlag;
  frame.writeUInt32BE(length, 1);
  let at = prefixBytes;
  for (let i = 0; i < trailers.count; i++) {
    at += frame.write(`${trailers.nameAt(i)}: ${trailers.valueAt(i)}\r\n`, at, "latin1");
  }
  return frame;
}

/** Many small messages take more padding than one large one. */
function grown(out: Uint8Array<ArrayBuffer>, used: number, needed: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(needed, out.length * 2));
  larger.set(out.subarray(0, used));
  return larger;
}
