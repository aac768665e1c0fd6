/** What a change would do: `POST …/plan`, and the last look of an apply that may touch only so much. */
import {
  type BlastRadius,
  blastRadiusField,
  decodeMessage,
  type EffectiveDiff,
  type PlanReport,
  planRequestSchema,
  type SimulatedRequest,
} from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { refuse } from "./admission.ts";
import type { ApiRequest } from "./api-request.ts";
import { type Authorizer, requireAllowed } from "./authorization/authorizer.ts";
import { readJson } from "./body.ts";
import { methodNotAllowed } from "./resources.ts";
import type { WriteGate } from "./write-gate.ts";
import type { PlannedChange } from "./planned-writes.ts";
import type { TransactionInput, Writer } from "./writer.ts";

export interface PlanProvider {
  /** `traffic` absent: what the control plane knows of. Rejects with `exhausted` where too many wait. */
  plan(change: PlannedChange, traffic: readonly SimulatedRequest[] | undefined): Promise<PlanReport>;
  /** "gone": the history does not reach back so far. Rejects with `not_found`, and with `exhausted` where too many wait. */
  compare(question: EffectiveQuestion): Promise<EffectiveDiff | "gone">;
}

/** How what proxies have differs between two revisions that there are. */
export interface EffectiveQuestion {
  readonly from: number;
  readonly to: number;
  /** "namespace/name" of one proxy's workload; undefined: all. */
  readonly workload: string | undefined;
}

/** The right to look at plans: whoever has it may learn all that proxies have, but no secret. */
export const planAccess = {
  type: "resource",
  ...{ verb: "create", group: "weft.dev", resource: "plans", subresource: "", namespace: "", name: "" },
} as const;

/** Proxies that a refusal names. */
const maxNamed = 20;

/** Nothing is written. A lock-out is a warning of the report, and no reason to refuse it. */
const openGate: WriteGate = {
  authorize: () => {},
  admit: () => {},
  note: () => {},
  commit: () => Promise.reject(new WeftError("internal", "a plan commits nothing")),
};

interface PlanParts {
  readonly writer: Writer;
  readonly authorizer: Authorizer;
  readonly providers: { readonly plans: PlanProvider };
}

export class PlanEndpoint {
  readonly #parts: PlanParts;

  constructor(parts: PlanParts) {
    this.#parts = parts;
  }

  /** The right to look at plans is enough: whoever has it learns what is in force, but no secret. */
  async answer(request: ApiRequest): Promise<PlanReport> {
    const { http } = request;
    if (http.method !== "POST") throw methodNotAllowed(http, "POST");
    const decoded = decodeMessage(planRequestSchema, await readJson(http, "json"), "request");
    if ("issues" in decoded) {
      refuse(decoded.issues);
      throw new WeftError("bad_input", "the request cannot be read");
    }
    const { objects, deletions, traffic } = decoded.object;
    const { writer, providers } = this.#parts;
    return providers.plans.plan(await writer.plan({ objects, deletions, gate: openGate }), traffic);
  }

  /** Throws `conflict` where the change touches more proxies than that. */
  judgeOf(request: ApiRequest, radius: BlastRadius): NonNullable<TransactionInput["judge"]> {
    const { authorizer, providers } = this.#parts;
    if (radius.isPercent && radius.limit > 100) {
      refuse([
        { path: `${blastRadiusField}.limit`, message: "must be at most 100: it is a share of all proxies" },
      ]);
    }
    requireAllowed(authorizer, request.caller, planAccess);
    return async (change) => {
      const { touched, unaffected, workloads } = await providers.plans.plan(change, []);
      const all = touched + unaffected;
      const allowed = radius.isPercent ? Math.floor((all * radius.limit) / 100) : radius.limit;
      if (touched <= allowed) return;
      const named = workloads.slice(0, maxNamed).map(({ name, role }) => `${role} ${name}`);
      const more = touched > named.length ? ` and ${touched - named.length} more` : "";
      throw new WeftError(
        "conflict",
        `the change touches ${touched} of ${all} proxies, and at most ${allowed} were allowed: ${named.join(", ")}${more}`,
        {
          hint: "see what it does with weft plan; nothing was written",
          issues: workloads
            .slice(0, maxNamed)
            .map(({ name, role }) => ({ path: blastRadiusField, message: `${role} ${name}` })),
        },
      );
    };
  }
}
