/** The client's side of one exchange, whichever version of HTTP it speaks. */
import type { GrpcFailure } from "../../grpc/index.ts";
import type { HeadEdits, HeaderLine } from "../../http1/index.ts";
import type { ReasonCode } from "../../kernel/index.ts";
import type { Connection } from "../../net/index.ts";
import type { HttpResponse, Trailers } from "../http/index.ts";

/** The proxy's own answer: whose side it was on and the request's id, never more. */
export interface Refusal {
  readonly reason: ReasonCode;
  /** Of HTTP, where it is not the reason's own. */
  readonly status?: number;
  readonly requestId: string;
  /** Told beside the class and the id, where the mesh says that callers are told; absent: nothing. */
  readonly told?: string | undefined;
  /** Beside x-request-id. */
  readonly lines: readonly HeaderLine[];
  /** The client has sent all of its request. */
  readonly isRequestEnded: boolean;
  /** Said as gRPC's status (HTTP status 200), where the client's version can. */
  readonly grpc: GrpcFailure | undefined;
}

/** An answer that a route or a filter has the proxy give: a status, lines and perhaps a body. */
export interface OwnAnswer {
  readonly status: number;
  readonly requestId: string;
  /** Beside x-request-id. */
  readonly lines: readonly HeaderLine[];
  readonly isRequestEnded: boolean;
  /** Absent: none. Its type is one of the lines. */
  readonly body?: Uint8Array | undefined;
  /** What a gRPC call is told instead: it knows no such answers. */
  readonly grpc: GrpcFailure | undefined;
}

export interface ClientStream {
  readonly remoteAddress: string;
  /** No more of the request's body for now. What is under way already still comes. */
  pauseRequest(): void;
  resumeRequest(): void;
  writeInterim(head: HttpResponse): void;
  /** Why this response cannot be said to this client; nothing was written then. */
  writeHead(head: HttpResponse, edits: HeadEdits | undefined, isRequestEnded: boolean): string | undefined;
  /** The switch of protocols succeeded; `detach` or `enterTunnel` follows. */
  writeSwitch(head: HttpResponse, edits: HeadEdits | undefined): void;
  /** False: it was taken, but stop until the exchange's `onClientDrain`. The bytes must not change afterwards. */
  writeBody(chunk: Uint8Array, isLast?: boolean): boolean;
  /** Of the response; in a tunnel of the server's direction. */
  writeEnd(trailers: Trailers | undefined): void;
  writeRefusal(refusal: Refusal): void;
  writeAnswer(answer: OwnAnswer): void;
  /** The response is complete, or was refused with an answer. */
  onExchangeDone(): void;
  /** The response cannot be completed: the client must notice. */
  abort(): void;
  /** Bodies are the tunnel's bytes from here on, each direction with its own end. */
  enterTunnel(): void;
  /** A tunnel over HTTP/1.1: the connection is the caller's. Undefined where others share the connection. */
  detach(): { readonly connection: Connection; readonly alreadyRead: Uint8Array | undefined } | undefined;
}
