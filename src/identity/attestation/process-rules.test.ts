/** Rules against processes of a made-up /proc: what fits, what does not, what cannot be read, what changes meanwhile. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExecutableHashes } from "./executable-hashes.ts";
import { matchProcess, type ProcessMatch } from "./process-rules.ts";
import { ProcessView } from "./process-view.ts";

const credentials = { pid: 4711, uid: 1_000, gid: 100 };
const program = Buffer.from("the program");
const hash = createHash("sha256").update(program).digest("hex");
let directory = "";
let open: ProcessView[] = [];
const at = (name: string): string => join(directory, name);

function writeStat(startTicks: number, state = "S"): void {
  const fields = [state, ...Array.from({ length: 18 }, () => "0"), String(startTicks), "0"];
  writeFileSync(at("4711/stat"), `4711 (a) R 1 (b)) ${fields.join(" ")}\n`);
}
function run(file: string): void {
  rmSync(at("4711/exe"), { force: true });
  symlinkSync(file, at("4711/exe"));
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-proc-"));
  mkdirSync(at("4711"));
  writeStat(500);
  writeFileSync(
    at("4711/cgroup"),
    "4:memory,pids:/jobs/one\n1:name=systemd:/\n0::/system.slice/web.service\n",
  );
  writeFileSync(at("program"), program);
  run(at("program"));
});
afterEach(async () => {
  for (const view of open.splice(0)) await view.close();
  rmSync(directory, { recursive: true, force: true });
});

async function viewOf(hashes = new ExecutableHashes()): Promise<ProcessView> {
  const view = await ProcessView.open({
    credentials,
    hashes,
    signal: new AbortController().signal,
    proc: directory,
  });
  if ("refusal" in view) throw new Error(view.detail);
  open.push(view);
  return view;
}
const ruleOf = (match: ProcessMatch, serviceAccount = "web") => ({
  match,
  namespace: "shop",
  serviceAccount,
});

describe("a rule", () => {
  const fitting: [string, () => ProcessMatch][] = [
    ["of its user", () => ({ uid: 1_000 })],
    ["of its group", () => ({ gid: 100 })],
    ["of its cgroup", () => ({ cgroup: "/system.slice/web.service" })],
    ["of a part of its cgroup's name", () => ({ cgroup: "/system.slice/*.service" })],
    ["of all beneath a cgroup", () => ({ cgroup: "/**" })],
    ["of a controller's own hierarchy", () => ({ cgroup: "pids:/jobs/*" })],
    ["of a named hierarchy", () => ({ cgroup: "name=systemd:/" })],
    ["of its executable", () => ({ executable: at("program") })],
    ["of another name of its executable", () => ({ executable: at("4711/exe") })],
    ["of its hash", () => ({ sha256: hash })],
    [
      "of all of them",
      () => ({ uid: 1_000, gid: 100, cgroup: "/**", executable: at("program"), sha256: hash }),
    ],
  ];
  test.each(fitting)("%s fits", async (_, match) => {
    expect(await matchProcess([ruleOf(match())], await viewOf())).toEqual({
      namespace: "shop",
      serviceAccount: "web",
      rule: 0,
    });
  });

  const others: [string, () => ProcessMatch, string][] = [
    ["another user", () => ({ uid: 0 }), "uid"],
    ["another group", () => ({ uid: 1_000, gid: 0 }), "gid"],
    ["a part of its cgroup", () => ({ cgroup: "/system.slice" }), "cgroup"],
    ["a wildcard that would have to cross a slash", () => ({ cgroup: "/*" }), "cgroup"],
    ["a pattern that is an expression elsewhere", () => ({ cgroup: "/system.slice/web.servic." }), "cgroup"],
    ["a hierarchy that does not exist", () => ({ cgroup: "cpu:/**" }), "cgroup"],
    ["the unified hierarchy by a path of another", () => ({ cgroup: "/jobs/one" }), "cgroup"],
    ["an executable that is not there", () => ({ executable: at("nothing") }), "executable"],
    ["another hash", () => ({ sha256: hash.replace(/^./, "x") }), "sha256"],
  ];
  test.each(others)("of %s does not", async (_, match, miss) => {
    expect(await matchProcess([ruleOf(match())], await viewOf())).toEqual({
      refusal: "no_rule",
      detail: `no rule is for this process; what did not fit: [0] ${miss}`,
    });
  });

  test("of a file with the same content does not, nor does a name that only the process has", async () => {
    writeFileSync(at("copy"), program);
    expect(await matchProcess([ruleOf({ executable: at("copy") })], await viewOf())).toHaveProperty(
      "refusal",
    );
    rmSync(at("program"));
    writeFileSync(at("program"), "replaced");
    run(at("copy"));
    expect(await matchProcess([ruleOf({ executable: at("program") })], await viewOf())).toHaveProperty(
      "refusal",
    );
  });
});

test("the first rule that fits decides, and what none needs is not read", async () => {
  const hashes = new ExecutableHashes();
  const view = await viewOf(hashes);
  const rules = [ruleOf({ uid: 1, sha256: hash }), ruleOf({ uid: 1_000 }, "first"), ruleOf({ gid: 100 })];
  expect(await matchProcess(rules, view)).toMatchObject({ serviceAccount: "first", rule: 1 });
  expect(hashes.reads).toBe(0);
  expect(await view.described()).toEqual({});
});

test("without rules nobody is known", async () => {
  expect(await matchProcess([], await viewOf())).toMatchObject({ refusal: "no_rule" });
});

test("what cannot be read refuses, in the place of a later rule that fits", async () => {
  rmSync(at("4711/exe"));
  const rules = [ruleOf({ sha256: hash }), ruleOf({ uid: 1_000 })];
  expect(await matchProcess(rules, await viewOf())).toMatchObject({ refusal: "unreadable" });
  rmSync(at("4711/cgroup"));
  const byCgroup = [ruleOf({ cgroup: "/**" }), ruleOf({ uid: 1_000 })];
  expect(await matchProcess(byCgroup, await viewOf())).toMatchObject({ refusal: "unreadable" });
});

test("an executable beyond the bound refuses", async () => {
  const view = await viewOf(new ExecutableHashes({ maxExecutableBytes: 3 }));
  const rules = [ruleOf({ sha256: hash }), ruleOf({ uid: 1_000 })];
  expect(await matchProcess(rules, view)).toMatchObject({ refusal: "too_large" });
});

test("a wildcard costs no more for a path that was made for it", async () => {
  writeFileSync(at("4711/cgroup"), `0::/${"a".repeat(4_000)}\n`);
  const view = await viewOf();
  const before = process.cpuUsage();
  await matchProcess([ruleOf({ cgroup: `/${"**a".repeat(60)}b` })], view);
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000);
});

describe("at the end", () => {
  test("nothing has changed", async () => {
    const view = await viewOf();
    await view.sha256();
    expect(await view.check()).toBeUndefined();
  });

  test("the number is another process's", async () => {
    const view = await viewOf();
    writeStat(501);
    expect(await view.check()).toMatchObject({ refusal: "gone" });
  });

  test("the process has ended and nobody has waited for it, or all of it is gone", async () => {
    const view = await viewOf();
    writeStat(500, "Z");
    expect(await view.check()).toMatchObject({ refusal: "gone" });
    rmSync(at("4711"), { recursive: true });
    expect(await view.check()).toMatchObject({ refusal: "gone" });
  });

  test("it runs another program", async () => {
    const view = await viewOf();
    await view.sha256();
    writeFileSync(at("other"), program);
    run(at("other"));
    expect(await view.check()).toMatchObject({ refusal: "gone" });
  });
});

test("what is closed while its executable is opened, or before, holds no descriptor", async () => {
  const descriptors = (): number =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === at("program");
      } catch {
        return false;
      }
    }).length;
  const view = await viewOf();
  const reading = view.runs(at("program"));
  await view.close();
  await reading;
  expect(descriptors()).toBe(0);
  expect(await view.runs(at("program"))).toMatchObject({ refusal: "gone" });
  expect(descriptors()).toBe(0);
});
