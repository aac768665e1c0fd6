/** Reading and writing single objects and collections, as Kubernetes' API does. */
import {
  type ApiObject,
  keyText,
  type KindName,
  kinds,
  parseLabelSelector,
  type Stored,
} from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import { json, list, success } from "./answers.ts";
import { readJson } from "./body.ts";
import { claimsOf } from "./history/change-note.ts";
import { isPlain, mergePatch } from "./merge-patch.ts";
import type { RequestTarget } from "./request-target.ts";
import type { Watches, WatchFilter } from "./watch-stream.ts";
import type { ApiRequest } from "./api-request.ts";
import type { WriteContexts } from "./write-contexts.ts";
import type { WriteContext, Writer } from "./writer.ts";

type CollectionTarget = RequestTarget & { type: "collection" };
type ObjectTarget = RequestTarget & { type: "object" };

/** Kubernetes' clients ask for less than an hour. */
const maxWatchSeconds = 86_400;

export class Resources {
  readonly #store: Store;
  readonly #writer: Writer;
  readonly #watches: Watches;
  readonly #contexts: WriteContexts;

  constructor(parts: {
    readonly store: Store;
    readonly writer: Writer;
    readonly watches: Watches;
    readonly contexts: WriteContexts;
  }) {
    this.#store = parts.store;
    this.#writer = parts.writer;
    this.#watches = parts.watches;
    this.#contexts = parts.contexts;
  }

  async collection(request: ApiRequest, target: CollectionTarget): Promise<Response> {
    switch (request.http.method) {
      case "GET":
        return this.#listOrWatch(target, request);
      case "POST":
        return json(await this.#create(request, target), 201);
      default:
        throw methodNotAllowed(request.http, "GET, POST");
    }
  }

  async object(request: ApiRequest, target: ObjectTarget): Promise<Response> {
    switch (request.http.method) {
      case "GET":
        return json(this.#get(target));
      case "PUT":
        return json(await this.#replace(target, request, await readJson(request.http, "json")));
      case "PATCH": {
        const patch = await readJson(request.http, "merge_patch");
        return json(await this.#patch(target, request, patch));
      }
      case "DELETE":
        return success(target.kind, await this.#delete(target, request));
      default:
        throw methodNotAllowed(request.http, "GET, PUT, PATCH, DELETE");
    }
  }

  #listOrWatch({ kind, namespace }: CollectionTarget, request: ApiRequest): Response {
    const { query } = request;
    const filter = filterOf(kind, namespace, query);
    if (isTrue(query.get("watch"))) {
      const version = query.get("resourceVersion") ?? "";
      return this.#watches.start({
        filter,
        // Kubernetes: absent and "0" begin with what is there.
        fromSequence:
          version === "" || version === "0"
            ? undefined
            : parseNumber("resourceVersion", version, Number.MAX_SAFE_INTEGER),
        timeoutMs: query.has("timeoutSeconds")
          ? parseNumber("timeoutSeconds", query.get("timeoutSeconds") ?? "", maxWatchSeconds) * 1000
          : undefined,
        wantsBookmarks: isTrue(query.get("allowWatchBookmarks")),
        isAllowed: () => request.isStillAllowed(),
      });
    }
    const { items, sequence } = this.#store.list({
      kind,
      namespace: filter.namespace,
      labels: filter.labels,
    });
    return list(
      kind,
      filter.name === undefined ? items : items.filter((item) => item.metadata.name === filter.name),
      sequence,
    );
  }

  #get(target: ObjectTarget): ApiObject {
    const found = this.#store.get(target);
    if (found === undefined) throw new WeftError("not_found", `${keyText(target)} does not exist`);
    return found;
  }

  async #create(request: ApiRequest, { kind, namespace }: CollectionTarget): Promise<ApiObject> {
    const input = inNamespace(await readJson(request.http, "json"), namespace);
    if (isPlain(input) && input["kind"] !== kind) {
      throw new WeftError("usage", `the body's kind is ${String(input["kind"])}, the path's ${kind}`);
    }
    return this.#writer.create(input, this.#contextOf(request, "create"));
  }

  #replace(target: ObjectTarget, request: ApiRequest, body: unknown): Promise<Stored> {
    if (target.isStatus) {
      return this.#writer.replaceStatus(
        target,
        (existing) => withStatusOf(existing, body, target.namespace),
        this.#contextOf(request, "update"),
      );
    }
    return this.#writer.replace(
      target,
      () => inNamespace(body, target.namespace),
      this.#contextOf(request, "update"),
    );
  }

  #patch(target: ObjectTarget, request: ApiRequest, patch: unknown): Promise<Stored> {
    if (target.isStatus) {
      return this.#writer.replaceStatus(
        target,
        (existing) => withStatusOf(existing, mergePatch(existing, patch), target.namespace),
        this.#contextOf(request, "patch"),
      );
    }
    const pinned = isPlain(patch) && isPlain(patch["metadata"]) && "resourceVersion" in patch["metadata"];
    return this.#writer.replace(
      target,
      (existing) => {
        const patched = mergePatch(existing, patch);
        return pinned ? patched : mergePatch(patched, { metadata: { resourceVersion: null } });
      },
      this.#contextOf(request, "patch"),
    );
  }

  async #delete(target: ObjectTarget, request: ApiRequest): Promise<Stored> {
    const { http, query } = request;
    if (target.isStatus) throw methodNotAllowed(http, "GET, PUT, PATCH");
    const hasBody = (http.headers.get("content-length") ?? "0") !== "0";
    const options = hasBody ? await readJson(http, "json") : undefined;
    const preconditions =
      isPlain(options) && isPlain(options["preconditions"]) ? options["preconditions"] : {};
    const version = preconditions["resourceVersion"] ?? query.get("resourceVersion");
    return this.#writer.delete(
      target,
      typeof version === "string" ? version : undefined,
      this.#contextOf(request, "delete"),
    );
  }

  /** Who and why, for the history: tools may say why in a header or in annotations of the object. */
  #contextOf(request: ApiRequest, verb: string): WriteContext {
    const { headers, url } = request.http;
    return this.#contexts.of(request, {
      verb,
      author: headers.get("weft-author") ?? undefined,
      ...claimsOf(headers, `${verb} ${new URL(url).pathname}`),
      acceptLockout: isTrue(request.query.get("acceptLockout")),
    });
  }
}

export function methodNotAllowed(request: Request, allowed: string): WeftError {
  return new WeftError("usage", `${request.method} is not possible here`, {
    hint: `use ${allowed}`,
    fields: { httpStatus: 405 },
  });
}

/** The path tells the namespace; a body that names none gets it. */
function inNamespace(input: unknown, namespace: string | undefined): unknown {
  if (namespace === undefined || namespace === "" || !isPlain(input)) return input;
  const metadata = isPlain(input["metadata"]) ? input["metadata"] : {};
  if (metadata["namespace"] !== undefined && metadata["namespace"] !== namespace) {
    throw new WeftError(
      "usage",
      `the body's namespace is ${JSON.stringify(metadata["namespace"])}, the path's ${namespace}`,
    );
  }
  return { ...input, metadata: { ...metadata, namespace } };
}

/** Of the body only its name, the version that it is based on and the status count. */
function withStatusOf(existing: Stored, body: unknown, namespace: string): unknown {
  const written = inNamespace(body, namespace);
  if (!isPlain(written)) throw new WeftError("usage", "the body is no object");
  const asked = isPlain(written["metadata"]) ? written["metadata"] : {};
  const metadata = { ...existing.metadata, ...pick(asked, ["name", "namespace", "resourceVersion"]) };
  return { ...existing, metadata, status: written["status"] };
}

function pick(object: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => names.includes(name)));
}

function filterOf(kind: KindName, namespace: string | undefined, query: URLSearchParams): WatchFilter {
  const selector = parseLabelSelector(query.get("labelSelector") ?? "");
  if ("issues" in selector)
    throw new WeftError("usage", `labelSelector: ${selector.issues[0]?.message ?? "cannot be read"}`);
  const filter = {
    kind,
    namespace: kinds[kind].namespaced ? namespace : undefined,
    labels: selector.requirements,
  };
  return withFields({ ...filter, name: undefined }, query.get("fieldSelector") ?? "");
}

function withFields(filter: WatchFilter, fields: string): WatchFilter {
  let result = filter;
  for (const term of fields.split(",").filter((part) => part !== "")) {
    const [field, value] = term.split(/==?/, 2);
    if (field === "metadata.name" && value !== undefined) result = { ...result, name: value };
    else if (field === "metadata.namespace" && value !== undefined) result = { ...result, namespace: value };
    else
      throw new WeftError("usage", `fieldSelector "${term}" is not supported`, {
        hint: "use metadata.name or metadata.namespace",
      });
  }
  return result;
}

function isTrue(text: string | null): boolean {
  return text === "1" || text === "true";
}

export function parseNumber(name: string, text: string, max: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= max))
    throw new WeftError("usage", `${name} must be a whole number up to ${max}, not "${text.slice(0, 40)}"`);
  return value;
}
