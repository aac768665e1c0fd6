/** An outcome as filters of taps read it. */
import type { TelemetryFacts, TelemetryHttpFacts } from "../../decide/telemetry/index.ts";
import type { HttpOutcome, TcpOutcome } from "../observation/index.ts";

export function httpFacts(outcome: HttpOutcome): TelemetryFacts {
  const { head } = outcome;
  return { ...edgeFacts(outcome), rule: outcome.rule, http: head && new HttpFacts(outcome, head) };
}

export function tcpFacts(outcome: TcpOutcome): TelemetryFacts {
  return { ...edgeFacts(outcome), rule: "", http: undefined };
}

function edgeFacts(outcome: HttpOutcome | TcpOutcome): Omit<TelemetryFacts, "rule" | "http"> {
  const { labels } = outcome.edge;
  return {
    direction: labels.direction,
    sourceWorkload: labels.sourceWorkload,
    sourceIdentity: labels.sourceIdentity,
    destinationWorkload: labels.destinationWorkload,
    destinationIdentity: labels.destinationIdentity,
    destinationService: labels.destinationService,
    destinationPort: labels.destinationPort,
    route: labels.route,
    isMutualTls: labels.mtls,
    peerAddress: outcome.peerAddress,
    requestId: outcome.requestId,
    reason: outcome.reason ?? "",
    durationUs: outcome.durationUs,
    requestBytes: outcome.requestBytes,
    responseBytes: outcome.responseBytes,
  };
}

class HttpFacts implements TelemetryHttpFacts {
  readonly #outcome: HttpOutcome;
  readonly #head: NonNullable<HttpOutcome["head"]>;

  constructor(outcome: HttpOutcome, head: NonNullable<HttpOutcome["head"]>) {
    this.#outcome = outcome;
    this.#head = head;
  }

  get method(): string {
    return this.#head.method;
  }

  get authority(): string {
    return this.#head.authority;
  }

  get target(): string {
    return this.#head.target;
  }

  get scheme(): string {
    return this.#outcome.scheme;
  }

  get status(): number {
    return this.#outcome.status;
  }

  get grpcStatus(): number | undefined {
    return this.#outcome.grpcStatus;
  }

  requestHeader(nameLower: string): string | undefined {
    return this.#head.get(nameLower);
  }

  responseHeader(nameLower: string): string | undefined {
    return this.#outcome.response?.get(nameLower);
  }
}
