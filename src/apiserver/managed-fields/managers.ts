/**
 * Who owns which fields of an object (`metadata.managedFields`), as Kubernetes' server-side apply has it: an update takes what it
 * changes, an apply owns what it names and gives up what it no longer names, and a field that somebody else owns is only changed by
 * force. PURE: the time is an argument.
 */
import { isPlain } from "../patch/merge-patch.ts";
import {
  type FieldSet,
  fieldSet,
  intersection,
  isEmpty,
  isEqual,
  minus,
  noFields,
  pathSet,
  pathsOf,
  pathText,
  union,
} from "./field-set.ts";
import { decodeFieldsV1, encodeFieldsV1 } from "./fields-v1.ts";
import { changedFields, fieldsOf, mergeFields, presentFields, removeFields } from "./structured-merge.ts";

/** As Kubernetes: beyond it, the oldest updates count as one. */
const maxUpdateManagers = 10;
const ancientManager = "ancient-changes";
/** Of what was there before anybody's fields were told apart. */
const earlierManager = "before-first-apply";

export interface ManagerEntry {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339, to the second. */
  readonly time: string;
  readonly fields: FieldSet;
}

/** Whose write it is. */
export type FieldWriter = Omit<ManagerEntry, "operation" | "fields">;

export interface FieldConflict {
  readonly owner: ManagerEntry;
  readonly fields: FieldSet;
}

/** Undefined: it is no list of managers. One empty entry asks for a fresh start, as an empty list does. */
export function decodeManagers(value: unknown): readonly ManagerEntry[] | undefined {
  if (!Array.isArray(value)) return undefined;
  if (value.length === 1 && isPlain(value[0]) && Object.keys(value[0]).length === 0) return [];
  const entries: ManagerEntry[] = [];
  for (const each of value) {
    if (!isPlain(each)) return undefined;
    const { manager = "", operation, apiVersion, subresource = "", time = "", fieldsV1 } = each;
    const fields = decodeFieldsV1(fieldsV1 ?? {});
    if (operation !== "Apply" && operation !== "Update") return undefined;
    if (![manager, apiVersion, subresource, time].every(isShortText) || fields === undefined)
      return undefined;
    entries.push({
      manager: String(manager),
      operation,
      apiVersion: String(apiVersion),
      subresource: String(subresource),
      time: String(time),
      fields,
    });
  }
  return entries;
}

export function encodeManagers(entries: readonly ManagerEntry[]): Record<string, unknown>[] {
  return entries.map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
    manager,
    operation,
    apiVersion,
    ...(time === "" ? {} : { time }),
    fieldsType: "FieldsV1",
    fieldsV1: encodeFieldsV1(fields),
    ...(subresource === "" ? {} : { subresource }),
  }));
}

export interface UpdateInput {
  readonly schema: unknown;
  /** Undefined: it did not exist. */
  readonly before: unknown;
  readonly after: unknown;
  readonly entries: readonly ManagerEntry[];
  readonly writer: FieldWriter;
}

/** After a create, update or patch: the writer owns what it changed, and everybody else loses that. */
export function managersAfterUpdate({ schema, before, after, entries, writer }: UpdateInput): ManagerEntry[] {
  const changed = writable(changedFields(schema, before, after), writer.subresource);
  const own = entries.find((entry) => isSame(entry, writer, "Update"));
  const others = entries.filter((entry) => entry !== own);
  const fields = presentFields(schema, after, union(own?.fields ?? noFields, changed));
  return ordered([
    ...others.map((entry) => left(entry, schema, after, changed)),
    timed({ ...writer, operation: "Update", fields }, own),
  ]);
}

/** `config` over `live`, without what its owner named before and now does not, where nobody else owns that. */
export function applyConfig(input: {
  readonly schema: unknown;
  readonly live: unknown;
  readonly config: unknown;
  readonly entries: readonly ManagerEntry[];
  readonly writer: FieldWriter;
}): unknown {
  const { schema, live, config, entries, writer } = input;
  const previous = entries.find((entry) => isSame(entry, writer, "Apply"));
  const wanted = configFields(schema, config, writer.subresource);
  const owned = entries
    .filter((entry) => entry !== previous)
    .reduce((all, { fields }) => union(all, fields), wanted);
  const left = removeFields(schema, live, minus(previous?.fields ?? noFields, owned), owned);
  return mergeFields(schema, left, config);
}

/** After an apply: the new managers, and whose fields were changed. With `force` these lose them, and nothing is in conflict. */
export function managersAfterApply(
  input: UpdateInput & { readonly config: unknown; readonly force: boolean },
): { readonly entries: ManagerEntry[]; readonly conflicts: readonly FieldConflict[] } {
  const { schema, before, after, entries, writer, config, force } = input;
  const changed = writable(changedFields(schema, before, after), writer.subresource);
  const previous = entries.find((entry) => isSame(entry, writer, "Apply"));
  const others = entries.filter((entry) => entry !== previous);
  const conflicts = others
    .map((owner) => ({ owner, fields: intersection(owner.fields, changed) }))
    .filter(({ fields }) => !isEmpty(fields));
  // What admission took away or wrote in another form is not what was asked for.
  const fields = presentFields(schema, after, configFields(schema, config, writer.subresource));
  return {
    entries: ordered([
      ...others.map((entry) => left(entry, schema, after, changed)),
      timed({ ...writer, operation: "Apply", fields }, previous),
    ]),
    conflicts: force ? [] : conflicts,
  };
}

/** Where nobody's fields are known yet: one owner of all that is there, so that an apply over it says what it would change. */
export function earlierManagers(schema: unknown, live: unknown, apiVersion: string): ManagerEntry[] {
  const fields = writable(fieldsOf(schema, live), "");
  const entry = { manager: earlierManager, apiVersion, subresource: "", time: "", fields };
  return isEmpty(fields) ? [] : [{ ...entry, operation: "Update" }];
}

/** `conflict with "kubectl-edit" using v1`. */
export function conflictText({ owner }: FieldConflict): string {
  const { manager, subresource, apiVersion } = owner;
  const at = subresource === "" ? "" : ` with subresource "${subresource}"`;
  return `conflict with "${manager}"${at} using ${apiVersion}`;
}

export function conflictPaths({ fields }: FieldConflict): string[] {
  return [...pathsOf(fields)].map(pathText);
}

export function isSameManagers(a: readonly ManagerEntry[], b: readonly ManagerEntry[]): boolean {
  return a.length === b.length && a.every((entry, index) => isSameEntry(entry, b[index]));
}

function isSameEntry(a: ManagerEntry, b: ManagerEntry | undefined): boolean {
  return b !== undefined && isSame(a, b, b.operation) && a.time === b.time && isEqual(a.fields, b.fields);
}

/** The server's own: nobody owns them. */
const serverFields = [
  ["f:apiVersion"],
  ["f:kind"],
  ...[
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "managedFields",
  ].map((name) => ["f:metadata", `f:${name}`]),
]
  .map(pathSet)
  .reduce(union);

function configFields(schema: unknown, config: unknown, subresource: string): FieldSet {
  return writable(fieldsOf(schema, config), subresource);
}

/** What a write of the object, or of its status, may change. */
function writable(fields: FieldSet, subresource: string): FieldSet {
  const own = minus(fields, serverFields);
  const kept = [...own.children].filter(
    ([element]) => (element === "f:status") === (subresource === "status"),
  );
  // Of what is left of metadata nothing may be there but the place itself.
  return fieldSet(
    false,
    kept.filter(([element, child]) => element !== "f:metadata" || child.children.size > 0),
  );
}

/** What an owner has after somebody else's write. */
function left(entry: ManagerEntry, schema: unknown, after: unknown, changed: FieldSet): ManagerEntry {
  return { ...entry, fields: presentFields(schema, after, minus(entry.fields, changed)) };
}

/** An apply is one for each manager, an update for each manager and version. */
function isSame(
  entry: ManagerEntry,
  { manager, subresource, apiVersion }: FieldWriter,
  operation: ManagerEntry["operation"],
): boolean {
  return (
    entry.operation === operation &&
    entry.manager === manager &&
    entry.subresource === subresource &&
    (operation === "Apply" || entry.apiVersion === apiVersion)
  );
}

/** What is as it was keeps its time, so that a write that changes nothing changes nothing here. */
function timed(entry: ManagerEntry, previous: ManagerEntry | undefined): ManagerEntry {
  const isUnchanged =
    previous !== undefined &&
    previous.apiVersion === entry.apiVersion &&
    isEqual(previous.fields, entry.fields);
  return isUnchanged ? previous : entry;
}

function ordered(entries: readonly ManagerEntry[]): ManagerEntry[] {
  const kept = entries.filter(({ fields }) => !isEmpty(fields));
  const sorted = kept.toSorted(
    (a, b) => compare(a.operation, b.operation) || compare(a.time, b.time) || compare(a.manager, b.manager),
  );
  const updates = sorted.filter(({ operation }) => operation === "Update");
  const excess = updates.slice(0, Math.max(0, updates.length - maxUpdateManagers + 1));
  if (updates.length <= maxUpdateManagers) return sorted;
  const newest = excess.at(-1);
  if (newest === undefined) return sorted;
  const fields = excess.reduce((all, entry) => union(all, entry.fields), noFields);
  const ancient = { ...newest, manager: ancientManager, subresource: "", fields };
  const applies = sorted.filter(({ operation }) => operation === "Apply");
  return [...applies, ancient, ...updates.slice(excess.length)];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isShortText(value: unknown): value is string {
  return typeof value === "string" && value.length <= 256;
}
