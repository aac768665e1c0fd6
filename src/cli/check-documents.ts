/** Gives documents the namespace of the command line and checks them before anything is sent, so that a problem is shown with its file and line. */
import { type ApiObject, isKindName, kinds, parseDocument, type SourceDocument } from "../api/index.ts";
import { type Issue, WeftError } from "../kernel/index.ts";
import { refuse } from "./read-files.ts";

export interface CheckedDocuments {
  /** As written, with the namespace filled in: the server sets the defaults. */
  readonly written: readonly unknown[];
  /** With defaults, in the same order. */
  readonly objects: readonly ApiObject[];
}

/** Throws `bad_input` with every issue. */
export function checkDocuments(documents: readonly SourceDocument[], namespace: string): CheckedDocuments {
  const issues: Issue[] = [];
  const objects: ApiObject[] = [];
  const written = documents.map((document) => {
    const value = withNamespace(document.value, namespace);
    const { file, line } = document;
    const result = parseDocument({ value, file, line, lineOf: (path) => document.lineOf(path) }, "write");
    if ("issues" in result) issues.push(...result.issues);
    else objects.push(result.object);
    return value;
  });
  refuse(issues);
  return { written, objects };
}

/** The server names an object by its place in the transaction, `objects[3].spec.rules`; a person wants file and line. */
export function placeServerIssues(error: unknown, documents: readonly SourceDocument[]): unknown {
  if (!(error instanceof WeftError) || error.issues.length === 0) return error;
  const issues = error.issues.map((issue) => {
    const match = /^objects\[(\d+)\]\.?(.*)$/s.exec(issue.path);
    const document = documents[Number(match?.[1])];
    return document === undefined ? issue : placed({ ...issue, path: match?.[2] ?? "" }, document);
  });
  return new WeftError(error.code, error.message, { cause: error, issues });
}

function placed(issue: Issue, document: SourceDocument): Issue {
  return { ...issue, file: document.file, line: document.lineOf(issue.path) };
}

function withNamespace(value: unknown, namespace: string): unknown {
  if (!isPlain(value) || !isPlain(value["metadata"])) return value;
  const { kind, metadata } = value;
  if (typeof kind !== "string" || !isKindName(kind) || !kinds[kind].namespaced || "namespace" in metadata)
    return value;
  return { ...value, metadata: { ...metadata, namespace } };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
