/** The paths of the API about live traffic: `tap`, with an entry of the audit log for each, and one request that a tap saw. */
import { toJson } from "@bufbuild/protobuf";
import { type Clock, WeftError } from "../../kernel/index.ts";
import type { RunningTap, TapListener } from "../../observe/index.ts";
import { type TapRecord, TapRecordSchema } from "../../wire/index.ts";
import { json } from "../answers.ts";
import type { ApiRequest } from "../api-request.ts";
import { auditFields } from "../audit/audit-fields.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { RequestTarget } from "../request-target.ts";
import { methodNotAllowed } from "../resources.ts";
import { type AskedTap, parseTap } from "./tap-query.ts";
import { TapStream } from "./tap-stream.ts";

/** What carries them out. */
export interface TapProviders {
  /** Throws `usage` for a filter that cannot be used, `exhausted` where too many run. */
  start(asked: AskedTap, listener: TapListener): RunningTap;
  /** In causal order; empty: no tap saw it a short while ago. */
  request(id: string): readonly TapRecord[];
}

export interface TapEndpointsParts {
  readonly providers: TapProviders;
  readonly audit: AuditLog | undefined;
  readonly clock: Clock;
}

const kindOfTarget = {
  namespace: "Namespace",
  workload: "MeshWorkload",
  service: "Service",
  route: "Route",
} as const;

export class TapEndpoints {
  readonly #parts: TapEndpointsParts;
  readonly #open = new Set<TapStream>();

  constructor(parts: TapEndpointsParts) {
    this.#parts = parts;
  }

  answer(request: ApiRequest, target: RequestTarget & { type: "tap" | "tapped_request" }): Response {
    if (request.http.method !== "GET") throw methodNotAllowed(request.http, "GET");
    return target.type === "tap" ? this.#tap(request) : this.#request(target.id);
  }

  closeAll(): void {
    for (const stream of this.#open) stream.end("the control plane ends");
  }

  #tap(request: ApiRequest): Response {
    const { providers, audit, clock } = this.#parts;
    const asked = parseTap(request.query);
    const stream = new TapStream({
      start(listener) {
        const tap = providers.start(asked, listener);
        try {
          audit?.record(auditEntry(request, asked));
        } catch (error) {
          // Nobody looks unseen.
          tap.stop();
          throw error;
        }
        return tap;
      },
      isAllowed: () => request.isStillAllowed(),
      clock,
      onEnd: () => this.#open.delete(stream),
    });
    this.#open.add(stream);
    return new Response(stream.readable, { headers: { "content-type": "application/x-ndjson" } });
  }

  #request(id: string): Response {
    const hops = this.#parts.providers.request(id);
    if (hops.length === 0) {
      throw new WeftError("not_found", `no tap saw request ${id.slice(0, 200)}`, {
        hint: "only the newest requests that passed a tap are kept; start one with weft tap and ask again",
      });
    }
    return json({ hops: hops.map((record) => toJson(TapRecordSchema, record)) });
  }
}

function auditEntry(request: ApiRequest, asked: AskedTap) {
  const { targets, filter, headers, maxBodyBytes, maxPerSecond, seconds } = asked;
  const objects = targets.map(({ kind, name }) => {
    const slash = name.indexOf("/");
    return slash < 0
      ? { kind: kindOfTarget[kind], name }
      : { kind: kindOfTarget[kind], namespace: name.slice(0, slash), name: name.slice(slash + 1) };
  });
  const message = [
    headers ? "headers" : "no headers",
    maxBodyBytes > 0 ? `bodies up to ${maxBodyBytes} bytes` : "no bodies",
    `${maxPerSecond} a second at each proxy`,
    `for ${seconds} s`,
    ...(filter === "" ? [] : [`filter ${filter}`]),
  ].join(", ");
  return { ...auditFields(request, { verb: "tap", objects }), outcome: "ok" as const, message };
}
