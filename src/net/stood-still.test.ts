/** A loop that stood still past a deadline: what the kernel has had in time is told first. */
import { expect, test } from "bun:test";
import { systemClock } from "../kernel/index.ts";
import { type ConnectFailure, connect } from "./connect.ts";
import { Connection } from "./connection.ts";
import { listen } from "./listen.ts";
import { makeRoot, meshClient, meshServer } from "./testdata/certificates.ts";
import { ample, connected, makePair, text } from "./testdata/peers.ts";
import { TimerWheel } from "./timer-wheel.ts";

/** Enough for a handshake, whatever else the machine does. */
const deadlineMs = 500;

/** Past the deadline, in the middle of events: what is due comes next then, before anything that has arrived meanwhile. */
async function standingStill(begin: () => void): Promise<void> {
  const happened = Promise.withResolvers<void>();
  const listener = listen({
    onConnection(connection) {
      begin();
      const endMs = performance.now() + 2.5 * deadlineMs;
      while (performance.now() < endMs);
      connection.close();
      happened.resolve();
    },
  });
  const connection = await connected({ address: "127.0.0.1", port: listener.port, timeoutMs: 30_000 });
  if (connection instanceof Connection) connection.terminate();
  await happened.promise;
  listener.closeAll();
}

test("a connection that was made in time is taken", async () => {
  const listener = listen({ onConnection() {} });
  const result = Promise.withResolvers<Connection | ConnectFailure>();
  await standingStill(() => {
    // By name: of a connection to an address it is known at once that it was made.
    connect({ address: "localhost", port: listener.port, timeoutMs: deadlineMs }, result.resolve);
  });
  expect(await result.promise).toBeInstanceOf(Connection);
  listener.closeAll();
});

test("a handshake has the time that it was denied", async () => {
  const root = makeRoot("root");
  const identity = root.issue();
  const failures: string[] = [];
  const listener = listen({
    tls: () => meshServer(identity),
    bounds: () => ({ ...ample, handshakeTimeoutMs: deadlineMs }),
    onConnection() {},
    onHandshakeFailed: (reason) => failures.push(reason),
  });
  const result = Promise.withResolvers<Connection | ConnectFailure>();
  const options = { address: "127.0.0.1", port: listener.port, tls: meshClient(identity, root.pem) };
  await standingStill(() => {
    connect({ ...options, timeoutMs: deadlineMs }, result.resolve);
  });
  expect(await result.promise).toBeInstanceOf(Connection);
  expect(failures).toEqual([]);
  listener.closeAll();
});

test("an answer that came in time is before the timer that waits for it, on a wheel too", async () => {
  await using ends = await makePair();
  const wheel = new TimerWheel(systemClock, 5, 16);
  const seen: string[] = [];
  const [onWheel, byItself] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  ends.clientSink.onData = (chunk) => void seen.push(Buffer.from(chunk).toString());
  await standingStill(() => {
    for (const [after, { resolve }] of [
      [(done: () => void) => wheel.schedule(deadlineMs, done), onWheel],
      [(done: () => void) => systemClock.deadline(deadlineMs, done), byItself],
    ] as const) {
      after(() => {
        seen.push("late");
        resolve();
      });
    }
    ends.server.write(text("answer"));
    ends.server.flush();
  });
  await Promise.all([onWheel.promise, byItself.promise]);
  expect(seen).toEqual(["answer", "late", "late"]);
  wheel.close();
});

test("a deadline that was cancelled never comes, not even by what arrives as it is due", async () => {
  await using ends = await makePair();
  let calls = 0;
  const done = Promise.withResolvers<void>();
  await standingStill(() => {
    const timer = systemClock.deadline(deadlineMs, () => calls++);
    systemClock.deadline(deadlineMs, () => done.resolve());
    ends.clientSink.onData = () => timer.cancel();
    ends.server.write(text("answer"));
    ends.server.flush();
  });
  await done.promise;
  expect(calls).toBe(0);
});
