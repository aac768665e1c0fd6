/** One compiled resource: its canonical bytes and the version that is their hash. Equal content has an equal version, whenever and wherever it was compiled. */
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ModelKind } from "../model/index.ts";

/** A message before it is one: plain fields, all of them optional. */
export type InitOf<S extends DescMessage> = Exclude<MessageInitShape<S>, { readonly $typeName: string }>;

export interface ResourceName {
  readonly kind: ModelKind;
  readonly key: string;
}

export interface CompiledResource extends ResourceName {
  /** The first 32 hexadecimal digits of the bytes' SHA-256: 128 bits, so that two contents never share one. */
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly closure: Closure;
}

/** What a resource cannot be used without. Keys, sorted. */
export interface Closure {
  /** Clusters that it may send to; their endpoints come with them. */
  readonly clusters: readonly string[];
  /** Certificates that it shows. */
  readonly certificates: readonly string[];
}

const versionBytes = 16;

/**
 * The bytes are canonical because protobuf-es writes fields by number and maps in insertion order; whoever fills a
 * map inserts in sorted order (`sortedRecord`).
 */
export function encodeResource<S extends DescMessage>(
  name: ResourceName,
  schema: S,
  content: MessageInitShape<S>,
  closure: Partial<Closure> = {},
): CompiledResource {
  return resourceOf(name, toBinary(schema, create(schema, content)), closureOf(closure));
}

/** `bytes`: canonical. */
export function resourceOf(
  { kind, key }: ResourceName,
  bytes: Uint8Array,
  closure: Closure,
): CompiledResource {
  const hash = new Bun.CryptoHasher("sha256").update(bytes).digest();
  return { kind, key, version: hash.toString("hex", 0, versionBytes), bytes, closure };
}

/** Most need nothing, and there are ten for each proxy. */
const none: readonly string[] = [];
const emptyClosure: Closure = { clusters: none, certificates: none };

export function closureOf({ clusters = none, certificates = none }: Partial<Closure>): Closure {
  return clusters.length + certificates.length === 0 ? emptyClosure : { clusters, certificates };
}

export function sortedRecord(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => compareText(a, b)));
}

/** By code unit: the same on every machine, unlike a locale's order. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
