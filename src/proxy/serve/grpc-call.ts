/** What the proxy knows of a gRPC call: its deadline, its status, and how a failure of the proxy's own is said in it. */
import {
  type GrpcFailure,
  grpcFailureOf,
  impliedGrpcStatus,
  isGrpcContentType,
  parseGrpcTimeout,
  readGrpcStatus,
  type ResetCode,
  resetCodeToGrpc,
  statusTrailers,
} from "../../grpc/index.ts";
import { HeaderFields } from "../../http2/index.ts";
import { httpStatusOfGrpc, type Reason, type ReasonCode, reasons } from "../../kernel/index.ts";
import { Http2Request, type HttpRequest, type HttpResponse, type Trailers } from "../http/index.ts";

export class GrpcCall {
  /** 0: none. */
  readonly timeoutMs: number;
  #status: number | undefined = undefined;
  #resetStatus: number | undefined = undefined;
  /** By the proxy, in the place of an answer or of its end. */
  #said: number | undefined = undefined;

  private constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  static of(head: HttpRequest): GrpcCall | undefined {
    if (!(head instanceof Http2Request) || head.method !== "POST") return undefined;
    const contentType = head.fields.get("content-type");
    if (contentType === undefined || !isGrpcContentType(contentType)) return undefined;
    // One that cannot be read is passed on for the server to judge; zero is a deadline that has passed.
    const timeoutMs = parseGrpcTimeout(head.fields.get("grpc-timeout") ?? "");
    return new GrpcCall(timeoutMs === undefined ? 0 : Math.max(1, timeoutMs));
  }

  /** A response of trailers only has its status in the head. */
  readStatus(head: HttpResponse): void {
    this.#status = readGrpcStatus(head);
  }

  readTrailers(trailers: Trailers | undefined): void {
    if (trailers instanceof HeaderFields) this.#status = readGrpcStatus(trailers) ?? this.#status;
  }

  /** Undefined: it has not come. */
  get status(): number | undefined {
    return this.#status;
  }

  /** What the caller makes of it, where the call itself did not say. `transport`: the status of HTTP, `reason`: of the proxy. */
  endStatus(transport: number, reason: ReasonCode | undefined): number {
    const told = this.#said ?? this.#status;
    if (told !== undefined || reason === undefined)
      return told ?? impliedGrpcStatus(transport, { kind: "done" });
    return reasons[reason].grpcStatus;
  }

  /** What the call's outcome counts as, among statuses of HTTP. */
  httpStatus(transport: number): number {
    return transport === 200 && this.#status !== undefined ? httpStatusOfGrpc(this.#status) : transport;
  }

  /** The server reset the call: the code says what the status is, as it would without a proxy. */
  readReset(code: ResetCode): void {
    this.#resetStatus = resetCodeToGrpc(code);
  }

  /** What the caller is told of a failure of the proxy's own, or of the server's reset. */
  failure(reason: ReasonCode, requestId: string, facts: Reason = reasons[reason]): GrpcFailure {
    const failure = { ...grpcFailureOf(reason, requestId), status: facts.grpcStatus };
    const isReset = reason === "upstream_reset" && this.#resetStatus !== undefined;
    const told = isReset ? { ...failure, status: this.#resetStatus ?? failure.status } : failure;
    this.#said = told.status;
    return told;
  }

  /** After the response has started, this is all that can be said. */
  failureTrailers(reason: ReasonCode, requestId: string): HeaderFields {
    const failure = this.failure(reason, requestId);
    return statusTrailers(failure.status, failure.message);
  }
}

/** A redirect, which gRPC does not know: what its own mapping from HTTP makes of the status (UNKNOWN). */
export const redirectFailure: GrpcFailure = { status: 2, message: "the route redirects this call" };

/** Of a route's timeout and a call's; 0 is none. */
export function shorterTimeout(aMs: number, bMs: number): number {
  return aMs === 0 || bMs === 0 ? aMs + bMs : Math.min(aMs, bMs);
}
