/** What the store reads of etcd: the head, the objects as they were folded, and the writes since; each as of one moment. */
import type { Stored } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import { KV, type KeyValue } from "../../wire/etcd/index.ts";
import {
  BodyReader,
  decodeEntry,
  type EntryChange,
  type EntryHead,
  fieldsOf,
  openBody,
  parseJson,
  readStored,
  unreadable,
} from "./entry.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { endOf, type Layout, padded } from "./layout.ts";
import { bytesOf, scan, scanPrefix, textOf } from "./scan.ts";
import type { Seal } from "./seal.ts";

export interface Place {
  readonly sequence: number;
  readonly revision: number;
}

/** The value of `head`. */
export interface Head extends Place {
  readonly format: 1;
  /** What data/ holds at least; the writes up to here are not needed to start. */
  readonly folded: Place;
}

export interface HeadAt {
  /** Of an empty mesh: nothing was ever written. */
  readonly head: Head;
  /** Of the key, for compare-and-swap; 0: it does not exist. */
  readonly modRevision: bigint;
  /** Of etcd, at the time of the read. */
  readonly etcdRevision: bigint;
}

export interface Entry {
  readonly head: EntryHead;
  readonly changes: readonly EntryChange[];
}

export const emptyHead: Head = { format: 1, sequence: 0, revision: 0, folded: { sequence: 0, revision: 0 } };

export interface StoreParts {
  readonly client: EtcdClient;
  readonly layout: Layout;
  readonly seal: Seal;
}

export async function readHead({ client, layout }: StoreParts): Promise<HeadAt> {
  const { kvs, header } = await client.read(KV.method.range, { key: bytesOf(layout.head) });
  const kv = kvs[0];
  return {
    head: kv === undefined ? emptyHead : decodeHead(kv.value),
    modRevision: kv?.modRevision ?? 0n,
    etcdRevision: header?.revision ?? 0n,
  };
}

export function encodeHead(head: Head): Uint8Array {
  return bytesOf(JSON.stringify(head));
}

/** Throws `io` where it is of a newer weft. */
export function decodeHead(value: Uint8Array): Head {
  const parsed = parseJson(value);
  if (!isHead(parsed)) throw unreadable("a head");
  return parsed;
}

/** Writes after `from`, in their order, as of `etcdRevision`. Those that were folded may be gone: ask only from `folded` on. */
export async function* readEntries(
  parts: StoreParts,
  from: Place,
  etcdRevision: bigint,
): AsyncGenerator<Entry> {
  const { client, layout } = parts;
  const options = { revision: etcdRevision };
  const commits = flat(
    scan(client, { ...options, key: layout.revision(from.revision + 1), end: endOf(`${layout.prefix}rev/`) }),
  );
  const operations = flat(
    scan(client, { ...options, key: layout.operation(from.sequence), end: endOf(`${layout.prefix}op/`) }),
  );
  let [commit, operation] = [await nextOf(commits), await nextOf(operations)];
  while (commit !== undefined || operation !== undefined) {
    const isCommitNext =
      operation === undefined || (commit !== undefined && baseOf(commit) < baseOf(operation));
    const kv = isCommitNext ? commit : operation;
    if (kv === undefined) return;
    yield await readEntry(parts, textOf(kv.key), kv.value);
    if (isCommitNext) commit = await nextOf(commits);
    else operation = await nextOf(operations);
  }
}

export async function readEntry(parts: StoreParts, key: string, value: Uint8Array): Promise<Entry> {
  const { head, body } = decodeEntry(value);
  if (head.chunks.length === 0) return { head, changes: openBody(parts.seal, key, body) };
  const reader = new BodyReader();
  const changes: EntryChange[] = [];
  let part = 0;
  for await (const page of scanPrefix(parts.client, parts.layout.chunks(head.id), { isLarge: true })) {
    for (const chunk of page) {
      const place = textOf(chunk.key);
      // What a torn upload left beyond the end is not part of it.
      if (place !== parts.layout.chunk(head.id, part) || part >= head.chunks.length) break;
      for (const change of reader.push(parts.seal.open(place, chunk.value))) changes.push(change);
      part++;
    }
  }
  if (part !== head.chunks.length || !reader.isWhole) {
    throw new WeftError("io", `etcd has lost a part of ${key}`, { hint: "restore etcd from a backup" });
  }
  return { head, changes };
}

const headerEnd = 10;

/** A part of an object in data/: `<sequence> <parts>\n`, then sealed bytes. */
export function encodeDatum(
  seal: Seal,
  place: string,
  object: Stored,
  bytes: Uint8Array,
  parts: number,
): Uint8Array {
  const header = bytesOf(`${object.metadata.resourceVersion} ${parts}\n`);
  return Buffer.concat([header, seal.seal(place, bytes)]);
}

/**
 * Objects of data/. One of several parts that do not belong together is being replaced just then: it stands in the writes
 * since `folded`, so it is left out here.
 */
export async function* readData(parts: StoreParts, etcdRevision: bigint): AsyncGenerator<Stored> {
  const { client, layout, seal } = parts;
  let pieces: { prefix: string; header: string; bodies: Uint8Array[] } | undefined;
  const whole = (): Stored | undefined => {
    const count = Number(pieces?.header.split(" ")[1]);
    if (pieces === undefined || pieces.bodies.length !== count) return undefined;
    const text = Bun.zstdDecompressSync(Buffer.concat(pieces.bodies));
    return readStored(JSON.parse(Buffer.from(text).toString()));
  };
  for await (const page of scanPrefix(client, layout.allData, { revision: etcdRevision })) {
    for (const { key, value } of page) {
      const place = textOf(key);
      const prefix = place.slice(0, place.lastIndexOf("/") + 1);
      const end = value.indexOf(headerEnd);
      const header = textOf(value.subarray(0, end));
      const body = seal.open(place, value.subarray(end + 1));
      if (pieces?.prefix !== prefix) {
        const object = whole();
        if (object !== undefined) yield object;
        pieces = { prefix, header, bodies: [] };
      }
      if (pieces.header === header) pieces.bodies.push(body);
    }
  }
  const object = whole();
  if (object !== undefined) yield object;
}

/** Commits from the newest to the oldest, those from `oldest` up to before `before`. */
export async function* readCommits(parts: StoreParts, oldest: number, before: number): AsyncGenerator<Entry> {
  const { client, layout } = parts;
  const end = before >= Number.MAX_SAFE_INTEGER ? endOf(`${layout.prefix}rev/`) : layout.revision(before);
  const pages = scan(client, {
    key: `${layout.prefix}rev/${padded(Math.max(0, oldest))}`,
    end,
    isDescending: true,
  });
  for await (const page of pages) {
    for (const { key, value } of page) yield await readEntry(parts, textOf(key), value);
  }
}

async function* flat(pages: AsyncGenerator<readonly KeyValue[]>): AsyncGenerator<KeyValue> {
  for await (const page of pages) yield* page;
}

async function nextOf(values: AsyncGenerator<KeyValue>): Promise<KeyValue | undefined> {
  const next = await values.next();
  return next.done === true ? undefined : next.value;
}

function baseOf({ value }: KeyValue): number {
  return decodeEntry(value).head.base;
}

function isHead(value: unknown): value is Head {
  const fields = fieldsOf(value);
  return fields?.get("format") === 1 && isPlace(value) && isPlace(fields.get("folded"));
}

function isPlace(value: unknown): boolean {
  const fields = fieldsOf(value);
  return typeof fields?.get("sequence") === "number" && typeof fields.get("revision") === "number";
}
