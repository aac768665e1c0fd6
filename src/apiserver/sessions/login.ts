/** The paths under /auth/: a token or a login at an OpenID provider becomes a session of the browser, and ends again. */
import { type Clock, WeftError } from "../../kernel/index.ts";
import { auditFields } from "../audit/audit-fields.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { Authentication } from "../authentication/authentication.ts";
import type { ConnectionPeer } from "../authentication/authenticator.ts";
import type { Caller } from "../authentication/caller.ts";
import { json } from "../answers.ts";
import type { AuthPath } from "../request-target.ts";
import { methodNotAllowed } from "../resources.ts";
import { LoginAttempts } from "./attempts.ts";
import { cookieText, readCookie, refuseForgery, refuseOtherSites, sessionCookieName } from "./cookies.ts";
import { type OidcLogin, pendingSeconds } from "./oidc-login.ts";
import { type Session, SessionTable } from "./session-table.ts";

const stateCookie = "weft-login";

export interface LoginOptions {
  readonly authentication: Authentication;
  readonly oidc: OidcLogin | undefined;
  readonly audit: AuditLog | undefined;
  readonly clock: Clock;
}

export interface LoginRequest {
  readonly http: Request;
  readonly id: string;
  readonly peer: ConnectionPeer;
  readonly query: URLSearchParams;
  /** `https://mesh.example:15080`: what a page of ours has as its own. */
  readonly origin: string;
}

export class Login {
  readonly #options: LoginOptions;
  readonly #sessions: SessionTable;
  readonly #attempts: LoginAttempts;

  constructor(options: LoginOptions) {
    this.#options = options;
    this.#sessions = new SessionTable(options.clock);
    this.#attempts = new LoginAttempts(options.clock);
  }

  /** Whom the request's cookie proves. Throws `forbidden` where another site's page may have made the request. */
  callerOf(http: Request, origin: string): Caller | undefined {
    const session = this.#sessionOf(http, origin);
    if (session === undefined) return undefined;
    refuseForgery(http, session, origin);
    return session.caller;
  }

  async answer(request: LoginRequest, what: AuthPath): Promise<Response> {
    switch (what) {
      case "login":
        requireMethod(request.http, "POST");
        return this.#login(request);
      case "logout":
        requireMethod(request.http, "POST");
        return this.#logout(request);
      case "session":
        requireMethod(request.http, "GET");
        return this.#session(request);
      case "methods":
        requireMethod(request.http, "GET");
        // For a page that lets somebody in: nothing here is about anybody.
        return json({ token: true, oidc: this.#options.oidc !== undefined });
      case "oidc-start":
        requireMethod(request.http, "GET");
        return this.#startOidc(request);
      case "oidc-callback":
        requireMethod(request.http, "GET");
        return this.#finishOidc(request);
    }
  }

  async #login(request: LoginRequest): Promise<Response> {
    refuseOtherSites(request.http, request.origin);
    this.#takeAttempt(request);
    const header = request.http.headers.get("authorization");
    const caller = header === null ? undefined : await this.#options.authentication.fromHeader(header);
    if (caller === undefined || this.#options.authentication.isOver(caller)) {
      throw new WeftError("unauthenticated", "a login needs a valid bearer token");
    }
    const { session, cookie } = this.#start(request, caller);
    return this.#withCookies(json(sessionBody(session), 201), [cookie]);
  }

  #logout(request: LoginRequest): Response {
    const { http, origin } = request;
    const isTls = isHttps(origin);
    const session = this.#sessionOf(http, origin);
    if (session !== undefined) {
      refuseForgery(http, session, origin);
      this.#sessions.end(readCookie(http, sessionCookieName(isTls)) ?? "");
      this.#record(request, session.caller, "logout");
    }
    const gone = cookieText(sessionCookieName(isTls), "", { isTls, maxAgeSeconds: 0 });
    return this.#withCookies(json({ loggedIn: false }), [gone]);
  }

  #session({ http, origin }: LoginRequest): Response {
    refuseOtherSites(http, origin);
    const session = this.#sessionOf(http, origin);
    if (session === undefined) throw new WeftError("unauthenticated", "there is no session");
    return json(sessionBody(session));
  }

  async #startOidc(request: LoginRequest): Promise<Response> {
    this.#takeAttempt(request);
    const { origin } = request;
    const { url, state } = await this.#oidc().start(`${origin}/auth/oidc/callback`);
    // Lax: the provider's page sends the browser back here.
    const cookie = cookieText(stateName(isHttps(origin)), state, {
      isTls: isHttps(origin),
      maxAgeSeconds: pendingSeconds,
      sameSite: "Lax",
    });
    return this.#withCookies(new Response(null, { status: 302, headers: { location: url } }), [cookie]);
  }

  async #finishOidc(request: LoginRequest): Promise<Response> {
    const { http, query, origin } = request;
    const isTls = isHttps(origin);
    const caller = await this.#oidc().finish(query, readCookie(http, stateName(isTls)));
    const { cookie } = this.#start(request, caller);
    const stateGone = cookieText(stateName(isTls), "", { isTls, maxAgeSeconds: 0, sameSite: "Lax" });
    // A redirect would still count as coming from the provider, and the browser would keep a strict cookie back.
    const page =
      '<!doctype html><meta charset="utf-8"><title>weft</title><meta http-equiv="refresh" content="0;url=/">\n';
    return this.#withCookies(
      new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } }),
      [cookie, stateGone],
    );
  }

  #oidc(): OidcLogin {
    if (this.#options.oidc !== undefined) return this.#options.oidc;
    throw new WeftError("not_found", "this control plane has no OpenID provider", {
      hint: "start it with --oidc-issuer and --oidc-client-id",
    });
  }

  #takeAttempt({ peer }: LoginRequest): void {
    const waitSeconds = this.#attempts.take(peer.source);
    if (waitSeconds === 0) return;
    throw new WeftError("exhausted", "too many logins", { hint: `try again in ${waitSeconds} s` });
  }

  #start(request: LoginRequest, caller: Caller): { readonly session: Session; readonly cookie: string } {
    this.#record(request, caller, "login");
    const { id, session } = this.#sessions.start(caller);
    const isTls = isHttps(request.origin);
    const maxAgeSeconds = Math.max(1, Math.floor((session.endsAtMs - this.#options.clock.nowMs()) / 1000));
    return { session, cookie: cookieText(sessionCookieName(isTls), id, { isTls, maxAgeSeconds }) };
  }

  #record({ id, peer }: LoginRequest, caller: Caller, verb: "login" | "logout"): void {
    const fields = auditFields({ id, source: peer.source, caller }, { verb, objects: [] });
    this.#options.audit?.record({ ...fields, outcome: "ok" });
  }

  #sessionOf(http: Request, origin: string): Session | undefined {
    const id = readCookie(http, sessionCookieName(isHttps(origin)));
    return id === undefined ? undefined : this.#sessions.find(id);
  }

  #withCookies(response: Response, cookies: readonly string[]): Response {
    for (const cookie of cookies) response.headers.append("set-cookie", cookie);
    return response;
  }
}

function sessionBody({ caller, csrfToken, endsAtMs }: Session): object {
  const { user, groups } = caller;
  return { user, groups, csrfToken, endsAt: new Date(endsAtMs).toISOString() };
}

function requireMethod(http: Request, method: string): void {
  if (http.method !== method) throw methodNotAllowed(http, method);
}

function isHttps(origin: string): boolean {
  return origin.startsWith("https:");
}

function stateName(isTls: boolean): string {
  return isTls ? `__Host-${stateCookie}` : stateCookie;
}
