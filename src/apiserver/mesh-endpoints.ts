/** weft's own paths: transactions, history, the state of the mesh, who calls whom, join tokens. */
import type { TSchema } from "typebox";
import {
  type CertificatesStatus,
  decodeMessage,
  type MeshStatus,
  type PlaintextCallerList,
  type RefusalList,
  type RevocationRequest,
  revocationRequestSchema,
  type RotationRequest,
  rotationRequestSchema,
  type RotationStatus,
  type TokenRequest,
  tokenRequestSchema,
  type Topology,
  type TransactionResponse,
  transactionRequestSchema,
  type ValueOf,
} from "../api/index.ts";
import { type Clock, prometheusContentType, WeftError } from "../kernel/index.ts";
import type { Commit, Store } from "../store/index.ts";
import { refuse } from "./admission.ts";
import { json } from "./answers.ts";
import { readJson } from "./body.ts";
import type { RequestTarget } from "./request-target.ts";
import { methodNotAllowed, parseNumber } from "./resources.ts";
import type { Writer } from "./writer.ts";

const defaultWindowSeconds = 60;
const maxWindowSeconds = 86_400;
const defaultHistory = 20;
const maxHistory = 1000;

interface JoinTokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly ttlMs: number;
}

/** What the control plane's other rooms answer. */
export interface MeshProviders {
  meshStatus(): MeshStatus;
  topology(windowSeconds: number): Topology;
  /** Of one request, where its id is given; else the newest. */
  refusals(requestId: string | undefined): RefusalList;
  plaintextCallers(): PlaintextCallerList;
  /** Prometheus' text format. */
  metrics(): string;
  /** Resolves to the token, which is kept nowhere in clear. */
  createJoinToken(request: JoinTokenRequest): Promise<string>;
  readonly trust: TrustProviders;
}

/** Whom the mesh trusts. */
export interface TrustProviders {
  rotation(): RotationStatus;
  /** Throws `conflict`. */
  rotate(request: RotationRequest): RotationStatus;
  certificates(): CertificatesStatus;
  /** Throws `not_found`, `exhausted`. */
  changeRevocation(request: RevocationRequest): CertificatesStatus;
}

export class MeshEndpoints {
  readonly #store: Store;
  readonly #writer: Writer;
  readonly #providers: MeshProviders;
  readonly #clock: Clock;

  constructor(store: Store, writer: Writer, providers: MeshProviders, clock: Clock) {
    this.#store = store;
    this.#writer = writer;
    this.#providers = providers;
    this.#clock = clock;
  }

  async mesh(
    request: Request,
    target: RequestTarget & { type: "mesh" },
    query: URLSearchParams,
  ): Promise<Response> {
    if (target.what === "transactions") return json(await this.#transact(request));
    if (target.what === "revocations")
      return json(
        this.#providers.trust.changeRevocation(await this.#posted(request, revocationRequestSchema)),
      );
    if (target.what === "root_rotation" && request.method !== "GET")
      return json(this.#providers.trust.rotate(await this.#posted(request, rotationRequestSchema)));
    if (request.method !== "GET") throw methodNotAllowed(request, "GET");
    switch (target.what) {
      case "status":
        return json(this.#providers.meshStatus());
      case "certificates":
        return json(this.#providers.trust.certificates());
      case "root_rotation":
        return json(this.#providers.trust.rotation());
      case "topology": {
        const window = query.get("window") ?? String(defaultWindowSeconds);
        return json(this.#providers.topology(Math.max(1, parseNumber("window", window, maxWindowSeconds))));
      }
      case "refusals":
        return json(this.#providers.refusals(query.get("request") ?? undefined));
      case "plaintext":
        return json(this.#providers.plaintextCallers());
      case "metrics":
        return new Response(this.#providers.metrics(), {
          headers: { "content-type": prometheusContentType },
        });
      case "history": {
        const limit = parseNumber("limit", query.get("limit") ?? String(defaultHistory), maxHistory);
        const before = query.get("before");
        const commits = this.#store.history(
          limit,
          before === null ? undefined : parseNumber("before", before, Number.MAX_SAFE_INTEGER),
        );
        return json({ items: commits.map(historyEntry) });
      }
    }
  }

  async joinToken(request: Request, target: RequestTarget & { type: "join_token" }): Promise<Response> {
    if (request.method !== "POST") throw methodNotAllowed(request, "POST");
    const { namespace, serviceAccount } = target;
    const decoded = decodeMessage(tokenRequestSchema, await readJson(request, "json"), "request");
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
    const token = await this.#providers.createJoinToken({ namespace, serviceAccount, ttlMs });
    const answer: TokenRequest = {
      ...decoded.object,
      status: { token, expirationTimestamp: new Date(this.#clock.nowMs() + ttlMs).toISOString() },
    };
    return json(answer, 201);
  }

  async #posted<S extends TSchema>(request: Request, schema: S): Promise<ValueOf<S>> {
    if (request.method !== "POST") throw methodNotAllowed(request, "POST");
    const decoded = decodeMessage(schema, await readJson(request, "json"), "request");
    if ("object" in decoded) return decoded.object;
    refuse(decoded.issues);
    throw new WeftError("bad_input", "the request cannot be read");
  }

  async #transact(request: Request): Promise<TransactionResponse> {
    const posted = await this.#posted(request, transactionRequestSchema);
    const { objects, deletions, dryRun, message, author } = posted;
    return this.#writer.transact({ objects, deletions, dryRun, message, author: author ?? "api" });
  }
}

function historyEntry({ revision, timeMs, author, message, changes }: Commit): object {
  return {
    revision,
    timeMs,
    author,
    message,
    changes: changes.map(({ key, before, after }) => ({
      kind: key.kind,
      namespace: key.namespace,
      name: key.name,
      outcome: before === undefined ? "created" : after === undefined ? "deleted" : "configured",
    })),
  };
}
