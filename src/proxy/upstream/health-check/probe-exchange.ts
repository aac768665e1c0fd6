/** One question to an endpoint and what is made of the answer. */
import { impliedGrpcStatus, readGrpcStatus, type ResetCode } from "../../../grpc/index.ts";
import { HeaderFields } from "../../../http2/index.ts";
import type { ReasonCode } from "../../../kernel/index.ts";
import type { ConnectFailure } from "../../../net/index.ts";
import type { Http2Request, HttpResponse, HttpVersion, Trailers } from "../../http/index.ts";
import type { EndpointPools } from "../endpoint-pools.ts";
import type { PoolWaiter, UpstreamHandler, UpstreamStream } from "../http-upstream.ts";
import type { ProbeRun } from "./endpoint-checker.ts";
import { healthAnswerProblem, maxHealthAnswerBytes } from "./grpc-health.ts";

export interface ProbeExpectation {
  readonly head: Http2Request;
  readonly body: Uint8Array | undefined;
  readonly isExpected: (status: number) => boolean;
  /** The answer is a message of grpc.health.v1. */
  readonly isGrpc: boolean;
}

/** A page that checks everything may say so at length; more is not read. */
const maxAnswerBytes = 1_048_576;

export class ProbeExchange implements PoolWaiter, UpstreamHandler, ProbeRun {
  readonly needsSettings = false;
  readonly #pools: EndpointPools;
  readonly #expectation: ProbeExpectation;
  readonly #done: (failure: string | undefined) => void;
  #version: HttpVersion = 1;
  #upstream: UpstreamStream | undefined = undefined;
  #isRepeated = false;
  #isOver = false;
  #grpcStatus: number | undefined = undefined;
  #answerBytes = 0;
  #answer: Uint8Array = new Uint8Array(0);

  constructor(
    pools: EndpointPools,
    expectation: ProbeExpectation,
    done: (failure: string | undefined) => void,
  ) {
    this.#pools = pools;
    this.#expectation = expectation;
    this.#done = done;
  }

  start(version: HttpVersion): void {
    this.#version = version;
    const acquired = this.#pools.acquire(version, this);
    if (typeof acquired === "string") this.#finish(acquired);
    else if (acquired !== undefined) this.onUpstream(acquired);
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pools.cancel(this);
    this.#upstream?.abandon();
  }

  onUpstream(upstream: UpstreamStream): void {
    const { head, body } = this.#expectation;
    this.#upstream = upstream;
    const obstacle = upstream.begin(this, {
      head,
      edits: undefined,
      lines: [],
      scheme: "http",
      isUpgrade: false,
    });
    if (obstacle !== undefined) {
      this.#finish(obstacle);
      return;
    }
    if (body !== undefined) upstream.writeBody(body);
    upstream.writeEnd(undefined);
  }

  onUpstreamFailed(failure: ConnectFailure): void {
    this.#finish(failure.detail);
  }

  onUpstreamInterim(): void {}

  onUpstreamHead(head: HttpResponse): void {
    if (!this.#expectation.isExpected(head.status)) {
      this.#giveUp(`the answer's status is ${head.status}`);
      return;
    }
    if (this.#expectation.isGrpc) this.#grpcStatus = readGrpcStatus(head);
  }

  onUpstreamBody(chunk: Uint8Array): void {
    this.#answerBytes += chunk.length;
    const isGrpc = this.#expectation.isGrpc;
    if (this.#answerBytes > (isGrpc ? maxHealthAnswerBytes : maxAnswerBytes)) {
      // Healthy all the same where the status alone counts.
      this.#giveUp(isGrpc ? "the answer is too long" : undefined);
    } else if (isGrpc) {
      this.#answer = Buffer.concat([this.#answer, chunk]);
    }
  }

  onUpstreamEnd(trailers: Trailers | undefined): void {
    if (!this.#expectation.isGrpc) {
      this.#finish(undefined);
      return;
    }
    if (trailers instanceof HeaderFields) this.#grpcStatus = readGrpcStatus(trailers) ?? this.#grpcStatus;
    const status = this.#grpcStatus ?? impliedGrpcStatus(200, { kind: "done" });
    this.#finish(
      status === 0 ? healthAnswerProblem(this.#answer) : `the call ended with gRPC status ${status}`,
    );
  }

  onUpstreamDrain(): void {}

  onUpstreamLost(_reason: ReasonCode, detail: string, isUnprocessed: boolean, _resetCode?: ResetCode): void {
    const wasReused = this.#upstream?.isReused === true;
    this.#upstream = undefined;
    if (this.#isOver) return;
    // It has been idle for an interval: the server may have closed it as the question was on its way.
    if ((wasReused || isUnprocessed) && !this.#isRepeated && this.#answerBytes === 0) {
      this.#isRepeated = true;
      this.#pools.dropIdle();
      this.start(this.#version);
    } else {
      this.#finish(detail);
    }
  }

  #giveUp(failure: string | undefined): void {
    this.#upstream?.abandon();
    this.#finish(failure);
  }

  #finish(failure: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#upstream = undefined;
    this.#done(failure);
  }
}
