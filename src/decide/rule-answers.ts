/** What a proxy answers itself, in the place of a backend: a preflight, then a redirect. */
import type { HttpRule } from "../model/index.ts";
import { isPreflight, type PreparedCors } from "./cors.ts";
import { type PreparedEdits, type PreparedHeader, prepareHeader } from "./header-edits.ts";
import { PreparedRedirect, type RequestOrigin } from "./redirect.ts";
import type { HttpRequestView } from "./request-view.ts";

export interface LocalAnswer {
  readonly status: number;
  readonly headers: readonly PreparedHeader[];
  /** Of CORS, not a redirect. */
  readonly isPreflight?: boolean;
}

const locationText = /^[\x21-\x7e]+$/;

export class RuleAnswers {
  readonly #cors: PreparedCors | undefined;
  readonly #redirect: PreparedRedirect | undefined;
  /** What the rule's own edits say of the redirect. */
  readonly #headers: readonly PreparedHeader[];

  private constructor(
    cors: PreparedCors | undefined,
    redirect: PreparedRedirect | undefined,
    headers: readonly PreparedHeader[],
  ) {
    this.#cors = cors;
    this.#redirect = redirect;
    this.#headers = headers;
  }

  /** Undefined where every request goes to a backend. */
  static prepare(
    rule: HttpRule,
    options: {
      readonly cors: PreparedCors | undefined;
      readonly edits: PreparedEdits | undefined;
      readonly matched: string;
    },
  ): RuleAnswers | undefined {
    const { cors, edits, matched } = options;
    const redirect = PreparedRedirect.prepare(rule.redirect, matched);
    if (cors === undefined && redirect === undefined) return undefined;
    const headers = [...(edits?.set ?? []), ...(edits?.add ?? [])];
    return new RuleAnswers(
      cors,
      redirect,
      headers.filter((header) => header.nameLower !== "location"),
    );
  }

  /** Undefined: a backend answers. `no_location`: a redirect, to what no client could read. */
  answer(view: HttpRequestView, origin: RequestOrigin): LocalAnswer | "no_location" | undefined {
    const cors = this.#cors;
    if (cors !== undefined && isPreflight(view)) {
      const headers = cors.preflight(view);
      return headers === undefined
        ? { status: 403, headers: [], isPreflight: true }
        : { status: 204, headers, isPreflight: true };
    }
    const redirect = this.#redirect;
    if (redirect === undefined) return undefined;
    const location = redirect.locate(view, origin);
    if (location === undefined || !locationText.test(location)) return "no_location";
    const headers = [prepareHeader({ name: "location", value: location }), ...this.#headers];
    if (cors !== undefined) headers.push(...crossOriginHeaders(cors, view));
    return { status: redirect.status, headers };
  }
}

/** For an answer that has no fields of a backend's. */
export function crossOriginHeaders(cors: PreparedCors, view: HttpRequestView): readonly PreparedHeader[] {
  const headers = cors.response(view.header("origin")) ?? [];
  return cors.varies ? [...headers, varyOrigin] : headers;
}

const varyOrigin = prepareHeader({ name: "vary", value: "Origin" });
