/** Resources by the names that people type, and how lists of them are shown. */
import {
  apiVersionOf,
  findKind,
  type KindName,
  kindNames,
  kinds,
  type Stored,
  tableCells,
  tableColumns,
} from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { structured } from "./render.ts";
import type { OutputFormat, SharedOptions } from "./shared-options.ts";
import { formatTable } from "./table.ts";

export interface Reference {
  readonly kind: KindName;
  readonly name: string | undefined;
}

/** `service`, `svc reviews`, `svc/reviews`. */
export function parseReference(kind: string, name: string | undefined): Reference {
  const slash = kind.indexOf("/");
  if (slash < 0) return { kind: parseKind(kind), name };
  if (name !== undefined) {
    throw new WeftError("usage", `write either ${kind} or ${kind.slice(0, slash)} ${name}`);
  }
  return { kind: parseKind(kind.slice(0, slash)), name: kind.slice(slash + 1) };
}

function parseKind(text: string): KindName {
  const kind = findKind(text);
  if (kind === undefined) {
    throw new WeftError("usage", `there is no kind ${JSON.stringify(text)}`, {
      hint: `kinds are ${kindNames.join(", ")}`,
    });
  }
  return kind;
}

/** Empty for kinds without namespaces; undefined means all of them. */
export function namespaceFor(kind: KindName, options: SharedOptions): string | undefined {
  if (!kinds[kind].namespaced) return "";
  return options.allNamespaces === true ? undefined : options.namespace;
}

/** `service/reviews`: what `-o name` prints. */
export function shortName(object: {
  readonly kind: KindName;
  readonly metadata: { readonly name: string };
}): string {
  const { group, singular } = kinds[object.kind];
  return `${singular}${group === "" ? "" : `.${group}`}/${object.metadata.name}`;
}

/** Who owns which fields is for programs; kubectl hides it too. */
export function withoutManagers<T extends Stored>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

export interface ListLayout {
  readonly kind: KindName;
  readonly format: OutputFormat;
  readonly withNamespace: boolean;
  readonly width: number | undefined;
  readonly nowMs: number;
}

export function formatList(objects: readonly Stored[], layout: ListLayout): string {
  const { kind, format, withNamespace, width, nowMs } = layout;
  if (format === "name") return objects.map((object) => `${shortName(object)}\n`).join("");
  const list = { apiVersion: apiVersionOf(kind), kind: `${kind}List`, metadata: {}, items: objects };
  const text = structured(list, format);
  if (text !== undefined) return text;
  const shown = tableColumns(kind).flatMap((column, index) =>
    format === "wide" || !column.isWide ? [{ column, index }] : [],
  );
  const header = shown.map(({ column }) => column.name.toUpperCase());
  const rows = objects.map((object) => {
    const cells = tableCells(object, nowMs);
    const row = shown.map(({ index }) => cells[index] ?? "");
    return withNamespace ? [object.metadata.namespace ?? "", ...row] : row;
  });
  return formatTable(withNamespace ? ["NAMESPACE", ...header] : header, rows, { width });
}
