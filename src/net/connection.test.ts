/** Behaviour of a connection over real sockets, the same for plain TCP, adopted sockets, Unix sockets and TLS. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectOptions } from "./connect.ts";
import type { Connection } from "./connection.ts";
import type { ListenOptions } from "./listen.ts";
import { makeRoot, meshClient, meshServer } from "./testdata/certificates.ts";
import { makePair, type Pair, text } from "./testdata/peers.ts";

const directory = mkdtempSync(join(tmpdir(), "weft-net-"));
afterAll(() => rmSync(directory, { recursive: true }));
let sockets = 0;

const root = makeRoot("root");
const identity = root.issue();

interface Kind {
  readonly name: string;
  readonly pair: (
    listenOptions?: Partial<ListenOptions>,
    connectOptions?: Partial<ConnectOptions>,
  ) => Promise<Pair>;
}

const kinds: readonly Kind[] = [
  { name: "TCP, IPv4", pair: (l, c) => makePair(l, c) },
  { name: "TCP, IPv6", pair: (l, c) => makePair({ hostname: "::1", ...l }, c) },
  { name: "TCP by name", pair: (l, c) => makePair(l, { address: "localhost", ...c }) },
  { name: "Unix", pair: (l, c) => makePair({ unixPath: join(directory, `${++sockets}.sock`), ...l }, c) },
  {
    name: "TLS",
    pair: (l, c) =>
      makePair({ tls: meshServer(identity), ...l }, { tls: meshClient(identity, root.pem), ...c }),
  },
];

/** A megabyte at a time, so that tests fill the kernel's buffers quickly. */
const megabyte = new Uint8Array(1024 * 1024);

/** Writes until the connection says stop; returns how many bytes it accepted. */
function fill(connection: Connection): number {
  for (let written = megabyte.length; ; written += megabyte.length) {
    if (!connection.write(megabyte)) return written;
    if (written > 512 * megabyte.length) throw new Error("no back-pressure after 512 MB");
  }
}

for (const { name, pair } of kinds) {
  describe(name, () => {
    test("bytes go both ways, small writes together", async () => {
      await using ends = await pair();
      ends.client.write(text("pi"));
      ends.client.write(text("ng"));
      await ends.serverSink.received("ping");
      ends.server.write(text("pong"));
      await ends.clientSink.received("pong");
    });

    test("the caller may reuse its memory right after write", async () => {
      await using ends = await pair();
      for (const size of [3, 20_000]) {
        const bytes = new Uint8Array(size).fill(0x61);
        ends.client.write(bytes);
        bytes.fill(0x62);
      }
      await ends.serverSink.until(() => ends.serverSink.bytes === 20_003, "20,003 bytes");
      expect(ends.serverSink.text).not.toContain("b");
    });

    test("a half-closed peer still gets everything, however slowly it reads", async () => {
      await using ends = await pair();
      ends.client.pause();
      ends.client.shutdown();
      await ends.serverSink.event("end");
      const written = fill(ends.server);
      ends.server.shutdown();
      expect(ends.server.write(text("x"))).toBe(false);
      ends.client.resume();
      await ends.clientSink.until(() => ends.clientSink.bytes === written, `${written} bytes`);
      await ends.clientSink.event("close ended");
      await ends.serverSink.event("close ended");
    });

    test("close delivers what was written, then both ends know", async () => {
      await using ends = await pair();
      ends.server.write(text("bye"));
      ends.server.close();
      ends.server.close();
      await ends.clientSink.event("end");
      expect(ends.clientSink.text).toBe("bye");
      ends.client.shutdown();
      await ends.serverSink.event("close local");
      await ends.clientSink.event("close ended");
      expect(ends.serverSink.events).toEqual(["close local"]);
      expect(ends.listener.connections).toBe(0);
    });

    test("close delivers what was written to a peer that keeps sending", async () => {
      await using ends = await pair();
      ends.client.write(new Uint8Array(300_000));
      await ends.serverSink.until(() => ends.serverSink.bytes > 0, "the first bytes");
      ends.server.write(text("400"));
      ends.server.close();
      ends.client.write(new Uint8Array(300_000));
      await ends.clientSink.received("400");
      await ends.clientSink.event("end");
      ends.client.close();
      await ends.serverSink.event("close local");
      await ends.clientSink.event("close local");
    });

    test("terminate resets, the peer hears of it, and every event comes once", async () => {
      await using ends = await pair();
      ends.client.terminate();
      ends.client.terminate();
      await ends.clientSink.event("close local");
      await ends.serverSink.until(() => ends.serverSink.events.length > 0, "any event");
      // Without close_notify or on a Unix socket a reset may look like a FIN; then our side has to close too.
      if (ends.serverSink.events.includes("end")) ends.server.close();
      await ends.serverSink.until(() => ends.serverSink.events.at(-1)?.startsWith("close") === true, "close");
      expect(ends.clientSink.events).toEqual(["close local"]);
      expect(ends.client.isOpen).toBe(false);
      expect(ends.client.write(text("x"))).toBe(false);
      expect(ends.client.fd).toBe(-1);
    });

    test("a paused end gets nothing, then everything and the FIN", async () => {
      await using ends = await pair();
      ends.server.pause();
      ends.client.write(text("hello"));
      ends.client.shutdown();
      // The answer proves that the kernel has had time to deliver: it travels the same way back.
      ends.server.write(text("echo"));
      await ends.clientSink.received("echo");
      expect(ends.serverSink.text).toBe("");
      expect(ends.serverSink.events).toEqual([]);
      ends.server.resume();
      await ends.serverSink.received("hello");
      await ends.serverSink.event("end");
    });

    test("write tells when to stop, and onDrain when to go on", async () => {
      await using ends = await pair();
      ends.server.pause();
      fill(ends.client);
      expect(ends.client.bufferedBytes).toBeGreaterThan(0);
      expect(ends.clientSink.events).toEqual([]);
      ends.server.resume();
      await ends.clientSink.event("drain");
      expect(ends.client.bufferedBytes).toBe(0);
      expect(ends.clientSink.events).toEqual(["drain"]);
    });

    test("a receiver that takes nothing is ended after the stall timeout", async () => {
      await using ends = await pair({}, { writeStallTimeoutMs: 50 });
      ends.server.pause();
      fill(ends.client);
      await ends.clientSink.event("close timeout");
    });

    test("a new sink gets what comes from then on", async () => {
      await using ends = await pair();
      const first: string[] = [];
      const second: string[] = [];
      const sinkTo = (list: string[], answer: () => void) => ({
        onData(chunk: Uint8Array) {
          list.push(Buffer.from(chunk).toString());
          answer();
        },
        onDrain() {},
        onEnd() {},
        onClose() {},
      });
      ends.server.sink = sinkTo(first, () => {
        ends.server.sink = sinkTo(second, () => ends.server.write(text("2")));
        ends.server.write(text("1"));
      });
      ends.client.write(text("one"));
      await ends.clientSink.received("1");
      ends.client.write(text("two"));
      await ends.clientSink.received("12");
      expect([first, second]).toEqual([["one"], ["two"]]);
    });

    test("a sink that throws ends its connection and is reported", async () => {
      const defects: unknown[] = [];
      await using ends = await pair({ onDefect: (error) => defects.push(error) });
      let cause = "";
      ends.server.sink = {
        onData() {
          throw new Error("defect");
        },
        onDrain() {},
        onEnd() {},
        onClose(closeCause) {
          cause = closeCause;
        },
      };
      ends.client.write(text("x"));
      await ends.clientSink.until(() => ends.clientSink.events.length > 0, "the end");
      expect(cause).toBe("local");
      expect(defects.map(String)).toEqual(["Error: defect"]);
    });
  });
}
