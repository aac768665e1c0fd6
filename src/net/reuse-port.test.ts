/** A port goes from one set of processes to the next under load, and no connection is lost. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../kernel/index.ts";
import { connect } from "./connect.ts";
import { Connection } from "./connection.ts";
import { datagramListener, openDatagrams } from "./datagrams.ts";
import { listen } from "./listen.ts";
import { retireListener } from "./retire-listener.ts";
import { resetReusePort, steerReusePort } from "./reuse-port.ts";
import { ReusePortOrder } from "./reuse-port-order.ts";
import type { Order, Report } from "./testdata/shared-port-server.ts";

const script = join(import.meta.dir, "testdata", "shared-port-server.ts");
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Server {
  readonly name: string;
  order(order: Order): Promise<Report>;
}

function startServer(name: string): Server {
  let onReport: (report: Report) => void = () => {};
  const child = Bun.spawn([process.execPath, script, name], {
    ipc: (message: Report) => onReport(message),
    stdio: ["ignore", "inherit", "inherit"],
  });
  closers.push(() => child.kill());
  return {
    name,
    order(order) {
      const { promise, resolve } = Promise.withResolvers<Report>();
      onReport = resolve;
      child.send(order);
      return promise;
    },
  };
}

async function startServers(
  order: ReusePortOrder<Server>,
  names: readonly string[],
  port: number,
): Promise<number> {
  let bound = port;
  for (const name of names) {
    const server = startServer(name);
    bound = (await server.order({ kind: "listen", port: bound })).port;
    order.add(server);
  }
  return bound;
}

/** 16 clients that connect, wait for the greeting, and connect again. */
class Load {
  readonly greetings = new Map<string, number>();
  lost = 0;
  total = 0;
  readonly #port: number;
  readonly #waiting = new Set<() => void>();
  #isStopped = false;
  #running = 0;

  constructor(port: number) {
    this.#port = port;
    closers.push(() => (this.#isStopped = true));
    for (let i = 0; i < 16; i++) this.#next();
    this.#running = 16;
  }

  /** Resolves after that many more connections. */
  async more(count: number): Promise<void> {
    const target = this.total + count;
    await this.#until(() => this.total >= target);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#until(() => this.#running === 0);
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  #next(): void {
    let greeting = "";
    const finish = (): void => {
      this.total++;
      if (greeting === "") this.lost++;
      else this.greetings.set(greeting, (this.greetings.get(greeting) ?? 0) + 1);
      if (this.#isStopped) this.#running--;
      else this.#next();
      for (const check of [...this.#waiting]) check();
    };
    connect({ address: "127.0.0.1", port: this.#port, timeoutMs: 30_000 }, (result) => {
      if (!(result instanceof Connection)) {
        finish();
        return;
      }
      result.sink = {
        onData: (chunk) => (greeting += Buffer.from(chunk).toString()),
        onDrain() {},
        onEnd: () => result.close(),
        onClose: finish,
      };
    });
  }
}

/** As the comment on `ReusePortOrder` says. */
async function handOver(order: ReusePortOrder<Server>, next: readonly Server[]): Promise<void> {
  for (const old of order.members.filter((member) => !next.includes(member))) {
    expect((await old.order({ kind: "steer", targets: order.numbersOf(next) })).isDone).toBe(true);
    expect((await old.order({ kind: "retire" })).isDone).toBe(true);
    order.remove(old);
  }
  expect((await next[0]?.order({ kind: "reset" }))?.isDone).toBe(true);
}

const isLinux = process.platform === "linux";

describe.if(isLinux)("hand-over under load", () => {
  test("from one process to another loses no connection, in 3 runs", async () => {
    for (let run = 0; run < 3; run++) {
      const order = new ReusePortOrder<Server>();
      const port = await startServers(order, ["old"], 0);
      const load = new Load(port);
      await load.more(200);
      await startServers(order, ["new"], port);
      await load.more(200);
      await handOver(order, order.members.slice(1));
      load.greetings.clear();
      await load.more(200);
      expect([...load.greetings.keys()]).toEqual(["new"]);
      await load.stop();
      expect(load.lost).toBe(0);
      for (const close of closers.splice(0)) close();
    }
  }, 60_000);

  test("from three to two loses none, and the two share what comes", async () => {
    const order = new ReusePortOrder<Server>();
    const port = await startServers(order, ["old 1", "old 2", "old 3"], 0);
    const load = new Load(port);
    await load.more(200);
    await startServers(order, ["new 1", "new 2"], port);
    const next = order.members.slice(3);
    await order.members[0]?.order({ kind: "steer", targets: order.numbersOf(next) });
    // What had been queued for the old ones by then is greeted before these.
    await load.more(400);
    load.greetings.clear();
    await load.more(400);
    expect([...load.greetings.keys()].toSorted()).toEqual(["new 1", "new 2"]);
    expect(Math.min(...load.greetings.values())).toBeGreaterThan(120);
    await handOver(order, next);
    await load.more(400);
    await load.stop();
    expect(load.lost).toBe(0);
  }, 60_000);

  test("without steering, stopping loses connections: the load can see a loss", async () => {
    let lost = 0;
    for (let run = 0; run < 5 && lost === 0; run++) {
      const order = new ReusePortOrder<Server>();
      const port = await startServers(order, ["old"], 0);
      await startServers(order, ["new"], port);
      const load = new Load(port);
      await load.more(200);
      await order.members[0]?.order({ kind: "stop" });
      await load.more(200);
      await load.stop();
      lost += load.lost;
    }
    expect(lost).toBeGreaterThan(0);
  }, 60_000);
});

test.if(isLinux)("a Unix socket's listener tells so too", () => {
  const directory = mkdtempSync(join(tmpdir(), "weft-unix-"));
  closers.push(() => rmSync(directory, { recursive: true, force: true }));
  const unixPath = join(directory, "door.sock");
  const listener = listen({ unixPath, onConnection() {} });
  expect(listener.hasWaiting).toBe(false);
  const source = `Bun.connect({ unix: "${unixPath}", socket: { open: () => process.exit(0), data() {} } });`;
  expect(Bun.spawnSync([process.execPath, "-e", source], { timeout: 30_000 }).exitCode).toBe(0);
  expect(listener.hasWaiting).toBe(true);
  listener.closeAll();
});

test("a socket for questions closes when the last one has its answer", async () => {
  const clock = new VirtualClock();
  let unanswered = 1;
  const socket = openDatagrams({ hostname: "127.0.0.1", port: 0, onDatagram() {} });
  const listener = datagramListener(socket, () => unanswered);
  let isRetired = false;
  retireListener(listener, { clock }, () => (isRetired = true));
  clock.advance(3_000);
  expect([isRetired, listener.fd > 0]).toEqual([false, true]);
  unanswered = 0;
  clock.advance(10);
  expect([isRetired, listener.fd]).toEqual([true, -1]);
});

test.if(isLinux)("tells whether connections wait to be accepted", () => {
  const listener = listen({ onConnection() {} });
  expect(listener.fd).toBeGreaterThan(0);
  expect(listener.hasWaiting).toBe(false);
  // This process waits for the other one, so nobody accepts.
  const source = `
    let left = 3;
    const open = () => --left === 0 && process.exit(0);
    for (let i = 0; i < 3; i++) Bun.connect({ hostname: "127.0.0.1", port: ${listener.port}, socket: { open, data() {} } });`;
  expect(Bun.spawnSync([process.execPath, "-e", source], { timeout: 30_000 }).exitCode).toBe(0);
  expect(listener.hasWaiting).toBe(true);
  listener.closeAll();
  expect(listener.hasWaiting).toBe(false);
  expect(steerReusePort(listener, [0])).toBe(false);
  expect(resetReusePort(listener)).toBe(false);
});

describe("ReusePortOrder", () => {
  test("the last takes the number of the one that leaves", () => {
    const order = new ReusePortOrder<string>();
    for (const name of ["a", "b", "c", "d", "e"]) order.add(name);
    expect(order.numbersOf(["d", "e"])).toEqual([3, 4]);
    order.remove("b");
    expect(order.members).toEqual(["a", "e", "c", "d"]);
    order.remove("d");
    order.remove("unknown");
    expect(order.members).toEqual(["a", "e", "c"]);
    expect(order.numbersOf(["e", "gone"])).toEqual([1]);
    for (const name of ["a", "c", "e"]) order.remove(name);
    expect(order.members).toEqual([]);
  });
});
