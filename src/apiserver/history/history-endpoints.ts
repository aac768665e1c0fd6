/** The revisions over the API: which there are, one of them whole, what differs between two, and the way back to one. */
import {
  decodeMessage,
  type DiffDocument,
  type EffectiveDiff,
  type HistoryEntry,
  type HistoryPage,
  kindNames,
  keyText,
  type RevisionDocument,
  rollbackRequestSchema,
  type RollbackResponse,
  type SignalsOfSpan,
} from "../../api/index.ts";
import { type Clock, WeftError } from "../../kernel/index.ts";
import type { Commit, Store } from "../../store/index.ts";
import { refuse } from "../admission.ts";
import { json } from "../answers.ts";
import type { ApiRequest } from "../api-request.ts";
import { type Authorizer, requireAllowed } from "../authorization/authorizer.ts";
import { readJson } from "../body.ts";
import { planAccess, type PlanProvider } from "../plan-endpoint.ts";
import { methodNotAllowed } from "../resources.ts";
import type { TelemetryProviders } from "../telemetry-endpoints.ts";
import type { WriteContexts } from "../write-contexts.ts";
import type { Writer } from "../writer.ts";
import { searchAround, searchCommits } from "./commit-search.ts";
import { differencesOf, mayShowTo, outcomeOf } from "./differences.ts";
import { type HistoryQuery, historyQuery, numberOf, textOf } from "./history-query.ts";
import type { HistoryTarget } from "./history-target.ts";
import { rollbackWrites } from "./rollback-writes.ts";
import { ServiceChanges, type ServiceName } from "./service-changes.ts";

export interface HistoryParts {
  readonly store: Store;
  readonly writer: Writer;
  readonly contexts: WriteContexts;
  readonly authorizer: Authorizer;
  readonly signals: TelemetryProviders["signals"];
  readonly plans: PlanProvider;
  readonly clock: Clock;
}

/** On each side of a revision; shorter where another revision, or now, comes sooner. */
const signalSpanMs = 60_000;

export class HistoryEndpoints {
  readonly #parts: HistoryParts;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  async answer(request: ApiRequest, target: HistoryTarget): Promise<Response> {
    const { http } = request;
    if (target.what === "rollback") return json(await this.#rollBack(request));
    if (http.method !== "GET") throw methodNotAllowed(http, "GET");
    switch (target.what) {
      case "list":
        return json(await this.#list(historyQuery(request.query)));
      case "diff":
        return json(await this.#diff(request));
      case "effective":
        return json(await this.#effectiveDiff(request));
      case "revision":
        return json(await this.#revision(request, target.revision));
    }
  }

  async #list(query: HistoryQuery): Promise<HistoryPage> {
    const { store } = this.#parts;
    const { limit, before, aroundMs, service } = query;
    const options = { limit, fits: this.#filterOf(query) };
    const { commits, continueBefore } =
      aroundMs === undefined
        ? await searchCommits(store, { ...options, before })
        : await searchAround(store, aroundMs, options);
    const entries = commits.map(entryOf);
    const items =
      aroundMs === undefined || service === undefined ? entries : await this.#withSignals(entries, service);
    return { items, ...(continueBefore === undefined ? {} : { continueBefore }) };
  }

  #filterOf({ author, object, service }: HistoryQuery): (commit: Commit) => boolean {
    const about = service === undefined ? undefined : this.#changesOf(service);
    const wanted = object === undefined ? undefined : keyText(object);
    return (commit) => {
      if (author !== undefined && commit.author !== author && commit.author.split("@")[0] !== author)
        return false;
      if (wanted !== undefined && !commit.changes.some(({ key }) => keyText(key) === wanted)) return false;
      // Every change is looked at: routes that lead to the service are noted on the way.
      return about === undefined || commit.changes.filter((change) => about.concerns(change)).length > 0;
    };
  }

  #changesOf({ namespace, name }: ServiceName): ServiceChanges {
    const { store } = this.#parts;
    const stored = store.get({ kind: "Service", namespace, name });
    const routes = kindNames
      .filter((kind) => kind.endsWith("Route"))
      .flatMap((kind) => store.list({ kind }).items);
    return new ServiceChanges({ namespace, name }, stored?.spec.selector ?? {}, routes);
  }

  async #withSignals(entries: readonly HistoryEntry[], service: ServiceName): Promise<HistoryEntry[]> {
    const result: HistoryEntry[] = [];
    for (const [index, entry] of entries.entries()) {
      const from = Math.max(entry.timeMs - signalSpanMs, entries[index + 1]?.timeMs ?? 0);
      const to = Math.min(
        entry.timeMs + signalSpanMs,
        entries[index - 1]?.timeMs ?? this.#parts.clock.nowMs(),
      );
      const before = await this.#signals(service, from, entry.timeMs);
      const after = await this.#signals(service, entry.timeMs, to);
      result.push({
        ...entry,
        signals: { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) },
      });
    }
    return result;
  }

  /** Undefined where the span is empty, or older than what is kept. */
  async #signals(
    { namespace, name }: ServiceName,
    fromMs: number,
    toMs: number,
  ): Promise<SignalsOfSpan | undefined> {
    if (fromMs >= toMs) return undefined;
    const document = await this.#parts.signals({ of: { service: `${namespace}/${name}` }, fromMs, toMs });
    const totals = document.groups[0]?.totals;
    if (totals === undefined) return undefined;
    const { count, failures, p50Ms, p99Ms } = totals;
    return { fromMs: document.fromMs, toMs: document.toMs, count, failures, p50Ms, p99Ms };
  }

  async #revision({ caller }: ApiRequest, revision: number): Promise<RevisionDocument> {
    const { store, authorizer } = this.#parts;
    const [commit] = await store.history(1, revision + 1);
    if (commit?.revision !== revision) throw this.#unknown(revision);
    return { entry: entryOf(commit), ...differencesOf(commit.changes, mayShowTo(authorizer, caller)) };
  }

  async #diff({ caller, query }: ApiRequest): Promise<DiffDocument> {
    const { store, authorizer } = this.#parts;
    const { from, to } = this.#pair(query);
    const [low, high] = from <= to ? [from, to] : [to, from];
    const changes = await store.changesBetween(low, high);
    if (changes === "gone") throw this.#unknown(low);
    const directed =
      from <= to
        ? changes
        : changes.map(({ key, before, after }) => ({
            key,
            ...(after === undefined ? {} : { before: after }),
            ...(before === undefined ? {} : { after: before }),
          }));
    return { from, to, ...differencesOf(directed, mayShowTo(authorizer, caller)) };
  }

  /** What proxies had at the one and have at the other. It takes the right to plans too: it tells what no object does. */
  async #effectiveDiff({ caller, query }: ApiRequest): Promise<EffectiveDiff> {
    const { authorizer, plans } = this.#parts;
    requireAllowed(authorizer, caller, planAccess);
    const { from, to } = this.#pair(query);
    const answer = await plans.compare({ from, to, workload: textOf(query, "workload") });
    if (answer === "gone") throw this.#unknown(Math.min(from, to));
    return answer;
  }

  #pair(query: URLSearchParams): { readonly from: number; readonly to: number } {
    const { store } = this.#parts;
    const from = numberOf(query, "from");
    if (from === undefined) throw new WeftError("usage", "from is required: a revision");
    const to = numberOf(query, "to") ?? store.revision;
    for (const revision of [from, to]) if (revision > store.revision) throw this.#unknown(revision);
    return { from, to };
  }

  async #rollBack(request: ApiRequest): Promise<RollbackResponse> {
    if (request.http.method !== "POST") throw methodNotAllowed(request.http, "POST");
    const decoded = decodeMessage(rollbackRequestSchema, await readJson(request.http, "json"), "request");
    if ("issues" in decoded) {
      refuse(decoded.issues);
      throw new WeftError("bad_input", "the request cannot be read");
    }
    const { store, writer, contexts, authorizer } = this.#parts;
    const { revision, only, dryRun, author, acceptLockout } = decoded.object;
    if (revision > store.revision) throw this.#unknown(revision);
    const message =
      decoded.object.message === "" ? `roll back to revision ${revision}` : decoded.object.message;
    const context = contexts.of(request, { verb: undefined, author, message, acceptLockout });
    let differences = differencesOf([], () => undefined);
    const response = await writer.transactOn(async () => {
      const changes = await store.changesBetween(revision, store.revision);
      if (changes === "gone") throw this.#unknown(revision);
      const plan = rollbackWrites(changes, only, revision, (key) => store.get(key));
      differences = differencesOf(plan.changes, mayShowTo(authorizer, request.caller));
      return { objects: plan.objects, deletions: plan.deletions, dryRun, ...context };
    });
    return { ...response, ...differences };
  }

  #unknown(revision: number): WeftError {
    const newest = this.#parts.store.revision;
    const what =
      revision > newest
        ? `there is no revision ${revision} yet`
        : `revision ${revision} is not known any more`;
    return new WeftError("not_found", what, { hint: `the newest is ${newest}; weft history lists them` });
  }
}

function entryOf({ revision, timeMs, author, message, source, changes }: Commit): HistoryEntry {
  return {
    revision,
    timeMs,
    author,
    message,
    ...(source === undefined ? {} : { sourceCommit: source }),
    changes: changes.map((change) => {
      const { kind, namespace, name } = change.key;
      return { kind, namespace, name, outcome: outcomeOf(change) };
    }),
  };
}
