/** From the object that compile names to where its author finds it: revision, or file and line. */
import { isKindName, keyText, type ObjectKey, type SourceRef, type Stored } from "../api/index.ts";
import type { Source } from "../model/index.ts";
import type { ObjectOrigin } from "./input.ts";

export class Sources {
  readonly #originOf: ((key: ObjectKey) => ObjectOrigin | undefined) | undefined;
  readonly #objectAt: (keyText: string) => Stored | undefined;

  constructor(
    originOf: ((key: ObjectKey) => ObjectOrigin | undefined) | undefined,
    objectAt: (keyText: string) => Stored | undefined,
  ) {
    this.#originOf = originOf;
    this.#objectAt = objectAt;
  }

  /** Undefined: compile named none. */
  of(source: Source | undefined): SourceRef | undefined {
    if (source === undefined || source.kind === "") return undefined;
    const { kind, namespace, name, section } = source;
    return this.ref({ kind, namespace, name }, section);
  }

  ref(
    object: { readonly kind: string; readonly namespace: string; readonly name: string },
    section = "",
  ): SourceRef {
    const { kind, namespace, name } = object;
    const ref = { kind, namespace, name, section };
    if (!isKindName(kind)) return ref;
    const key = { kind, namespace, name };
    const origin = this.#originOf?.(key);
    if (origin === undefined) return ref;
    const { revision, file, lineOf } = origin;
    const line = lineOf?.(pathOf(this.#objectAt(keyText(key)), section));
    return {
      ...ref,
      ...(revision === undefined ? {} : { revision }),
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
    };
  }
}

const placed = /^[A-Za-z]+\[\d{1,6}\]$/;

/** Where a section stands in its object: "rules[2]", or an entry of some list of its spec by its name. Empty: the object itself. */
function pathOf(object: Stored | undefined, section: string): string {
  if (section === "") return "";
  if (placed.test(section)) return `spec.${section}`;
  const spec: unknown = object !== undefined && "spec" in object ? object.spec : undefined;
  if (typeof spec !== "object" || spec === null) return "";
  for (const [field, list] of Object.entries(spec) as [string, unknown][]) {
    if (!Array.isArray(list)) continue;
    const index = list.findIndex((entry: unknown) => nameOf(entry) === section);
    if (index >= 0) return `spec.${field}[${index}]`;
  }
  return "";
}

function nameOf(entry: unknown): unknown {
  return typeof entry === "object" && entry !== null && "name" in entry ? entry.name : undefined;
}
