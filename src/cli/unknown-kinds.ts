/** `--skip-unknown-kinds`: of the output of Helm or kustomize, what weft knows; the rest is named with its place. */
import { isKindName, kinds, type SourceDocument } from "../api/index.ts";
import type { Output } from "./output.ts";
import { plainText } from "./plain-text.ts";

/** A document that is no object at all stays: it is refused, not skipped. So does a known kind of a version that weft does not know. */
export function withoutUnknownKinds(
  documents: readonly SourceDocument[],
  output: Pick<Output, "note">,
): readonly SourceDocument[] {
  return documents.filter(({ value, file, line }) => {
    const named = unknownKind(value);
    if (named !== undefined)
      output.note(plainText(`${file}:${line}: skipped ${named}: weft does not know this kind`));
    return named === undefined;
  });
}

/** `Deployment web (apps/v1)`; undefined: weft knows it, or it names no kind. */
function unknownKind(value: unknown): string | undefined {
  const { apiVersion, kind, metadata } = membersOf(value);
  if (typeof kind !== "string" || typeof apiVersion !== "string") return undefined;
  if (isKindName(kind) && groupOf(apiVersion) === kinds[kind].group) return undefined;
  const { name } = membersOf(metadata);
  return `${kind} ${typeof name === "string" ? name : ""} (${apiVersion})`;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
