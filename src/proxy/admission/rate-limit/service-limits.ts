/** Limits that Envoy's rate limit service decides: which of them count a request, and one call for all of one domain. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { RatePlan } from "../../../decide/admission/index.ts";
import type { AdmissionRequest } from "../../../decide/index.ts";
import { headerLine, type HeaderLine } from "../../../http1/index.ts";
import type { RateLimit, RateLimitService } from "../../../model/index.ts";
import type * as RateLimitMessages from "../../../wire/rate-limit/index.ts";
import type { AdmissionContext } from "../context.ts";
import { trustDomainsOf } from "./limits-state.ts";
import { startUnaryCall } from "../unary-call.ts";

/** Of a service limit without one. */
const defaultTimeoutMs = 100;
/** Statuses and a few headers. */
const maxAnswerBytes = 65_536;
const maxHeaders = 32;
const callPath = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

export interface ServiceVerdict {
  /** Those that are over, of the limits that were asked about. */
  readonly over: readonly RateLimit[];
  /** Undefined: the service said so. Else it said nothing. */
  readonly failure: string | undefined;
  /** For the client's answer. */
  readonly lines: readonly HeaderLine[];
}

interface Asked {
  readonly limit: RateLimit;
  readonly values: readonly string[];
}

/** All limits of one domain at one service. */
export class ServiceLimits {
  readonly #context: AdmissionContext;
  readonly #service: RateLimitService;
  readonly #plans: readonly RatePlan[];

  constructor(context: AdmissionContext, service: RateLimitService, limits: readonly RateLimit[]) {
    const mesh = trustDomainsOf(context);
    this.#context = context;
    this.#service = service;
    this.#plans = limits.map((limit) => new RatePlan(limit, mesh, 1));
  }

  /** Undefined: none of them counts the request. Else `done` is called once, perhaps before this returns. */
  ask(request: AdmissionRequest, done: (verdict: ServiceVerdict) => void): (() => void) | undefined {
    const asked = this.#plans.flatMap((plan): Asked[] =>
      plan.keys.names.length === 0 || plan.bucketId(request) === undefined
        ? []
        : [{ limit: plan.limit, values: plan.keys.values(request) }],
    );
    if (asked.length === 0) return undefined;
    const cluster = this.#context.cluster(this.#service.cluster);
    if (this.#service.unresolved !== "" || cluster === undefined) {
      done(this.#failed(asked, this.#service.unresolved || "its cluster is not known"));
      return () => {};
    }
    const call = startUnaryCall(
      this.#context,
      cluster,
      {
        method: "POST",
        path: callPath,
        authority: authorityOf(this.#service.cluster),
        fields: [],
        body: encodeRequest(this.#service.domain, asked),
        isGrpc: true,
        timeoutMs: this.#service.timeoutMs || defaultTimeoutMs,
        maxAnswerBytes,
      },
      (result) =>
        done(result.kind === "answer" ? this.#read(asked, result.body) : this.#failed(asked, result.detail)),
    );
    return () => call.cancel();
  }

  #read(asked: readonly Asked[], body: Uint8Array): ServiceVerdict {
    let answer: ReturnType<typeof decodeAnswer>;
    try {
      answer = decodeAnswer(body);
    } catch {
      return this.#failed(asked, "its answer is no RateLimitResponse");
    }
    const { RateLimitResponse_Code: Code } = messages();
    if (answer.overallCode === Code.UNKNOWN) return this.#failed(asked, "its answer is neither yes nor no");
    const isEach = answer.statuses.length === asked.length;
    const isOver = (index: number): boolean => !isEach || answer.statuses[index]?.code === Code.OVER_LIMIT;
    const found = asked.filter((_each, index) => isOver(index)).map(({ limit }) => limit);
    // Over as a whole and none by itself: all of them.
    const over =
      answer.overallCode !== Code.OVER_LIMIT
        ? []
        : found.length > 0
          ? found
          : asked.map(({ limit }) => limit);
    this.#context.metrics.asked("rate_limit_service", over.length > 0 ? "over_limit" : "ok");
    return { over, failure: undefined, lines: linesOf(answer.responseHeadersToAdd) };
  }

  #failed(asked: readonly Asked[], failure: string): ServiceVerdict {
    this.#context.metrics.asked("rate_limit_service", "failed");
    return { over: this.#service.failsClosed ? asked.map(({ limit }) => limit) : [], failure, lines: [] };
  }
}

/** "namespace/service:port" as a name in the mesh. */
function authorityOf(cluster: string): string {
  const [, namespace = "", service = "", port = ""] = /^([^/]*)\/([^:]*):(\d+)/.exec(cluster) ?? [];
  return `${service}.${namespace}.svc:${port}`;
}

/** Those of one domain at one service together, in the order in which they are first named. */
export function groupByService(
  limits: readonly RateLimit[],
): readonly (readonly [RateLimitService, RateLimit[]])[] {
  const groups = new Map<string, readonly [RateLimitService, RateLimit[]]>();
  for (const limit of limits) {
    const { service } = limit;
    if (service === undefined) continue;
    const { cluster, domain, unresolved, timeoutMs, failsClosed } = service;
    const key = JSON.stringify([cluster, domain, unresolved, timeoutMs, failsClosed]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [service, [limit]]);
    else group[1].push(limit);
  }
  return [...groups.values()];
}

function encodeRequest(domain: string, asked: readonly Asked[]): Uint8Array {
  const { RateLimitRequestSchema } = messages();
  const descriptors = asked.map(({ limit, values }) => ({
    entries: limit.keys.map(({ name }, index) => ({ key: name, value: values[index] ?? "" })),
  }));
  return toBinary(RateLimitRequestSchema, create(RateLimitRequestSchema, { domain, descriptors }));
}

function decodeAnswer(body: Uint8Array) {
  return fromBinary(messages().RateLimitResponseSchema, body);
}

/** Loaded with the first limit of this kind. */
function messages(): typeof RateLimitMessages {
  const loaded: typeof RateLimitMessages = require("../../../wire/rate-limit/index.ts");
  return loaded;
}

/** What could break a message apart is left out. */
function linesOf(headers: readonly { readonly key: string; readonly value: string }[]): HeaderLine[] {
  return headers.slice(0, maxHeaders).flatMap(({ key, value }) => {
    try {
      return [headerLine(key, value)];
    } catch {
      return [];
    }
  });
}
