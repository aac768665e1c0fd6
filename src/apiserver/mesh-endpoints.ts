/** weft's own paths: transactions, the state of the mesh, who calls whom, join tokens. */
import {
  type CertificatesStatus,
  decodeMessage,
  decodeTransaction,
  type MeshStatus,
  type PlaintextCallerList,
  type PrometheusTargets,
  type RefusalList,
  type RevocationRequest,
  revocationRequestSchema,
  type RotationRequest,
  rotationRequestSchema,
  type RotationStatus,
  type TokenRequest,
  tokenRequestSchema,
  type TransactionResponse,
  type Validated,
} from "../api/index.ts";
import { type Clock, prometheusContentType, WeftError } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import { refuse } from "./admission.ts";
import { json } from "./answers.ts";
import type { ApiRequest } from "./api-request.ts";
import { auditFields } from "./audit/audit-fields.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import { auditedSince } from "./audit/read-entries.ts";
import { readJson } from "./body.ts";
import type { Authorizer } from "./authorization/authorizer.ts";
import type { RequestTarget } from "./request-target.ts";
import type { RolloutProviders } from "./rollout/rollout-endpoints.ts";
import type { TapProviders } from "./tap/tap-endpoints.ts";
import { answerExplain, type ExplainProvider } from "./explain-endpoint.ts";
import { PlanEndpoint, type PlanProvider } from "./plan-endpoint.ts";
import { methodNotAllowed, parseNumber } from "./resources.ts";
import { answerTelemetry, type TelemetryProviders } from "./telemetry-endpoints.ts";
import type { WriteContexts } from "./write-contexts.ts";
import type { Writer } from "./writer.ts";

const defaultAuditEntries = 100;
const maxAuditEntries = 10_000;

interface JoinTokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly ttlMs: number;
}

/** What the control plane's other rooms answer. */
export interface MeshProviders {
  meshStatus(): MeshStatus;
  readonly telemetry: TelemetryProviders;
  /** Of one request, where its id is given; else the newest. */
  refusals(requestId: string | undefined): RefusalList;
  plaintextCallers(): PlaintextCallerList;
  /** Prometheus' text format. */
  metrics(): string;
  /** Resolves to the token, which is kept nowhere in clear. */
  createJoinToken(request: JoinTokenRequest): Promise<string>;
  readonly trust: TrustProviders;
  readonly taps: TapProviders;
  readonly scrapes: ScrapeProviders;
  readonly rollouts: RolloutProviders;
  readonly plans: PlanProvider;
  readonly explanations: ExplainProvider;
}

/** For a Prometheus: which proxies there are, and their metrics for one that cannot reach them. */
export interface ScrapeProviders {
  /** `via`: where this API was reached, for targets that are scraped through it; undefined: at the proxies themselves. */
  targets(via: URL | undefined): PrometheusTargets;
  /** The proxy's own answer. Rejects with `not_found`, `exhausted`, `unreachable`, `timeout`. */
  relay(workload: string, headers: Headers): Promise<Response>;
}

/** Whom the mesh trusts. */
export interface TrustProviders {
  rotation(): RotationStatus;
  /** Rejects with `conflict`. */
  rotate(request: RotationRequest): Promise<RotationStatus>;
  certificates(): CertificatesStatus;
  /** Rejects with `not_found`, `exhausted`. */
  changeRevocation(request: RevocationRequest): Promise<CertificatesStatus>;
}

export interface MeshParts {
  readonly authorizer: Authorizer;
  readonly store: Store;
  readonly writer: Writer;
  readonly contexts: WriteContexts;
  readonly providers: MeshProviders;
  readonly audit: AuditLog | undefined;
  readonly clock: Clock;
}

export class MeshEndpoints {
  readonly #store: Store;
  readonly #writer: Writer;
  readonly #contexts: WriteContexts;
  readonly #providers: MeshProviders;
  readonly #audit: AuditLog | undefined;
  readonly #clock: Clock;
  readonly #plans: PlanEndpoint;

  constructor(parts: MeshParts) {
    this.#plans = new PlanEndpoint(parts);
    this.#store = parts.store;
    this.#writer = parts.writer;
    this.#contexts = parts.contexts;
    this.#providers = parts.providers;
    this.#audit = parts.audit;
    this.#clock = parts.clock;
  }

  async mesh(request: ApiRequest, target: RequestTarget & { type: "mesh" }): Promise<Response> {
    const { http, query } = request;
    if (target.what === "transactions") return json(await this.#transact(request));
    if (target.what === "explain") return json(await answerExplain(this.#providers.explanations, request));
    if (target.what === "plan") return json(await this.#plans.answer(request));
    if (target.what === "revocations") return json(await this.#changeRevocation(request));
    if (target.what === "root_rotation" && http.method !== "GET") return json(await this.#rotate(request));
    if (http.method !== "GET") throw methodNotAllowed(http, "GET");
    switch (target.what) {
      case "status":
        return json(this.#providers.meshStatus());
      case "certificates":
        return json(this.#providers.trust.certificates());
      case "root_rotation":
        return json(this.#providers.trust.rotation());
      case "topology":
      case "signals":
      case "services":
      case "serviceviews":
      case "findings":
        return json(
          await answerTelemetry(this.#providers.telemetry, { ...target, what: target.what }, query),
        );
      case "refusals":
        return json(this.#providers.refusals(query.get("request") ?? undefined));
      case "plaintext":
        return json(this.#providers.plaintextCallers());
      case "prometheus":
        return json(this.#providers.scrapes.targets(relayOf(request)));
      case "metrics":
        return new Response(this.#providers.metrics(), {
          headers: { "content-type": prometheusContentType },
        });
      case "audit": {
        const limit = parseNumber(
          "limit",
          query.get("limit") ?? String(defaultAuditEntries),
          maxAuditEntries,
        );
        const sinceMs = parseNumber("sinceMs", query.get("sinceMs") ?? "0", Number.MAX_SAFE_INTEGER);
        return json({ items: await auditedSince(this.#auditLog().files, { limit, sinceMs }) });
      }
      case "audit-verification":
        return json(await this.#auditLog().verify());
    }
  }

  async scrape({ http }: ApiRequest, workload: string): Promise<Response> {
    if (http.method !== "GET") throw methodNotAllowed(http, "GET");
    return this.#providers.scrapes.relay(workload, http.headers);
  }

  async joinToken(request: ApiRequest, target: RequestTarget & { type: "join_token" }): Promise<Response> {
    const { http } = request;
    if (http.method !== "POST") throw methodNotAllowed(http, "POST");
    const { namespace, serviceAccount } = target;
    const decoded = decodeMessage(tokenRequestSchema, await readJson(http, "json"), "request");
    if ("issues" in decoded) {
      refuse(decoded.issues);
      throw new WeftError("bad_input", "the token request cannot be read");
    }
    // As in Kubernetes, every namespace has a service account "default" without anybody writing it.
    const isKnown =
      serviceAccount === "default"
        ? this.#store.get({ kind: "Namespace", namespace: "", name: namespace }) !== undefined
        : this.#store.get({ kind: "ServiceAccount", namespace, name: serviceAccount }) !== undefined;
    if (!isKnown) {
      throw new WeftError("not_found", `service account ${namespace}/${serviceAccount} does not exist`, {
        hint: "apply a ServiceAccount of that name first",
      });
    }
    const ttlMs = decoded.object.spec.expirationSeconds * 1000;
    const objects = [{ kind: "ServiceAccount", namespace, name: serviceAccount }];
    this.#audit?.record({ ...auditFields(request, { verb: "create join token", objects }), outcome: "ok" });
    const token = await this.#providers.createJoinToken({ namespace, serviceAccount, ttlMs });
    const answer: TokenRequest = {
      ...decoded.object,
      status: { token, expirationTimestamp: new Date(this.#clock.nowMs() + ttlMs).toISOString() },
    };
    return json(answer, 201);
  }

  #auditLog(): AuditLog {
    if (this.#audit !== undefined) return this.#audit;
    throw new WeftError("not_found", "this server keeps no audit log");
  }

  async #changeRevocation(request: ApiRequest): Promise<CertificatesStatus> {
    const body = await this.#posted(request, (input) =>
      decodeMessage(revocationRequestSchema, input, "request"),
    );
    const objects = [{ kind: "Certificate", name: body.name }];
    this.#audit?.record({ ...auditFields(request, { verb: body.action, objects }), outcome: "ok" });
    return this.#providers.trust.changeRevocation(body);
  }

  async #rotate(request: ApiRequest): Promise<RotationStatus> {
    const body = await this.#posted(request, (input) =>
      decodeMessage(rotationRequestSchema, input, "request"),
    );
    const objects = [{ kind: "RootRotation", name: "root" }];
    const verb = `${body.action} root rotation`;
    this.#audit?.record({ ...auditFields(request, { verb, objects }), outcome: "ok" });
    return this.#providers.trust.rotate(body);
  }

  async #posted<T>({ http }: ApiRequest, decode: (input: unknown) => Validated<T>): Promise<T> {
    if (http.method !== "POST") throw methodNotAllowed(http, "POST");
    const decoded = decode(await readJson(http, "json"));
    if ("object" in decoded) return decoded.object;
    refuse(decoded.issues);
    throw new WeftError("bad_input", "the request cannot be read");
  }

  async #transact(request: ApiRequest): Promise<TransactionResponse> {
    const posted = await this.#posted(request, decodeTransaction);
    const { objects, deletions, dryRun, message, author, acceptLockout, maxBlastRadius } = posted;
    const source = posted.sourceCommit;
    const context = this.#contexts.of(request, { verb: undefined, author, message, source, acceptLockout });
    const judge = maxBlastRadius && this.#plans.judgeOf(request, maxBlastRadius);
    return this.#writer.transact({ objects, deletions, dryRun, judge, ...context });
  }
}

/** Throws `usage`. */
function relayOf({ http, query }: ApiRequest): URL | undefined {
  const via = query.get("via") ?? "proxy";
  if (via === "proxy") return undefined;
  if (via !== "control") {
    throw new WeftError("usage", `via=${via.slice(0, 64)} is not known`, {
      hint: "via=proxy: targets are the proxies' own ports; via=control: the control plane passes their metrics on",
    });
  }
  return new URL(http.url);
}
