/** The relay from the host's ports to Unix sockets: every byte arrives, ends and breaks cross it too. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, type WeftError } from "../kernel/index.ts";
import { Relay } from "./relay.ts";

let directory: string;
let relay: Relay;
const open: { stop(force: boolean): void }[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-relay-"));
  relay = new Relay({ directory, log: silentLog });
});

afterEach(() => {
  relay.close();
  for (const listener of open.splice(0)) listener.stop(true);
  rmSync(directory, { recursive: true, force: true });
});

/** A port of 127.0.0.1 that nobody has right now. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  listener.stop(true);
  return listener.port;
}

type Handlers = Bun.SocketHandler<{ bytes: number }>;

function listenInside(port: number, socket: Handlers): { stop(force: boolean): void } {
  const listener = Bun.listen({
    unix: join(directory, `127.0.0.1:${port}.sock`),
    allowHalfOpen: true,
    socket,
  });
  open.push(listener);
  return listener;
}

const echo: Handlers = {
  data: (socket, chunk) => void socket.write(chunk),
  end: (socket) => void socket.shutdown(),
};

/** Sends all of it, ends, and gives what came back, or the error's code or `reset`. */
function exchange(port: number, bytes: Uint8Array): Promise<Buffer | string> {
  return new Promise((resolve) => {
    const received: Uint8Array[] = [];
    let sent = 0;
    const pump = (socket: { write(chunk: Uint8Array): number; shutdown(): void }): void => {
      if (sent === bytes.length) return;
      sent += Math.max(0, socket.write(bytes.subarray(sent)));
      if (sent === bytes.length) socket.shutdown();
    };
    Bun.connect({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        open: pump,
        drain: pump,
        data: (_, chunk) => void received.push(chunk),
        close: (_, error) => resolve(error === undefined ? Buffer.concat(received) : "reset"),
      },
    }).catch((error: { code?: string }) => resolve(error.code ?? "failed"));
  });
}

async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error("the condition did not come true");
    await Bun.sleep(2);
  }
}

async function isOpen(port: number): Promise<boolean> {
  return (await exchange(port, Buffer.from("?"))) !== "ECONNREFUSED";
}

test("serves what is in the directory, what comes into it, and no longer what leaves it", async () => {
  const [early, late] = [freePort(), freePort()];
  listenInside(early, echo);
  relay.start();
  expect(String(await exchange(early, Buffer.from("hello")))).toBe("hello");
  listenInside(late, echo);
  while (!(await isOpen(late))) await Bun.sleep(2);
  expect(String(await exchange(late, Buffer.from("again")))).toBe("again");
  rmSync(join(directory, `127.0.0.1:${early}.sock`));
  while (await isOpen(early)) await Bun.sleep(2);
  expect(await exchange(early, Buffer.from("x"))).toBe("ECONNREFUSED");
});

test("takes no notice of other files", () => {
  for (const name of [
    "notes.txt",
    "x.sock",
    "127.0.0.1:0.sock",
    "127.0.0.1:70000.sock",
    "example.com:80.sock",
  ]) {
    open.push(Bun.listen({ unix: join(directory, name), socket: { data: () => {} } }));
  }
  const refused: WeftError[] = [];
  relay = new Relay({ directory, log: silentLog, onRefused: (_, error) => void refused.push(error) });
  relay.start();
  expect(refused).toEqual([]);
});

test("a port in use is told when it is reserved, and when its socket appears", () => {
  const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  open.push(taken);
  expect(() => relay.reserve({ address: "127.0.0.1", port: taken.port })).toThrow(
    `listen on 127.0.0.1:${taken.port}: the port is in use`,
  );
  const refused: string[] = [];
  relay = new Relay({
    directory,
    log: silentLog,
    onRefused: (door, error) => void refused.push(`${door.port} ${error.code}`),
  });
  listenInside(taken.port, echo);
  relay.start();
  expect(refused).toEqual([`${taken.port} address_in_use`]);
});

test("a reserved port resets connections until something listens inside", async () => {
  const port = freePort();
  relay.reserve({ address: "127.0.0.1", port });
  relay.start();
  const answer = await exchange(port, Buffer.from("too early"));
  expect(answer === "reset" || answer.length === 0).toBe(true);
  await until(() => relay.connections === 0);
  listenInside(port, echo);
  expect(String(await exchange(port, Buffer.from("in time")))).toBe("in time");
});

test("32 MiB arrive whole behind a reader that is slower than the writer, and the answer after the end", async () => {
  const port = freePort();
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  const big = new Uint8Array(32 * 1024 * 1024);
  for (let offset = 0; offset < big.length; offset += bytes.length) big.set(bytes, offset);
  big[big.length - 1] = 1;
  const hash = new Bun.CryptoHasher("sha256");
  let received = 0;
  listenInside(port, {
    data(socket, chunk) {
      hash.update(chunk);
      received += chunk.length;
      socket.pause();
      setImmediate(() => socket.resume());
    },
    end(socket) {
      socket.write(`${received} ${hash.digest("hex")}`);
      socket.shutdown();
    },
  });
  relay.start();
  const expected = `${big.length} ${new Bun.CryptoHasher("sha256").update(big).digest("hex")}`;
  expect(String(await exchange(port, big))).toBe(expected);
  await until(() => relay.connections === 0);
});

test("a long answer arrives whole when the server closes right behind it", async () => {
  const port = freePort();
  const big = Buffer.alloc(16 * 1024 * 1024, "answer ");
  listenInside(port, {
    open: (socket) => {
      socket.data = { bytes: 0 };
      pumpAndEnd(socket, big);
    },
    drain: (socket) => pumpAndEnd(socket, big),
    data: () => {},
    // Without it Bun closes at the client's end.
    end: () => {},
  });
  relay.start();
  const answer = await exchange(port, Buffer.from("?"));
  expect(answer.length).toBe(big.length);
  expect(Buffer.compare(Buffer.from(answer), big)).toBe(0);
  await until(() => relay.connections === 0);
});

function pumpAndEnd(
  socket: { data: { bytes: number }; write(chunk: Uint8Array): number; end(): unknown },
  big: Buffer,
): void {
  if (socket.data.bytes === big.length) return;
  socket.data.bytes += Math.max(0, socket.write(big.subarray(socket.data.bytes)));
  if (socket.data.bytes === big.length) socket.end();
}

test("a break on either side reaches the other", async () => {
  const port = freePort();
  let inside: { terminate(): void } | undefined;
  let insideClosed = 0;
  listenInside(port, {
    open: (socket) => {
      inside = socket;
    },
    data: () => {},
    end: () => {},
    close: () => {
      insideClosed += 1;
    },
  });
  relay.start();
  let outsideEnded = 0;
  const dial = () =>
    Bun.connect({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        data: () => {},
        end: (socket) => {
          outsideEnded += 1;
          socket.end();
        },
      },
    });
  await dial();
  await until(() => inside !== undefined);
  inside?.terminate();
  await until(() => outsideEnded === 1 && insideClosed === 1 && relay.connections === 0);
  inside = undefined;
  const client = await dial();
  await until(() => inside !== undefined);
  client.terminate();
  await until(() => insideClosed === 2 && relay.connections === 0);
});

test("an early answer arrives although the server closed while the client was still sending", async () => {
  const port = freePort();
  listenInside(port, {
    data: (socket) => {
      socket.write("enough");
      socket.end();
      socket.terminate();
    },
  });
  relay.start();
  expect(String(await exchange(port, new Uint8Array(8 * 1024 * 1024)))).toBe("enough");
  await until(() => relay.connections === 0);
});

test("closing ends connections and listeners, twice without harm", async () => {
  const port = freePort();
  listenInside(port, { data: () => {} });
  relay.start();
  let closed = false;
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: () => {},
      close: () => {
        closed = true;
      },
    },
  });
  await until(() => relay.connections === 1);
  relay.close();
  relay.close();
  await until(() => closed && relay.connections === 0);
  expect(await exchange(port, Buffer.from("x"))).toBe("ECONNREFUSED");
});
