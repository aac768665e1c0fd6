/**
 * What the leading replica does for the store from time to time: folds old writes into data/, so that a start is short; removes
 * what is folded, too old, or left by a writer that died; lets etcd forget its own old versions. Everything is conditional on
 * still leading, and may be broken off anywhere.
 */
import { keyOf, keyText, type ObjectKey, type Stored } from "../../api/index.ts";
import { errorLine, type Timer, WeftError } from "../../kernel/index.ts";
import { KV } from "../../wire/etcd/index.ts";
import { type Condition, modIs, type Operation, put, remove } from "./appender.ts";
import { decodeEntry, maxValueBytes, readStored, withVersion } from "./entry.ts";
import type { SharedStore } from "./etcd-store.ts";
import { endOf } from "./layout.ts";
import { encodeDatum, encodeHead, type Place, readEntries, readHead, type StoreParts } from "./reader.ts";
import { scan, scanPrefix, textOf } from "./scan.ts";

export interface KeeperOptions extends StoreParts {
  readonly store: SharedStore;
  /** Undefined: this replica does not lead. */
  readonly fence: () => Condition | undefined;
  /** Writes that stay unfolded, for watchers of a replica that is started; default: as many events as are retained. */
  readonly keepUnfolded?: number;
  /** Default: 1,000 sequences. */
  readonly foldEvery?: number;
}

const lookEveryMs = 10_000;
const defaultFoldEvery = 1_000;
/** etcd's own bound is 128 operations in one transaction; two go for each object. */
const maxObjectsPerTransaction = 50;
const maxRemovalsPerTransaction = 50;
/** Each fails only where somebody wrote within a round trip; the next look tries again. */
const maxHeadTries = 100;
/** etcd's old versions serve watches that were away for a moment. */
const compactEveryMs = 300_000;

export class Keeper {
  readonly #options: KeeperOptions;
  #timer: Timer | undefined;
  #isClosed = false;
  #isWorking = false;
  #compacted: { readonly atUs: number; readonly revision: bigint } | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** One look; nothing where this replica does not lead. Throws what etcd says. */
  async work(): Promise<void> {
    if (this.#isWorking || this.#options.fence() === undefined) return;
    this.#isWorking = true;
    try {
      await this.#fold();
      await this.#prune();
      await this.#removeOrphans();
      await this.#compact();
    } finally {
      this.#isWorking = false;
    }
  }

  #schedule(): void {
    if (this.#isClosed) return;
    const { client } = this.#options;
    this.#timer = client.clock.after(lookEveryMs, () => {
      void this.work()
        .catch((error: unknown) => {
          if (!this.#isClosed)
            client.log.warn("etcd is not tidied up; trying again", { error: errorLine(error) });
        })
        .finally(() => this.#schedule());
    });
  }

  /** Objects that were written up to some place go into data/ as they are now: what is newer is read over them. */
  async #fold(): Promise<void> {
    const { store, keepUnfolded = store.retained.events, foldEvery = defaultFoldEvery } = this.#options;
    const { folded } = store.head;
    const target = store.sequence - keepUnfolded;
    if (target - folded.sequence < foldEvery) return;
    const { etcdRevision } = await readHead(this.#options);
    const keys = new Map<string, ObjectKey>();
    let place: Place = folded;
    for await (const { head, changes } of readEntries(this.#options, folded, etcdRevision)) {
      if (head.sequence > target) break;
      for (const { object } of changes) {
        const key = keyOf(storedOf(object));
        keys.set(keyText(key), key);
      }
      place = { sequence: head.sequence, revision: head.revision };
    }
    if (place.sequence === folded.sequence) return;
    let operations: Operation[] = [];
    let bytes = 0;
    for (const key of keys.values()) {
      for (const batch of this.#datumOf(key)) {
        if (bytes + batch.bytes > maxValueBytes || operations.length >= maxObjectsPerTransaction * 2) {
          await this.#transact(operations);
          operations = [];
          bytes = 0;
        }
        operations.push(...batch.operations);
        bytes += batch.bytes;
      }
    }
    if (operations.length > 0) await this.#transact(operations);
    await this.#moveFolded(place);
  }

  *#datumOf(
    key: ObjectKey,
  ): Generator<{ readonly operations: readonly Operation[]; readonly bytes: number }> {
    const { store, layout, seal } = this.#options;
    const prefix = layout.data(key);
    const object: Stored | undefined = store.get(key);
    if (object === undefined) return yield { operations: [remove(prefix, endOf(prefix))], bytes: 0 };
    const body = Bun.zstdCompressSync(Buffer.from(JSON.stringify(object)));
    const parts = Math.max(1, Math.ceil(body.length / maxValueBytes));
    for (let part = 0; part < parts; part++) {
      const place = `${prefix}${String(part).padStart(4, "0")}`;
      const piece = body.subarray(part * maxValueBytes, (part + 1) * maxValueBytes);
      const rest = part === parts - 1 ? [remove(`${place}\0`, endOf(prefix))] : [];
      yield {
        operations: [put(place, encodeDatum(seal, place, object, piece, parts)), ...rest],
        bytes: piece.length,
      };
    }
  }

  /** The head moves under writers' hands all the time: tried until it holds still for a moment. */
  async #moveFolded(folded: Place): Promise<void> {
    const { client, layout } = this.#options;
    for (let attempt = 0; attempt < maxHeadTries && this.#options.fence() !== undefined; attempt++) {
      const at = await readHead(this.#options);
      const { succeeded } = await client.once(KV.method.txn, {
        compare: [modIs(layout.head, at.modRevision), this.#fence()],
        success: [put(layout.head, encodeHead({ ...at.head, folded }))],
      });
      if (succeeded) return;
    }
  }

  async #prune(): Promise<void> {
    const { store, layout, client } = this.#options;
    const { head } = await readHead(this.#options);
    const oldestRevision = head.revision - store.retained.revisions + 1;
    const revisionEnd = Math.min(head.folded.revision + 1, oldestRevision);
    const ranges = [
      [layout.operation(0), layout.operation(head.folded.sequence)],
      [layout.revision(0), layout.revision(Math.max(0, revisionEnd))],
    ] as const;
    for (const [key, end] of ranges) {
      if (key >= end) continue;
      for await (const page of scan(client, { key, end })) {
        for (let from = 0; from < page.length; from += maxRemovalsPerTransaction) {
          const entries = page.slice(from, from + maxRemovalsPerTransaction);
          const operations = entries.flatMap(({ key: entryKey, value }) => {
            const { id, chunks } = decodeEntry(value).head;
            // Without an owner the chunks go with the orphans.
            return [remove(textOf(entryKey)), ...(chunks.length === 0 ? [] : [remove(layout.owner(id))])];
          });
          await this.#transact(operations);
        }
      }
    }
  }

  /** Chunks are listed before owners: what has an owner by then is kept. */
  async #removeOrphans(): Promise<void> {
    const { client, layout } = this.#options;
    const ids = new Set<string>();
    for await (const page of scanPrefix(client, layout.allChunks, { keysOnly: true })) {
      for (const { key } of page) ids.add(textOf(key).slice(layout.allChunks.length).split("/")[0] ?? "");
    }
    if (ids.size === 0) return;
    for await (const page of scanPrefix(client, layout.allOwners, { keysOnly: true })) {
      for (const { key } of page) ids.delete(textOf(key).slice(layout.allOwners.length));
    }
    for (const id of ids) {
      const prefix = layout.chunks(id);
      await this.#transact([remove(prefix, endOf(prefix))]);
    }
    if (ids.size > 0) client.log.info("what writers that died left in etcd is removed", { writes: ids.size });
  }

  async #compact(): Promise<void> {
    const { client } = this.#options;
    const nowUs = client.clock.monotonicUs();
    const before = this.#compacted;
    if (before !== undefined && nowUs - before.atUs < compactEveryMs * 1_000) return;
    const { etcdRevision } = await readHead(this.#options);
    this.#compacted = { atUs: nowUs, revision: etcdRevision };
    if (before !== undefined && before.revision < etcdRevision)
      await client.once(KV.method.compact, { revision: before.revision });
  }

  async #transact(operations: readonly Operation[]): Promise<void> {
    const { succeeded } = await this.#options.client.once(KV.method.txn, {
      compare: [this.#fence()],
      success: [...operations],
    });
    if (!succeeded) throw new WeftError("conflict", "this replica does not lead any more");
  }

  /** A condition that never holds, where this replica does not lead any more. */
  #fence(): Condition {
    return this.#options.fence() ?? modIs(this.#options.layout.head, -1n);
  }
}

function storedOf(object: unknown): Stored {
  return readStored(withVersion(object, "0"));
}
