/** Both sides of a hand-over, over a real socket: agreed, refused, abandoned. */
import { afterEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, systemClock } from "../kernel/index.ts";
import { HandOverServer, type HandOverSubject } from "./hand-over-server.ts";
import { InstanceDirectory } from "./instance-directory.ts";
import { TakeOver } from "./take-over.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

function directory(): InstanceDirectory {
  const path = mkdtempSync(join(tmpdir(), "weft-hand-"));
  closers.push(() => rmSync(path, { recursive: true, force: true }));
  return InstanceDirectory.open(path);
}

const place = { address: "127.0.0.1", port: 8080 };

class Subject implements HandOverSubject {
  readonly said: string[] = [];
  readonly resumed = Promise.withResolvers<void>();
  isBusy = false;

  freeze() {
    this.said.push("freeze");
    return this.isBusy ? undefined : [{ ...place, count: 2 }];
  }

  retire(kept: readonly { readonly port: number }[], count: number): Promise<void> {
    this.said.push(`retire ${kept.map(({ port }) => port).join()} ${count}`);
    return Promise.resolve();
  }

  release(): void {
    this.said.push("release");
  }

  leave(): void {
    this.said.push("leave");
  }

  resume(): Promise<void> {
    this.said.push("resume");
    this.resumed.resolve();
    return Promise.resolve();
  }
}

function serving(): { at: InstanceDirectory; subject: Subject } {
  const at = directory();
  const subject = new Subject();
  const server = new HandOverServer(at, subject, silentLog);
  closers.push(() => server.close());
  return { at, subject };
}

test("the new process learns where, the old one closes, frees what is single, and leaves", async () => {
  const { at, subject } = serving();
  const takeOver = await TakeOver.begin(at, systemClock);
  expect(takeOver.pid).toBe(process.pid);
  expect(takeOver.places).toEqual([{ ...place, count: 2 }]);
  await takeOver.complete([place], 3);
  expect(subject.said).toEqual(["freeze", "retire 8080 3", "release", "leave"]);
});

test("a new process that goes away leaves the old one as it was", async () => {
  const { at, subject } = serving();
  const takeOver = await TakeOver.begin(at, systemClock);
  takeOver.abort();
  await subject.resumed.promise;
  const again = await TakeOver.begin(at, systemClock);
  await again.complete([place], 1);
  expect(subject.said).toEqual(["freeze", "resume", "freeze", "retire 8080 1", "release", "leave"]);
});

test("one at a time, and not while it ends", async () => {
  const { at, subject } = serving();
  const first = await TakeOver.begin(at, systemClock);
  expect(TakeOver.begin(at, systemClock)).rejects.toThrow("another process is taking over");
  first.abort();
  await subject.resumed.promise;
  subject.isBusy = true;
  expect(TakeOver.begin(at, systemClock)).rejects.toThrow("it is ending");
});

test("what is no message of ours ends the conversation", async () => {
  const { at, subject } = serving();
  for (const text of ["{}\n", "x\n", '{"kind":"bound","kept":[],"count":1}\n', "y".repeat(100_000)]) {
    await new Promise<void>((resolve, reject) => {
      Bun.connect({
        unix: at.socketPath,
        socket: { open: (socket) => void socket.write(text), data() {}, close: () => resolve() },
      }).catch(reject);
    });
  }
  expect(subject.said).toEqual([]);
});

test("the socket is its owner's alone, and so must the directory be", () => {
  const { at } = serving();
  expect(statSync(at.socketPath).mode & 0o777).toBe(0o600);
  chmodSync(at.path, 0o777);
  expect(() => InstanceDirectory.open(at.path)).toThrow("others may write");
});

test("one lock at a time", () => {
  const first = directory();
  const second = InstanceDirectory.open(first.path);
  expect([first.tryLock(), second.tryLock()]).toEqual([true, false]);
  first.unlock();
  expect(second.tryLock()).toBe(true);
  second.unlock();
});
