/** Reading and writing single objects and collections, as Kubernetes' API does. */
import { type ApiObject, keyText, type Stored } from "../api/index.ts";
import { type Clock, WeftError } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import { json, success } from "./answers.ts";
import { about } from "./about.ts";
import { claimsOf } from "./history/change-note.ts";
import type { ApiRequest } from "./api-request.ts";
import { readJson } from "./body.ts";
import { ListPages, type Page } from "./list-pages.ts";
import { filterOf, isChosen, type ObjectFilter } from "./object-filter.ts";
import { ObjectWrites, type Written } from "./object-writes.ts";
import { isPlain } from "./patch/merge-patch.ts";
import { present, presentList, type Representation, representationOf } from "./representation.ts";
import type { RequestTarget } from "./request-target.ts";
import type { Watches } from "./watch-stream.ts";
import type { WriteContexts } from "./write-contexts.ts";
import { isDryRun } from "./write-options.ts";
import type { Preconditions, WriteContext, Writer } from "./writer.ts";

type CollectionTarget = RequestTarget & { type: "collection" };
type ObjectTarget = RequestTarget & { type: "object" };

/** Kubernetes' clients ask for less than an hour. */
const maxWatchSeconds = 86_400;
const maxPageItems = 1_000_000;
/** Of `Warning` headers, as many and as much as Kubernetes sends. */
const maxWarnings = 32;
const maxWarningLength = 256;

export class Resources {
  readonly #store: Store;
  readonly #writer: Writer;
  readonly #writes: ObjectWrites;
  readonly #watches: Watches;
  readonly #contexts: WriteContexts;
  readonly #pages: ListPages;
  readonly #clock: Clock;

  constructor(parts: {
    readonly store: Store;
    readonly writer: Writer;
    readonly watches: Watches;
    readonly contexts: WriteContexts;
    readonly clock: Clock;
  }) {
    this.#store = parts.store;
    this.#writer = parts.writer;
    this.#watches = parts.watches;
    this.#contexts = parts.contexts;
    this.#clock = parts.clock;
    this.#writes = new ObjectWrites(parts);
    this.#pages = new ListPages(parts.store, parts.clock);
  }

  async collection(request: ApiRequest, target: CollectionTarget): Promise<Response> {
    return about(target, async () => {
      switch (request.http.method) {
        case "GET":
          return this.#listOrWatch(target, request);
        case "POST":
          return this.#written(request, target, await this.#writes.create(request, target));
        case "DELETE":
          return this.#deleteCollection(target, request);
        default:
          throw methodNotAllowed(request.http, "GET, POST, DELETE");
      }
    });
  }

  async object(request: ApiRequest, target: ObjectTarget): Promise<Response> {
    return about(target, async () => {
      const form = formOf(request);
      switch (request.http.method) {
        case "GET":
          return json(present(form, this.#get(target), target.apiVersion, this.#clock.nowMs()));
        case "PUT":
          return this.#written(request, target, await this.#writes.replace(request, target));
        case "PATCH":
          return this.#written(request, target, await this.#writes.patch(request, target));
        case "DELETE":
          return success(target.kind, await this.#delete(target, request));
        default:
          throw methodNotAllowed(request.http, "GET, PUT, PATCH, DELETE");
      }
    });
  }

  #listOrWatch(target: CollectionTarget, request: ApiRequest): Response {
    const { kind, namespace, apiVersion } = target;
    const { query } = request;
    const filter = filterOf(kind, namespace, query);
    const form = formOf(request);
    if (isTrue(query.get("watch"))) return this.#watch(request, filter, form, apiVersion);
    const { items, metadata } = this.#page(filter, query);
    return json(presentList(form, { kind, items, metadata }, apiVersion, this.#clock.nowMs()));
  }

  #page(filter: ObjectFilter, query: URLSearchParams): Page {
    const token = query.get("continue") ?? "";
    const limit = parseNumber("limit", query.get("limit") ?? "0", maxPageItems);
    const version = query.get("resourceVersion") ?? "";
    const match = query.get("resourceVersionMatch") ?? "";
    if (token !== "" && version !== "" && version !== "0")
      throw new WeftError("usage", "resourceVersion is not possible together with continue");
    if (match !== "" && version === "")
      throw new WeftError("usage", "resourceVersionMatch needs a resourceVersion");
    if (match !== "" && match !== "Exact" && match !== "NotOlderThan")
      throw new WeftError("usage", "resourceVersionMatch must be Exact or NotOlderThan");
    if (match === "Exact" && version === "0")
      throw new WeftError("usage", "resourceVersionMatch=Exact needs a resourceVersion other than 0");
    const sequence = version === "" ? 0 : this.#reached(version);
    return this.#pages.list({
      filter,
      token,
      limit: limit === 0 ? undefined : limit,
      exactly: match === "Exact" ? sequence : undefined,
    });
  }

  /** Throws `timeout` for a version that this server has not seen yet. */
  #reached(version: string): number {
    const sequence = parseNumber("resourceVersion", version, Number.MAX_SAFE_INTEGER);
    if (sequence <= this.#store.sequence) return sequence;
    throw new WeftError(
      "timeout",
      `Too large resource version: ${version}, current: ${this.#store.sequence}`,
      {
        fields: { causeReason: "ResourceVersionTooLarge", retryAfterSeconds: 1 },
        issues: [{ path: "", message: "Too large resource version" }],
      },
    );
  }

  #watch(request: ApiRequest, filter: ObjectFilter, form: Representation, apiVersion: string): Response {
    const { query } = request;
    const version = query.get("resourceVersion") ?? "";
    const match = query.get("resourceVersionMatch") ?? "";
    const asked = query.get("sendInitialEvents");
    if (asked !== null && match !== "NotOlderThan")
      throw new WeftError("usage", "sendInitialEvents needs resourceVersionMatch=NotOlderThan");
    if (asked === null && match !== "")
      throw new WeftError("usage", "resourceVersionMatch in a watch needs sendInitialEvents");
    const wantsBookmarks = isTrue(query.get("allowWatchBookmarks"));
    if (isTrue(asked) && !wantsBookmarks)
      throw new WeftError("usage", "sendInitialEvents needs allowWatchBookmarks");
    // Kubernetes: absent and "0" begin with what is there, unless the client says that it does not want it.
    const fromNow = version === "" || version === "0";
    const sequence = fromNow
      ? this.#store.sequence
      : parseNumber("resourceVersion", version, Number.MAX_SAFE_INTEGER);
    return this.#watches.start({
      filter,
      form,
      apiVersion,
      initial: isTrue(asked) ? "marked" : asked === null && fromNow ? "plain" : "none",
      fromSequence: isTrue(asked) ? this.#store.sequence : sequence,
      timeoutMs: query.has("timeoutSeconds")
        ? parseNumber("timeoutSeconds", query.get("timeoutSeconds") ?? "", maxWatchSeconds) * 1000
        : undefined,
      wantsBookmarks,
      isAllowed: () => request.isStillAllowed(),
    });
  }

  #get(target: ObjectTarget): ApiObject {
    const found = this.#store.get(target);
    if (found === undefined) throw new WeftError("not_found", `${keyText(target)} does not exist`);
    return found;
  }

  #written(request: ApiRequest, target: CollectionTarget | ObjectTarget, written: Written): Response {
    const { object, isNew, warnings } = written;
    const document = present(formOf(request), object, target.apiVersion, this.#clock.nowMs());
    const response = json(document, isNew ? 201 : 200);
    for (const warning of warnings.slice(0, maxWarnings)) {
      const text = warning.slice(0, maxWarningLength).replace(/[^\x20-\x7e]/g, "?");
      response.headers.append("warning", `299 - "${text.replace(/["\\]/g, "\\$&")}"`);
    }
    return response;
  }

  async #delete(target: ObjectTarget, request: ApiRequest): Promise<Stored> {
    if (target.isStatus) throw methodNotAllowed(request.http, "GET, PUT, PATCH");
    const { preconditions, isDry } = await deleteOptions(request);
    return this.#writer.delete(target, preconditions, this.#contextOf(request, "delete", isDry));
  }

  async #deleteCollection(target: CollectionTarget, request: ApiRequest): Promise<Response> {
    const { kind, namespace, apiVersion } = target;
    const filter = filterOf(kind, namespace, request.query);
    const { isDry } = await deleteOptions(request);
    const items = await this.#writer.deleteCollection(
      () =>
        this.#store
          .list({ kind, namespace: filter.namespace })
          .items.filter((each) => isChosen(filter, each)),
      this.#contextOf(request, "deletecollection", isDry),
    );
    const metadata = { resourceVersion: String(this.#store.sequence) };
    return json(presentList(formOf(request), { kind, items, metadata }, apiVersion, this.#clock.nowMs()));
  }

  /** Who and why, for the history: tools may say why in a header or in annotations of the object. */
  #contextOf(request: ApiRequest, verb: string, isDry: boolean): WriteContext {
    const { headers, url } = request.http;
    return this.#contexts.of(request, {
      verb,
      author: headers.get("weft-author") ?? undefined,
      ...claimsOf(headers, `${verb} ${new URL(url).pathname}`),
      acceptLockout: isTrue(request.query.get("acceptLockout")),
      isDryRun: isDry,
    });
  }
}

export function methodNotAllowed(request: Request, allowed: string): WeftError {
  return new WeftError("usage", `${request.method} is not possible here`, {
    hint: `use ${allowed}`,
    fields: { httpStatus: 405, reason: "MethodNotAllowed" },
  });
}

/** In the body or the query. What else they may hold (how dependents go, how long to wait) means nothing here: deletion is immediate. */
async function deleteOptions({
  http,
  query,
}: ApiRequest): Promise<{ readonly preconditions: Preconditions; readonly isDry: boolean }> {
  const hasBody = (http.headers.get("content-length") ?? "0") !== "0";
  const options = hasBody ? await readJson(http, "json") : undefined;
  const asked = isPlain(options) && isPlain(options["preconditions"]) ? options["preconditions"] : {};
  const version = asked["resourceVersion"] ?? query.get("resourceVersion");
  const { uid } = asked;
  const dryRun = isPlain(options) && Array.isArray(options["dryRun"]) ? options["dryRun"] : [];
  const all = new URLSearchParams([
    ...query,
    ...dryRun.map((each): [string, string] => ["dryRun", String(each)]),
  ]);
  return {
    preconditions: {
      resourceVersion: typeof version === "string" ? version : undefined,
      uid: typeof uid === "string" ? uid : undefined,
    },
    isDry: isDryRun(all),
  };
}

function formOf({ http, query }: ApiRequest): Representation {
  return representationOf(http.headers.get("accept"), query);
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
