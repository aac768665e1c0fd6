/**
 * All writes through the API, one after another: admission reads what it decides on, so no other write may come between it
 * and its commit. Each call is one commit, or none where nothing would change. A refusal, and "there is nothing to do", are for
 * the newest state alone: what other control planes wrote is taken in before anything but a dry run is looked at.
 */
import {
  type ApiObject,
  type Deletion,
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
import { Turns, WeftError } from "../kernel/index.ts";
import type { Store, Write } from "../store/index.ts";
import { admit, refuse } from "./admission.ts";
import type { PlannedWrite } from "./authorization/role-writes.ts";
import { type FieldTracker, withFields, withManagers } from "./field-tracking.ts";
import { imagined } from "./imagined.ts";
import { noteOf } from "./history/change-note.ts";
import {
  isPermanent,
  namedKeys,
  outcomeOf,
  parseAll,
  plannedChange,
  type PlannedChange,
  plannedPut,
  putOf,
  refuseContradictions,
  refuseImpossibleChange,
  refuseImpossibleChanges,
  replanned,
  resultOf,
} from "./planned-writes.ts";
import { refuseHeld } from "./rollout/held-objects.ts";
import { sameContent } from "./same-content.ts";
import { refuseOther, refuseOtherName, refuseStale } from "./stale-writes.ts";
import type { WriteGate } from "./write-gate.ts";

/** Writers wait for each other; more than this means that somebody writes in a loop. */
const maxWaiting = 256;

export interface WriteContext {
  readonly author: string;
  readonly message: string;
  /** The commit of a repository that it comes from; undefined: not said. */
  readonly source?: string | undefined;
  /** Nobody wrote the message: what the object itself says of the change is better. */
  readonly isImplied?: boolean | undefined;
  /** The rollout that this is the promotion of. */
  readonly rollout?: string | undefined;
  readonly gate: WriteGate;
  /** Present: everything is checked and nothing is written; the answer is made up as of this time. */
  readonly dryRunAtMs?: number | undefined;
  /** Who owns which fields after the write; absent: what an update by weft itself makes of it. */
  readonly fields?: FieldTracker | undefined;
}

export interface Preconditions {
  readonly resourceVersion?: string | undefined;
  readonly uid?: string | undefined;
}

export interface TransactionInput extends WriteContext {
  readonly objects: readonly unknown[];
  readonly deletions: readonly Deletion[];
  readonly dryRun: boolean;
  /** Told of what would be written, dry run or not. */
  readonly onPlanned?: ((change: PlannedChange) => void) | undefined;
  /** Looks at the change just before it is made; what it throws is the answer, and nothing is written. */
  readonly judge?: ((change: PlannedChange) => Promise<void>) | undefined;
}

export class Writer {
  readonly #store: Store;
  readonly #turns = new Turns({ max: maxWaiting, what: "writes" });

  constructor(store: Store) {
    this.#store = store;
  }

  /** All or nothing. */
  transact(input: TransactionInput): Promise<TransactionResponse> {
    return this.#exclusive(input.dryRun, () => this.#transact(input));
  }

  /** `plan` reads what it decides on: no other write comes between it and the commit. */
  transactOn(plan: () => Promise<TransactionInput>): Promise<TransactionResponse> {
    return this.#exclusive(false, async () => this.#transact(await plan()));
  }

  async #transact(input: TransactionInput): Promise<TransactionResponse> {
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
    refuseHeld(this.#store, planned, input.rollout);
    input.gate.admit(planned);
    refuseImpossibleChanges(puts);
    const results: TransactionResult[] = [
      ...puts.map(({ object, existing }) => resultOf(keyOf(object), outcomeOf(object, existing))),
      ...deletions.map((key) => resultOf(key, "deleted")),
    ];
    const writes: Write[] = [
      ...puts.flatMap(({ object, existing }) =>
        existing !== undefined && sameContent(existing, object)
          ? []
          : [putOf(withFields(object, existing, input))],
      ),
      ...deletions.map((key): Write => ({ type: "delete", key })),
    ];
    input.onPlanned?.(plannedChange(this.#store.revision, writes, results));
    if (input.dryRun || writes.length === 0) {
      input.gate.note(planned, input.dryRun);
      return { revision: this.#store.revision, results };
    }
    const { judge } = input;
    if (judge !== undefined) await this.#judge(judge, { writes, results });
    const { revision } = await this.#commit(writes, planned, input);
    return { revision, results };
  }

  /** What `transact` would write, after every check but the last look. Writes nothing. */
  async plan(input: Pick<TransactionInput, "objects" | "deletions" | "gate">): Promise<PlannedChange> {
    let change: PlannedChange | undefined;
    const { revision, results } = await this.transact({
      ...input,
      ...{ author: "", message: "", dryRun: true },
      onPlanned: (planned) => {
        change = planned;
      },
    });
    return change ?? { revision, upserted: [], removed: [], results };
  }

  /** Other writers of this store may be elsewhere: what was judged must still be what is there. */
  async #judge(
    judge: NonNullable<TransactionInput["judge"]>,
    {
      writes,
      results,
    }: { readonly writes: readonly Write[]; readonly results: readonly TransactionResult[] },
  ): Promise<void> {
    const { revision } = this.#store;
    await judge(plannedChange(revision, writes, results));
    if (this.#store.revision === revision) return;
    throw new WeftError("conflict", "the configuration changed while the change was looked at", {
      hint: "repeat it",
    });
  }

  create(input: unknown, context: WriteContext): Promise<ApiObject> {
    return this.#exclusiveIn(context, async () => {
      const object = this.#admitOne(input);
      if (this.#store.get(keyOf(object)) !== undefined) {
        throw new WeftError("already_exists", `${keyText(keyOf(object))} exists already`);
      }
      return this.#putOne(object, undefined, context);
    });
  }

  /** `change` makes the new object from the stored one. With a resourceVersion in it, that must still be the newest. */
  replace(key: ObjectKey, change: (existing: Stored) => unknown, context: WriteContext): Promise<ApiObject> {
    return this.#exclusiveIn(context, async () => {
      const existing = this.#existing(key);
      return this.#replaceOne(key, existing, change(existing), context);
    });
  }

  /** As `replace`; where there is no object, `change` makes it from nothing, which takes the right to create. */
  createOrReplace(
    key: ObjectKey,
    change: (existing: Stored | undefined) => unknown,
    context: WriteContext,
  ): Promise<{ readonly object: ApiObject; readonly isNew: boolean }> {
    return this.#exclusiveIn(context, async () => {
      const existing = this.#store.get(key);
      const input = change(existing);
      if (existing !== undefined)
        return { object: await this.#replaceOne(key, existing, input, context), isNew: false };
      const object = this.#admitOne(input);
      refuseOtherName(object, key);
      context.gate.authorize([plannedPut(object, undefined)]);
      return { object: await this.#putOne(object, undefined, context), isNew: true };
    });
  }

  replaceStatus(
    key: ObjectKey,
    change: (existing: Stored) => unknown,
    context: WriteContext,
  ): Promise<ApiObject> {
    return this.#exclusiveIn(context, async () => {
      const existing = this.#existing(key);
      const parsed = parseObject(change(existing), "write");
      if ("issues" in parsed) return (refuse(parsed.issues), existing);
      refuseOtherName(parsed.object, key);
      refuseStale(key, parsed.object.metadata.resourceVersion, existing);
      const object = withFields(parsed.object, existing, context);
      // In no revision, so the store's anchor does not tell of it: the entry stands before it.
      context.gate.note([plannedPut(object, existing)], context.dryRunAtMs !== undefined);
      if (context.dryRunAtMs !== undefined) return imagined(object, existing, context.dryRunAtMs);
      await this.#store.writeOperational([{ type: "status", object }]);
      return this.#writeManagers(key, object);
    });
  }

  delete(key: ObjectKey, preconditions: Preconditions, context: WriteContext): Promise<Stored> {
    return this.#exclusiveIn(context, async () => {
      const existing = this.#existing(key);
      refuseStale(key, preconditions.resourceVersion, existing);
      refuseOther(key, preconditions.uid, existing);
      await this.#deleteAll([key], context);
      return existing;
    });
  }

  /** Those that `list` finds once no other write can come between; all or nothing. */
  deleteCollection(list: () => readonly Stored[], context: WriteContext): Promise<readonly Stored[]> {
    return this.#exclusiveIn(context, async () => {
      const found = list();
      if (found.length > 0) await this.#deleteAll(found.map(keyOf), context);
      return found;
    });
  }

  #exclusiveIn<T>(context: WriteContext, work: () => Promise<T>): Promise<T> {
    return this.#exclusive(context.dryRunAtMs !== undefined, work);
  }

  #exclusive<T>(isDryRun: boolean, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      if (!isDryRun) await this.#store.catchUp();
      return await replanned(work);
    });
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

  async #replaceOne(
    key: ObjectKey,
    existing: Stored,
    input: unknown,
    context: WriteContext,
  ): Promise<ApiObject> {
    const object = this.#admitOne(input);
    refuseOtherName(object, key);
    refuseStale(key, object.metadata.resourceVersion, existing);
    refuseOther(key, object.metadata.uid, existing);
    if (!sameContent(existing, object)) return this.#putOne(object, existing, context);
    const tracked = withFields(object, existing, context);
    context.gate.note([plannedPut(object, existing)], context.dryRunAtMs !== undefined);
    return context.dryRunAtMs === undefined
      ? this.#writeManagers(key, tracked)
      : imagined(tracked, existing, context.dryRunAtMs);
  }

  async #putOne(object: ApiObject, existing: Stored | undefined, context: WriteContext): Promise<ApiObject> {
    const planned = [plannedPut(object, existing)];
    refuseHeld(this.#store, planned, undefined);
    context.gate.admit(planned);
    const tracked = withFields(object, existing, context);
    if (context.dryRunAtMs !== undefined) {
      if (existing !== undefined) refuseImpossibleChange(existing, object);
      context.gate.note(planned, true);
      return imagined(tracked, existing, context.dryRunAtMs);
    }
    const write =
      existing === undefined ? { ...putOf(tracked), expectedResourceVersion: "" } : putOf(tracked);
    const { objects } = await this.#commit([write], planned, context);
    const [stored] = objects;
    if (stored === undefined) throw new WeftError("internal", "the store lost an object");
    return stored;
  }

  /** Who owns what is no part of what operators wrote: it makes no revision. */
  async #writeManagers(key: ObjectKey, { metadata }: ApiObject): Promise<Stored> {
    const newest = this.#existing(key);
    const { managedFields } = metadata;
    if (managedFields === undefined || Bun.deepEquals(managedFields, newest.metadata.managedFields))
      return newest;
    await this.#store.writeOperational([{ type: "put", object: withManagers(newest, managedFields) }]);
    return this.#existing(key);
  }

  async #deleteAll(named: readonly ObjectKey[], context: WriteContext): Promise<void> {
    const keys = this.#expandDeletions(named);
    const planned = this.#plannedDeletions(keys, named);
    refuseHeld(this.#store, planned, undefined);
    context.gate.admit(planned);
    if (context.dryRunAtMs !== undefined) {
      context.gate.note(planned, true);
      return;
    }
    const writes = keys.map((each): Write => ({ type: "delete", key: each }));
    await this.#commit(writes, planned, context);
  }

  #commit(writes: readonly Write[], planned: readonly PlannedWrite[], context: WriteContext) {
    const meta = { author: context.author, ...noteOf(planned, context) };
    const plannedOn = this.#store.revision;
    return context.gate.commit(planned, (anchor) =>
      this.#store.commit(writes, { ...meta, anchor, plannedOn }),
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
