/** What filters do with a request on its way to a backend: a new path or host, copies to others, CORS on the answer. */
import { create } from "@bufbuild/protobuf";
import {
  type Backend,
  HeaderEditsSchema,
  type HttpRule,
  type Mirror,
  type UrlRewrite,
} from "../model/index.ts";
import { corsFields, type PreparedCors } from "./cors.ts";
import { PreparedEdits, type PreparedHeader } from "./header-edits.ts";
import { PreparedPathRewrite } from "./path-rewrite.ts";
import type { HttpRequestView } from "./request-view.ts";
import { shareAt, shareSeed } from "./share.ts";

export interface PreparedRewrite {
  /** Undefined: as it came. */
  readonly hostname: string | undefined;
  readonly path: PreparedPathRewrite | undefined;
}

export interface PreparedMirror {
  /** Key of the cluster. */
  readonly cluster: string;
  /** Of all requests, in (0, 1]. */
  readonly share: number;
  /** Of the draw for it (`share.ts`). */
  readonly shareSeed: number;
}

export interface RequestChanges {
  readonly rewrite: PreparedRewrite | undefined;
  /** Undefined: none. */
  readonly mirrors: readonly PreparedMirror[] | undefined;
  readonly cors: CrossOriginEdits | undefined;
}

/** Undefined where the request goes as it came. `matched`: the prefix of the rule's match. */
export function prepareChanges(
  rule: HttpRule,
  backend: Backend,
  options: {
    readonly cors: PreparedCors | undefined;
    readonly edits: PreparedEdits | undefined;
    readonly matched: string;
  },
): RequestChanges | undefined {
  const { cors, edits, matched } = options;
  const rewrite = prepareRewrite(rule.rewrite, backend.rewrite, matched);
  const mirrors = [...rule.mirrors, ...backend.mirrors].flatMap((mirror, index) =>
    prepareMirror(mirror, `mirror[${index}] ${rule.source?.namespace ?? ""}/${rule.source?.name ?? ""}`),
  );
  if (rewrite === undefined && mirrors.length === 0 && cors === undefined) return undefined;
  return {
    rewrite,
    mirrors: mirrors.length === 0 ? undefined : mirrors,
    cors: cors === undefined ? undefined : new CrossOriginEdits(cors, edits),
  };
}

/** `drawn` is in [0, 1), drawn for this one mirror. */
export function isMirrored(mirror: PreparedMirror, drawn: number): boolean {
  return drawn < mirror.share;
}

/** What a request draws for this one mirror. */
export function mirrorDraw(mirror: PreparedMirror, requestId: string): number {
  return shareAt(requestId, mirror.shareSeed);
}

/** The target of the request that is sent; undefined: as it came. */
export function rewriteTarget(rewrite: PreparedRewrite, view: HttpRequestView): string | undefined {
  if (rewrite.path === undefined || !view.path.startsWith("/")) return undefined;
  const path = rewrite.path.apply(view.path);
  return view.query === "" ? path : `${path}?${view.query}`;
}

/** Edits of a response behind a CORS filter: what the policy says takes the place of what the backend says. */
class CrossOriginEdits {
  readonly #cors: PreparedCors;
  /** For requests that are not cross-origin, or not allowed to be. */
  readonly #plain: PreparedEdits | undefined;

  constructor(cors: PreparedCors, edits: PreparedEdits | undefined) {
    this.#cors = cors;
    const own = create(HeaderEditsSchema, {
      remove: [...corsFields],
      add: cors.varies ? [{ name: "vary", value: "Origin" }] : [],
    });
    this.#plain = PreparedEdits.then(edits, PreparedEdits.prepare(own));
  }

  of(view: HttpRequestView): ResponseEdits | undefined {
    const headers = this.#cors.response(view.header("origin"));
    const plain = this.#plain;
    if (headers === undefined || plain === undefined) return plain;
    return { set: [...plain.set, ...headers], add: plain.add, remove: plain.remove };
  }

  get policy(): PreparedCors {
    return this.#cors;
  }
}

/** In the shape of `PreparedEdits`. */
interface ResponseEdits {
  readonly set: readonly PreparedHeader[];
  readonly add: readonly PreparedHeader[];
  readonly remove: readonly string[];
}

function prepareRewrite(
  rule: UrlRewrite | undefined,
  backend: UrlRewrite | undefined,
  matched: string,
): PreparedRewrite | undefined {
  const hostname = backend?.hostname || rule?.hostname;
  const path = PreparedPathRewrite.prepare(backend?.path ?? rule?.path, matched);
  if (!hostname && path === undefined) return undefined;
  return { hostname: hostname || undefined, path };
}

function prepareMirror({ backend, numerator, denominator }: Mirror, purpose: string): PreparedMirror[] {
  if (backend === undefined || backend.cluster === "" || numerator === 0) return [];
  const share = denominator === 0 ? 1 : numerator / denominator;
  return [{ cluster: backend.cluster, share, shareSeed: shareSeed(purpose) }];
}
