/** What is written by hand is what the schema reads. */
import { expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { typeUrl } from "../model/index.ts";
import { DeltaDiscoveryResponseSchema } from "../wire/index.ts";
import { EntryWriter } from "./entry-writer.ts";
import { emptyClosure, type SourceResource } from "./resource-source.ts";

function resourceOf(key: string, bytes: Uint8Array, version = "v".repeat(32)): SourceResource {
  return { key, version, bytes, closure: emptyClosure };
}

test("keys and bytes of every length come back", () => {
  const writer = new EntryWriter();
  const lengths = [0, 1, 126, 127, 128, 129, 4_095, 4_096, 16_383, 16_384, 70_000, 2_100_000];
  const resources = lengths.flatMap((length) => [
    resourceOf("k".repeat(Math.min(length, 512)), new Uint8Array(length).fill(length)),
    resourceOf(`ä\u{1f600}${length}`, new Uint8Array(3), ""),
  ]);
  for (const resource of resources) writer.add("Outbound", resource);
  const expectedLength = writer.length;
  const bytes = Buffer.concat(writer.take());
  expect(bytes.length).toBe(expectedLength);
  expect(writer.length).toBe(0);
  const read = fromBinary(DeltaDiscoveryResponseSchema, bytes).resources;
  expect(read).toHaveLength(resources.length);
  for (const [index, { key, version, bytes: value }] of resources.entries()) {
    const entry = read[index];
    expect([entry?.name, entry?.version, entry?.resource?.typeUrl]).toEqual([
      key,
      version,
      typeUrl("Outbound"),
    ]);
    expect(Buffer.from(entry?.resource?.value ?? []).equals(value)).toBe(true);
  }
});

test("large bytes are shared, small ones copied, and what was taken is not written to again", () => {
  const writer = new EntryWriter();
  const large = new Uint8Array(5_000);
  writer.add("Gateway", resourceOf("g", large));
  const parts = writer.take();
  expect(parts[1]).toBe(large);
  const head = Buffer.from(parts[0] ?? []);
  writer.add("Cluster", resourceOf("another", new Uint8Array(100).fill(9)));
  expect(writer.take()).toHaveLength(1);
  expect(head.equals(parts[0] ?? new Uint8Array(0))).toBe(true);
});
