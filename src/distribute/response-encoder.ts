/**
 * Changes as delta discovery responses, already encoded. A resource is encoded once for as long as it lives and shared
 * by all streams; only the small envelope belongs to one of them.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { CommitSchema, typeUrl } from "../model/index.ts";
import { ResourceSchema } from "../wire/index.ts";
import type { Change } from "./change.ts";
import type { ResourceKind, ResourceName, SourceResource } from "./resource-source.ts";

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
  /** What it carries, so that its rejection can be told from that of its neighbours. */
  readonly names: readonly ResourceName[];
}

export class ResponseEncoder {
  readonly #entries = new WeakMap<SourceResource, Uint8Array>();

  /** In the order in which they must be sent; the last one is the commit, whose nonce is the sequence alone. */
  encode(change: Change): EncodedResponse[] {
    const batches: Batch[] = [];
    const batchFor = (kind: ResourceKind): Batch => {
      const last = batches.at(-1);
      if (last !== undefined && last.kind === kind && !isFull(last)) return last;
      const next: Batch = { kind, entries: [], entryBytes: 0, removed: [], names: [] };
      batches.push(next);
      return next;
    };
    for (const upsert of change.upserts) {
      const batch = batchFor(upsert.kind);
      const entry = this.#entry(upsert.kind, upsert.resource);
      batch.entries.push(entry);
      batch.entryBytes += entry.length;
      batch.names.push(upsert);
    }
    for (const removal of change.removals) {
      const batch = batchFor(removal.kind);
      batch.removed.push(removal.key);
      batch.names.push(removal);
    }
    const revision = String(change.revision);
    const responses = batches.map((batch, index) => {
      const nonce = `${change.sequence}.${index + 1}`;
      const envelope = encodeEnvelope(revision, typeUrl(batch.kind), nonce, batch.removed);
      return { nonce, parts: [...batch.entries, envelope], names: batch.names };
    });
    return [...responses, encodeCommit(change)];
  }

  #entry(kind: ResourceKind, resource: SourceResource): Uint8Array {
    const known = this.#entries.get(resource);
    if (known !== undefined) return known;
    const entry = encodeEntry(resource.key, resource.version, typeUrl(kind), resource.bytes);
    this.#entries.set(resource, entry);
    return entry;
  }
}

/** The nonce's sequence; undefined where it is none of ours. */
export function parseNonce(nonce: string): number | undefined {
  const match = /^([0-9]{1,15})(\.[0-9]{1,6})?$/.exec(nonce);
  return match === null ? undefined : Number(match[1]);
}

interface Batch {
  readonly kind: ResourceKind;
  readonly entries: Uint8Array[];
  entryBytes: number;
  readonly removed: string[];
  readonly names: ResourceName[];
}

function isFull(batch: Batch): boolean {
  return batch.entryBytes >= maxResponseBytes || batch.removed.length >= maxRemovedNames;
}

/** One element of `resources`, with its tag and length. */
function encodeEntry(name: string, version: string, url: string, value: Uint8Array): Uint8Array {
  const resource = create(ResourceSchema, { name, version, resource: { typeUrl: url, value } });
  const bytes = toBinary(ResourceSchema, resource);
  return new BinaryWriter().tag(fields.resources, WireType.LengthDelimited).bytes(bytes).finish();
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
  const entry = encodeEntry("commit", nonce, url, toBinary(CommitSchema, commit));
  return { nonce, parts: [entry, encodeEnvelope(String(revision), url, nonce, [])], names: [] };
}
