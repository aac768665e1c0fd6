/**
 * Reads files of YAML (or JSON) documents. Every problem comes with file, line and field path; nothing is half read.
 * Refuses invalid UTF-8, duplicate keys, unknown tags, and whatever is larger or grows larger than the bounds below.
 */
import { Composer, type Document, LineCounter, Parser } from "yaml";
import type { Issue } from "../kernel/index.ts";
import { joinPath } from "./field-path.ts";
import type { ParseMode, Validated } from "./kind-definition.ts";
import { type ApiObject, parseObject } from "./kinds.ts";
import { isRecord } from "./plain-json.ts";
import { buildValue, offsetOfPath } from "./yaml-value.ts";

/** Twice what etcd, and so Kubernetes, takes for one object. */
const maxDocumentBytes = 3 * 1024 * 1024;
const maxFileBytes = 10 * 1024 * 1024;
/** As many as one transaction takes. */
const maxDocuments = 5000;
/** Syntax errors after which reading stops: a file that is not YAML at all has one on each byte. */
const maxSyntaxErrors = 50;
/** More than a person mends in one go; the rest of the file is not read. */
const maxIssuesOfFile = 500;
const lineFeed = 0x0a;

export interface SourceDocument {
  readonly value: unknown;
  readonly file: string;
  /** Where the document starts. */
  readonly line: number;
  /** The line of a field, or of the nearest thing around it that is in the text. */
  lineOf(path: string): number;
}

export interface ParsedFile {
  readonly documents: readonly SourceDocument[];
  readonly issues: readonly Issue[];
}

/** `kind: List` is taken apart into its items. Empty documents are left out. */
export function parseYamlDocuments(input: Uint8Array | string, file: string): ParsedFile {
  const size = typeof input === "string" ? Buffer.byteLength(input) : input.length;
  if (size > maxFileBytes) return failed(file, `larger than ${maxFileBytes} bytes`);
  const text = typeof input === "string" ? input : decodeUtf8(input);
  if (text === undefined) return failed(file, "is not valid UTF-8", lineOfInvalidUtf8(input));
  const reader = new FileReader(text, file);
  try {
    reader.read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return failed(file, "is nested too deeply");
  }
  return reader;
}

/** Checks one document; its issues say file and line. */
export function parseDocument(document: SourceDocument, mode: ParseMode): Validated<ApiObject> {
  const result = parseObject(document.value, mode);
  if (!("issues" in result)) return result;
  const issues = result.issues.map((issue) => ({
    ...issue,
    file: document.file,
    line: document.lineOf(issue.path),
  }));
  return { issues: issues.toSorted((a, b) => a.line - b.line) };
}

class FileReader implements ParsedFile {
  readonly documents: SourceDocument[] = [];
  readonly issues: Issue[] = [];
  readonly #text: string;
  readonly #file: string;
  readonly #lines = new LineCounter();
  #count = 0;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  read(): void {
    const composer = new Composer({
      schema: "core",
      version: "1.2",
      merge: false,
      stringKeys: true,
      uniqueKeys: false, // checked in yaml-value.ts, in linear time
      prettyErrors: false,
      logLevel: "silent",
    });
    const parser = new Parser(this.#lines.addNewLine);
    let strayTokens = 0;
    for (const token of parser.parse(this.#text)) {
      if (token.type === "error" && ++strayTokens > maxSyntaxErrors) {
        return this.#report("", "is no YAML from here on", token.offset);
      }
      for (const document of composer.next(token)) {
        this.#take(document);
        if (this.#isFull(document)) return;
      }
    }
    for (const document of composer.end(false, this.#text.length)) {
      this.#take(document);
      this.#isFull(document);
    }
  }

  #isFull(document: Document.Parsed): boolean {
    if (++this.#count > maxDocuments) {
      this.#report("", `more than ${maxDocuments} documents`, document.range[0]);
    }
    return this.#count > maxDocuments || this.issues.length > maxIssuesOfFile;
  }

  #take(document: Document.Parsed): void {
    const [start, , end] = document.range;
    if (Buffer.byteLength(this.#text.slice(start, end)) > maxDocumentBytes) {
      return this.#report("", `the document is larger than ${maxDocumentBytes} bytes`, start);
    }
    const broken = [...document.errors, ...document.warnings];
    for (const error of broken.slice(0, maxSyntaxErrors)) {
      // The library's own guard against deep nesting is the call stack; its words help nobody.
      const isTooDeep = error.code === "RESOURCE_EXHAUSTION";
      this.#report("", isTooDeep ? "is nested too deeply" : error.message, error.pos[0]);
      if (isTooDeep) break;
    }
    if (broken.length > 0 || document.contents === null) return;
    const { value, problems } = buildValue(document.contents);
    for (const problem of problems) this.#report(problem.path, problem.message, problem.offset);
    if (problems.length > 0 || value === null) return;
    this.#add(value, document.contents, "");
  }

  #add(value: unknown, root: unknown, prefix: string): void {
    if (isRecord(value) && value["kind"] === "List" && Array.isArray(value["items"]) && prefix === "") {
      for (const [index, item] of value["items"].entries()) this.#add(item, root, joinPath("items", index));
      return;
    }
    const lineOf = (path: string): number => {
      const separator = prefix === "" || path === "" || path.startsWith("[") ? "" : ".";
      return this.#lineAt(offsetOfPath(root, `${prefix}${separator}${path}`));
    };
    this.documents.push({ value, file: this.#file, line: lineOf(""), lineOf });
  }

  #lineAt(offset: number): number {
    return Math.max(1, this.#lines.linePos(offset).line);
  }

  #report(path: string, message: string, offset: number): void {
    this.issues.push({ path, message, file: this.#file, line: this.#lineAt(offset) });
  }
}

/** The first line that is no UTF-8, counted from 1; no character of more than one byte has a line's end in it. */
export function lineOfInvalidUtf8(input: Uint8Array | string): number {
  const bytes = typeof input === "string" ? Buffer.from(input) : input;
  for (let line = 1, start = 0; start < bytes.length; line++) {
    const found = bytes.indexOf(lineFeed, start);
    const end = found < 0 ? bytes.length : found + 1;
    if (decodeUtf8(bytes.subarray(start, end)) === undefined) return line;
    start = end;
  }
  return 1;
}

function failed(file: string, message: string, line = 1): ParsedFile {
  return { documents: [], issues: [{ path: "", message, file, line }] };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined; // the decoder has no other way to say so
  }
}
