/** States on disk: what is added to the file and what is written anew, and that it always says what was written last. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { CertificateSchema, ClusterSchema, NameSchema, typeUrl } from "../../model/index.ts";
import { DeltaDiscoveryResponseSchema, ResourceSchema } from "../../wire/index.ts";
import { prepareResource, type Resource } from "./resource.ts";
import { StateFile } from "./state-file.ts";
import { decodeState } from "./state-records.ts";
import { publicCertificate } from "./test/public-certificate.ts";

let directory = "";
let path = "";
let file: StateFile;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-state-"));
  path = join(directory, "state.bin");
  file = new StateFile(path);
});
afterEach(() => {
  file.close();
  rmSync(directory, { recursive: true, force: true });
});

/** `bytes` stand for a message: nobody looks into them here. */
const cluster = (name: string, version: string, bytes = 3): Resource => ({
  ...{ kind: "Cluster", name, version, bytes: new Uint8Array(bytes).fill(7) },
  value: create(ClusterSchema),
});
const stored = (): unknown => {
  const state = decodeState(readFileSync(path));
  return state && [state.revision, ...state.resources.map(({ name, version }) => `${name} ${version}`)];
};
const inode = (): number => statSync(path).ino;

describe("a state", () => {
  test("that follows another is added behind it", async () => {
    const [a, b] = [cluster("a", "1"), cluster("b", "1")];
    await file.write({ revision: 1, resources: [a, b] });
    const [first, whole] = [inode(), readFileSync(path)];
    await file.write({ revision: 2, resources: [cluster("a", "2"), b] });
    await file.write({ revision: 3, resources: [b, cluster("c", "1")] });
    expect(inode()).toBe(first);
    expect(readFileSync(path).subarray(0, whole.length)).toEqual(whole);
    expect(stored()).toEqual([3, "b 1", "c 1"]);
    await file.write({ revision: 4, resources: [] });
    expect(stored()).toEqual([4]);
  });

  test("is the same whatever was written on the way to it", async () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const live = new Map<string, Resource>();
    for (let revision = 1; revision <= 200; revision++) {
      for (let changes = random(4); changes > 0; changes--) {
        const name = String(random(12));
        if (random(3) === 0) live.delete(name);
        else live.set(name, cluster(name, String(revision), random(2_000)));
      }
      await file.write({ revision, resources: live.values() });
      const state = decodeState(readFileSync(path));
      const expected = [...live.values()].map(({ name, version, bytes }) => ({ name, version, bytes }));
      const found = state?.resources.map(({ name, version, bytes }) => ({ name, version, bytes }));
      expect(state?.revision).toBe(revision);
      expect(found?.toSorted(byName)).toEqual(expected.toSorted(byName));
    }
  });

  test("is written as a whole once the differences take more room than it", async () => {
    const large = cluster("large", "1", 100_000);
    await file.write({ revision: 1, resources: [large] });
    const first = inode();
    let revision = 1;
    while (inode() === first && revision < 100) {
      revision++;
      await file.write({ revision, resources: [large, cluster("b", String(revision), 10_000)] });
      expect(statSync(path).size).toBeLessThan(2.3 * large.bytes.length);
    }
    expect(revision).toBeGreaterThan(10);
    expect(stored()).toEqual([revision, "large 1", `b ${revision}`]);
  });

  test("without a private key that was there leaves nothing of it", async () => {
    const { certChainPem: certificateChainPem, privateKeyPem } = publicCertificate("shop.example.com");
    const source = { kind: "Secret", namespace: "default", name: "tls" };
    const message = create(CertificateSchema, { source, certificateChainPem, privateKeyPem });
    const certificate = prepareResource({
      ...{ kind: "Certificate", name: "default/tls", version: "1" },
      bytes: toBinary(CertificateSchema, message),
    });
    await file.write({ revision: 1, resources: [certificate] });
    expect(readFileSync(path, "latin1")).toContain(privateKeyPem);
    await file.write({ revision: 2, resources: [] });
    expect(readFileSync(path, "latin1")).not.toContain("PRIVATE KEY");
    expect(stored()).toEqual([2]);
  });

  test("is written as a whole where another process has put its own", async () => {
    const a = cluster("a", "1");
    await file.write({ revision: 1, resources: [a] });
    const other = new StateFile(path);
    await other.write({ revision: 9, resources: [cluster("other", "1")] });
    other.close();
    await file.write({ revision: 2, resources: [a] });
    expect(stored()).toEqual([2, "a 1"]);
    rmSync(path);
    await file.write({ revision: 3, resources: [a] });
    expect(stored()).toEqual([3, "a 1"]);
  });

  test("that cannot be encoded leaves what is there", async () => {
    const a = cluster("a", "1");
    await file.write({ revision: 1, resources: [a] });
    const unreadable: Resource = {
      ...a,
      get bytes(): Uint8Array {
        throw new Error("no room for it");
      },
    };
    await expect(file.write({ revision: 2, resources: [unreadable] })).rejects.toThrow("no room");
    expect(stored()).toEqual([1, "a 1"]);
    await file.write({ revision: 3, resources: [a] });
    expect(stored()).toEqual([3, "a 1"]);
  });
});

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : 1;

describe("bytes", () => {
  test("that are cut anywhere but between two records, or changed anywhere, are no state", async () => {
    await file.write({ revision: 1, resources: [cluster("a", "1")] });
    const first = statSync(path).size;
    await file.write({ revision: 2, resources: [cluster("a", "2")] });
    const bytes = readFileSync(path);
    for (let length = 0; length < bytes.length; length++)
      if (length !== first) expect(decodeState(bytes.subarray(0, length))).toBeUndefined();
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(decodeState(changed)).toBeUndefined();
    }
  });

  test("whose records are in another order, or of another file, are no state", async () => {
    const sizes: number[] = [];
    for (const version of ["1", "2", "3"]) {
      await file.write({ revision: Number(version), resources: [cluster("a", version)] });
      sizes.push(statSync(path).size);
    }
    const bytes = readFileSync(path);
    const [one = 0, two = 0] = sizes;
    const [first, second, third] = [bytes.subarray(0, one), bytes.subarray(one, two), bytes.subarray(two)];
    expect(decodeState(Buffer.concat([first, third]))).toBeUndefined();
    expect(decodeState(Buffer.concat([first, third, second]))).toBeUndefined();
    expect(decodeState(Buffer.concat([second, third]))).toBeUndefined();
    expect(decodeState(Buffer.concat([first, second]))?.revision).toBe(2);
  });

  test("of an older version are one state behind its digest", () => {
    const body = toBinary(
      DeltaDiscoveryResponseSchema,
      create(DeltaDiscoveryResponseSchema, {
        systemVersionInfo: "4",
        resources: [
          create(ResourceSchema, {
            ...{ name: "x.y", version: "1" },
            resource: create(AnySchema, {
              typeUrl: typeUrl("Name"),
              value: toBinary(NameSchema, create(NameSchema)),
            }),
          }),
        ],
      }),
    );
    writeFileSync(path, Buffer.concat([createHash("sha256").update(body).digest(), body]));
    expect(stored()).toEqual([4, "x.y 1"]);
  });
});
