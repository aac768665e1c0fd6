/**
 * Changes as delta discovery responses, already encoded. Resources come as bytes, which all streams share; clusters' endpoints
 * are put together once for all. What belongs to one stream are names, lengths and the envelope.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { CommitSchema, typeUrl } from "../model/index.ts";
import { ResourceSchema } from "../wire/index.ts";
import { type Change, startAfterSets } from "./change.ts";
import { EntryWriter } from "./entry-writer.ts";
import type { MemberSet } from "./member-set.ts";
import type { ResourceKind, ResourceName } from "./resource-source.ts";

/** A response is one gRPC message, of which peers take 16 MiB: this many bytes of resources, and one more resource. */
const maxResponseBytes = 1024 * 1024;
/** Names of removed resources in one response, for the same reason. */
const maxRemovedNames = 4096;

// Field numbers of DeltaDiscoveryResponse.
const fields = { systemVersionInfo: 1, resources: 2, typeUrl: 4, nonce: 5, removedResources: 6 } as const;

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
      const envelope = encodeEnvelope(revision, typeUrl(batch.kind), nonce, batch.removed);
      const { names, sets } = batch;
      responses.push({ nonce, parts: [...this.#writer.take(), envelope], contents: { names, sets } });
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
    responses.push(encodeCommit(change));
    return responses;
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

function encodeEnvelope(
  revision: string,
  url: string,
  nonce: string,
  removed: readonly string[],
): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(fields.systemVersionInfo, WireType.LengthDelimited).string(revision);
  writer.tag(fields.typeUrl, WireType.LengthDelimited).string(url);
  writer.tag(fields.nonce, WireType.LengthDelimited).string(nonce);
  for (const name of removed) writer.tag(fields.removedResources, WireType.LengthDelimited).string(name);
  return writer.finish();
}

function encodeCommit({ sequence, revision }: Change): EncodedResponse {
  const nonce = String(sequence);
  const commit = create(CommitSchema, { revision: BigInt(revision), sequence: BigInt(sequence) });
  const url = typeUrl("Commit");
  const resource = { typeUrl: url, value: toBinary(CommitSchema, commit) };
  const entry = toBinary(
    ResourceSchema,
    create(ResourceSchema, { name: "commit", version: nonce, resource }),
  );
  const writer = new BinaryWriter().tag(fields.resources, WireType.LengthDelimited).bytes(entry);
  const parts = [writer.finish(), encodeEnvelope(String(revision), url, nonce, [])];
  return { nonce, parts, contents: { names: [], sets: [] } };
}
