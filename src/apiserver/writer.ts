/**
 * All writes through the API, one after another: admission reads what it decides on, so no other write may come between it
 * and its commit. Each call is one commit, or none where nothing would change.
 */
import {
  type ApiObject,
  changeIssues,
  type Deletion,
  isKindName,
  keyOf,
  keyText,
  type KindName,
  kindNames,
  type ObjectKey,
  parseObject,
  type Stored,
  type TransactionResponse,
  type TransactionResult,
} from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { Store, Write } from "../store/index.ts";
import { admit, type Candidate, refuse } from "./admission.ts";
import type { PlannedWrite } from "./authorization/role-writes.ts";
import { sameContent } from "./same-content.ts";
import type { WriteGate } from "./write-gate.ts";

/** Writers wait for each other; more than this means that somebody writes in a loop. */
const maxWaiting = 256;
/** Each failure is a commit of somebody else: nobody is overtaken so often. */
const maxPlans = 10;
/** The mesh does not work without these. */
const permanentNamespaces: ReadonlySet<string> = new Set(["default", "weft-system"]);

export interface WriteContext {
  readonly author: string;
  readonly message: string;
  readonly gate: WriteGate;
}

export interface TransactionInput extends WriteContext {
  readonly objects: readonly unknown[];
  readonly deletions: readonly Deletion[];
  readonly dryRun: boolean;
}

export class Writer {
  readonly #store: Store;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** All or nothing. */
  transact(input: TransactionInput): Promise<TransactionResponse> {
    return this.#exclusive(async () => {
      const candidates = parseAll(input.objects);
      const named = namedKeys(input.deletions);
      // Before anything is looked up for them: an answer must not tell what the caller may not know.
      input.gate.authorize([
        ...candidates.map(({ object }) => plannedPut(object, this.#store.get(keyOf(object)))),
        ...this.#plannedDeletions(named, named),
      ]);
      const deletions = this.#expandDeletions(named);
      const deletedNamespaces = new Set(
        deletions.flatMap((key) => (key.kind === "Namespace" ? [key.name] : [])),
      );
      const objects = admit(this.#store, candidates, deletedNamespaces);
      refuseContradictions(objects, deletions);
      const puts = objects.map((object) => ({ object, existing: this.#store.get(keyOf(object)) }));
      const planned = [
        ...puts.map(({ object, existing }) => plannedPut(object, existing)),
        ...this.#plannedDeletions(deletions, named),
      ];
      input.gate.admit(planned);
      refuseImpossibleChanges(puts);
      const results: TransactionResult[] = [
        ...puts.map(({ object, existing }) => resultOf(keyOf(object), outcomeOf(object, existing))),
        ...deletions.map((key) => resultOf(key, "deleted")),
      ];
      const writes: Write[] = [
        ...puts.flatMap(({ object, existing }) =>
          existing !== undefined && sameContent(existing, object) ? [] : [putOf(object)],
        ),
        ...deletions.map((key): Write => ({ type: "delete", key })),
      ];
      if (input.dryRun || writes.length === 0) {
        input.gate.note(planned, input.dryRun);
        return { revision: this.#store.revision, results };
      }
      const { revision } = await this.#commit(writes, planned, input);
      return { revision, results };
    });
  }

  create(input: unknown, context: WriteContext): Promise<Stored> {
    return this.#exclusive(async () => {
      const object = this.#admitOne(input);
      if (this.#store.get(keyOf(object)) !== undefined) {
        throw new WeftError("already_exists", `${keyText(keyOf(object))} exists already`);
      }
      return this.#commitOne({ type: "put", object, expectedResourceVersion: "" }, undefined, context);
    });
  }

  /** `change` makes the new object from the stored one. With a resourceVersion in it, that must still be the newest. */
  replace(key: ObjectKey, change: (existing: Stored) => unknown, context: WriteContext): Promise<Stored> {
    return this.#exclusive(async () => {
      const existing = this.#existing(key);
      const object = this.#admitOne(change(existing));
      refuseOtherName(object, key);
      refuseStale(key, object.metadata.resourceVersion, existing);
      if (!sameContent(existing, object)) return this.#commitOne(putOf(object), existing, context);
      context.gate.note([plannedPut(object, existing)], false);
      return existing;
    });
  }

  replaceStatus(
    key: ObjectKey,
    change: (existing: Stored) => unknown,
    context: WriteContext,
  ): Promise<Stored> {
    return this.#exclusive(async () => {
      const existing = this.#existing(key);
      const parsed = parseObject(change(existing), "write");
      if ("issues" in parsed) refuse(parsed.issues);
      else {
        const { object } = parsed;
        refuseOtherName(object, key);
        refuseStale(key, object.metadata.resourceVersion, existing);
        // In no revision, so the store's anchor does not tell of it: the entry stands before it.
        context.gate.note([plannedPut(object, existing)], false);
        await this.#store.writeOperational([{ type: "status", object }]);
      }
      return this.#existing(key);
    });
  }

  delete(
    key: ObjectKey,
    expectedResourceVersion: string | undefined,
    context: WriteContext,
  ): Promise<Stored> {
    return this.#exclusive(async () => {
      const existing = this.#existing(key);
      refuseStale(key, expectedResourceVersion, existing);
      const keys = this.#expandDeletions([key]);
      const planned = this.#plannedDeletions(keys, [key]);
      context.gate.admit(planned);
      const writes = keys.map((each): Write => ({ type: "delete", key: each }));
      await this.#commit(writes, planned, context);
      return existing;
    });
  }

  async #exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= maxWaiting)
      throw new WeftError("exhausted", `${maxWaiting} writes are waiting already`);
    this.#waiting++;
    const result = this.#tail.then(() => replanned(work));
    this.#tail = result.catch(() => {});
    try {
      return await result;
    } finally {
      this.#waiting--;
    }
  }

  #existing(key: ObjectKey): Stored {
    const existing = this.#store.get(key);
    if (existing === undefined) throw new WeftError("not_found", `${keyText(key)} does not exist`);
    return existing;
  }

  #admitOne(input: unknown): ApiObject {
    const parsed = parseObject(input, "write");
    if ("issues" in parsed) refuse(parsed.issues);
    const [object] =
      "object" in parsed ? admit(this.#store, [{ object: parsed.object, pathPrefix: "" }], new Set()) : [];
    if (object === undefined) throw new WeftError("internal", "admission lost an object");
    return object;
  }

  async #commitOne(
    write: Write & { type: "put" },
    existing: Stored | undefined,
    context: WriteContext,
  ): Promise<Stored> {
    const planned = [plannedPut(write.object, existing)];
    context.gate.admit(planned);
    const { objects } = await this.#commit([write], planned, context);
    const [stored] = objects;
    if (stored === undefined) throw new WeftError("internal", "the store lost an object");
    return stored;
  }

  #commit(writes: readonly Write[], planned: readonly PlannedWrite[], context: WriteContext) {
    const { author, message } = context;
    const plannedOn = this.#store.revision;
    return context.gate.commit(planned, (anchor) =>
      this.#store.commit(writes, { author, message, anchor, plannedOn }),
    );
  }

  #plannedDeletions(keys: readonly ObjectKey[], named: readonly ObjectKey[]): PlannedWrite[] {
    const names = new Set(named.map(keyText));
    return keys.map((key) => ({
      key,
      existing: this.#store.get(key),
      object: undefined,
      isImplied: !names.has(keyText(key)),
    }));
  }

  /** Every object once; a Namespace takes along what lives in it. */
  #expandDeletions(named: readonly ObjectKey[]): ObjectKey[] {
    const keys = new Map<string, ObjectKey>();
    for (const key of named) {
      if (isPermanent(key)) throw new WeftError("forbidden", `${keyText(key)} belongs to the mesh and stays`);
      this.#existing(key);
      keys.set(keyText(key), key);
      if (key.kind === "Namespace") {
        for (const each of this.#keysIn(key.name)) keys.set(keyText(each), each);
      }
    }
    return [...keys.values()];
  }

  #keysIn(namespace: string): ObjectKey[] {
    return kindNames.flatMap((kind: KindName) =>
      this.#store.list({ kind, namespace }).items.map((object) => keyOf(object)),
    );
  }
}

/** Planned again where another control plane has committed meanwhile: addresses, names and roles are judged on what is there. */
async function replanned<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isOvertaken =
        error instanceof WeftError && error.code === "conflict" && "revision" in error.fields;
      if (!isOvertaken || attempt === maxPlans) throw error;
    }
  }
}

function plannedPut(object: ApiObject, existing: Stored | undefined): PlannedWrite {
  return { key: keyOf(object), existing, object, isImplied: false };
}

function parseAll(inputs: readonly unknown[]): Candidate[] {
  const parsed = inputs.map((input) => parseObject(input, "write"));
  refuse(
    parsed.flatMap((result, index) =>
      "issues" in result
        ? result.issues.map((issue) => ({
            ...issue,
            path: `objects[${index}]${issue.path === "" ? "" : `.${issue.path}`}`,
          }))
        : [],
    ),
  );
  return parsed.flatMap((result, index) =>
    "object" in result ? [{ object: result.object, pathPrefix: `objects[${index}].` }] : [],
  );
}

function namedKeys(deletions: readonly Deletion[]): ObjectKey[] {
  return deletions.map(({ kind, namespace, name }, index) => {
    if (isKindName(kind)) return { kind, namespace: namespace ?? "", name };
    const path = `deletions[${index}].kind`;
    const message = `unknown kind ${kind}; known are ${kindNames.join(", ")}`;
    throw new WeftError("bad_input", `unknown kind ${kind}`, { issues: [{ path, message }] });
  });
}

function isPermanent(key: ObjectKey): boolean {
  return key.kind === "MeshConfig" || (key.kind === "Namespace" && permanentNamespaces.has(key.name));
}

/** The store refuses these at the commit; here they get their place, and a dry run sees them. */
function refuseImpossibleChanges(puts: readonly { object: ApiObject; existing: Stored | undefined }[]): void {
  refuse(
    puts.flatMap(({ object, existing }, index) =>
      existing === undefined
        ? []
        : changeIssues(existing, object).map((issue) => ({
            ...issue,
            path: `objects[${index}].${issue.path}`,
          })),
    ),
  );
}

function refuseContradictions(objects: readonly ApiObject[], deletions: readonly ObjectKey[]): void {
  const deleted = new Set(deletions.map(keyText));
  refuse(
    objects.flatMap((object, index) =>
      deleted.has(keyText(keyOf(object)))
        ? [
            {
              path: `objects[${index}]`,
              message: `${keyText(keyOf(object))} is written and deleted in one change`,
            },
          ]
        : [],
    ),
  );
}

function putOf(object: ApiObject): Write & { type: "put" } {
  return { type: "put", object, expectedResourceVersion: object.metadata.resourceVersion };
}

function outcomeOf(object: ApiObject, existing: Stored | undefined): TransactionResult["outcome"] {
  if (existing === undefined) return "created";
  return sameContent(existing, object) ? "unchanged" : "configured";
}

function resultOf(key: ObjectKey, outcome: TransactionResult["outcome"]): TransactionResult {
  return { kind: key.kind, namespace: key.namespace, name: key.name, outcome };
}

function refuseOtherName(object: ApiObject, key: ObjectKey): void {
  const named = keyText(keyOf(object));
  if (named !== keyText(key))
    throw new WeftError("usage", `the body names ${named}, the path ${keyText(key)}`);
}

/** A write that names a version must be based on the newest. */
function refuseStale(key: ObjectKey, asked: string | undefined, existing: Stored): void {
  const newest = existing.metadata.resourceVersion;
  if (asked === undefined || asked === newest) return;
  throw new WeftError(
    "conflict",
    `${keyText(key)} has changed: the write is based on version ${asked}, the newest is ${newest}`,
    { hint: "read it again and repeat the change" },
  );
}
