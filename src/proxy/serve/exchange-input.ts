/** What a client's connection tells an exchange of its request. */
import type { ReasonCode } from "../../kernel/index.ts";
import type { Trailers } from "../http/index.ts";

export interface ExchangeInput {
  /** After the client has set it as the receiver of everything else. */
  start(): void;
  /** May be kept. */
  onRequestBody(chunk: Uint8Array): void;
  onRequestEnd(trailers: Trailers | undefined): void;
  /** After `writeBody` returned false: more is wanted. */
  onClientDrain(): void;
  /** Every second, with the wall clock in milliseconds: ends it where nothing has moved for too long. */
  sweep(nowMs: number): void;
  /** The client went away, or its bytes turned out to be malformed: no answer is possible or asked for. */
  cancel(reason: ReasonCode, detail: string): void;
  /** The body is malformed or never came: refused with an answer where none has started. */
  failRequest(reason: ReasonCode, detail: string): void;
}
