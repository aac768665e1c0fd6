/**
 * Trouble that a FaultPolicy makes for one request or connection, once: it waits, then goes on, is answered with an error or
 * is reset; or its response comes slowly. Whoever it happens to says so in the log and counts it as `fault_injected`.
 */
import type { PreparedFault, PreparedFaults } from "../../decide/index.ts";
import { httpStatusToGrpc } from "../../grpc/index.ts";
import type { WheelTimer } from "../../net/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { UpstreamStream } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";
import { httpStatusOfGrpc } from "./grpc-call.ts";
import { PacedUpstream } from "./paced-upstream.ts";
import { HeadView } from "./route-selector.ts";

/** `pass`: go on as if nothing had been. */
export type FaultOutcome = "pass" | "abort" | "reset";

export interface FaultHost {
  /** The delay is over, if there was one. */
  onFault(outcome: FaultOutcome): void;
}

export class FaultInjection {
  readonly #context: ServeContext;
  readonly #fault: PreparedFault;
  readonly #host: FaultHost;
  #timer: WheelTimer | undefined = undefined;

  private constructor(context: ServeContext, fault: PreparedFault, host: FaultHost) {
    this.#context = context;
    this.#fault = fault;
    this.#host = host;
  }

  /** Undefined: nothing happens to this request. */
  static of(
    context: ServeContext,
    faults: PreparedFaults,
    head: HttpRequest,
    host: FaultHost,
  ): FaultInjection | undefined {
    const fault = faults.select(new HeadView(head), context.clock.nowMs(), context.random);
    return fault && new FaultInjection(context, fault, host);
  }

  static ofConnection(
    context: ServeContext,
    faults: PreparedFaults,
    host: FaultHost,
  ): FaultInjection | undefined {
    const fault = faults.selectForConnection(context.clock.nowMs(), context.random);
    return fault && new FaultInjection(context, fault, host);
  }

  /** The host may be called before it returns; `place` is where it finds this from then on. */
  start(place: { fault: FaultInjection | undefined }): void {
    place.fault = this;
    const { delayMs, bytesPerSecond } = this.#fault;
    const { metrics, wheel } = this.#context;
    if (bytesPerSecond > 0) metrics.faultInjected("bandwidth");
    if (delayMs === 0) {
      this.#strike();
      return;
    }
    metrics.faultInjected("delay");
    this.#timer = wheel.schedule(delayMs, () => this.#strike());
  }

  /** Whoever it happened to is gone. */
  cancel(): void {
    this.#timer?.cancel();
  }

  /** The response of `upstream`, as slow as it is to be. */
  paced(upstream: UpstreamStream): UpstreamStream {
    const { bytesPerSecond } = this.#fault;
    return bytesPerSecond === 0 ? upstream : new PacedUpstream(upstream, this.#context, bytesPerSecond);
  }

  /** Of the answer to a request that is aborted. */
  get httpStatus(): number {
    return this.#fault.httpStatus || httpStatusOfGrpc(this.#fault.grpcStatus);
  }

  get grpcStatus(): number {
    return this.#fault.grpcStatus || httpStatusToGrpc(this.#fault.httpStatus);
  }

  /** For the log: who did what, and what else came of it. */
  describe(detail: string): string {
    const { label, delayMs, httpStatus, grpcStatus, isReset, bytesPerSecond } = this.#fault;
    const deeds = [
      delayMs > 0 ? `delay of ${delayMs} ms` : "",
      httpStatus > 0 || grpcStatus > 0 ? "abort" : "",
      isReset ? "reset" : "",
      bytesPerSecond > 0 ? `${bytesPerSecond} bytes a second` : "",
    ].filter((deed) => deed !== "");
    return [`${label}: ${deeds.join(", ")}`, detail].filter((part) => part !== "").join("; ");
  }

  #strike(): void {
    const { httpStatus, grpcStatus, isReset } = this.#fault;
    const outcome = isReset ? "reset" : httpStatus > 0 || grpcStatus > 0 ? "abort" : "pass";
    if (outcome !== "pass") this.#context.metrics.faultInjected(outcome);
    this.#host.onFault(outcome);
  }
}
