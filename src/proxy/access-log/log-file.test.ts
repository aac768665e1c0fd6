/** Lines of the access log, and what happens to them when the disk is slow. */
import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../../kernel/index.ts";
import { AccessLog } from "./log-file.ts";
import { type AccessRecord, encodeAccessLine } from "./json-line.ts";

const record: AccessRecord = {
  timeMs: 0,
  edge: {
    direction: "inbound",
    sourceWorkload: "default/web-1",
    sourceIdentity: "",
    sourceVersion: "",
    sourceLocality: "",
    destinationWorkload: "default/cart-1",
    destinationIdentity: "",
    destinationService: "default/cart",
    destinationPort: 80,
    destinationVersion: "",
    destinationLocality: "",
    route: "",
    protocol: "http",
    mtls: true,
  },
  rule: "canary",
  requestId: "a-1",
  method: "GET",
  authority: "cart",
  path: '/"\n\u001b[31m',
  userAgent: "",
  status: 200,
  reason: "",
  detail: "",
  peerAddress: "10.0.0.1:5",
  upstreamAddress: "127.0.0.1:80",
  attempts: 1,
  requestBytes: 0,
  responseBytes: 3,
  durationUs: 12.6,
  revision: 7,
};

describe("encodeAccessLine", () => {
  test("is one line of JSON whatever the peer sent", () => {
    const line = encodeAccessLine(record);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(line).not.toContain("\u001b");
    const parsed: unknown = JSON.parse(line);
    expect(parsed).toMatchObject({
      path: '/"\n\u001b[31m',
      status: 200,
      duration_us: 13,
      revision: 7,
      mtls: true,
      rule: "canary",
    });
    expect(encodeAccessLine({ ...record, rule: "" })).not.toContain('"rule"');
  });

  test("cuts texts of absurd length", () => {
    expect(encodeAccessLine({ ...record, path: "/".repeat(100_000) }).length).toBeLessThan(3_500);
  });
});

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

describe("AccessLog", () => {
  test("gathers lines into one write after a short delay", () => {
    const clock = new VirtualClock();
    const writer = new FakeWriter();
    const log = new AccessLog({ write: writer.write, clock, dropped: { value: 0 } });
    log.append("a\n");
    log.append("b\n");
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
    for (let i = 0; i < 3_000; i++) log.append(line);
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
    log.append("a\n");
    log.flush();
    log.append("b\n");
    log.close();
    expect(closed).toBe(0);
    writer.finish();
    writer.finish();
    expect(writer.chunks).toEqual(["a\n", "b\n"]);
    expect(closed).toBe(1);
  });
});
