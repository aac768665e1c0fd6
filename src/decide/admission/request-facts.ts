/** A request while it is decided on: what several conditions read is worked out when the first asks, once. */
import { hostOf } from "../authority.ts";
import { addressBytes } from "./address-list.ts";
import type { CallerView } from "./caller-view.ts";
import { isPlainPath, readPath } from "./path-readings.ts";
import type { AdmissionRequest, CallerFacts } from "./request.ts";

const none: readonly string[] = [];

export interface CallerViews {
  viewOf(caller: CallerFacts): CallerView;
}

/** Of a request without a path that can be read. */
const unread = { normal: undefined, others: none };

export class RequestFacts {
  readonly request: AdmissionRequest;
  readonly #callers: CallerViews;
  #caller: CallerView | undefined;
  /** The reading of the path that holds while a rule is tried; undefined: it cannot be read. See `readPaths`. */
  path: string | undefined;
  #normal: string | undefined;
  /** Undefined: the path was not read yet. */
  #others: readonly string[] | undefined;
  #host: string | undefined;

  constructor(request: AdmissionRequest, callers: CallerViews) {
    this.request = request;
    this.#callers = callers;
    this.#caller = undefined;
    this.path = undefined;
    this.#normal = undefined;
    this.#others = undefined;
    this.#host = undefined;
  }

  get caller(): CallerView {
    return (this.#caller ??= this.#callers.viewOf(this.request.caller));
  }

  /** Sets `path` to the normal reading and gives the others. */
  readPaths(): readonly string[] {
    let others = this.#others;
    if (others === undefined) {
      const raw = this.request.http?.path ?? "";
      const isPlain = isPlainPath(raw);
      const readings = isPlain ? undefined : (readPath(raw) ?? unread);
      this.#normal = isPlain ? raw : readings?.normal;
      this.#others = others = readings?.others ?? none;
    }
    this.path = this.#normal;
    return others;
  }

  /** Lower case, without the port; empty where it is not known. */
  get host(): string {
    if (this.#host === undefined) {
      const authority = this.request.http?.authority ?? "";
      const host = authority.includes("@") ? "" : hostOf(authority).toLowerCase();
      this.#host = host.endsWith(".") ? host.slice(0, -1) : host;
    }
    return this.#host;
  }

  /** With the scheme's where the client names none. */
  get hostAndPort(): string {
    const { http } = this.request;
    if (http === undefined) return "";
    const authority = http.authority;
    const colon = authority.indexOf(":", authority.startsWith("[") ? authority.indexOf("]") : 0);
    const port = colon < 0 ? "" : authority.slice(colon + 1);
    return `${this.host}:${port === "" ? (http.scheme === "https" ? "443" : "80") : port}`;
  }

  /** "package.Service/Method" in the reading that is tried; undefined: no gRPC call, or none of that form. */
  get grpcCall(): string | undefined {
    const { path } = this;
    if (path === undefined || this.request.http?.isGrpc !== true) return undefined;
    const slash = path.lastIndexOf("/");
    return slash > 0 && slash < path.length - 1 ? path.slice(1) : undefined;
  }

  get remoteAddress(): Uint8Array | undefined {
    const { caller, remoteAddress } = this.request;
    return remoteAddress === caller.address ? this.caller.address : addressBytes(remoteAddress);
  }

  /** "<issuer>/<subject>"; empty: no token says so. */
  get principal(): string {
    const { claims } = this.request;
    const issuer = claims?.["iss"];
    const subject = claims?.["sub"];
    return typeof issuer === "string" && typeof subject === "string" ? `${issuer}/${subject}` : "";
  }
}
