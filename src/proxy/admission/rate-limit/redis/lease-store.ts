/** Leases out of Redis. */
import type { AdmissionMetrics } from "../../context.ts";
import type { LeaseGrant, LeaseRequest, LeaseSource } from "../leases.ts";
import { leaseArguments, leaseScript, leaseScriptSha, readGrant } from "./lease-script.ts";
import type { RedisLink } from "./redis-link.ts";
import { RespError, type RespValue } from "./resp-parser.ts";

export class LeaseStore implements LeaseSource {
  readonly #link: RedisLink;
  readonly #metrics: AdmissionMetrics;

  constructor(link: RedisLink, metrics: AdmissionMetrics) {
    this.#link = link;
    this.#metrics = metrics;
  }

  get isUp(): boolean {
    return this.#link.isUp;
  }

  acquire(request: LeaseRequest, answer: (grant: LeaseGrant | undefined) => void): void {
    const behind = leaseArguments(request);
    this.#link.call(["EVALSHA", leaseScriptSha, ...behind], (reply) => {
      // Scripts were flushed, or another server has taken the first one's place.
      if (reply instanceof RespError && reply.code === "NOSCRIPT") {
        this.#link.call(["EVAL", leaseScript, ...behind], (second) => this.#onReply(second, answer));
      } else {
        this.#onReply(reply, answer);
      }
    });
  }

  #onReply(reply: RespValue | undefined, answer: (grant: LeaseGrant | undefined) => void): void {
    const grant = reply === undefined ? undefined : readGrant(reply);
    this.#metrics.asked("redis", grant === undefined ? "failed" : "ok");
    answer(grant);
    if (reply === undefined || grant !== undefined) return;
    this.#link.fail(reply instanceof RespError ? reply.code : "the script's answer is something else");
  }
}
