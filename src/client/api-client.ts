/** The API with types: what comes in is checked against the same schemas that the server writes by. */
import type { TSchema } from "typebox";
import {
  type AccessReview,
  accessReviewSchema,
  apiVersionOf,
  type CertificatesStatus,
  certificatesSchema,
  type AuditEntry,
  auditListSchema,
  type AuditVerdict,
  auditVerdictSchema,
  type Deletion,
  type Explanation,
  explanationSchema,
  type ExplainRequest,
  isOfKind,
  isStored,
  joinAudience,
  type KindName,
  kinds,
  type MeshStatus,
  meshStatusSchema,
  type PlaintextCallerList,
  plaintextCallerListSchema,
  refusalListSchema,
  type RefusalView,
  parseObject,
  type PlanReport,
  planReportSchema,
  type PlanRequest,
  type PrometheusTargets,
  prometheusTargetsSchema,
  type RevocationRequest,
  type RotationRequest,
  type RotationStatus,
  rotationStatusSchema,
  type StoredOfKind,
  type SubjectReview,
  subjectReviewSchema,
  tokenRequestSchema,
  type TransactionRequest,
  type TransactionResponse,
  transactionResponseSchema,
  type ValueOf,
} from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { jsonLines } from "./json-lines.ts";
import { errorOfStatus, readStatus } from "./status-error.ts";
import { HistoryClient } from "./history-client.ts";
import { firstIssue, meshPath } from "./traffic-client.ts";

export interface ObjectName {
  /** Not looked at for kinds that live in no namespace. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
}

export interface ListResult<K extends KindName> {
  readonly items: readonly StoredOfKind<K>[];
  /** Watch from here to miss nothing. */
  readonly resourceVersion: string;
}

export interface WatchOptions extends ListOptions {
  /** Absent: begins with what is there. */
  readonly resourceVersion?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ClientWatchEvent<K extends KindName> {
  readonly type: "added" | "modified" | "deleted";
  readonly object: StoredOfKind<K>;
}

export interface JoinTokenOptions {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly expirationSeconds?: number | undefined;
}

export type AccessQuestion =
  | { readonly verb: string; readonly path: string }
  | {
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource?: string;
      /** Absent: all of them, or of what lives in none. */
      readonly namespace?: string;
      readonly name?: string;
    };

interface Person {
  readonly user?: string | undefined;
  readonly groups?: readonly string[] | undefined;
}

type UserInfo = NonNullable<SubjectReview["status"]>["userInfo"];
type AccessAnswer = NonNullable<AccessReview["status"]>;

const rotationPath = `${meshPath}/root-rotation`;

/** A page of some megabytes, from a machine that is in trouble. */
const metricsTimeoutMs = 30_000;

/** Every method rejects with WeftError: `unreachable` where nobody answers, else what the server said. */
export class ApiClient extends HistoryClient {
  /** Whether it answers and is well. Never rejects for a server that is not there yet. */
  async isReady(): Promise<boolean> {
    try {
      return (await this.transport.probe("/healthz")) === 200;
    } catch (error) {
      if (error instanceof WeftError && (error.code === "unreachable" || error.code === "timeout"))
        return false;
      throw error;
    }
  }

  async get<K extends KindName>(kind: K, name: ObjectName): Promise<StoredOfKind<K>> {
    return this.#readObject(kind, await this.transport.json(objectPath(kind, name)));
  }

  async list<K extends KindName>(kind: K, options: ListOptions = {}): Promise<ListResult<K>> {
    const { namespace, labelSelector } = options;
    const body = await this.transport.json(collectionPath(kind, namespace), { query: { labelSelector } });
    const items = memberOf(body, "items");
    const resourceVersion = memberOf(memberOf(body, "metadata"), "resourceVersion");
    if (!Array.isArray(items) || typeof resourceVersion !== "string")
      throw this.transport.unreadable("no list");
    // Kubernetes leaves kind and apiVersion out of the items of a list.
    const named = { apiVersion: apiVersionOf(kind), kind };
    return {
      items: items.map((item: unknown) => this.#readObject(kind, { ...named, ...Object(item) })),
      resourceVersion,
    };
  }

  /** Rejects with `not_found` where there is nothing of that name. */
  async delete(kind: KindName, name: ObjectName): Promise<void> {
    await this.transport.json(objectPath(kind, name), { method: "DELETE" });
  }

  /** All or nothing. Issues of objects have paths such as `objects[3].spec.ports[0].port`. */
  async transact(request: TransactionRequest): Promise<TransactionResponse> {
    const path = `${meshPath}/transactions`;
    return this.decode(
      transactionResponseSchema,
      await this.transport.json(path, { method: "POST", body: request }),
    );
  }

  /** What becomes of a request, and why. Nothing is sent. */
  async explain(request: ExplainRequest): Promise<Explanation> {
    const body = await this.transport.json(`${meshPath}/explain`, { method: "POST", body: request });
    return this.decode(explanationSchema, body);
  }

  /** What a change would do. Nothing is written. */
  async plan(request: Partial<PlanRequest>): Promise<PlanReport> {
    const body = await this.transport.json(`${meshPath}/plan`, { method: "POST", body: request });
    return this.decode(planReportSchema, body);
  }

  /** The control plane's metrics, as Prometheus reads them. */
  async metrics(): Promise<string> {
    const page = await this.transport.stream("/metrics", {}, AbortSignal.timeout(metricsTimeoutMs));
    return await new Response(page).text();
  }

  async status(): Promise<MeshStatus> {
    return this.decode(meshStatusSchema, await this.transport.json(`${meshPath}/status`));
  }

  /** Newest first: of one request, or all that are remembered. */
  async refusals(requestId?: string): Promise<readonly RefusalView[]> {
    const body = await this.transport.json(`${meshPath}/refusals`, { query: { request: requestId } });
    return this.decode(refusalListSchema, body).items;
  }

  /** Who came in plaintext to ports that allow it. */
  async plaintextCallers(): Promise<PlaintextCallerList["items"]> {
    return this.decode(plaintextCallerListSchema, await this.transport.json(`${meshPath}/plaintextcallers`))
      .items;
  }

  async certificates(): Promise<CertificatesStatus> {
    return this.decode(certificatesSchema, await this.transport.json(`${meshPath}/certificates`));
  }

  /** Returns the certificates as they are afterwards. Rejects with `not_found` where nothing has that name. */
  async changeRevocation(body: RevocationRequest): Promise<CertificatesStatus> {
    const path = `${meshPath}/revocations`;
    return this.decode(certificatesSchema, await this.transport.json(path, { method: "POST", body }));
  }

  async rootRotation(): Promise<RotationStatus> {
    return this.decode(rotationStatusSchema, await this.transport.json(rotationPath));
  }

  /** Rejects with `conflict` where that cannot be done now. */
  async rotateRoot(body: RotationRequest): Promise<RotationStatus> {
    return this.decode(
      rotationStatusSchema,
      await this.transport.json(rotationPath, { method: "POST", body }),
    );
  }

  /** Whom the server takes this client for. */
  async whoami(): Promise<UserInfo> {
    const review = await this.#review(subjectReviewSchema, "authentication", "selfsubjectreviews", {});
    return review.status?.userInfo ?? {};
  }

  /** May the caller, or `person`, do that. */
  async canI(question: AccessQuestion, person?: Person): Promise<AccessAnswer> {
    const attributes =
      "path" in question ? { nonResourceAttributes: question } : { resourceAttributes: question };
    const { user, groups } = person ?? {};
    const spec = {
      ...attributes,
      ...(user === undefined ? {} : { user }),
      ...(groups === undefined ? {} : { groups }),
    };
    const name = person === undefined ? "selfsubjectaccessreviews" : "subjectaccessreviews";
    const review = await this.#review(accessReviewSchema, "authorization", name, { spec });
    if (review.status === undefined) throw this.transport.unreadable("no answer");
    return review.status;
  }

  /** The newest ones, in the order in which they were written. */
  async audit(limit: number, sinceMs: number): Promise<readonly AuditEntry[]> {
    const query = { limit: String(limit), sinceMs: String(sinceMs) };
    return this.decode(auditListSchema, await this.transport.json(`${meshPath}/audit`, { query })).items;
  }

  /** The server reads all of its log. */
  async auditVerdict(): Promise<AuditVerdict> {
    return this.decode(auditVerdictSchema, await this.transport.json(`${meshPath}/audit/verification`));
  }

  /** Of Prometheus' service discovery; `via` control: scraped through the control plane. */
  async prometheusTargets(via: "proxy" | "control"): Promise<PrometheusTargets> {
    const path = `${meshPath}/prometheus/targets`;
    return this.decode(prometheusTargetsSchema, await this.transport.json(path, { query: { via } }));
  }

  /** For one workload's first certificate: one use, short life. */
  async createJoinToken({ namespace, serviceAccount, expirationSeconds }: JoinTokenOptions): Promise<string> {
    const path = `${objectPath("ServiceAccount", { namespace, name: serviceAccount })}/token`;
    const spec = {
      audiences: [joinAudience],
      ...(expirationSeconds === undefined ? {} : { expirationSeconds }),
    };
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
    const answer = this.decode(tokenRequestSchema, await this.transport.json(path, { method: "POST", body }));
    if (answer.status === undefined) throw this.transport.unreadable("no token");
    return answer.status.token;
  }

  /**
   * Changes as they happen. Ends when the server ends it (watch again from the last object's resourceVersion) or `signal`
   * fires. Throws `conflict` where the server no longer has what followed `resourceVersion`: list again.
   */
  async *watch<K extends KindName>(kind: K, options: WatchOptions = {}): AsyncGenerator<ClientWatchEvent<K>> {
    const { namespace, labelSelector, resourceVersion } = options;
    const ended = new AbortController();
    const signal =
      options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal]);
    const query = { watch: "1", labelSelector, resourceVersion };
    try {
      const stream = await this.transport.stream(collectionPath(kind, namespace), { query }, signal);
      for await (const line of jsonLines(stream)) {
        const event = this.#readEvent(kind, line);
        if (event !== undefined) yield event;
      }
    } catch (error) {
      if (options.signal?.aborted === true) return;
      throw error instanceof WeftError ? error : this.transport.unreachable(error);
    } finally {
      ended.abort();
    }
  }

  async #review<S extends TSchema>(
    schema: S,
    group: "authentication" | "authorization",
    name: string,
    body: object,
  ): Promise<ValueOf<S>> {
    const path = `/apis/${group}.k8s.io/v1/${name}`;
    return this.decode(schema, await this.transport.json(path, { method: "POST", body }));
  }

  #readEvent<K extends KindName>(kind: K, line: unknown): ClientWatchEvent<K> | undefined {
    const object = memberOf(line, "object");
    switch (memberOf(line, "type")) {
      case "ADDED":
        return { type: "added", object: this.#readObject(kind, object) };
      case "MODIFIED":
        return { type: "modified", object: this.#readObject(kind, object) };
      case "DELETED":
        return { type: "deleted", object: this.#readObject(kind, object) };
      case "ERROR": {
        const status = readStatus(object);
        throw status === undefined ? this.transport.unreadable("an unknown error") : errorOfStatus(status);
      }
      default:
        return undefined; // bookmarks, and what later servers may add
    }
  }

  #readObject<K extends KindName>(kind: K, body: unknown): StoredOfKind<K> {
    const parsed = parseObject(body, "read");
    if ("object" in parsed && isStored(parsed.object) && isOfKind(parsed.object, kind)) return parsed.object;
    throw this.transport.unreadable(
      `no readable ${kind}${"issues" in parsed ? firstIssue(parsed.issues) : ""}`,
    );
  }
}

/** For `transact`: a kind that lives in no namespace gets none. */
export function deletionOf(kind: KindName, { namespace, name }: ObjectName): Deletion {
  return kinds[kind].namespaced ? { kind, namespace: namespace ?? "default", name } : { kind, name };
}

function collectionPath(kind: KindName, namespace: string | undefined): string {
  const { group, version, plural, namespaced } = kinds[kind];
  const base = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const inNamespace = namespaced && namespace !== undefined && namespace !== "";
  return `${base}${inNamespace ? `/namespaces/${encodeURIComponent(namespace)}` : ""}/${plural}`;
}

function objectPath(kind: KindName, { namespace, name }: ObjectName): string {
  const inNamespace = namespace === undefined || namespace === "" ? "default" : namespace;
  return `${collectionPath(kind, inNamespace)}/${encodeURIComponent(name)}`;
}

function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key);
}
