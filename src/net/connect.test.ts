/** Failures of connecting and listening, each by its reason; sockets of our own; cancelling. */
import { dlopen, ptr } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { connect } from "./connect.ts";
import { Connection } from "./connection.ts";
import { closeOwnSocket, hasOwnSockets, openOwnSocket } from "./own-socket.ts";
import { readOption } from "./libc.ts";
import { listen } from "./listen.ts";
import { originalDestination } from "./original-destination.ts";
import { parseSocketAddress } from "./socket-address.ts";
import { makeRoot, meshClient } from "./testdata/certificates.ts";
import { connected, makePair, text } from "./testdata/peers.ts";

const timeoutMs = 30_000;
/** A port on which nothing listens, below those that the kernel hands out for port 0, so that nobody gets it meanwhile. */
function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      listen({ port, onConnection() {} }).closeAll();
      return port;
    } catch {
      // Taken: the next one.
    }
  }
}

/** Of a connected socket: whether it is kept alive, and after how many seconds the first question goes out and each other. */
function keepAliveOf(fd: number): readonly (number | undefined)[] {
  const read = (level: number, option: number): number | undefined => readOption(fd, level, option, 4)?.[0];
  return [read(1, 9), read(6, 4), read(6, 5)];
}

/** Whether this process may set SO_MARK (NET_ADMIN or NET_RAW). */
const mayMark = ((): boolean => {
  const listener = listen({ onConnection() {} });
  const own = openOwnSocket({ address: "127.0.0.1", port: listener.port, mark: 1 });
  listener.closeAll();
  return "fd" in own;
})();

/** Accepts nobody and has a queue for one: Linux leaves further connection requests unanswered. */
function openFullListener(): { port: number; close(): void } {
  const calls = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    listen: { args: ["i32", "i32"], returns: "i32" },
    getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  }).symbols;
  const fd = calls.socket(2, 1, 0);
  calls.listen(fd, 0); // unbound: on a port of the system's choice
  const address = new Uint8Array(16);
  calls.getsockname(fd, ptr(address), ptr(Uint32Array.of(16)));
  const port = parseSocketAddress(address)?.port ?? 0;
  const fillers = [fd];
  for (let i = 0; i < 2; i++) {
    const filler = openOwnSocket({ address: "127.0.0.1", port });
    if ("fd" in filler) fillers.push(filler.fd);
  }
  return { port, close: () => fillers.forEach(closeOwnSocket) };
}

describe("connect", () => {
  test.skipIf(!hasOwnSockets)("keeps alive what it is asked to, in whole seconds", async () => {
    const listener = listen({ onConnection() {} });
    const { port } = listener;
    const open = (keepAlive: { idleMs: number; intervalMs: number } | undefined): Promise<Connection> =>
      new Promise((resolve, reject) => {
        const options = { address: "127.0.0.1", port, timeoutMs, ...(keepAlive && { keepAlive }) };
        connect(options, (result) =>
          result instanceof Connection ? resolve(result) : reject(new Error(result.detail)),
        );
      });
    const kept = await open({ idleMs: 60_400, intervalMs: 100 });
    expect(keepAliveOf(kept.fd)).toEqual([1, 60, 1]);
    const plain = await open(undefined);
    expect(keepAliveOf(plain.fd)[0]).toBe(0);
    kept.close();
    plain.close();
    listener.closeAll();
  });

  test.each([
    ["127.0.0.1", "refused"],
    ["::1", "refused"],
    ["localhost", "refused"],
  ])("to %s where nobody listens: %s", async (address, cause) => {
    const result = await connected({ address, port: freePort(), timeoutMs });
    expect(result).toMatchObject({ reason: "upstream_connect_failed" });
    expect(result instanceof Connection ? "" : result.detail).toEndWith(cause);
  });

  test("a refusal is no TLS failure", async () => {
    const root = makeRoot("root");
    const tls = meshClient(undefined, root.pem);
    const result = await connected({ address: "127.0.0.1", port: freePort(), timeoutMs, tls });
    expect(result).toMatchObject({ reason: "upstream_connect_failed" });
  });

  test("to a Unix socket that is not there", async () => {
    const result = await connected({ address: "", port: 0, unixPath: "/nonexistent/x.sock", timeoutMs });
    expect(result).toEqual({
      reason: "upstream_connect_failed",
      detail: "connect to /nonexistent/x.sock: refused",
    });
  });

  test("from an address that is not this machine's", async () => {
    const result = await connected({ address: "127.0.0.1", port: 1, localAddress: "192.0.2.1", timeoutMs });
    expect(result).toEqual({
      reason: "upstream_connect_failed",
      detail: "connect to 127.0.0.1:1: bind: EADDRNOTAVAIL",
    });
  });

  test("done never comes before connect returned", async () => {
    const listener = listen({ onConnection() {} });
    let hasReturned = false;
    const seen = new Promise<boolean>((resolve) => {
      connect({ address: "127.0.0.1", port: listener.port, timeoutMs }, (result) => {
        resolve(hasReturned);
        if (result instanceof Connection) result.terminate();
      });
    });
    hasReturned = true;
    expect(await seen).toBe(true);
    listener.closeAll();
  });

  test.skipIf(!hasOwnSockets)(
    "that is not answered ends at the deadline or when cancelled, and leaves no descriptor (Linux)",
    async () => {
      const full = openFullListener();
      const descriptors = (): number => readdirSync("/proc/self/fd").length;
      const before = descriptors();
      const target = { address: "127.0.0.1", port: full.port };
      expect(await connected({ ...target, timeoutMs: 30 })).toEqual({
        reason: "upstream_connect_timeout",
        detail: `connect to 127.0.0.1:${full.port}: took longer than 30 ms`,
      });
      let calls = 0;
      const pending = connect({ ...target, timeoutMs: 30 }, () => calls++);
      expect(descriptors()).toBe(before + 1);
      pending.cancel();
      expect(await connected({ ...target, timeoutMs: 40 })).toMatchObject({
        reason: "upstream_connect_timeout",
      });
      expect(calls).toBe(0);
      expect(descriptors()).toBe(before);
      full.close();
    },
  );

  test("cancelled: done never comes and the socket goes away", async () => {
    let accepted: Connection | undefined;
    const closed = Promise.withResolvers<void>();
    const listener = listen({
      onConnection(connection) {
        accepted = connection;
        connection.sink = {
          onData() {},
          onDrain() {},
          onEnd: () => connection.close(),
          onClose: () => closed.resolve(),
        };
      },
    });
    let calls = 0;
    connect({ address: "127.0.0.1", port: listener.port, timeoutMs }, () => calls++).cancel();
    await closed.promise;
    expect(accepted?.isOpen).toBe(false);
    expect(calls).toBe(0);
    listener.closeAll();
  });

  test("from the address that was asked for", async () => {
    await using ends = await makePair({}, { localAddress: "127.0.0.2" });
    expect(ends.server.remoteAddress).toBe("127.0.0.2");
    expect(ends.client.localAddress).toBe("127.0.0.2");
    expect(ends.client.remotePort).toBe(ends.listener.port);
    expect(ends.server.remotePort).toBe(ends.client.localPort);
  });

  test.skipIf(!mayMark)("with a mark (needs NET_ADMIN or NET_RAW)", async () => {
    await using ends = await makePair({}, { mark: 0x539 });
    const mark = readOption(ends.client.fd, 1, 36, 4);
    expect(mark === undefined ? 0 : new DataView(mark.buffer).getUint32(0, true)).toBe(0x539);
    ends.client.write(text("marked"));
    await ends.serverSink.received("marked");
  });

  test.skipIf(!hasOwnSockets)("Nagle's algorithm is off on both ends (Linux)", async () => {
    await using ends = await makePair();
    await using named = await makePair({}, { address: "localhost" });
    for (const connection of [ends.client, ends.server, named.client, named.server]) {
      expect(readOption(connection.fd, 6, 1, 4)?.[0]).toBe(1);
    }
  });

  test("a connection that was not redirected has no original destination", async () => {
    await using ends = await makePair();
    await using ends6 = await makePair({ hostname: "::1" });
    expect(originalDestination(ends.server)).toBeUndefined();
    expect(originalDestination(ends6.server)).toBeUndefined();
  });

  test("IPv4 peers of a dual-stack listener have IPv4 addresses", async () => {
    await using ends = await makePair({ hostname: "::" }, { address: "127.0.0.1" });
    expect([ends.server.remoteAddress, ends.server.localAddress]).toEqual(["127.0.0.1", "127.0.0.1"]);
  });
});

describe("listen", () => {
  function codeOf(start: () => unknown): unknown {
    try {
      start();
    } catch (error) {
      return error instanceof Error && "code" in error ? error.code : error;
    }
    return undefined;
  }

  test("a port in use, a foreign address, no address: each by its code", () => {
    const listener = listen({ onConnection() {} });
    const port = listener.port;
    expect(codeOf(() => listen({ port, onConnection() {} }))).toBe("address_in_use");
    expect(codeOf(() => listen({ hostname: "192.0.2.1", onConnection() {} }))).toBe("unavailable");
    expect(codeOf(() => listen({ hostname: "no address", onConnection() {} }))).toBe("io");
    expect(codeOf(() => listen({ unixPath: "/nonexistent/x.sock", onConnection() {} }))).toBe("io");
    listener.closeAll();
  });

  test.skipIf(!hasOwnSockets)("two listeners share a port with reusePort (Linux)", () => {
    const first = listen({ reusePort: true, onConnection() {} });
    const second = listen({ reusePort: true, port: first.port, onConnection() {} });
    expect(second.port).toBe(first.port);
    first.closeAll();
    second.closeAll();
  });

  test("stopAccepting keeps connections, closeAll ends them", async () => {
    await using ends = await makePair();
    ends.listener.stopAccepting();
    const late = await connected({ address: "127.0.0.1", port: ends.listener.port, timeoutMs });
    expect(late).toMatchObject({ reason: "upstream_connect_failed" });
    ends.client.write(text("still"));
    await ends.serverSink.received("still");
    expect(ends.listener.connections).toBe(1);
    ends.listener.closeAll();
    await ends.serverSink.event("close local");
    await ends.clientSink.event("close reset");
    expect(ends.listener.connections).toBe(0);
  });
});
