/**
 * One request to the API: own names only, who, may they, then whatever answers it. Every failure becomes a Status, every
 * refusal an entry of the audit log, and every answer says to a browser what it may not do with it.
 */
import { randomUUID } from "node:crypto";
import { type Clock, type Log, WeftError } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import { accessOf, type NeededAccess } from "./access.ts";
import { failure } from "./answers.ts";
import type { ApiRequest } from "./api-request.ts";
import { auditFields } from "./audit/audit-fields.ts";
import type { AuditLog } from "./audit/audit-log.ts";
import type { Authentication } from "./authentication/authentication.ts";
import type { ConnectionPeer } from "./authentication/authenticator.ts";
import type { Caller } from "./authentication/caller.ts";
import { impersonated } from "./authentication/impersonation.ts";
import type { AccessRequest } from "./authorization/access-request.ts";
import { accessText } from "./authorization/access-request.ts";
import { type Authorizer, requireAllowed } from "./authorization/authorizer.ts";
import type { Dashboard } from "./dashboard/dashboard.ts";
import { discoveryResponse } from "./discovery/discovery.ts";
import { OpenApi } from "./discovery/openapi.ts";
import type { Doors } from "./doors.ts";
import type { HistoryEndpoints } from "./history/history-endpoints.ts";
import type { MeshEndpoints } from "./mesh-endpoints.ts";
import { parseRequestTarget, type RequestTarget } from "./request-target.ts";
import { methodNotAllowed, type Resources } from "./resources.ts";
import type { Reviews } from "./reviews.ts";
import type { RolloutEndpoints } from "./rollout/rollout-endpoints.ts";
import { withSecurityHeaders } from "./security-headers.ts";
import type { Login } from "./sessions/login.ts";
import type { TapEndpoints } from "./tap/tap-endpoints.ts";

/** A path of ordinary length. */
const maxPathLength = 8192;

export interface HandlerParts {
  readonly store: Store;
  readonly doors: Doors;
  readonly authentication: Authentication;
  readonly authorizer: Authorizer;
  readonly login: Login;
  readonly resources: Resources;
  readonly mesh: MeshEndpoints;
  readonly history: HistoryEndpoints;
  readonly rollouts: RolloutEndpoints;
  readonly taps: TapEndpoints;
  readonly reviews: Reviews;
  /** Absent: none is served. */
  readonly dashboard: Dashboard | undefined;
  readonly audit: AuditLog | undefined;
  readonly version: string;
  readonly onRefused: (code: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is known of a request before anybody has proven anything. */
interface Arrived {
  readonly http: Request;
  readonly peer: ConnectionPeer;
  readonly id: string;
  readonly url: URL;
  readonly isTls: boolean;
}

export class Handler {
  readonly #parts: HandlerParts;
  readonly #openApi: OpenApi;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
    this.#openApi = new OpenApi(parts.version);
  }

  async handle(http: Request, peer: ConnectionPeer, isTls: boolean): Promise<Response> {
    const id = randomUUID();
    const arrived = { http, peer, id, url: new URL(http.url), isTls };
    let caller: Caller | undefined;
    try {
      const response = await this.#respond(arrived, (known) => {
        caller = known;
      });
      return withSecurityHeaders(response, id, isTls);
    } catch (error) {
      this.#noteRefusal(arrived, caller, error);
      return withSecurityHeaders(failure(error, this.#parts.log), id, isTls);
    }
  }

  async #respond(arrived: Arrived, onCaller: (caller: Caller) => void): Promise<Response> {
    const { http, peer, id, url } = arrived;
    const path = url.pathname;
    const query = url.searchParams;
    if (path.length > maxPathLength) throw new WeftError("usage", "the path is too long");
    this.#parts.doors.check(http);
    const target = parseRequestTarget(path);
    if (target?.type === "health") return new Response("ok\n");
    const origin = `${arrived.isTls ? "https" : "http"}://${http.headers.get("host") ?? ""}`;
    if (target?.type === "auth")
      return this.#parts.login.answer({ http, id, peer, query, origin }, target.what);
    const page = target === undefined ? await this.#parts.dashboard?.answer(http, path) : undefined;
    if (page !== undefined) return page;
    const proven = await this.#parts.authentication.authenticate(http, peer, () =>
      this.#parts.login.callerOf(http, origin),
    );
    onCaller(proven);
    const caller = impersonated(http, proven, this.#parts.authorizer);
    onCaller(caller);
    if (target === undefined) throw new WeftError("not_found", `there is nothing at ${path}`);
    const access = accessOf(http, target, query);
    if (typeof access !== "string") requireAllowed(this.#parts.authorizer, caller, access);
    const request: ApiRequest = {
      http,
      id,
      source: peer.source,
      caller,
      query,
      isStillAllowed: () => this.#isStillAllowed(caller, access),
    };
    return this.#answer(request, target);
  }

  async #answer(
    request: ApiRequest,
    target: Exclude<RequestTarget, { type: "health" | "auth" }>,
  ): Promise<Response> {
    switch (target.type) {
      case "discovery":
        if (target.path.startsWith("/openapi/")) return this.#openApi.response(target.path);
        return discoveryResponse(target.path, request.http.headers.get("accept"), this.#parts.version);
      case "events": {
        if (request.http.method !== "GET" || request.query.has("watch"))
          throw methodNotAllowed(request.http, "GET without watch");
        const metadata = { resourceVersion: String(this.#parts.store.sequence) };
        return Response.json({ kind: "EventList", apiVersion: "v1", metadata, items: [] });
      }
      case "mesh":
        return this.#parts.mesh.mesh(request, target);
      case "history":
        return this.#parts.history.answer(request, target);
      case "rollout":
        return this.#parts.rollouts.answer(request, target);
      case "tap":
      case "tapped_request":
        return this.#parts.taps.answer(request, target);
      case "scrape":
        return this.#parts.mesh.scrape(request, target.workload);
      case "review":
        return this.#parts.reviews.answer(request, target);
      case "join_token":
        return this.#parts.mesh.joinToken(request, target);
      case "collection":
        return this.#parts.resources.collection(request, target);
      case "object":
        return this.#parts.resources.object(request, target);
    }
  }

  /** For answers that last: roles may change meanwhile, and what proved the caller may end. */
  #isStillAllowed(caller: Caller, access: NeededAccess): boolean {
    const { authentication, authorizer } = this.#parts;
    if (authentication.isOver(caller)) return false;
    return typeof access === "string" || authorizer.decide(caller, access).allowed;
  }

  #noteRefusal({ http, id, peer, url }: Arrived, caller: Caller | undefined, error: unknown): void {
    const isRefusal =
      error instanceof WeftError && ["unauthenticated", "forbidden", "exhausted"].includes(error.code);
    if (!isRefusal) return;
    this.#parts.onRefused(error.code);
    if (this.#parts.audit === undefined) return;
    const fields = auditFields(
      { id, source: peer.source, caller },
      { verb: this.#verbOf(http, url), objects: [] },
    );
    this.#parts.audit.refusal({
      ...fields,
      outcome: "denied",
      message: error.message.slice(0, maxMessageLength),
    });
  }

  /** In the words of roles where it is about something, else as it was asked. */
  #verbOf(http: Request, url: URL): string {
    const asked = `${http.method} ${url.pathname}`.slice(0, maxMessageLength);
    try {
      const target = parseRequestTarget(url.pathname);
      const access: NeededAccess = target === undefined ? "each" : accessOf(http, target, url.searchParams);
      return isAccess(access) ? accessText(access).slice(0, maxMessageLength) : asked;
    } catch {
      return asked;
    }
  }
}

/** Of what a caller wrote, as much as is worth keeping. */
const maxMessageLength = 1_000;

function isAccess(access: NeededAccess): access is AccessRequest {
  return typeof access !== "string";
}
