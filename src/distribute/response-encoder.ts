/**
 * Changes as delta discovery responses, already encoded. Resources come as bytes, which all streams share; clusters' endpoints
 * are put together once for all. What belongs to one stream are names, lengths and the envelope.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { CommitSchema, type ModelKind, typeUrl } from "../model/index.ts";
import { type Change, startAfterSets } from "./change.ts";
import { EntryWriter } from "./entry-writer.ts";
import type { MemberSet } from "./member-set.ts";
import type { ResourceKind, ResourceName } from "./resource-source.ts";

/** A response is one gRPC message, of which peers take 16 MiB: this many bytes of resources, and one more resource. */
const maxResponseBytes = 1024 * 1024;
/** Names of removed resources in one response, for the same reason. */
const maxRemovedNames = 4096;

// Tags of DeltaDiscoveryResponse's own fields, all of them text.
const tags = { systemVersionInfo: 0x0a, typeUrl: 0x22, nonce: 0x2a, removedResources: 0x32 } as const;

export interface EncodedResponse {
  readonly nonce: string;
  /** One message in parts. */
  readonly parts: readonly Uint8Array[];
  readonly contents: ResponseContents;
}

/** What a response carries, so that its rejection can be told from that of its neighbours. */
export interface ResponseContents {
  readonly names: readonly ResourceName[];
  readonly sets: readonly MemberSet[];
}

export class ResponseEncoder {
  readonly #writer = new EntryWriter();
  /** What clusters' endpoints are in a response, for as long as the set is somebody's. */
  readonly #sets = new WeakMap<MemberSet, Uint8Array>();

  /** In the order in which they must be sent; the last one is the commit, whose nonce is the sequence alone. */
  encode(change: Change): EncodedResponse[] {
    const responses: EncodedResponse[] = [];
    const revision = String(change.revision);
    let batch: Batch | undefined;
    const end = (): void => {
      if (batch === undefined) return;
      const nonce = `${change.sequence}.${responses.length + 1}`;
      const { kind, removed, names, sets } = batch;
      responses.push({ nonce, parts: this.#end(kind, revision, nonce, removed), contents: { names, sets } });
      batch = undefined;
    };
    const batchFor = (kind: ResourceKind): Batch => {
      if (batch !== undefined && (batch.kind !== kind || this.#isFull(batch))) end();
      batch ??= { kind, removed: [], names: [], sets: [] };
      return batch;
    };
    const { upserts, sets } = change;
    const afterSets = startAfterSets(upserts);
    for (let index = 0; index <= upserts.length; index++) {
      if (index === afterSets) {
        for (const set of sets) {
          batchFor("Endpoint").sets.push(set);
          this.#writer.append(this.#encodeSet(set));
        }
      }
      const upsert = upserts[index];
      if (upsert === undefined) continue;
      batchFor(upsert.kind).names.push(upsert);
      this.#writer.add(upsert.kind, upsert.resource);
    }
    for (const removal of change.removals) {
      const { removed, names } = batchFor(removal.kind);
      removed.push(removal.key);
      names.push(removal);
    }
    end();
    responses.push(this.#encodeCommit(change));
    return responses;
  }

  /** What is written so far, as a whole response. */
  #end(kind: ModelKind, revision: string, nonce: string, removed: readonly string[]): Uint8Array[] {
    this.#writer.addText(tags.systemVersionInfo, revision);
    this.#writer.addText(tags.typeUrl, typeUrl(kind));
    this.#writer.addText(tags.nonce, nonce);
    for (const name of removed) this.#writer.addText(tags.removedResources, name);
    return this.#writer.take();
  }

  #encodeCommit({ sequence, revision }: Change): EncodedResponse {
    const nonce = String(sequence);
    const commit = create(CommitSchema, { revision: BigInt(revision), sequence: BigInt(sequence) });
    this.#writer.add("Commit", { key: "commit", version: nonce, bytes: toBinary(CommitSchema, commit) });
    return { nonce, parts: this.#end("Commit", String(revision), nonce, []), contents: noContents };
  }

  #isFull({ removed }: Batch): boolean {
    return this.#writer.length >= maxResponseBytes || removed.length >= maxRemovedNames;
  }

  #encodeSet(set: MemberSet): Uint8Array {
    const known = this.#sets.get(set);
    if (known !== undefined) return known;
    const writer = new EntryWriter();
    for (const resource of set.resources.values()) writer.add("Endpoint", resource);
    const bytes = Buffer.concat(writer.take());
    this.#sets.set(set, bytes);
    return bytes;
  }
}

/** The nonce's sequence; undefined where it is none of ours. */
export function parseNonce(nonce: string): number | undefined {
  const match = /^([0-9]{1,15})(\.[0-9]{1,6})?$/.exec(nonce);
  return match === null ? undefined : Number(match[1]);
}

export function namesIn({ names, sets }: ResponseContents): ResourceName[] {
  const endpoints = sets.flatMap(({ resources }) => [...resources.keys()]);
  return [...names, ...endpoints.map((key): ResourceName => ({ kind: "Endpoint", key }))];
}

interface Batch {
  readonly kind: ResourceKind;
  readonly removed: string[];
  readonly names: ResourceName[];
  readonly sets: MemberSet[];
}

const noContents: ResponseContents = { names: [], sets: [] };
