/** Explanations of a running mesh: over what its control plane has compiled, with the revision of each object that had a say. */
import { toJson } from "@bufbuild/protobuf";
import {
  decodeMessage,
  type Explanation,
  explanationSchema,
  isKindName,
  type RefusalView,
  type SimulatedRequest,
  tapEventSchema,
} from "../../api/index.ts";
import type { ExplainProvider } from "../../apiserver/index.ts";
import { type Clock, nextTurn, parseSpiffeId, Turns } from "../../kernel/index.ts";
import type { TapHub } from "../../observe/index.ts";
import type { Registry } from "../../registry/index.ts";
import { recordedRequest, SimulatedMesh } from "../../simulate/index.ts";
import type { Store } from "../../store/index.ts";
import { TapRecordSchema } from "../../wire/index.ts";
import type { Configuration } from "../configuration.ts";
import { LastRevisions } from "./last-revisions.ts";

export interface LiveExplainerOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly configuration: Configuration;
  readonly taps: TapHub;
  readonly refusals: (requestId: string) => readonly RefusalView[];
  readonly trustDomain: string;
  readonly clock: Clock;
}

/** Explanations that wait for the one that is made. */
const maxWaiting = 16;
export class LiveExplainer implements ExplainProvider {
  readonly #options: LiveExplainerOptions;
  readonly #revisions: LastRevisions;
  readonly #turns = new Turns({ max: maxWaiting, what: "explanations" });

  constructor(options: LiveExplainerOptions) {
    this.#options = options;
    this.#revisions = new LastRevisions(options.store, nextTurn);
  }

  /** One after another; rejects with `exhausted` where too many wait. */
  explain(request: SimulatedRequest): Promise<Explanation> {
    return this.#turns.take(async () => {
      await nextTurn();
      return this.#explain(request);
    });
  }

  async #explain(request: SimulatedRequest): Promise<Explanation> {
    const { registry, configuration, trustDomain, clock } = this.#options;
    const { revision } = configuration;
    const mesh = SimulatedMesh.over(
      { compiler: configuration.compiler, registry: registry.views },
      {
        trustDomain,
        nowMs: clock.nowMs(),
        revision,
      },
    );
    const explanation = mesh.simulate(request);
    await this.#revisions.follow(revision);
    return withRevisions(explanation, this.#revisions);
  }

  recentRequest(requestId: string): SimulatedRequest | undefined {
    const { taps, configuration, refusals } = this.#options;
    const gateways = configuration.compiler.gateways();
    for (const record of taps.request(requestId)) {
      const decoded = decodeMessage(
        tapEventSchema,
        { type: "record", record: toJson(TapRecordSchema, record) },
        "response",
      );
      const view = "object" in decoded ? decoded.object.record : undefined;
      const request = view && recordedRequest(view, gateways);
      if (request !== undefined) return request;
    }
    const [refusal] = refusals(requestId);
    return refusal && refusedRequest(refusal);
  }
}

/** As far as a refusal tells it: not its headers. */
function refusedRequest(refusal: RefusalView): SimulatedRequest | undefined {
  const { requestId, sourceIdentity, authority, path, method, protocol, service, port } = refusal;
  const caller = parseSpiffeId(sourceIdentity);
  if (caller === undefined || protocol === "tcp") return undefined;
  const { namespace, serviceAccount } = caller;
  const [serviceNamespace = "", name = ""] = service.split("/");
  const host = authority === "" ? `${name}.${serviceNamespace}:${port}` : authority;
  return { from: { namespace, serviceAccount }, url: `http://${host}${path}`, method, requestId };
}

/** A copy in which whatever names an object says when that was changed last. */
function withRevisions(explanation: Explanation, changed: LastRevisions): Explanation {
  const decoded = decodeMessage(explanationSchema, copyOf(explanation, changed), "response");
  return "object" in decoded ? decoded.object : explanation;
}

function copyOf(value: unknown, changed: LastRevisions): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => copyOf(item, changed));
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(
    Object.entries(value).map(([name, member]: [string, unknown]) => [name, copyOf(member, changed)]),
  );
  const { kind, namespace, name, section } = copy;
  if (typeof kind !== "string" || typeof namespace !== "string" || typeof name !== "string") return copy;
  if (typeof section !== "string" || !isKindName(kind)) return copy;
  const revision = changed.of({ kind, namespace, name });
  return revision === undefined ? copy : { ...copy, revision };
}
