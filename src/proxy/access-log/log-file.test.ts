/** What happens to lines when the disk is slow, full or gone. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../../kernel/index.ts";
import { AccessLog } from "./log-file.ts";

class FakeWriter {
  readonly chunks: string[] = [];
  pending: (() => void) | undefined;
  readonly write = (bytes: Uint8Array, done: (error: Error | null, written: number) => void): void => {
    this.chunks.push(new TextDecoder().decode(bytes));
    this.pending = () => done(null, bytes.length);
  };
  finish(): void {
    const pending = this.pending;
    this.pending = undefined;
    pending?.();
  }
}

function append(log: AccessLog, line: string): void {
  log.begin().utf8(line);
  log.commit();
}

describe("AccessLog", () => {
  test("gathers lines into one write after a short delay", () => {
    const clock = new VirtualClock();
    const writer = new FakeWriter();
    const log = new AccessLog({ write: writer.write, clock, dropped: { value: 0 } });
    append(log, "a\n");
    append(log, "b\n");
    expect(writer.chunks).toEqual([]);
    clock.advance(100);
    expect(writer.chunks).toEqual(["a\nb\n"]);
  });

  test("drops and counts lines while the disk does not keep up", () => {
    const clock = new VirtualClock();
    const writer = new FakeWriter();
    const dropped = { value: 0 };
    const log = new AccessLog({ write: writer.write, clock, dropped });
    const line = `${"x".repeat(1_023)}\n`;
    for (let i = 0; i < 3_000; i++) append(log, line);
    expect(dropped.value).toBeGreaterThan(1_500);
    expect(writer.chunks.length).toBe(1);
    writer.finish();
    expect(writer.chunks.length).toBe(2);
    const written = writer.chunks.join("").length / 1_024;
    expect(written + dropped.value).toBe(3_000);
  });

  test("writes what is left when it is closed, then lets go of the file", () => {
    const writer = new FakeWriter();
    let closed = 0;
    const log = new AccessLog({
      write: writer.write,
      clock: new VirtualClock(),
      dropped: { value: 0 },
      onClosed: () => closed++,
    });
    append(log, "a\n");
    log.flush();
    append(log, "b\n");
    log.close();
    expect(closed).toBe(0);
    writer.finish();
    writer.finish();
    expect(writer.chunks).toEqual(["a\n", "b\n"]);
    expect(closed).toBe(1);
  });

  test("counts every line of a write that failed, and goes on with the next", () => {
    const clock = new VirtualClock();
    const dropped = { value: 0 };
    const written: string[] = [];
    let isFull = true;
    const log = new AccessLog({
      clock,
      dropped,
      write: (bytes, done) => {
        if (isFull) return done(new Error("no space left"), 0);
        written.push(new TextDecoder().decode(bytes));
        done(null, bytes.length);
      },
    });
    append(log, "a\n");
    append(log, "b\n");
    clock.advance(100);
    expect(dropped.value).toBe(2);
    isFull = false;
    append(log, "c\n");
    clock.advance(100);
    expect(written).toEqual(["c\n"]);
    expect(dropped.value).toBe(2);
  });
});
