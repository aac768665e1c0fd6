/**
 * One write as etcd holds it: a head in plain JSON that says what it is, and a body of compressed, sealed blocks of changes,
 * in one value or in chunks beneath etcd's limits. Blocks are made and read one at a time: a body is never in memory whole.
 */
import { type ApiObject, isStored, keyOf, parseObject, type Stored } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import { historyForm, type PlannedChange } from "../plan-writes.ts";
import type { Change, CommitMeta, WatchEvent } from "../store.ts";
import type { Seal } from "./seal.ts";

export interface EntryHead {
  readonly format: 1;
  /** Tells this write from another one for the same place. */
  readonly id: string;
  /** The sequence before it; its changes have the next ones. */
  readonly base: number;
  readonly sequence: number;
  /** Of a commit its own, else the newest at that time. */
  readonly revision: number;
  readonly isCommit: boolean;
  readonly timeMs: number;
  readonly author: string;
  readonly message: string;
  readonly source: string;
  /** Bytes of each chunk; empty: the body follows the head. */
  readonly chunks: readonly number[];
}

/** `before` only in commits: the history asks for it. */
export interface EntryChange {
  readonly type: WatchEvent["type"];
  readonly before?: unknown;
  readonly object: unknown;
}

/** etcd takes 1.5 MiB in one request, with everything around a value. */
export const maxValueBytes = 1_000_000;
/** Compression gains little beyond; and a block is what is in memory at a time. */
const blockChars = 512 * 1024;
const lengthBytes = 4;
const newline = 10;

/**
 * Compressed blocks of changes, each with its length before it. Without resourceVersions, which follow from the entry's base:
 * so a body holds wherever its entry comes to stand.
 */
export function* encodeBlocks(changes: readonly PlannedChange[], isCommit: boolean): Generator<Uint8Array> {
  let lines: string[] = [];
  let chars = 0;
  for (const { type, before, object } of changes) {
    const kept = isCommit && before !== undefined ? { before: historyForm(before) } : {};
    const line = JSON.stringify({ type, ...kept, object: withVersion(object, undefined) });
    lines.push(line);
    chars += line.length;
    if (chars < blockChars) continue;
    yield block(lines);
    lines = [];
    chars = 0;
  }
  if (lines.length > 0) yield block(lines);
}

function block(lines: readonly string[]): Uint8Array {
  const body = Bun.zstdCompressSync(Buffer.from(lines.join("\n")));
  const framed = Buffer.alloc(lengthBytes + body.length);
  framed.writeUInt32BE(body.length);
  framed.set(body, lengthBytes);
  return framed;
}

/** Blocks cut or joined to pieces of at most `size` bytes. */
export function* cut(blocks: Iterable<Uint8Array>, size: number): Generator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  for (const piece of blocks) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    while (rest.length >= size) {
      yield rest.subarray(0, size);
      rest = rest.subarray(size);
    }
  }
  if (rest.length > 0) yield rest;
}

export function encodeEntry(head: EntryHead, sealedBody: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), sealedBody]);
}

export function decodeEntry(value: Uint8Array): { readonly head: EntryHead; readonly body: Uint8Array } {
  const end = value.indexOf(newline);
  const parsed: unknown = end < 0 ? undefined : parseJson(value.subarray(0, end));
  if (!isEntryHead(parsed)) throw unreadable("a write's head");
  return { head: parsed, body: value.subarray(end + 1) };
}

/** Gathers the pieces of a body and gives back its changes as they are whole. */
export class BodyReader {
  #rest: Uint8Array = new Uint8Array(0);

  push(piece: Uint8Array): EntryChange[] {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const changes: EntryChange[] = [];
    for (;;) {
      if (this.#rest.length < lengthBytes) return changes;
      const length = Buffer.from(this.#rest.buffer, this.#rest.byteOffset, lengthBytes).readUInt32BE();
      if (this.#rest.length < lengthBytes + length) return changes;
      const text = Buffer.from(
        Bun.zstdDecompressSync(this.#rest.subarray(lengthBytes, lengthBytes + length)),
      ).toString();
      this.#rest = this.#rest.subarray(lengthBytes + length);
      for (const line of text.split("\n")) changes.push(changeOf(JSON.parse(line)));
    }
  }

  get isWhole(): boolean {
    return this.#rest.length === 0;
  }
}

/** In one value: what its seal and its compression hold. */
export function openBody(seal: Seal, place: string, body: Uint8Array): EntryChange[] {
  if (body.length === 0) return [];
  const reader = new BodyReader();
  const changes = reader.push(seal.open(place, body));
  if (!reader.isWhole) throw unreadable("the body of a write");
  return changes;
}

export function eventsOf(head: EntryHead, changes: readonly EntryChange[]): WatchEvent[] {
  return changes.map(({ type, object }, index) => {
    const sequence = head.base + index + 1;
    const stored = readStored(withVersion(object, String(sequence)));
    return { type, sequence, revision: head.revision, key: keyOf(stored), object: stored };
  });
}

/** `undefined` takes it away. */
export function withVersion(object: unknown, resourceVersion: string | undefined): unknown {
  const fields = fieldsOf(object);
  const metadata = fieldsOf(fields?.get("metadata"));
  if (fields === undefined || metadata === undefined) throw unreadable("a change");
  return { ...Object.fromEntries(fields), metadata: { ...Object.fromEntries(metadata), resourceVersion } };
}

export function historyOf(changes: readonly EntryChange[]): Change[] {
  return changes.map(({ type, before, object }) => {
    const after = type === "deleted" ? undefined : readObject(withoutStatus(object));
    const was = before === undefined ? undefined : readObject(before);
    const key = keyOf(after ?? was ?? readObject(object));
    return { key, ...(was === undefined ? {} : { before: was }), ...(after === undefined ? {} : { after }) };
  });
}

export function metaOf({ author, message, source }: EntryHead): CommitMeta {
  return { author, message, ...(source === "" ? {} : { source }) };
}

function withoutStatus(object: unknown): unknown {
  return historyForm(readStored(withVersion(object, "0")));
}

export function readStored(value: unknown): Stored {
  const object = readObject(value);
  if (!isStored(object)) throw unreadable("an object without the server's metadata");
  return object;
}

function readObject(value: unknown): ApiObject {
  const parsed = parseObject(value, "read");
  if ("object" in parsed) return parsed.object;
  const [first] = parsed.issues;
  throw unreadable(`an object (${first?.path ?? ""}: ${first?.message ?? ""})`);
}

export function unreadable(what: string): WeftError {
  return new WeftError("io", `etcd holds ${what} that cannot be read`, {
    hint: "was it written by a newer weft?",
  });
}

function changeOf(value: unknown): EntryChange {
  const fields = fieldsOf(value);
  const type = fields?.get("type");
  if (fields === undefined || (type !== "added" && type !== "modified" && type !== "deleted"))
    throw unreadable("a change");
  return { type, before: fields.get("before"), object: fields.get("object") };
}

function isEntryHead(value: unknown): value is EntryHead {
  const fields = fieldsOf(value);
  const chunks = fields?.get("chunks");
  return (
    fields?.get("format") === 1 &&
    ["base", "sequence", "revision", "timeMs"].every((name) => typeof fields.get(name) === "number") &&
    ["id", "author", "message", "source"].every((name) => typeof fields.get(name) === "string") &&
    typeof fields.get("isCommit") === "boolean" &&
    Array.isArray(chunks) &&
    chunks.every((bytes) => typeof bytes === "number")
  );
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}

export function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}
