/** Rollouts over the API: begun with objects that pass all checks of an apply, looked at, and ended before their time. */
import {
  type ConfigRollout,
  decodeMessage,
  isKindName,
  type KindName,
  type ObjectKey,
  rolloutRequestSchema,
  type TransactionResult,
} from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import type { Store } from "../../store/index.ts";
import { refuse } from "../admission.ts";
import { json } from "../answers.ts";
import type { ApiRequest } from "../api-request.ts";
import { auditFields } from "../audit/audit-fields.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import { readJson } from "../body.ts";
import { methodNotAllowed } from "../resources.ts";
import type { WriteContexts } from "../write-contexts.ts";
import { ownGate } from "../write-gate.ts";
import type { Writer } from "../writer.ts";
import type { RolloutTarget } from "./rollout-target.ts";

/** What a proxy's own view can differ in. The rest is seen by both ends of a connection, or by the control plane itself. */
const triedKinds: ReadonlySet<KindName> = new Set<KindName>([
  ...(["Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"] as const),
  ...(["ReferenceGrant", "BackendTLSPolicy", "TrafficPolicy", "FaultPolicy"] as const),
  ...(["AuthorizationPolicy", "RateLimitPolicy", "TelemetryPolicy"] as const),
]);

/** What is to be tried out; it has passed the checks of an apply. */
export interface RolloutCandidate {
  readonly objects: readonly unknown[];
  readonly keys: readonly ObjectKey[];
  readonly changes: readonly TransactionResult[];
  readonly steps: readonly number[];
  readonly watchSeconds: number;
  readonly author: string;
  readonly message: string;
  readonly sourceCommit: string | undefined;
}

/** Commits what a rollout holds, as one ordinary revision. */
export type RolloutCommit = (rollout: ConfigRollout) => Promise<number>;

export interface RolloutProviders {
  list(): readonly ConfigRollout[];
  /** Resolves to its name. Rejects with `conflict`, `bad_input`, `exhausted`. */
  start(candidate: RolloutCandidate): Promise<string>;
  /** Resolves to the revision. */
  promote(name: string): Promise<number>;
  abort(name: string, by: string): Promise<void>;
  onCommit(commit: RolloutCommit): void;
}

export interface RolloutParts {
  readonly store: Store;
  readonly writer: Writer;
  readonly contexts: WriteContexts;
  readonly providers: RolloutProviders;
  readonly audit: AuditLog | undefined;
}

export class RolloutEndpoints {
  readonly #parts: RolloutParts;

  constructor(parts: RolloutParts) {
    this.#parts = parts;
    parts.providers.onCommit((rollout) => this.#commit(rollout));
  }

  async answer(request: ApiRequest, target: RolloutTarget): Promise<Response> {
    const { method } = request.http;
    if (target.name === undefined) {
      if (method === "GET") return json({ items: this.#parts.providers.list().map(shown) });
      if (method === "POST") return json(await this.#start(request));
      throw methodNotAllowed(request.http, "GET, POST");
    }
    if (method !== "POST") throw methodNotAllowed(request.http, "POST");
    return json(await this.#end(request, target.name, target.what));
  }

  async #start(request: ApiRequest): Promise<object> {
    const decoded = decodeMessage(rolloutRequestSchema, await readJson(request.http, "json"), "request");
    if ("issues" in decoded) {
      refuse(decoded.issues);
      throw new WeftError("bad_input", "the request cannot be read");
    }
    const { objects, steps, watchSeconds, message, author, sourceCommit } = decoded.object;
    if (steps.some((share, index) => share <= (steps[index - 1] ?? 0)))
      throw new WeftError("bad_input", "steps must grow", { hint: "such as 10, 50" });
    refuseKinds(objects);
    const { writer, contexts, providers } = this.#parts;
    const context = contexts.of(request, { verb: undefined, author, message, acceptLockout: false });
    const { results } = await writer.transact({ objects, deletions: [], dryRun: true, ...context });
    if (results.every(({ outcome }) => outcome === "unchanged")) return { results };
    const keys = results.flatMap(({ kind, namespace, name }) =>
      isKindName(kind) ? [{ kind, namespace, name }] : [],
    );
    const name = await providers.start({
      ...{
        objects,
        keys,
        changes: results,
        steps,
        watchSeconds,
        message,
        sourceCommit,
        author: context.author,
      },
    });
    this.#note(request, "begin canary", name);
    return { name, results };
  }

  async #end(request: ApiRequest, name: string, what: "promote" | "abort"): Promise<object> {
    const { store, contexts, providers } = this.#parts;
    const rollout = store.get({ kind: "ConfigRollout", namespace: "", name });
    // Who may write what it holds may end it; who may not learns nothing of it.
    if (rollout === undefined) throw new WeftError("not_found", `there is no rollout ${name}`);
    const { gate } = contexts.of(request, {
      verb: undefined,
      author: undefined,
      message: "",
      acceptLockout: false,
    });
    gate.authorize(
      rollout.spec.changes.flatMap(({ kind, namespace, name: object }) => {
        if (!isKindName(kind)) return [];
        const key = { kind, namespace, name: object };
        const existing = store.get(key);
        return [{ key, existing, object: existing ?? rollout, isImplied: false }];
      }),
    );
    this.#note(request, `${what} canary`, name);
    if (what === "promote") return { name, revision: await providers.promote(name) };
    await providers.abort(name, request.caller.user);
    return { name };
  }

  #note(request: ApiRequest, verb: string, name: string): void {
    const objects = [{ kind: "ConfigRollout", name }];
    this.#parts.audit?.record({ ...auditFields(request, { verb, objects }), outcome: "ok" });
  }

  async #commit({ metadata, spec }: ConfigRollout): Promise<number> {
    const { objects, author, message, sourceCommit } = spec;
    // Whoever began it had the right to; the mesh itself goes on.
    const gate = ownGate(this.#parts.audit, { user: "weft:rollout", verb: `promote ${metadata.name}` });
    const { revision } = await this.#parts.writer.transact({
      ...{ objects, deletions: [], dryRun: false, author, gate },
      message: `${message === "" ? "apply" : message} (tried out as ${metadata.name})`,
      source: sourceCommit,
      rollout: metadata.name,
    });
    return revision;
  }
}

/** Names and figures: what is in the objects is for those who may read them. */
function shown(rollout: ConfigRollout): ConfigRollout {
  return { ...rollout, spec: { ...rollout.spec, objects: [] } };
}

function refuseKinds(objects: readonly unknown[]): void {
  refuse(
    objects.flatMap((object, index) => {
      const kind =
        typeof object === "object" && object !== null && "kind" in object ? String(object.kind) : "";
      if (!isKindName(kind) || triedKinds.has(kind)) return [];
      const message = `${kind} cannot be tried out on some proxies; apply it by itself first. What can: ${[...triedKinds].join(", ")}`;
      return [{ path: `objects[${index}].kind`, message }];
    }),
  );
}
