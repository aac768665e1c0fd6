/**
 * One question to a service that decides about requests, in HTTP/1.1 or HTTP/2, over the pools and the hop that requests
 * take (mutual TLS where its workload is the mesh's). Bounded in time and in the answer's size; asked once more on another
 * connection where the first had been lost before it said anything.
 *
 *   start -> waiting for a connection -> asked --answer--> done
 *     '-- cancelled | timed out | failed (once: start again)
 */
import { impliedGrpcStatus, readGrpcStatus, type ResetCode } from "../../grpc/index.ts";
import { HeaderFields } from "../../http2/index.ts";
import type { Clock, ReasonCode } from "../../kernel/index.ts";
import type { ConnectFailure, TimerWheel, WheelTimer } from "../../net/index.ts";
import { Http2Request, type HttpResponse, type Trailers } from "../http/index.ts";
import {
  newestView,
  type PoolWaiter,
  type UpstreamCluster,
  type UpstreamEndpoint,
  type UpstreamHandler,
  type UpstreamStream,
} from "../upstream/index.ts";

export interface UnaryRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly authority: string;
  /** Names in lower case; none of the connection's own. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Of gRPC: the message, without its frame. */
  readonly body: Uint8Array | undefined;
  /** A unary call: HTTP/2, framed, and only gRPC status 0 is an answer. */
  readonly isGrpc: boolean;
  /** At least 1. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
}

export interface UnaryAnswer {
  readonly kind: "answer";
  readonly status: number;
  readonly head: HttpResponse;
  /** Of gRPC: the message. */
  readonly body: Uint8Array;
}

export interface UnaryFailure {
  readonly kind: "failure";
  /** `request_timeout` where time was up. */
  readonly reason: ReasonCode;
  readonly detail: string;
  /** The service answered with it. */
  readonly grpcStatus?: number;
  /** As it came beside that: `grpc-status-details-bin`, in base64. */
  readonly grpcDetails?: string | undefined;
  /** Of HTTP: the answer had begun with it. */
  readonly answerStatus?: number | undefined;
  /** It was more than `maxAnswerBytes`. */
  readonly isTooLong?: boolean;
}

export interface UnaryCall {
  /** `done` is not called any more; what was sent is reset. */
  cancel(): void;
}

export interface UnaryCallContext {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: () => number;
}

/** `done` is called once, perhaps before this returns. */
export function startUnaryCall(
  context: UnaryCallContext,
  cluster: UpstreamCluster,
  request: UnaryRequest,
  done: (result: UnaryAnswer | UnaryFailure) => void,
): UnaryCall {
  const call = new Call(context, cluster, request, done);
  call.start();
  return call;
}

/** Of a gRPC message: not compressed, and its length. */
const frameHeadBytes = 5;
const maxTries = 2;
const detailsField = "grpc-status-details-bin";

class Call implements PoolWaiter, UpstreamHandler, UnaryCall {
  readonly needsSettings = false;
  readonly head: Http2Request;
  readonly #context: UnaryCallContext;
  readonly #cluster: UpstreamCluster;
  readonly #request: UnaryRequest;
  readonly #done: (result: UnaryAnswer | UnaryFailure) => void;
  readonly #tried: UpstreamEndpoint[] = [];
  #endpoint: UpstreamEndpoint | undefined = undefined;
  #upstream: UpstreamStream | undefined = undefined;
  #timer: WheelTimer | undefined = undefined;
  #sentUs = 0;
  #tries = 0;
  #answer: HttpResponse | undefined = undefined;
  #grpcStatus: number | undefined = undefined;
  #grpcDetails: string | undefined = undefined;
  #chunks: Uint8Array[] = [];
  #byteLength = 0;
  /** Not sent yet: the upstream takes no more for the moment. */
  #isOver = false;

  constructor(
    context: UnaryCallContext,
    cluster: UpstreamCluster,
    request: UnaryRequest,
    done: (result: UnaryAnswer | UnaryFailure) => void,
  ) {
    this.#context = context;
    this.#cluster = cluster;
    this.#request = request;
    this.#done = done;
    this.head = headOf(request);
  }

  start(): void {
    const { timeoutMs } = this.#request;
    this.#timer = this.#context.wheel.schedule(timeoutMs, () => {
      this.#endpoint?.recordLocalFailure(this.#context.clock.monotonicUs());
      this.#giveUp("request_timeout", `no answer within ${timeoutMs} ms`);
    });
    this.#try({ reason: "no_endpoint", detail: "the cluster has no usable endpoint" });
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#letGo();
  }

  // ---- pool

  onUpstream(upstream: UpstreamStream): void {
    if (!upstream.isReused) this.#endpoint?.recordConnected();
    this.#upstream = upstream;
    this.#sentUs = this.#context.clock.monotonicUs();
    const obstacle = upstream.begin(this, {
      head: this.head,
      edits: undefined,
      lines: [],
      scheme: "http",
      isUpgrade: false,
    });
    if (obstacle !== undefined) {
      this.#upstream = undefined;
      this.#fail("malformed_request", obstacle);
      return;
    }
    const { body, isGrpc } = this.#request;
    // Small and bounded by whoever asks: what the connection does not take at once waits in it.
    if (isGrpc) upstream.writeBody(framed(body ?? new Uint8Array(0)));
    else if (body !== undefined && body.length > 0) upstream.writeBody(body);
    if (this.#upstream === upstream) upstream.writeEnd(undefined);
  }

  onUpstreamFailed(failure: ConnectFailure): void {
    this.#endpoint?.recordConnectFailure(this.#context.clock.monotonicUs());
    this.#leave();
    this.#try(failure);
  }

  // ---- upstream

  onUpstreamInterim(): void {}

  onUpstreamHead(head: HttpResponse): void {
    const nowUs = this.#context.clock.monotonicUs();
    this.#endpoint?.recordLatency(nowUs - this.#sentUs, nowUs);
    this.#endpoint?.recordStatus(head.status, nowUs);
    this.#answer = head;
    if (!this.#request.isGrpc) return;
    this.#grpcStatus = readGrpcStatus(head);
    this.#grpcDetails = head.get(detailsField);
  }

  onUpstreamBody(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#byteLength += chunk.length;
    const { isGrpc, maxAnswerBytes } = this.#request;
    if (this.#byteLength > maxAnswerBytes + (isGrpc ? frameHeadBytes : 0)) {
      this.#letGo();
      this.#finish({
        kind: "failure",
        reason: "upstream_malformed",
        detail: `the answer is longer than ${maxAnswerBytes} bytes`,
        answerStatus: this.#answer?.status,
        isTooLong: true,
      });
    } else {
      this.#chunks.push(chunk);
    }
  }

  onUpstreamEnd(trailers: Trailers | undefined): void {
    const head = this.#answer;
    this.#upstream = undefined;
    if (head === undefined) return;
    const body = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    if (!this.#request.isGrpc) {
      this.#finish({ kind: "answer", status: head.status, head, body: body ?? new Uint8Array(0) });
      return;
    }
    if (trailers instanceof HeaderFields) {
      this.#grpcStatus = readGrpcStatus(trailers) ?? this.#grpcStatus;
      this.#grpcDetails = trailers.get(detailsField) ?? this.#grpcDetails;
    }
    const said = { status: this.#grpcStatus, details: this.#grpcDetails };
    this.#finish(grpcResult(head, said, body ?? new Uint8Array(0)));
  }

  onUpstreamDrain(): void {}

  onUpstreamLost(reason: ReasonCode, detail: string, isUnprocessed: boolean, _code?: ResetCode): void {
    const upstream = this.#upstream;
    this.#upstream = undefined;
    if (this.#isOver) return;
    const isFree = this.#answer === undefined && (isUnprocessed || upstream?.isReused === true);
    if (!isFree) {
      this.#endpoint?.recordLocalFailure(this.#context.clock.monotonicUs());
      this.#fail(reason, detail);
      return;
    }
    // Idle connections of an endpoint that let one die are likely dead too, and it may be the only endpoint there is.
    this.#endpoint?.pool.dropIdle();
    this.#tried.pop();
    this.#leave();
    this.#try({ reason, detail });
  }

  // ---- inside

  #try(failure: { readonly reason: ReasonCode; readonly detail: string }): void {
    if (this.#isOver) return;
    const { clock, random } = this.#context;
    const { picker } = newestView(this.#cluster);
    const endpoint =
      this.#tries < maxTries ? picker.pick(clock.monotonicUs(), random, this.#tried) : undefined;
    if (endpoint === undefined) {
      this.#fail(failure.reason, failure.detail);
      return;
    }
    this.#tries++;
    this.#tried.push(endpoint);
    this.#endpoint = endpoint;
    endpoint.inFlight++;
    const { isGrpc } = this.#request;
    const version = this.#cluster.versionFor(isGrpc ? 2 : 1, endpoint, isGrpc);
    const acquired = endpoint.pool.acquire(version, this);
    if (typeof acquired === "string") this.#fail(acquired, "the endpoint's connection pool refused");
    else if (acquired !== undefined) this.onUpstream(acquired);
  }

  #letGo(): void {
    if (this.#upstream === undefined) this.#endpoint?.pool.cancel(this);
    else this.#upstream.abandon();
    this.#upstream = undefined;
    this.#leave();
  }

  #leave(): void {
    if (this.#endpoint !== undefined) this.#endpoint.inFlight--;
    this.#endpoint = undefined;
  }

  #giveUp(reason: ReasonCode, detail: string): void {
    this.#letGo();
    this.#fail(reason, detail);
  }

  #fail(reason: ReasonCode, detail: string): void {
    this.#finish({ kind: "failure", reason, detail, answerStatus: this.#answer?.status });
  }

  #finish(result: UnaryAnswer | UnaryFailure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#leave();
    this.#done(result);
  }
}

function headOf(request: UnaryRequest): Http2Request {
  const { method, path, authority, fields, body, isGrpc } = request;
  const list = HeaderFields.of([
    [":method", method],
    [":scheme", "http"],
    [":path", path],
    [":authority", authority],
  ]);
  for (const [name, value] of fields) list.add(name, value);
  if (isGrpc) {
    list.add("content-type", "application/grpc").add("te", "trailers");
    list.add("grpc-timeout", `${Math.min(request.timeoutMs, 99_999_999)}m`);
  } else if (body !== undefined) {
    list.add("content-length", String(body.length));
  }
  return new Http2Request(list, !isGrpc && (body === undefined || body.length === 0));
}

function framed(message: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(frameHeadBytes + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, frameHeadBytes);
  return frame;
}

function grpcResult(
  head: HttpResponse,
  said: { readonly status: number | undefined; readonly details: string | undefined },
  body: Uint8Array,
): UnaryAnswer | UnaryFailure {
  const grpcStatus = said.status ?? impliedGrpcStatus(head.status, { kind: "done" });
  if (grpcStatus !== 0) {
    const detail = `the call ended with gRPC status ${grpcStatus}`;
    return { kind: "failure", reason: "upstream_malformed", detail, grpcStatus, grpcDetails: said.details };
  }
  const view = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const isWhole =
    body.length >= frameHeadBytes && body[0] === 0 && view.readUInt32BE(1) === body.length - frameHeadBytes;
  return isWhole
    ? { kind: "answer", status: head.status, head, body: body.subarray(frameHeadBytes) }
    : { kind: "failure", reason: "upstream_malformed", detail: "the answer is not one message of gRPC" };
}
