/**
 * Trouble that a FaultPolicy makes for one request or connection, once: it waits, then goes on, is answered with an error or
 * is reset; or its response comes slowly. Whoever it happens to says so in the log and counts it as `fault_injected`.
 */
import { faultAnswer, faultDraw, type PreparedFault, type PreparedFaults } from "../../decide/index.ts";
import { type Reason, type ReasonCode, reasons } from "../../kernel/index.ts";
import type { WheelTimer } from "../../net/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { UpstreamStream } from "../upstream/index.ts";
import type { ServeContext } from "./context.ts";
import { HeadView } from "./filtered-request.ts";
import type { HttpDestination } from "./http-service.ts";
import { PacedUpstream } from "./paced-upstream.ts";

interface FaultedTries {
  readonly context: ServeContext;
  fault: FaultInjection | undefined;
  start(destination: HttpDestination): void;
}

interface FaultedRequest {
  readonly head: HttpRequest;
  readonly requestId: string;
  onNoAnswer(reason: ReasonCode, detail: string, resetCode: undefined): void;
}

/** Of a request: its tries begin when its fault, if it has one, lets them. */
export function startTries(tries: FaultedTries, destination: HttpDestination, request: FaultedRequest): void {
  const { faults } = destination;
  const fault =
    faults &&
    FaultInjection.of(tries.context, faults, request, {
      onFault: (outcome) => {
        if (outcome === "pass") tries.start(destination);
        else request.onNoAnswer("fault_injected", "", undefined);
      },
    });
  if (fault === undefined) tries.start(destination);
  else fault.start(tries);
}

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
    { head, requestId }: Pick<FaultedRequest, "head" | "requestId">,
    host: FaultHost,
  ): FaultInjection | undefined {
    const fault = faults.select(new HeadView(head), context.clock.nowMs(), (each) =>
      faultDraw(each, requestId),
    );
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

  /** Whether a request that ends for this reason ends without an answer. */
  cuts(reason: ReasonCode): boolean {
    return reason === "fault_injected" && this.#fault.isReset;
  }

  /** What the answer to a request says that is aborted; undefined: what it says otherwise. */
  factsOf(reason: ReasonCode): Reason | undefined {
    return reason === "fault_injected" ? { ...reasons[reason], ...faultAnswer(this.#fault) } : undefined;
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
