/** Reads ranges of etcd's keys page by page, in pages that shrink where values are large. */
import type { KeyValue } from "../../wire/etcd/index.ts";
import { KV, RangeRequest_SortOrder } from "../../wire/etcd/index.ts";
import { WeftError } from "../../kernel/index.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { endOf } from "./layout.ts";

export interface ScanOptions {
  readonly key: string;
  readonly end: string;
  /** All pages as of this revision of etcd's; absent: each as of its time. */
  readonly revision?: bigint;
  readonly keysOnly?: boolean;
  readonly isDescending?: boolean;
  /** Values may be up to a megabyte each; default: most are small. */
  readonly isLarge?: boolean;
}

/** A page of values of a megabyte is then half of what one message may hold. */
const largePage = 8;
const firstPage = 64;
const maxPage = 2_000;
/** What a page is made for: half of what one message may hold. */
const pageBytes = 8_000_000;

export async function* scan(client: EtcdClient, options: ScanOptions): AsyncGenerator<readonly KeyValue[]> {
  let { key, end } = options;
  let limit = options.isLarge === true ? largePage : firstPage;
  for (;;) {
    let page;
    try {
      page = await client.read(KV.method.range, {
        key: bytesOf(key),
        rangeEnd: bytesOf(end),
        limit: BigInt(limit),
        keysOnly: options.keysOnly ?? false,
        ...(options.revision === undefined ? {} : { revision: options.revision }),
        // In the order of keys by itself.
        ...(options.isDescending === true ? { sortOrder: RangeRequest_SortOrder.DESCEND } : {}),
      });
    } catch (error) {
      if (!isTooLarge(error) || limit === 1) throw error;
      limit = Math.max(1, Math.floor(limit / 8));
      continue;
    }
    if (page.kvs.length > 0) yield page.kvs;
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) return;
    if (options.isDescending === true) end = textOf(last.key);
    else key = `${textOf(last.key)}\0`;
    const largest = page.kvs.reduce((size, kv) => Math.max(size, kv.value.length), 1);
    limit = Math.min(maxPage, limit * 4, Math.max(1, Math.floor(pageBytes / largest)));
  }
}

export function scanPrefix(
  client: EtcdClient,
  prefix: string,
  options: Omit<ScanOptions, "key" | "end"> = {},
): AsyncGenerator<readonly KeyValue[]> {
  return scan(client, { ...options, key: prefix, end: endOf(prefix) });
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

function isTooLarge(error: unknown): boolean {
  return error instanceof WeftError && error.code === "exhausted";
}
