/**
 * A configuration as bytes: a state, and behind it what became of it, each record behind its length and the SHA-256 of the
 * digest before it and of itself. What is not whole records from the first byte to the last is no state: what is missing or changed may
 * be what overruled the rest.
 */
import { createHash } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { typeUrl } from "../../model/index.ts";
import {
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  ResourceSchema,
} from "../../wire/index.ts";
import { modelKindOf, type RawResource, type ResourceKind } from "./resource.ts";

export interface StateRecord {
  readonly revision: number;
  readonly upserts: readonly RawResource[];
  readonly removals: readonly { readonly kind: ResourceKind; readonly name: string }[];
}

export interface StoredState {
  readonly revision: number;
  readonly resources: readonly RawResource[];
}

const lengthBytes = 4;
const digestBytes = 32;
/** Before the first record. */
export const noDigest: Uint8Array = new Uint8Array();

/** A resource that is gone has no version; one that is there always has. */
const gone = "";

/** `before`: the digest of the record before it. */
export function encodeRecord(
  { revision, upserts, removals }: StateRecord,
  before: Uint8Array,
): { readonly bytes: Uint8Array; readonly digest: Uint8Array } {
  const resources = [
    ...upserts.map(({ kind, name, version, bytes }) => wireResource(kind, name, version, bytes)),
    ...removals.map(({ kind, name }) => wireResource(kind, name, gone, noDigest)),
  ];
  const body = toBinary(
    DeltaDiscoveryResponseSchema,
    create(DeltaDiscoveryResponseSchema, { systemVersionInfo: String(revision), resources }),
  );
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(body.length);
  const digest = digestOf(before, body);
  return { bytes: Buffer.concat([length, digest, body]), digest };
}

/** Undefined: it is damaged. What is of a kind that is not known here, written by a newer version, is left out: it is asked for again. */
export function decodeState(bytes: Uint8Array): StoredState | undefined {
  const bodies = bodiesOf(bytes) ?? olderBody(bytes);
  if (bodies === undefined) return undefined;
  const state = new Map<string, RawResource>();
  let revision = 0;
  for (const body of bodies) {
    const record = fromBinary(DeltaDiscoveryResponseSchema, body);
    revision = Number(record.systemVersionInfo) || 0;
    takeRecord(record, state);
  }
  return { revision, resources: [...state.values()] };
}

function takeRecord({ resources }: DeltaDiscoveryResponse, state: Map<string, RawResource>): void {
  for (const { name, version, resource } of resources) {
    const kind = modelKindOf(resource?.typeUrl ?? "");
    if (kind === undefined || kind === "Commit" || resource === undefined) continue;
    const key = `${kind} ${name}`;
    if (version === gone) state.delete(key);
    else state.set(key, { kind, name, version, bytes: resource.value });
  }
}

function bodiesOf(bytes: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bodies: Uint8Array[] = [];
  let before: Uint8Array = noDigest;
  let at = 0;
  while (at < bytes.length) {
    const start = at + lengthBytes + digestBytes;
    if (start > bytes.length) return undefined;
    const end = start + view.getUint32(at);
    const digest = bytes.subarray(at + lengthBytes, start);
    const body = bytes.subarray(start, end);
    if (end > bytes.length || Buffer.compare(digest, digestOf(before, body)) !== 0) return undefined;
    bodies.push(body);
    before = digest;
    at = end;
  }
  return bodies.length === 0 ? undefined : bodies;
}

/** As earlier versions wrote it: one state without a length. */
function olderBody(bytes: Uint8Array): Uint8Array[] | undefined {
  const body = bytes.subarray(digestBytes);
  return Buffer.compare(bytes.subarray(0, digestBytes), digestOf(noDigest, body)) === 0 ? [body] : undefined;
}

function wireResource(kind: ResourceKind, name: string, version: string, bytes: Uint8Array) {
  const resource = create(AnySchema, { typeUrl: typeUrl(kind), value: Uint8Array.from(bytes) });
  return create(ResourceSchema, { name, version, resource });
}

function digestOf(before: Uint8Array, body: Uint8Array): Uint8Array {
  return createHash("sha256").update(before).update(body).digest();
}
