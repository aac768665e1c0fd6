/**
 * A gRPC-Web request's body into a gRPC one, piece by piece: binary bodies are the same bytes, text is base64. What is not
 * a sequence of whole messages is refused, so that a server never sees the rest of a broken body as a call's end.
 */
import { Base64Decoder } from "./base64-stream.ts";
import { FrameWalker } from "./frame-walker.ts";
import type { GrpcWebForm } from "./grpc-web-type.ts";

/** Why a body cannot go on; nothing may be pushed afterwards. */
export type GrpcWebFault =
  | "malformed_text"
  | "malformed_frame"
  /** It ended inside a message or a group of base64. */
  | "truncated"
  | "malformed_trailers"
  | "trailers_too_large";

export class GrpcWebRequestDecoder {
  readonly #text: Base64Decoder | undefined;
  readonly #frames = new FrameWalker();

  constructor(form: GrpcWebForm) {
    this.#text = form === "text" ? new Base64Decoder() : undefined;
  }

  /** gRPC's bytes: the chunk itself, or less than it in bytes of their own. */
  push(chunk: Uint8Array): Uint8Array | GrpcWebFault {
    const bytes = this.#text === undefined ? chunk : this.#text.push(chunk);
    // In the order of the bytes, so that the verdict is the same however they were cut.
    if (!this.#frames.walkAll(bytes)) return "malformed_frame";
    return this.#text?.isBroken === true ? "malformed_text" : bytes;
  }

  /** The body is over. */
  end(): GrpcWebFault | undefined {
    const isWhole = this.#frames.isBetweenFrames && this.#text?.isBetweenGroups !== false;
    return isWhole ? undefined : "truncated";
  }
}
