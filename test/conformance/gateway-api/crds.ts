/** The published CRDs, read into what their validation needs. Only v1 of each kind. */
import { readdirSync } from "node:fs";
import { parse } from "yaml";

export interface CrdRule {
  readonly rule: string;
  readonly message: string;
}

/** A node of a structural schema. */
export interface CrdSchema {
  readonly type: string;
  readonly properties: ReadonlyMap<string, CrdSchema>;
  readonly required: readonly string[];
  readonly items: CrdSchema | undefined;
  readonly additional: CrdSchema | undefined;
  readonly values: readonly unknown[] | undefined;
  readonly pattern: RegExp | undefined;
  /** Of characters, items or entries, as the type has them; of a number its value. */
  readonly min: number;
  readonly max: number;
  readonly fallback: unknown;
  readonly rules: readonly CrdRule[];
  /** Exactly one of them must fit as well; of `any` at least one; `not` must not. */
  readonly oneOf: readonly CrdSchema[];
  readonly anyOf: readonly CrdSchema[];
  readonly not: CrdSchema | undefined;
  readonly format: string;
  /** "set": no item twice. Of maps the fields that no two items have alike. */
  readonly isSet: boolean;
  readonly keys: readonly string[];
}

export interface Crd {
  readonly kind: string;
  readonly schema: CrdSchema;
}

const folder = new URL("../../data/gateway-api/", import.meta.url).pathname;
const maxInt32 = 2_147_483_647;

export async function loadCrds(): Promise<Crd[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  return Promise.all(files.map(async (name) => readCrd(parse(await Bun.file(`${folder}${name}`).text()))));
}

function readCrd(document: unknown): Crd {
  const spec = field(document, "spec");
  const versions = listOf(field(spec, "versions"));
  const version = versions.find((each) => field(each, "name") === "v1");
  const kind = field(field(spec, "names"), "kind");
  if (version === undefined || typeof kind !== "string") throw new Error("no CRD with a version v1");
  return { kind, schema: readSchema(field(field(version, "schema"), "openAPIV3Schema")) };
}

function readSchema(node: unknown): CrdSchema {
  const type = textOf(field(node, "type"));
  const items = field(node, "items");
  const additional = field(node, "additionalProperties");
  const pattern = field(node, "pattern");
  const isInt32 = field(node, "format") === "int32";
  return {
    type,
    properties: new Map(
      entriesOf(field(node, "properties")).map(([name, child]) => [name, readSchema(child)]),
    ),
    required: listOf(field(node, "required")).map(textOf),
    items: items === undefined ? undefined : readSchema(items),
    additional: isRecord(additional) ? readSchema(additional) : undefined,
    values: field(node, "enum") === undefined ? undefined : listOf(field(node, "enum")),
    pattern: typeof pattern === "string" ? new RegExp(pattern) : undefined,
    min:
      bound(node, ["minLength", "minItems", "minProperties", "minimum"]) ??
      (isInt32 ? -maxInt32 - 1 : -Infinity),
    max:
      bound(node, ["maxLength", "maxItems", "maxProperties", "maximum"]) ?? (isInt32 ? maxInt32 : Infinity),
    fallback: field(node, "default"),
    rules: listOf(field(node, "x-kubernetes-validations")).map((rule) => ({
      rule: textOf(field(rule, "rule")),
      message: textOf(field(rule, "message")),
    })),
    oneOf: listOf(field(node, "oneOf")).map(readSchema),
    anyOf: listOf(field(node, "anyOf")).map(readSchema),
    not: field(node, "not") === undefined ? undefined : readSchema(field(node, "not")),
    format: textOf(field(node, "format")),
    isSet: field(node, "x-kubernetes-list-type") === "set",
    keys: listOf(field(node, "x-kubernetes-list-map-keys")).map(textOf),
  };
}

function bound(node: unknown, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = field(node, name);
    if (typeof value === "number") return value;
  }
  return undefined;
}

function entriesOf(value: unknown): [string, unknown][] {
  return isRecord(value) ? Object.entries(value) : [];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
