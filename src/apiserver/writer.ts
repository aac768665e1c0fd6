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
import { sameContent } from "./same-content.ts";

/** Writers wait for each other; more than this means that somebody writes in a loop. */
const maxWaiting = 256;
/** The mesh does not work without these. */
const permanentNamespaces: ReadonlySet<string> = new Set(["default", "weft-system"]);

export interface CommitText {
  readonly author: string;
  readonly message: string;
}

export interface TransactionInput extends CommitText {
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
      const deletions = this.#expandDeletions(input.deletions);
      const deletedNamespaces = new Set(
        deletions.flatMap((key) => (key.kind === "Namespace" ? [key.name] : [])),
      );
      const objects = admit(this.#store, parseAll(input.objects), deletedNamespaces);
      refuseContradictions(objects, deletions);
      const puts = objects.map((object) => ({ object, existing: this.#store.get(keyOf(object)) }));
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
      if (input.dryRun || writes.length === 0) return { revision: this.#store.revision, results };
      const { revision } = await this.#store.commit(writes, input);
      return { revision, results };
    });
  }

  create(input: unknown, text: CommitText): Promise<Stored> {
    return this.#exclusive(async () => {
      const object = this.#admitOne(input);
      if (this.#store.get(keyOf(object)) !== undefined) {
        throw new WeftError("already_exists", `${keyText(keyOf(object))} exists already`);
      }
      return this.#commitOne({ type: "put", object, expectedResourceVersion: "" }, text);
    });
  }

  /** `change` makes the new object from the stored one. With a resourceVersion in it, that must still be the newest. */
  replace(key: ObjectKey, change: (existing: Stored) => unknown, text: CommitText): Promise<Stored> {
    return this.#exclusive(async () => {
      const existing = this.#existing(key);
      const object = this.#admitOne(change(existing));
      refuseOtherName(object, key);
      refuseStale(key, object.metadata.resourceVersion, existing);
      if (sameContent(existing, object)) return existing;
      return this.#commitOne(putOf(object), text);
    });
  }

  replaceStatus(key: ObjectKey, change: (existing: Stored) => unknown): Promise<Stored> {
    return this.#exclusive(async () => {
      const existing = this.#existing(key);
      const parsed = parseObject(change(existing), "write");
      if ("issues" in parsed) refuse(parsed.issues);
      else {
        const { object } = parsed;
        refuseOtherName(object, key);
        refuseStale(key, object.metadata.resourceVersion, existing);
        await this.#store.writeOperational([{ type: "status", object }]);
      }
      return this.#existing(key);
    });
  }

  delete(key: ObjectKey, expectedResourceVersion: string | undefined, text: CommitText): Promise<Stored> {
    return this.#exclusive(async () => {
      const existing = this.#existing(key);
      refuseStale(key, expectedResourceVersion, existing);
      const writes = this.#expandDeletions([key]).map((each): Write => ({ type: "delete", key: each }));
      await this.#store.commit(writes, text);
      return existing;
    });
  }

  async #exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= maxWaiting)
      throw new WeftError("exhausted", `${maxWaiting} writes are waiting already`);
    this.#waiting++;
    const result = this.#tail.then(work);
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

  async #commitOne(write: Write & { type: "put" }, text: CommitText): Promise<Stored> {
    const { objects } = await this.#store.commit([write], text);
    const [stored] = objects;
    if (stored === undefined) throw new WeftError("internal", "the store lost an object");
    return stored;
  }

  /** Every object once; a Namespace takes along what lives in it. */
  #expandDeletions(deletions: readonly Deletion[]): ObjectKey[] {
    const keys = new Map<string, ObjectKey>();
    for (const [index, deletion] of deletions.entries()) {
      const path = `deletions[${index}]`;
      if (!isKindName(deletion.kind)) {
        throw new WeftError("bad_input", `unknown kind ${deletion.kind}`, {
          issues: [
            {
              path: `${path}.kind`,
              message: `unknown kind ${deletion.kind}; known are ${kindNames.join(", ")}`,
            },
          ],
        });
      }
      const key = { kind: deletion.kind, namespace: deletion.namespace ?? "", name: deletion.name };
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
