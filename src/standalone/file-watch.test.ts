/** Changes of files as editors, copies and Kubernetes make them: each is told once, when it is done. */
import { afterEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../kernel/index.ts";
import { FileWatch, fingerprint } from "./file-watch.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "weft-watch-"));
  closers.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function startWatch(paths: readonly string[], list: () => readonly string[]) {
  const told = { count: 0, wake: (): void => {} };
  const watch = new FileWatch(
    {
      paths,
      list,
      clock: systemClock,
      onChange: async () => {
        told.count++;
        told.wake();
      },
    },
    fingerprint(list),
  );
  closers.push(() => watch.close());
  return {
    watch,
    get count() {
      return told.count;
    },
    /** Resolves with the number of calls when there are this many. */
    async until(wanted: number): Promise<number> {
      while (told.count < wanted) {
        await new Promise<void>((resolve) => {
          told.wake = resolve;
        });
      }
      return told.count;
    },
  };
}

const inFolder = (path: string) => (): string[] =>
  readdirSync(path)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join(path, name));

test("a file that is written, replaced, added, deleted", async () => {
  const path = folder();
  writeFileSync(join(path, "a.yaml"), "1");
  const watched = startWatch([path], inFolder(path));
  writeFileSync(join(path, "a.yaml"), "22");
  expect(await watched.until(1)).toBe(1);
  writeFileSync(join(path, ".a.yaml.tmp"), "333");
  renameSync(join(path, ".a.yaml.tmp"), join(path, "a.yaml"));
  expect(await watched.until(2)).toBe(2);
  writeFileSync(join(path, "b.yaml"), "1");
  expect(await watched.until(3)).toBe(3);
  rmSync(join(path, "b.yaml"));
  expect(await watched.until(4)).toBe(4);
});

test("a folder of links that is switched as a whole", async () => {
  const path = folder();
  for (const version of ["v1", "v2"]) {
    mkdirSync(join(path, `..${version}`));
    writeFileSync(join(path, `..${version}`, "a.yaml"), version);
  }
  symlinkSync("..v1", join(path, "..data"));
  symlinkSync("..data/a.yaml", join(path, "a.yaml"));
  const watched = startWatch([join(path, "a.yaml")], () => [join(path, "a.yaml")]);
  symlinkSync("..v2", join(path, "..data_tmp"));
  renameSync(join(path, "..data_tmp"), join(path, "..data"));
  expect(await watched.until(1)).toBe(1);
});

test("a watched folder that is replaced", async () => {
  const parent = folder();
  const path = join(parent, "conf");
  mkdirSync(path);
  writeFileSync(join(path, "a.yaml"), "1");
  const watched = startWatch([path], inFolder(path));
  mkdirSync(join(parent, "next"));
  writeFileSync(join(parent, "next", "a.yaml"), "2");
  renameSync(path, join(parent, "old"));
  renameSync(join(parent, "next"), path);
  await watched.until(1);
  const before = watched.count;
  writeFileSync(join(path, "a.yaml"), "three");
  expect(await watched.until(before + 1)).toBe(before + 1);
});

test("many writes in a row are one change", async () => {
  const path = folder();
  const watched = startWatch([path], inFolder(path));
  for (let i = 0; i < 20; i++) writeFileSync(join(path, `${i}.yaml`), String(i));
  expect(await watched.until(1)).toBe(1);
  watched.watch.force();
  expect(await watched.until(2)).toBe(2);
});
