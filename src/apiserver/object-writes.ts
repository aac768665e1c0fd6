/** Creating, replacing, patching and applying single objects and their statuses: what the body and the query ask for, handed to the writer. */
import { randomBytes } from "node:crypto";
import { type ApiObject, apiVersionOf, kinds, type Stored, withoutUnknownFields } from "../api/index.ts";
import { type Clock, secondsText, WeftError } from "../kernel/index.ts";
import { about } from "./about.ts";
import type { ApiRequest } from "./api-request.ts";
import { mediaTypeOf, readObject, readPatch } from "./body.ts";
import { applyTracker, type FieldTracker, managersOf, updateTracker } from "./field-tracking.ts";
import { claimsOf } from "./history/change-note.ts";
import { applyConfig, type FieldWriter } from "./managed-fields/managers.ts";
import { jsonPatch } from "./patch/json-patch.ts";
import { isPlain, mergePatch } from "./patch/merge-patch.ts";
import { strategicMergePatch } from "./patch/strategic-merge.ts";
import type { RequestTarget } from "./request-target.ts";
import type { WriteContexts } from "./write-contexts.ts";
import { type WriteOptions, writeOptions } from "./write-options.ts";
import type { WriteContext, Writer } from "./writer.ts";

type CollectionTarget = RequestTarget & { type: "collection" };
type ObjectTarget = RequestTarget & { type: "object" };
type Target = CollectionTarget | ObjectTarget;

const applyType = "application/apply-patch+yaml";
/** Kubernetes makes names of five letters and digits, without those that look or read badly. */
const nameLetters = "bcdfghjklmnpqrstvwxz2456789";

export interface Written {
  readonly object: ApiObject;
  readonly isNew: boolean;
  /** For people, in headers. */
  readonly warnings: readonly string[];
}

export class ObjectWrites {
  readonly #writer: Writer;
  readonly #contexts: WriteContexts;
  readonly #clock: Clock;

  constructor(parts: { readonly writer: Writer; readonly contexts: WriteContexts; readonly clock: Clock }) {
    this.#writer = parts.writer;
    this.#contexts = parts.contexts;
    this.#clock = parts.clock;
  }

  async create(request: ApiRequest, target: CollectionTarget): Promise<Written> {
    const { kind, namespace } = target;
    const call = this.#callOf(request, target, "create");
    const input = named(inNamespace(await readObject(request.http), namespace));
    if (isPlain(input) && input["kind"] !== kind) {
      throw new WeftError("usage", `the body's kind is ${String(input["kind"])}, the path's ${kind}`);
    }
    const object = await about({ kind, name: nameOf(input) }, () =>
      this.#writer.create(call.cleaned(input), call.context(call.updates(input))),
    );
    return { object, isNew: true, warnings: call.warnings };
  }

  async replace(request: ApiRequest, target: ObjectTarget): Promise<Written> {
    const call = this.#callOf(request, target, "update");
    const body = await readObject(request.http);
    return this.#change(call, target, (existing) =>
      target.isStatus ? withStatusOf(existing, body, target.namespace) : inNamespace(body, target.namespace),
    );
  }

  async patch(request: ApiRequest, target: ObjectTarget): Promise<Written> {
    const call = this.#callOf(request, target, "patch");
    const type = mediaTypeOf(request.http);
    const patched = patchers[type];
    if (type !== applyType && patched === undefined) {
      throw new WeftError("usage", `the media type "${type.slice(0, 100)}" is no patch`, {
        hint: `send ${[...Object.keys(patchers), applyType].join(", ")}`,
        fields: { httpStatus: 415, reason: "UnsupportedMediaType" },
      });
    }
    const patch = await readPatch(request.http);
    if (patched === undefined) return this.#apply(call, target, patch);
    return this.#change(call, target, (existing) => {
      const result = patched(kinds[target.kind].schema, existing, patch);
      if (target.isStatus) return withStatusOf(existing, result, target.namespace);
      return isPinned(type, patch) ? result : withoutVersion(result);
    });
  }

  async #change(call: Call, target: ObjectTarget, change: (existing: Stored) => unknown): Promise<Written> {
    let input: unknown;
    const changed = (existing: Stored): unknown => {
      input = change(existing);
      return call.cleaned(input);
    };
    // What the request brings of managers is known only once it has been laid over what is there.
    const tracker: FieldTracker = (before, after) => call.updates(input)(before, after);
    const context = call.context(tracker);
    const object = target.isStatus
      ? await this.#writer.replaceStatus(target, changed, context)
      : await this.#writer.replace(target, changed, context);
    return { object, isNew: false, warnings: call.warnings };
  }

  /** Server-side apply. */
  async #apply(call: Call, target: ObjectTarget, body: unknown): Promise<Written> {
    const { kind, name, namespace, isStatus } = target;
    if (!call.options.isManagerNamed)
      throw new WeftError("usage", "an apply needs ?fieldManager=…: whose fields they are");
    const given = inNamespace(body, kinds[kind].namespaced ? namespace : undefined);
    if (!isPlain(given) || given["kind"] !== kind)
      throw new WeftError("usage", `an apply's body is an object of kind ${kind}`);
    const metadata = isPlain(given["metadata"]) ? given["metadata"] : {};
    if (metadata["managedFields"] !== undefined)
      throw new WeftError("usage", "metadata.managedFields must be absent in an apply");
    const config = call.cleaned({ ...given, metadata: { name, ...metadata } });
    const { schema } = kinds[kind];
    const merged = (live: Stored | undefined): unknown => {
      const entries = managersOf(kind, live);
      const result = applyConfig({ schema, live, config, entries, writer: call.fieldWriter });
      return metadata["resourceVersion"] === undefined ? withoutVersion(result) : result;
    };
    const tracker = applyTracker(call.fieldWriter, config, call.options.force);
    if (isStatus) {
      const object = await this.#writer.replaceStatus(
        target,
        (existing) => withStatusOf(existing, merged(existing), namespace),
        call.context(tracker),
      );
      return { object, isNew: false, warnings: call.warnings };
    }
    const written = await this.#writer.createOrReplace(target, merged, call.context(tracker, true));
    return { ...written, warnings: call.warnings };
  }

  #callOf(request: ApiRequest, target: Target, verb: string): Call {
    const options = writeOptions(request.query, request.http.headers.get("user-agent"));
    return new Call({ request, target, verb, options, contexts: this.#contexts, nowMs: this.#clock.nowMs() });
  }
}

/** One request to write, and what it has to say besides its object. */
class Call {
  readonly options: WriteOptions;
  readonly fieldWriter: FieldWriter;
  readonly warnings: string[] = [];
  readonly #request: ApiRequest;
  readonly #target: Target;
  readonly #verb: string;
  readonly #contexts: WriteContexts;

  constructor(parts: {
    readonly request: ApiRequest;
    readonly target: Target;
    readonly verb: string;
    readonly options: WriteOptions;
    readonly contexts: WriteContexts;
    readonly nowMs: number;
  }) {
    const { target, options } = parts;
    this.options = options;
    this.#request = parts.request;
    this.#target = target;
    this.#verb = parts.verb;
    this.#contexts = parts.contexts;
    this.fieldWriter = {
      manager: options.manager,
      apiVersion: target.apiVersion,
      subresource: target.type === "object" && target.isStatus ? "status" : "",
      time: secondsText(parts.nowMs),
    };
    const newest = apiVersionOf(target.kind);
    if (target.apiVersion !== newest)
      this.warnings.push(`${target.apiVersion} ${target.kind} is an older version; use ${newest}`);
  }

  /** Without the fields that nobody knows, where the request wants that; they are refused otherwise. */
  cleaned(input: unknown): unknown {
    if (this.options.fieldValidation === "Strict") return input;
    const { value, unknown } = withoutUnknownFields(kinds[this.#target.kind].schema, input);
    if (this.options.fieldValidation === "Warn")
      this.warnings.push(...unknown.map((path) => `unknown field "${path}"`));
    return value;
  }

  updates(input: unknown): FieldTracker {
    const metadata = isPlain(input) ? input["metadata"] : undefined;
    const given = isPlain(metadata) ? metadata["managedFields"] : undefined;
    return updateTracker(this.fieldWriter, given, this.options.isManagerNamed);
  }

  /** Who and why, for the history: tools may say why in a header or in annotations of the object. */
  context(fields: FieldTracker, mayCreate = false): WriteContext {
    const { headers, url } = this.#request.http;
    return this.#contexts.of(this.#request, {
      verb: this.#verb,
      // The right to create is asked for where there turns out to be something to create.
      asksEach: mayCreate,
      author: headers.get("weft-author") ?? undefined,
      ...claimsOf(headers, `${this.#verb} ${new URL(url).pathname}`),
      acceptLockout: ["1", "true"].includes(this.#request.query.get("acceptLockout") ?? ""),
      isDryRun: this.options.isDryRun,
      fields,
    });
  }
}

const patchers: Readonly<Record<string, (schema: unknown, existing: unknown, patch: unknown) => unknown>> = {
  "application/merge-patch+json": (_schema, existing, patch) => mergePatch(existing, patch),
  "application/json": (_schema, existing, patch) => mergePatch(existing, patch),
  "application/json-patch+json": (_schema, existing, patch) => jsonPatch(existing, patch),
  "application/strategic-merge-patch+json": strategicMergePatch,
};

/** Whether a patch names the version that it is meant for. */
function isPinned(type: string, patch: unknown): boolean {
  if (type === "application/json-patch+json")
    return JSON.stringify(patch).includes('"/metadata/resourceVersion"');
  return isPlain(patch) && isPlain(patch["metadata"]) && "resourceVersion" in patch["metadata"];
}

function withoutVersion(object: unknown): unknown {
  return mergePatch(object, { metadata: { resourceVersion: null } });
}

function nameOf(input: unknown): string | undefined {
  const metadata = isPlain(input) ? input["metadata"] : undefined;
  const name = isPlain(metadata) ? metadata["name"] : undefined;
  return typeof name === "string" ? name : undefined;
}

/** `generateName`: a name that begins so. */
function named(input: unknown): unknown {
  if (!isPlain(input) || !isPlain(input["metadata"])) return input;
  const { generateName, ...metadata } = input["metadata"];
  if (generateName === undefined) return input;
  if (typeof generateName !== "string")
    throw new WeftError("bad_input", "metadata.generateName: must be text");
  if (metadata["name"] !== undefined && metadata["name"] !== "") return { ...input, metadata };
  const letters = [...randomBytes(5)].map((byte) => nameLetters[byte % nameLetters.length]);
  return { ...input, metadata: { ...metadata, name: `${generateName}${letters.join("")}` } };
}

/** The path tells the namespace; a body that names none gets it. */
function inNamespace(input: unknown, namespace: string | undefined): unknown {
  if (namespace === undefined || namespace === "" || !isPlain(input)) return input;
  const metadata = isPlain(input["metadata"]) ? input["metadata"] : {};
  const given = metadata["namespace"];
  if (given !== undefined && given !== "" && given !== namespace) {
    throw new WeftError("usage", `the body's namespace is ${JSON.stringify(given)}, the path's ${namespace}`);
  }
  return { ...input, metadata: { ...metadata, namespace } };
}

/** Of the body only its name, the version that it is based on and the status count. */
function withStatusOf(existing: Stored, body: unknown, namespace: string): unknown {
  const written = inNamespace(body, namespace);
  if (!isPlain(written)) throw new WeftError("usage", "the body is no object");
  const asked = isPlain(written["metadata"]) ? written["metadata"] : {};
  const names = Object.entries(asked).filter(([name]) =>
    ["name", "namespace", "resourceVersion", "managedFields"].includes(name),
  );
  return {
    ...existing,
    metadata: { ...existing.metadata, ...Object.fromEntries(names) },
    status: written["status"],
  };
}
