/**
 * What a CORS filter answers and adds (the Fetch standard's protocol, with the rules of Gateway API): the answer to a
 * preflight, and the fields of an actual response, which take the place of the backend's own.
 */
import type { Cors } from "../model/index.ts";
import { type PreparedHeader, prepareHeader } from "./header-edits.ts";
import { OriginSet } from "./origin-set.ts";
import type { HttpRequestView } from "./request-view.ts";

/** Fields of a response that are the policy's alone to say. */
export const corsFields: readonly string[] = [
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-allow-methods",
  "access-control-allow-headers",
  "access-control-expose-headers",
  "access-control-max-age",
];

const requestMethod = "access-control-request-method";

/** A browser asks whether it may send a cross-origin request. */
export function isPreflight(view: HttpRequestView): boolean {
  return (
    view.method === "OPTIONS" &&
    view.header("origin") !== undefined &&
    view.header(requestMethod) !== undefined
  );
}

export class PreparedCors {
  /** The response depends on the request's origin, so a cache must keep one for each. */
  readonly varies: boolean;
  readonly #origins: OriginSet;
  /** The same for every allowed origin. */
  readonly #response: readonly PreparedHeader[];
  /** Of preflights, beside those of every response. */
  readonly #preflight: readonly PreparedHeader[];
  readonly #echoesMethod: boolean;
  readonly #anyHeader: "no" | "echo" | "star";

  private constructor(cors: Cors) {
    const { allowOrigins, allowCredentials, allowMethods, allowHeaders, exposeHeaders } = cors;
    this.#origins = new OriginSet(allowOrigins);
    // With credentials a browser takes no wildcard for an answer, so what it asked for is said instead.
    this.varies = allowCredentials || !this.#origins.isEvery;
    const response: PreparedHeader[] = [];
    if (!this.varies) response.push(prepareHeader({ name: "access-control-allow-origin", value: "*" }));
    if (allowCredentials) {
      response.push(prepareHeader({ name: "access-control-allow-credentials", value: "true" }));
    }
    const exposed = list("access-control-expose-headers", exposeHeaders);
    if (exposed !== undefined && !(allowCredentials && isStar(exposeHeaders))) response.push(exposed);
    this.#response = response;
    this.#echoesMethod = allowCredentials && isStar(allowMethods);
    this.#anyHeader = isStar(allowHeaders) ? (allowCredentials ? "echo" : "star") : "no";
    const preflight: PreparedHeader[] = [];
    const methods = this.#echoesMethod ? undefined : list("access-control-allow-methods", allowMethods);
    if (methods !== undefined) preflight.push(methods);
    const headers = this.#anyHeader === "no" ? list("access-control-allow-headers", allowHeaders) : undefined;
    if (headers !== undefined) preflight.push(headers);
    if (cors.maxAgeSeconds > 0) {
      preflight.push(prepareHeader({ name: "access-control-max-age", value: String(cors.maxAgeSeconds) }));
    }
    this.#preflight = preflight;
  }

  static prepare(cors: Cors | undefined): PreparedCors | undefined {
    return cors === undefined ? undefined : new PreparedCors(cors);
  }

  /** Fields of the answer to a preflight. Undefined: its origin is not allowed. */
  preflight(view: HttpRequestView): readonly PreparedHeader[] | undefined {
    const response = this.response(view.header("origin"));
    if (response === undefined) return undefined;
    const fields = [...response, ...this.#preflight];
    if (this.#echoesMethod) echo(fields, "access-control-allow-methods", view.header(requestMethod));
    if (this.#anyHeader !== "no") {
      // The wildcard does not cover Authorization; what was asked for does, where it was said.
      const asked = view.header("access-control-request-headers");
      const isEchoed = echo(fields, "access-control-allow-headers", asked);
      if (!isEchoed && this.#anyHeader === "star") fields.push(everyHeader);
    }
    return fields;
  }

  /** Fields of a response to a request of this origin. Undefined: no cross-origin request, or not an allowed one. */
  response(origin: string | undefined): readonly PreparedHeader[] | undefined {
    if (origin === undefined || !this.#origins.has(origin)) return undefined;
    if (!this.varies) return this.#response;
    const fields = [...this.#response];
    return echo(fields, "access-control-allow-origin", origin) ? fields : undefined;
  }
}

const everyHeader = prepareHeader({ name: "access-control-allow-headers", value: "*" });

function isStar(values: readonly string[]): boolean {
  return values.includes("*");
}

function list(name: string, values: readonly string[]): PreparedHeader | undefined {
  if (values.length === 0) return undefined;
  return prepareHeader({ name, value: isStar(values) ? "*" : values.join(", ") });
}

const visible = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** What a peer chose goes back to it only where it is plain text. Whether it did. */
function echo(fields: PreparedHeader[], name: string, value: string | undefined): boolean {
  if (value === undefined || !visible.test(value)) return false;
  fields.push(prepareHeader({ name, value }));
  return true;
}
