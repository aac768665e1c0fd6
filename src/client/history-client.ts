/** What a client of the API asks about revisions, and the way back to one. */
import {
  type DiffDocument,
  type EffectiveDiff,
  effectiveDiffSchema,
  diffSchema,
  type HistoryPage,
  historySchema,
  type RevisionDocument,
  revisionSchema,
  type RollbackRequest,
  type RollbackResponse,
  rollbackResponseSchema,
  type ConfigRollout,
  type RolloutRequest,
  rolloutListSchema,
  rolloutEndedSchema,
  rolloutStartedSchema,
  type ValueOf,
} from "../api/index.ts";
import { meshPath, TrafficClient } from "./traffic-client.ts";

export interface HistoryQuestion {
  readonly limit?: number | undefined;
  /** Those before this revision. Not together with `aroundMs`. */
  readonly before?: number | undefined;
  /** Those on both sides of a moment, in Unix milliseconds. */
  readonly aroundMs?: number | undefined;
  readonly author?: string | undefined;
  /** "KIND/NAMESPACE/NAME", or "KIND/NAME" of kinds without namespaces. */
  readonly object?: string | undefined;
  /** "namespace/name". */
  readonly service?: string | undefined;
}

export interface DiffQuestion {
  readonly from: number;
  /** Absent: the newest. */
  readonly to?: number | undefined;
}

export abstract class HistoryClient extends TrafficClient {
  /** Newest first. */
  async history(question: HistoryQuestion = {}): Promise<HistoryPage> {
    const query = texts(question);
    return this.decode(historySchema, await this.transport.json(`${meshPath}/history`, { query }));
  }

  /** Rejects with `not_found` where it is not known, or not any more. */
  async revision(revision: number): Promise<RevisionDocument> {
    return this.decode(revisionSchema, await this.transport.json(`${meshPath}/history/${revision}`));
  }

  /** Rejects with `not_found` where one of the two is not known, or not any more. */
  async diff(question: DiffQuestion): Promise<DiffDocument> {
    const query = texts(question);
    return this.decode(diffSchema, await this.transport.json(`${meshPath}/diff`, { query }));
  }

  /** The same of what proxies have. Rejects with `not_found`, and with `exhausted` where too many ask. */
  async effectiveDiff(
    question: DiffQuestion & { readonly workload?: string | undefined },
  ): Promise<EffectiveDiff> {
    const query = texts(question);
    const body = await this.transport.json(`${meshPath}/diff/effective`, { query });
    return this.decode(effectiveDiffSchema, body);
  }

  /** One commit, or with `dryRun` what it would be. Rejects with what stands in its way, whole. */
  async rollBack(body: RollbackRequest): Promise<RollbackResponse> {
    const answer = await this.transport.json(`${meshPath}/rollback`, { method: "POST", body });
    return this.decode(rollbackResponseSchema, answer);
  }

  /** Newest first, without the objects themselves. */
  async rollouts(): Promise<readonly ConfigRollout[]> {
    return this.decode(rolloutListSchema, await this.transport.json(`${meshPath}/rollouts`)).items;
  }

  /** Tries objects out on some proxies. Rejects with `conflict` where that is being done already. */
  async startRollout(body: RolloutRequest): Promise<ValueOf<typeof rolloutStartedSchema>> {
    const answer = await this.transport.json(`${meshPath}/rollouts`, { method: "POST", body });
    return this.decode(rolloutStartedSchema, answer);
  }

  /** Resolves to the revision that it became. Rejects with `not_found` where it is not under way. */
  async endRollout(name: string, how: "promote" | "abort"): Promise<number | undefined> {
    const path = `${meshPath}/rollouts/${encodeURIComponent(name)}/${how}`;
    return this.decode(rolloutEndedSchema, await this.transport.json(path, { method: "POST", body: {} }))
      .revision;
  }
}

function texts(question: object): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(question).map(([name, value]) => [name, value === undefined ? undefined : String(value)]),
  );
}
