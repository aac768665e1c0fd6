/** What becomes of a request and why: `POST …/explain`. Nothing is sent and nothing is written. */
import {
  decodeMessage,
  type Explanation,
  explainRequestSchema,
  type SimulatedRequest,
} from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { refuse } from "./admission.ts";
import type { ApiRequest } from "./api-request.ts";
import { readJson } from "./body.ts";
import { methodNotAllowed } from "./resources.ts";

export interface ExplainProvider {
  /** Rejects with `bad_input` where the request does not say who calls or where to. */
  explain(request: SimulatedRequest): Promise<Explanation>;
  /** As its caller's proxy told of it. Undefined: nobody did. */
  recentRequest(requestId: string): SimulatedRequest | undefined;
}

/** The right to ask is enough: whoever has it learns what is in force, but no secret. */
export async function answerExplain(provider: ExplainProvider, { http }: ApiRequest): Promise<Explanation> {
  if (http.method !== "POST") throw methodNotAllowed(http, "POST");
  const decoded = decodeMessage(explainRequestSchema, await readJson(http, "json"), "request");
  if ("issues" in decoded) {
    refuse(decoded.issues);
    throw new WeftError("bad_input", "the request cannot be read");
  }
  const { request, requestId } = decoded.object;
  if ((request === undefined) === (requestId === undefined)) {
    throw new WeftError("bad_input", "give either request or requestId");
  }
  const asked = request ?? provider.recentRequest(requestId ?? "");
  if (asked !== undefined) return provider.explain(asked);
  throw new WeftError("not_found", `no proxy told of a request ${requestId}`, {
    hint: "only what a tap saw or a policy refused lately is known; ask with from and url instead",
  });
}
