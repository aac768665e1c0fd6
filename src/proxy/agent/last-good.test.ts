/** The last good configuration as a file: when it is written, what comes back. */
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { silentLog, VirtualClock } from "../../kernel/index.ts";
import { ClusterSchema, NameSchema } from "../../model/index.ts";
import { LastGoodFile } from "./last-good.ts";
import { prepareResource, type Resource } from "./resource.ts";
import { settle, until } from "./test/settle.ts";

let directory = "";
let path = "";
let clock = new VirtualClock();
let resources: Resource[] = [];
let revision = 1;
const file = (): LastGoodFile =>
  new LastGoodFile({ path, clock, log: silentLog, current: () => ({ revision, resources }) });
const cluster = (service: string, version: string): Resource =>
  prepareResource({
    kind: "Cluster",
    name: `shop/${service}:80`,
    version,
    bytes: toBinary(ClusterSchema, create(ClusterSchema, { namespace: "shop", service, port: 80 })),
  });
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-last-good-"));
  path = join(directory, "last-good.bin");
  clock = new VirtualClock();
  resources = [cluster("a", "1"), cluster("b", "2")];
  revision = 4;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("what was live comes back with its versions", async () => {
  const written = file();
  written.markStale();
  await written.flush();
  const loaded = file().load();
  expect(loaded?.revision).toBe(4);
  expect(loaded?.resources.map(({ kind, name, version }) => [kind, name, version])).toEqual([
    ["Cluster", "shop/a:80", "1"],
    ["Cluster", "shop/b:80", "2"],
  ]);
});

test("a burst of changes is one write, of the state at its end, and the next waits a while", async () => {
  const written = file();
  for (let i = 0; i < 10; i++) {
    revision = 10 + i;
    written.markStale();
    clock.advance(4);
  }
  expect(existsSync(path)).toBe(false);
  clock.advance(10);
  await until(() => file().load()?.revision === 19, "the file is written");
  await written.flush();
  revision = 20;
  written.markStale();
  clock.advance(990);
  expect(file().load()?.revision).toBe(19);
  clock.advance(10);
  await until(() => file().load()?.revision === 20, "it is written again");
});

test("a change during a write is written after it", async () => {
  const written = file();
  written.markStale();
  const first = written.flush();
  revision = 5;
  written.markStale();
  await first;
  await written.flush();
  expect(file().load()?.revision).toBe(5);
});

test("what was overruled is replaced soon, however shortly after a write, and until then it is not settled", async () => {
  const written = file();
  written.markStale();
  await written.flush();
  expect(written.settled()).toBeUndefined();
  revision = 5;
  written.markStale();
  revision = 6;
  written.markOverruled();
  clock.advance(60);
  // A second one while the first is written.
  const first = written.settled();
  revision = 7;
  written.markOverruled();
  const second = written.settled();
  await first;
  expect(file().load()?.revision).toBe(6);
  await settle();
  clock.advance(250);
  await second;
  expect(file().load()?.revision).toBe(7);
  expect(written.settled()).toBeUndefined();
});

test("a wall clock that is set back puts off neither a write nor its acknowledgement", async () => {
  let aheadMs = 90_000_000;
  spyOn(clock, "nowMs").mockImplementation(() => clock.monotonicUs() / 1_000 + aheadMs);
  const written = file();
  written.markOverruled();
  clock.advance(60);
  await written.settled();
  await settle();
  aheadMs = 0;
  revision = 5;
  written.markOverruled();
  clock.advance(60);
  await written.settled();
  await written.flush();
  expect(file().load()?.revision).toBe(5);
  revision = 6;
  written.markStale();
  clock.advance(1_000);
  await until(() => file().load()?.revision === 6, "it is written");
});

test("what was overruled and cannot be replaced is removed", async () => {
  const written = file();
  written.markStale();
  await written.flush();
  resources = [
    {
      ...cluster("a", "3"),
      get bytes(): Uint8Array {
        throw new Error("no room for it");
      },
    },
  ];
  written.markStale();
  await written.flush();
  expect(file().load()?.resources.length).toBe(2);
  written.markOverruled();
  clock.advance(60);
  await written.settled();
  expect(existsSync(path)).toBe(false);
});

test("a closed one is another process's: nobody waits for it", async () => {
  const written = file();
  written.markOverruled();
  const settled = written.settled();
  written.markOverruled();
  written.close();
  await settled;
  written.markOverruled();
  expect(written.settled()).toBeUndefined();
});

test("nothing is written where nothing changed, and a closed one has no timer", async () => {
  const written = file();
  await written.flush();
  expect(existsSync(path)).toBe(false);
  written.markStale();
  written.close();
  clock.advance(60_000);
  await written.flush();
  expect(existsSync(path)).toBe(false);
});

test("a resource of a kind that can no longer be used is left out, the others are not", async () => {
  const name: Resource = {
    kind: "Name",
    name: "x.y",
    version: "1",
    bytes: Uint8Array.of(0xff),
    value: create(NameSchema),
  };
  resources = [name, cluster("a", "1")];
  const written = file();
  written.markStale();
  await written.flush();
  expect(
    file()
      .load()
      ?.resources.map(({ name: own }) => own),
  ).toEqual(["shop/a:80"]);
});

test("a disk that cannot be written is no reason to fail", async () => {
  writeFileSync(join(directory, "taken"), "");
  path = join(directory, "taken", "last-good.bin");
  const written = file();
  written.markStale();
  await written.flush();
  expect(readFileSync(join(directory, "taken"), "utf8")).toBe("");
});
