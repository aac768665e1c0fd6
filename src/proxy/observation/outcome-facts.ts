/**
 * What has ended, as expressions of TelemetryPolicy read it. An observer keeps one of these and points it at each outcome that
 * it has a question about; nothing is worked out before it is read.
 */
import type { TelemetryFacts, TelemetryHttpFacts } from "../../decide/telemetry/index.ts";
import type { HttpRequest } from "../http/index.ts";
import type { EdgeLabels } from "../telemetry/index.ts";
import type { HttpOutcome, TcpOutcome } from "./outcome.ts";

class HttpPart implements TelemetryHttpFacts {
  outcome: HttpOutcome | undefined = undefined;

  get #head(): HttpRequest | undefined {
    return this.outcome?.head;
  }

  get method(): string {
    return this.#head?.method ?? "";
  }

  get authority(): string {
    return this.#head?.authority ?? "";
  }

  get target(): string {
    return this.#head?.target ?? "";
  }

  get scheme(): string {
    return this.outcome?.scheme ?? "";
  }

  get status(): number {
    return this.outcome?.status ?? 0;
  }

  get grpcStatus(): number | undefined {
    return this.outcome?.grpcStatus;
  }

  requestHeader(nameLower: string): string | undefined {
    return this.#head?.get(nameLower);
  }

  responseHeader(nameLower: string): string | undefined {
    return this.outcome?.response?.get(nameLower);
  }
}

export class OutcomeFacts implements TelemetryFacts {
  readonly #http = new HttpPart();
  #outcome: HttpOutcome | TcpOutcome;

  constructor(outcome: HttpOutcome | TcpOutcome) {
    this.#outcome = outcome;
    this.of(outcome);
  }

  /** From here on it is about this one. It holds on to it until it is about another. */
  of(outcome: HttpOutcome | TcpOutcome): this {
    this.#outcome = outcome;
    this.#http.outcome = "head" in outcome ? outcome : undefined;
    return this;
  }

  get #edge(): EdgeLabels {
    return this.#outcome.edge.labels;
  }

  get direction(): "outbound" | "inbound" {
    return this.#edge.direction;
  }

  get sourceWorkload(): string {
    return this.#edge.sourceWorkload;
  }

  get sourceIdentity(): string {
    return this.#edge.sourceIdentity;
  }

  get destinationWorkload(): string {
    return this.#edge.destinationWorkload;
  }

  get destinationIdentity(): string {
    return this.#edge.destinationIdentity;
  }

  get destinationService(): string {
    return this.#edge.destinationService;
  }

  get destinationPort(): number {
    return this.#edge.destinationPort;
  }

  get route(): string {
    return this.#edge.route;
  }

  get rule(): string {
    return this.#http.outcome?.rule ?? "";
  }

  get peerAddress(): string {
    return this.#outcome.peerAddress;
  }

  get isMutualTls(): boolean {
    return this.#edge.mtls;
  }

  get requestId(): string {
    return this.#outcome.requestId;
  }

  get http(): TelemetryHttpFacts | undefined {
    return this.#http.outcome?.head === undefined ? undefined : this.#http;
  }

  get reason(): string {
    return this.#outcome.reason ?? "";
  }

  get durationUs(): number {
    return this.#outcome.durationUs;
  }

  get requestBytes(): number {
    return this.#outcome.requestBytes;
  }

  get responseBytes(): number {
    return this.#outcome.responseBytes;
  }
}
