/** The forms in which clients ask for objects: whole, as rows of a table (kubectl get), or their metadata alone. */
import {
  type ApiObject,
  isStored,
  type KindName,
  type Stored,
  tableCells,
  tableColumns,
} from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";

const metaVersion = "meta.k8s.io/v1";

export interface Representation {
  readonly as: "object" | "table" | "metadata";
  /** What a row of a table brings along. */
  readonly includeObject: "None" | "Metadata" | "Object";
}

export interface ListMetadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** The first form in `Accept` that there is. Throws `usage` (406) where there is none. */
export function representationOf(accept: string | null, query: URLSearchParams): Representation {
  const includeObject = includedObject(query.get("includeObject") ?? "");
  for (const range of (accept ?? "*/*").split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (!["application/json", "application/*", "*/*", "text/html", "text/plain"].includes(type)) continue;
    const as = parameters.find((part) => part.startsWith("as="))?.slice("as=".length);
    const isKnownVersion = parameters.includes("v=v1") && parameters.includes("g=meta.k8s.io");
    if (as === undefined) return { as: "object", includeObject };
    if (as === "table" && isKnownVersion) return { as: "table", includeObject };
    if (as.startsWith("partialobjectmetadata") && isKnownVersion) return { as: "metadata", includeObject };
  }
  throw new WeftError("usage", "none of the media types in Accept is spoken here", {
    hint: "ask for application/json",
    fields: { httpStatus: 406 },
  });
}

/** `apiVersion`: as the path names it, which may be an older one that says the same. */
export function present(
  { as, includeObject }: Representation,
  object: ApiObject,
  apiVersion: string,
  nowMs: number,
): unknown {
  const versioned = { ...object, apiVersion };
  if (as === "object" || !isStored(object)) return versioned;
  if (as === "metadata") return metadataOf(object);
  const metadata = { resourceVersion: object.metadata.resourceVersion };
  return table(object.kind, [row(object, includeObject, apiVersion, nowMs)], metadata);
}

export function presentList(
  { as, includeObject }: Representation,
  list: { readonly kind: KindName; readonly items: readonly Stored[]; readonly metadata: ListMetadata },
  apiVersion: string,
  nowMs: number,
): unknown {
  const { kind, items, metadata } = list;
  if (as === "table")
    return table(
      kind,
      items.map((object) => row(object, includeObject, apiVersion, nowMs)),
      metadata,
    );
  if (as === "metadata")
    return {
      kind: "PartialObjectMetadataList",
      apiVersion: metaVersion,
      metadata,
      items: items.map(metadataOf),
    };
  return {
    kind: `${kind}List`,
    apiVersion,
    metadata,
    items: items.map((object) => (object.apiVersion === apiVersion ? object : { ...object, apiVersion })),
  };
}

/** A bookmark holds nothing but how far it reaches. */
export function bookmark(
  { as }: Representation,
  kind: KindName,
  apiVersion: string,
  metadata: object,
): unknown {
  if (as === "table")
    return { kind: "Table", apiVersion: metaVersion, metadata, columnDefinitions: null, rows: [] };
  if (as === "metadata") return { kind: "PartialObjectMetadata", apiVersion: metaVersion, metadata };
  return { kind, apiVersion, metadata };
}

function table(kind: KindName, rows: readonly object[], metadata: ListMetadata): object {
  const columnDefinitions = tableColumns(kind).map(({ name, description, isWide }, index) => ({
    name,
    type: "string",
    format: index === 0 ? "name" : "",
    description,
    priority: isWide ? 1 : 0,
  }));
  return { kind: "Table", apiVersion: metaVersion, metadata, columnDefinitions, rows };
}

function row(
  object: Stored,
  include: Representation["includeObject"],
  apiVersion: string,
  nowMs: number,
): object {
  const cells = tableCells(object, nowMs);
  switch (include) {
    case "None":
      return { cells };
    case "Metadata":
      return { cells, object: metadataOf(object) };
    case "Object":
      return { cells, object: { ...object, apiVersion } };
  }
}

function metadataOf({ metadata }: Stored): object {
  return { kind: "PartialObjectMetadata", apiVersion: metaVersion, metadata };
}

function includedObject(text: string): Representation["includeObject"] {
  if (text === "" || text === "Metadata") return "Metadata";
  if (text === "None" || text === "Object") return text;
  throw new WeftError("usage", "includeObject must be None, Metadata or Object");
}
