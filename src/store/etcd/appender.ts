/**
 * Puts one planned write into etcd: its body, and then in one transaction its entry and the head, if the head is still the one
 * that the plan was made on. An answer that is lost is never guessed: it is found out whether the write is there, and before
 * "no" is said it is made sure that it can never come.
 */
import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { errorLine, WeftError } from "../../kernel/index.ts";
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  type CompareSchema,
  KV,
  type RequestOpSchema,
  type TxnResponse,
} from "../../wire/etcd/index.ts";
import type { PlannedChange } from "../plan-writes.ts";
import type { CommitOptions } from "../store.ts";
import { cut, decodeEntry, encodeBlocks, encodeEntry, type EntryHead, maxValueBytes } from "./entry.ts";
import { encodeHead, type Head, type StoreParts } from "./reader.ts";
import { bytesOf } from "./scan.ts";
import { requireLease, type Session } from "./session.ts";

export type Condition = MessageInitShape<typeof CompareSchema>;
export type Operation = MessageInitShape<typeof RequestOpSchema>;

export interface AppenderParts extends StoreParts {
  readonly session: Session;
  readonly replica: string;
}

/** A body that is in etcd already, or is small enough to go with its entry. */
export interface Prepared {
  readonly id: string;
  readonly inline: Uint8Array | undefined;
  readonly chunks: readonly number[];
}

export interface Append {
  readonly prepared: Prepared;
  /** On which the plan was made. */
  readonly head: Head;
  readonly headModRevision: bigint;
  readonly changes: number;
  /** Undefined: an operational write. */
  readonly meta: CommitOptions | undefined;
  readonly timeMs: number;
  /** Holds, or nothing is written. */
  readonly fence: Condition | undefined;
}

export type Appended =
  | { readonly kind: "done"; readonly entry: EntryHead; readonly head: Head; readonly modRevision: bigint }
  /** Somebody else has written, or nobody has and it may be tried again. Nothing was written. */
  | { readonly kind: "moved" }
  | { readonly kind: "fenced" }
  /** The chunks are gone. */
  | { readonly kind: "disowned" };

/** etcd elects a leader within seconds; beyond this somebody has to look. */
const outcomeTimeoutMs = 15_000;
const retryMs = 200;
/** Codes by which etcd says that it has done nothing. */
const refusals: ReadonlySet<string> = new Set([
  "bad_input",
  "forbidden",
  "unauthenticated",
  "exhausted",
  "not_found",
]);

/** Uploads what is too large for one value. */
export async function prepare(
  parts: AppenderParts,
  changes: readonly PlannedChange[],
  isCommit: boolean,
): Promise<Prepared> {
  const id = randomUUID();
  const pieces = cut(encodeBlocks(changes, isCommit), maxValueBytes);
  const first = pieces.next();
  const second = pieces.next();
  if (first.done === true) return { id, inline: new Uint8Array(0), chunks: [] };
  if (second.done === true) return { id, inline: first.value, chunks: [] };
  const { client, layout, session } = parts;
  await client.read(KV.method.put, {
    key: bytesOf(layout.owner(id)),
    lease: requireLease(session),
    value: bytesOf(parts.replica),
  });
  const chunks: number[] = [];
  for (let piece: IteratorResult<Uint8Array> = first; piece.done !== true; piece = pieces.next()) {
    await upload(parts, id, chunks.length, piece.value);
    chunks.push(piece.value.length);
    if (chunks.length === 1) {
      await upload(parts, id, 1, second.value);
      chunks.push(second.value.length);
    }
  }
  return { id, inline: undefined, chunks };
}

/** The same bytes at the same place: it may be repeated. */
async function upload(
  { client, layout, seal }: AppenderParts,
  id: string,
  part: number,
  piece: Uint8Array,
): Promise<void> {
  const place = layout.chunk(id, part);
  await client.read(KV.method.put, { key: bytesOf(place), value: seal.seal(place, piece) });
}

/** Of an upload that came to nothing. What cannot be removed now the leader removes later. */
export async function discard({ client, layout }: AppenderParts, { id, inline }: Prepared): Promise<void> {
  if (inline !== undefined) return;
  try {
    await client.once(KV.method.deleteRange, { key: bytesOf(layout.owner(id)) });
  } catch {
    // It goes with our lease.
  }
}

/** Throws `unavailable` with `fields.outcome` "unknown" where etcd is away for so long that nobody can tell. */
export async function append(parts: AppenderParts, write: Append): Promise<Appended> {
  const { layout, seal, client } = parts;
  const { head, meta, prepared, changes } = write;
  const isCommit = meta !== undefined;
  const entry: EntryHead = {
    format: 1,
    id: prepared.id,
    base: head.sequence,
    sequence: head.sequence + changes,
    revision: head.revision + (isCommit ? 1 : 0),
    isCommit,
    timeMs: write.timeMs,
    author: meta?.author ?? "",
    message: meta?.message ?? "",
    source: meta?.source ?? "",
    chunks: prepared.chunks,
  };
  const key = layout.entry(entry);
  const body = prepared.inline === undefined ? new Uint8Array(0) : seal.seal(key, prepared.inline);
  const next: Head = { ...head, sequence: entry.sequence, revision: entry.revision };
  const conditions = [
    modIs(layout.head, write.headModRevision),
    ...(write.fence === undefined ? [] : [write.fence]),
  ];
  const operations = [put(key, encodeEntry(entry, body)), put(layout.head, encodeHead(next))];
  if (meta?.anchor !== undefined) operations.push(put(layout.anchor(parts.replica), bytesOf(meta.anchor)));
  if (prepared.inline === undefined) {
    conditions.push(exists(layout.owner(prepared.id)));
    // Without a lease from now on.
    operations.push(put(layout.owner(prepared.id), bytesOf(key)));
  }
  const done = (modRevision: bigint): Appended => ({ kind: "done", entry, head: next, modRevision });
  try {
    const result = await client.once(KV.method.txn, {
      compare: conditions,
      success: operations,
      failure: [get(layout.head)],
    });
    if (result.succeeded) return done(result.header?.revision ?? 0n);
    if (foundAt(result, 0)?.modRevision !== write.headModRevision) return { kind: "moved" };
    return prepared.inline === undefined && write.fence === undefined
      ? { kind: "disowned" }
      : { kind: "fenced" };
  } catch (error) {
    if (error instanceof WeftError && refusals.has(error.code)) throw refused(error);
    const modRevision = await findOut(parts, write, entry, key);
    return modRevision === undefined ? { kind: "moved" } : done(modRevision);
  }
}

/** The head's revision that the write has, where it is there; undefined: it is not, and never will be. */
async function findOut(
  { client, layout }: AppenderParts,
  write: Append,
  entry: EntryHead,
  key: string,
): Promise<bigint | undefined> {
  const untilUs = client.clock.monotonicUs() + outcomeTimeoutMs * 1_000;
  let failure: unknown;
  while (client.clock.monotonicUs() < untilUs) {
    try {
      // The head is written as it is: what was sent and is still on its way finds another one than it wants.
      const result = await client.once(KV.method.txn, {
        compare: [modIs(layout.head, write.headModRevision)],
        success: [put(layout.head, encodeHead(write.head))],
        failure: [get(key)],
      });
      const found = result.succeeded ? undefined : foundAt(result, 0);
      return found !== undefined && decodeEntry(found.value).head.id === entry.id
        ? found.modRevision
        : undefined;
    } catch (error) {
      failure = error;
    }
    await new Promise<void>((resolve) => void client.clock.after(retryMs, resolve));
  }
  throw new WeftError("unavailable", "etcd did not answer, and it is not known whether the write was made", {
    hint: "look with weft history before you write again",
    cause: failure,
    fields: { outcome: "unknown" },
  });
}

function refused(cause: WeftError): WeftError {
  if (cause.code === "exhausted") {
    return new WeftError("io", `etcd takes no more: ${errorLine(cause)}; nothing was written`, {
      cause,
      hint: "is its space used up (etcdctl endpoint status)? raise --quota-backend-bytes, or compact and defragment",
    });
  }
  const hint = "may the user of --store write beneath /weft/?";
  return new WeftError("io", `etcd refused: ${errorLine(cause)}; nothing was written`, { cause, hint });
}

export function foundAt(
  { responses }: TxnResponse,
  index: number,
): { readonly value: Uint8Array; readonly modRevision: bigint } | undefined {
  const response = responses[index]?.response;
  return response?.case === "responseRange" ? response.value.kvs[0] : undefined;
}

export function put(key: string, value: Uint8Array, lease = 0n): Operation {
  return { request: { case: "requestPut", value: { key: bytesOf(key), value, lease } } };
}

export function get(key: string): Operation {
  return { request: { case: "requestRange", value: { key: bytesOf(key) } } };
}

export function remove(key: string, end?: string): Operation {
  const range = end === undefined ? {} : { rangeEnd: bytesOf(end) };
  return { request: { case: "requestDeleteRange", value: { key: bytesOf(key), ...range } } };
}

/** 0: the key does not exist. */
export function modIs(key: string, modRevision: bigint): Condition {
  return {
    key: bytesOf(key),
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.MOD,
    targetUnion: { case: "modRevision", value: modRevision },
  };
}

export function createdIs(key: string, createRevision: bigint): Condition {
  return {
    key: bytesOf(key),
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.CREATE,
    targetUnion: { case: "createRevision", value: createRevision },
  };
}

export function exists(key: string): Condition {
  return {
    key: bytesOf(key),
    result: Compare_CompareResult.GREATER,
    target: Compare_CompareTarget.CREATE,
    targetUnion: { case: "createRevision", value: 0n },
  };
}
