/** What there is to know about one kind of resource, and the check that turns unknown input into a value of its type. */
import type { TProperties, TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import type { Issue } from "../kernel/index.ts";
import { type FillDefaults, fillDefaultsOf } from "./defaults.ts";
import { childOf } from "./field-path.ts";
import { clonePlain, isRecord } from "./plain-json.ts";
import { hasOnlyUnknownFields, schemaErrors, toIssues } from "./schema-issues.ts";
import type { ValueOf } from "./schema.ts";

/** Writing refuses unknown fields; reading keeps them, since a newer version may have written them. */
export type ParseMode = "write" | "read";

interface PrinterColumn {
  readonly name: string;
  readonly description: string;
  /** Only shown with `-o wide`. */
  readonly isWide: boolean;
}

export type Validated<T> = { readonly object: T } | { readonly issues: readonly Issue[] };

export interface KindDefinition<K extends string = string, S extends TSchema = TSchema> {
  readonly group: string;
  readonly version: string;
  readonly kind: K;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** Names that stand for several kinds at once, such as `all`. */
  readonly categories: readonly string[];
  /** Fields beside the name and the namespace that lists may be narrowed to: Kubernetes' own for the kind. */
  readonly selectableFields: readonly string[];
  readonly namespaced: boolean;
  /** The kind has a `status` subresource, which its own writes never change. */
  readonly hasStatus: boolean;
  readonly description: string;
  readonly schema: S;
  readonly printerColumns: readonly PrinterColumn[];
  /** Fills in defaults, then checks. The input is not changed. */
  validate(input: unknown, mode: ParseMode): Validated<ValueOf<S>>;
  /** What may not change from one state of an object to the next, and has. */
  changeIssues(before: unknown, after: unknown): readonly Issue[];
  /** One cell per printer column. */
  cells(object: unknown): string[];
}

export interface KindOptions<K extends string, S extends TSchema> {
  readonly group: string;
  readonly version: string;
  readonly kind: K;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly selectableFields?: readonly string[];
  readonly namespaced: boolean;
  readonly hasStatus: boolean;
  readonly description: string;
  readonly schema: S;
  readonly columns: readonly {
    readonly name: string;
    readonly description: string;
    readonly isWide?: boolean;
    readonly value: (object: ValueOf<S>) => string;
  }[];
  /** Rules that span fields. Runs once the schema holds. */
  readonly check?: (object: ValueOf<S>) => Issue[];
  /** Rules between an object as it is and as it would become. */
  readonly checkChange?: (before: ValueOf<S>, after: ValueOf<S>) => Issue[];
  /** Defaults that span fields. Runs last. */
  readonly complete?: (object: ValueOf<S>) => ValueOf<S>;
}

export function defineKind<const K extends string, S extends TSchema>(
  options: KindOptions<K, S>,
): KindDefinition<K, S> {
  const { columns, check, checkChange, complete, shortNames, categories, selectableFields, ...rest } =
    options;
  const { schema } = options;
  // Compiled on first use: the command line starts without paying for kinds that it does not touch.
  let validator: Validator<TProperties, S> | undefined;
  let fillDefaults: FillDefaults | undefined;

  function accepts(value: unknown, mode: ParseMode): value is ValueOf<S> {
    validator ??= Compile(schema);
    if (validator.Check(value)) return true;
    return mode === "read" && hasOnlyUnknownFields(schemaErrors(schema, value));
  }

  return {
    ...rest,
    shortNames: shortNames ?? [],
    categories: categories ?? [],
    selectableFields: selectableFields ?? [],
    printerColumns: columns.map(({ name, description, isWide }) => ({
      name,
      description,
      isWide: isWide ?? false,
    })),
    validate(input, mode) {
      const cloned = clonePlain(input);
      if ("issues" in cloned) return cloned;
      fillDefaults ??= fillDefaultsOf(schema);
      const value = fillDefaults(cloned.value);
      const metadata = childOf(value, "metadata");
      // The server alone writes it: what a client sends is no part of what it wants.
      if (isRecord(metadata) && mode === "write") delete metadata["managedFields"];
      if (!accepts(value, mode)) {
        const issues = toIssues(schema, value, mode);
        // An unknown field leaves the rest readable, so that what is wrong there is said in the same breath.
        return { issues: accepts(value, "read") ? [...issues, ...(check?.(value) ?? [])] : issues };
      }
      // What is stored was checked when it was written; a rule that came later must not make it unreadable.
      const issues = (mode === "write" ? check?.(value) : undefined) ?? [];
      if (issues.length > 0) return { issues };
      return { object: complete?.(value) ?? value };
    },
    changeIssues(before, after) {
      if (checkChange === undefined || !accepts(before, "read") || !accepts(after, "read")) return [];
      return checkChange(before, after);
    },
    cells(object) {
      return accepts(object, "read") ? columns.map((column) => column.value(object)) : columns.map(() => "");
    },
  };
}

export type ObjectOfDefinition<D> = D extends KindDefinition<string, infer S> ? ValueOf<S> : never;
