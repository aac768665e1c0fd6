/** Writes a line for every exchange and connection that ends, as the mesh's configuration wants it. */
import type { Clock } from "../../kernel/index.ts";
import type { Agent } from "../agent/index.ts";
import type { HttpOutcome, TcpOutcome, TrafficObserver } from "../observation/index.ts";
import { encodeAccessLine } from "./json-line.ts";
import type { AccessLog } from "./log-file.ts";

export class AccessLogger implements TrafficObserver {
  readonly wantsTimes = false;
  readonly #log: AccessLog;
  readonly #agent: Agent;
  readonly #clock: Clock;

  constructor(log: AccessLog, agent: Agent, clock: Clock) {
    this.#log = log;
    this.#agent = agent;
    this.#clock = clock;
  }

  http(outcome: HttpOutcome): void {
    const { snapshot } = this.#agent;
    if (snapshot.mesh?.accessLog !== true) return;
    const { edge, tries, head, reason } = outcome;
    this.#log.append(
      encodeAccessLine({
        timeMs: this.#clock.nowMs(),
        edge: edge.labels,
        rule: outcome.rule,
        requestId: outcome.requestId,
        ...outcome.policy,
        method: head?.method ?? "",
        authority: head?.authority ?? "",
        path: head?.path ?? "",
        userAgent: head?.get("user-agent") ?? "",
        status: outcome.status,
        reason: reason ?? "",
        detail: tries?.fault?.describe(outcome.detail) ?? outcome.detail,
        peerAddress: outcome.peerAddress,
        upstreamAddress: tries?.place ?? "",
        attempts: tries?.count ?? 0,
        requestBytes: outcome.requestBytes,
        responseBytes: outcome.responseBytes,
        durationUs: outcome.durationUs,
        revision: snapshot.revision,
      }),
    );
  }

  tcp(outcome: TcpOutcome): void {
    const { snapshot } = this.#agent;
    if (snapshot.mesh?.accessLog !== true) return;
    const { edge, reason, policy, ...rest } = outcome;
    this.#log.append(
      encodeAccessLine({
        ...rest,
        ...policy,
        timeMs: this.#clock.nowMs(),
        edge: edge.labels,
        rule: "",
        method: "",
        authority: "",
        path: "",
        userAgent: "",
        status: 0,
        reason: reason ?? "",
        revision: snapshot.revision,
      }),
    );
  }
}
