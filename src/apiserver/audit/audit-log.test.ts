/** The audit log: that it is whole, that what was done to it shows, and what a crash or a full disk leaves. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditFields } from "../../api/index.ts";
import { silentLog, VirtualClock } from "../../kernel/index.ts";
import { openSqliteStore, type Store } from "../../store/index.ts";
import { AuditLog } from "./audit-log.ts";
import { auditFiles, verifyFiles } from "./audit-files.ts";

let root: string;
let directory: string;
let store: Store;
const clock = new VirtualClock();

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "weft-audit-"));
  directory = join(root, "audit");
  store = openSqliteStore({ path: ":memory:", clock, log: silentLog });
});
afterEach(() => {
  store.close();
  rmSync(root, { recursive: true, force: true });
});

const open = (maxFileBytes?: number): AuditLog =>
  new AuditLog({
    directory,
    store,
    clock,
    log: silentLog,
    ...(maxFileBytes === undefined ? {} : { maxFileBytes }),
  });

let requests = 0;
const fields = (verb: string): AuditFields => ({
  id: `r${++requests}`,
  phase: "event",
  outcome: "ok",
  verb,
  user: "ann",
  method: "static_token",
  source: "127.0.0.1",
  objects: [{ kind: "Service", namespace: "shop", name: "a" }],
});

async function write(audit: AuditLog, name: string): Promise<void> {
  const intent = audit.begin(fields("create"));
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name } } as const;
  const { revision } = await store.commit([{ type: "put", object }], {
    author: "a",
    message: "",
    anchor: intent.anchor,
  });
  audit.finish(intent, { outcome: "ok", revision });
}

const firstFile = (): string => auditFiles(directory)[0] ?? "";
const linesOf = (file: string): string[] => readFileSync(file, "utf8").trim().split("\n");

describe("the chain", () => {
  test("is whole after writes, across files and restarts, and for its owner alone", async () => {
    let audit = open(2_000);
    for (let i = 0; i < 8; i++) await write(audit, `n${i}`);
    audit.close();
    audit = open(2_000);
    audit.record(fields("login"));
    expect(audit.files.length).toBeGreaterThan(2);
    const verdict = await audit.verify();
    expect(verdict).toMatchObject({ entries: 17, firstSeq: 1, head: audit.head });
    expect(verdict.problem).toBeUndefined();
    for (const file of audit.files) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    audit.close();
  });

  const tampering: [string, (lines: string[]) => string[], string][] = [
    [
      "a changed entry",
      (l) => l.map((line, i) => (i === 2 ? line.replace("ann", "bob") : line)),
      "entry 3 was changed",
    ],
    ["a removed entry", (l) => l.filter((_, i) => i !== 2), "entries 3 to 3 are missing"],
    [
      "swapped entries",
      (l) => [l[0] ?? "", l[2] ?? "", l[1] ?? "", ...l.slice(3)],
      "entries 2 to 2 are missing",
    ],
    ["a doubled entry", (l) => [...l.slice(0, 2), ...l.slice(1)], "entry 2 is out of order"],
    ["garbage", (l) => l.map((line, i) => (i === 1 ? "{}" : line)), "is no entry of an audit log"],
    ["a cut end", (l) => l.slice(0, -2), "are missing at the end"],
    ["an emptied file", () => [], "are missing at the end"],
  ];
  test.each(tampering)("shows %s", async (_, tamper, message) => {
    const audit = open();
    for (let i = 0; i < 3; i++) await write(audit, `n${i}`);
    writeFileSync(
      firstFile(),
      tamper(linesOf(firstFile()))
        .map((line) => `${line}\n`)
        .join(""),
    );
    expect((await audit.verify()).problem?.message).toContain(message);
    audit.close();
  });

  test("of a file alone is checked without the store", async () => {
    const audit = open(500);
    for (let i = 0; i < 3; i++) await write(audit, `n${i}`);
    const [, second = "", third = ""] = audit.files;
    expect((await verifyFiles([second, third])).problem).toBeUndefined();
    expect((await verifyFiles([firstFile(), third])).problem?.message).toContain("missing");
    audit.close();
  });

  test("written anew as a whole does not fit the store", async () => {
    const audit = open();
    await write(audit, "n0");
    audit.close();
    const other = openSqliteStore({ path: ":memory:", clock, log: silentLog });
    rmSync(directory, { recursive: true });
    const forged = new AuditLog({ directory, store: other, clock, log: silentLog });
    for (let i = 0; i < 4; i++) forged.record(fields("forged"));
    forged.close();
    other.close();
    const again = open();
    expect((await again.verify()).problem?.message).toBe("entries 5 to 5 are missing");
    expect(linesOf(firstFile()).at(-1)).toContain("not the one that the store knows");
    again.close();
  });

  test("that was cut while nobody looked shows it for ever after", async () => {
    const audit = open();
    for (let i = 0; i < 3; i++) await write(audit, `n${i}`);
    audit.close();
    writeFileSync(
      firstFile(),
      linesOf(firstFile())
        .slice(0, 2)
        .map((line) => `${line}\n`)
        .join(""),
    );
    const again = open();
    for (let i = 3; i < 9; i++) await write(again, `n${i}`);
    expect((await again.verify()).problem?.message).toBe("entries 3 to 6 are missing");
    again.close();
  });
});

describe("after a crash", () => {
  test("an intent whose commit was made is settled as done", async () => {
    const audit = open();
    const intent = audit.begin(fields("create"));
    const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: "n" } } as const;
    await store.commit([{ type: "put", object }], { author: "a", message: "", anchor: intent.anchor });
    const again = open();
    expect(JSON.parse(linesOf(firstFile()).at(-1) ?? "")).toMatchObject({
      phase: "done",
      outcome: "ok",
      id: intent.fields.id,
    });
    expect((await again.verify()).problem).toBeUndefined();
    again.close();
  });

  test("an intent whose commit was not made is settled as not done, also behind a refusal", async () => {
    const audit = open();
    await write(audit, "before");
    const intent = audit.begin(fields("create"));
    audit.refusal({ ...fields("get"), outcome: "denied" });
    clock.advance(2_000);
    const again = open();
    expect(JSON.parse(linesOf(firstFile()).at(-1) ?? "")).toMatchObject({
      outcome: "not_done",
      id: intent.fields.id,
    });
    expect((await again.verify()).problem).toBeUndefined();
    again.close();
    open().close();
    expect(linesOf(firstFile()).filter((line) => line.includes("not_done"))).toHaveLength(1);
  });

  test("an intent is not taken as done because the log was anchored while it was open", async () => {
    const audit = open();
    audit.refusal({ ...fields("get"), outcome: "denied" });
    audit.begin(fields("create"));
    clock.advance(2_000);
    open().close();
    expect(JSON.parse(linesOf(firstFile()).at(-1) ?? "")).toMatchObject({ outcome: "not_done" });
  });

  test("a part of a line is cut off, and the log says so", async () => {
    const audit = open();
    await write(audit, "n");
    appendFileSync(firstFile(), '{"seq":3,"ti');
    const again = open();
    expect(linesOf(firstFile()).at(-1)).toContain("an unfinished line of 12 bytes was cut off");
    expect((await again.verify()).problem).toBeUndefined();
    again.close();
  });
});

test("a log that was closed before its first entry is whole", async () => {
  open().close();
  expect(store.anchor ?? "").toBe("");
  const audit = open();
  expect(audit.head.seq).toBe(0);
  expect((await audit.verify()).problem).toBeUndefined();
  audit.close();
});

test("refusals are bounded: what gets no entry is counted in the next one", () => {
  const audit = open();
  for (let i = 0; i < 100; i++) audit.refusal({ ...fields("get"), outcome: "denied" });
  expect(linesOf(firstFile())).toHaveLength(20);
  clock.advance(1_000);
  audit.refusal({ ...fields("get"), outcome: "denied" });
  expect(JSON.parse(linesOf(firstFile()).at(-1) ?? "").suppressed).toBe(80);
  audit.close();
});

test("refusals are anchored within a second", () => {
  const audit = open();
  audit.refusal({ ...fields("get"), outcome: "denied" });
  expect(store.anchor).toBeUndefined();
  clock.advance(1_000);
  expect(store.anchor).toStartWith("1:");
  audit.close();
});
