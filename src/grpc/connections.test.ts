/** Connections over real sockets: drain, loss, rotation, end, and what is not gRPC at all. */
import { afterEach, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import { HeaderFields, Http2ClientSession, type StreamOutcome } from "../http2/index.ts";
import { systemClock } from "../kernel/index.ts";
import { connect, Connection } from "../net/index.ts";
import { implementBidi, implementUnary } from "./method.ts";
import type { GrpcStatus } from "./status.ts";
import { type Chat, chat, failure, Fixtures, greet } from "./testing.ts";

const fixtures = new Fixtures();
afterEach(() => fixtures.close());

/** HTTP/2 without gRPC's manners. */
async function openSession(port: number, onClose: () => void = () => {}): Promise<Http2ClientSession> {
  const connected = Promise.withResolvers<Connection>();
  connect({ address: "127.0.0.1", port, timeoutMs: 5_000 }, (result) => {
    if (result instanceof Connection) connected.resolve(result);
    else connected.reject(new Error(result.detail));
  });
  return new Http2ClientSession(await connected.promise, { onClose }, { clock: systemClock });
}

test("a call that the server ends early is over, whatever the client still has to say", async () => {
  const server = fixtures.start([
    implementBidi(chat, (stream: Chat) => stream.close({ code: "aborted", message: "" })),
  ]);
  const session = await openSession(server.port);
  const outcome = Promise.withResolvers<StreamOutcome>();
  const fields = HeaderFields.of([
    [":method", "POST"],
    [":scheme", "http"],
    [":path", "/weft.test.Test/Chat"],
    [":authority", "x"],
    ["content-type", "application/grpc"],
  ]);
  session.request(fields, false, {
    onHead() {},
    onInterim() {},
    onData() {},
    onEnd() {},
    onDrain() {},
    onClose: (end) => outcome.resolve(end),
  });
  expect(await outcome.promise).toMatchObject({ kind: "reset", by: "peer", code: "no_error" });
  session.close();
});

test.each<[string, Record<string, string>, number[], string]>([
  ["an encoding", { "grpc-encoding": "gzip" }, [], "12"],
  ["a compressed message", {}, [1, 0, 0, 0, 1, 0], "12"],
  ["half a message", {}, [0, 0, 0, 0, 2, 1], "13"],
  ["no message", {}, [], "12"],
  ["a message of another kind", {}, [0, 0, 0, 0, 1, 0xff], "3"],
])("%s is refused, and the connection goes on", async (_name, changed, body, expected) => {
  const server = fixtures.start([implementUnary(greet, () => ({ value: "hello" }))]);
  const session = await openSession(server.port);
  const ask = (fields: Record<string, string>, bytes: number[]): Promise<HeaderFields> => {
    const head = Promise.withResolvers<HeaderFields>();
    const sink = { onInterim() {}, onData() {}, onEnd() {}, onDrain() {}, onClose() {} };
    const stream = session.request(HeaderFields.of(Object.entries(fields)), false, {
      ...sink,
      onHead: (answer) => head.resolve(answer),
    });
    stream?.write(Uint8Array.from(bytes), true);
    return head.promise;
  };
  const good = {
    ":method": "POST",
    ":scheme": "http",
    ":path": "/weft.test.Test/Greet",
    ":authority": "x",
    "content-type": "application/grpc",
  };
  const answer = await ask({ ...good, ...changed }, body);
  expect(answer.get("grpc-status")).toBe(expected);
  const next = await ask(good, [0, 0, 0, 0, 0]);
  expect(next.get("grpc-status")).toBeUndefined();
  session.close();
});

test("a connection more than there may be is closed, and those that are open go on", async () => {
  const server = fixtures.start([implementUnary(greet, () => ({ value: "hello" }))], { maxConnections: 1 });
  const client = fixtures.clientOf(server);
  expect((await client.unary(greet, {})).value).toBe("hello");
  const closed = Promise.withResolvers<void>();
  await openSession(server.port, closed.resolve);
  await closed.promise;
  expect((await client.unary(greet, {})).value).toBe("hello");
  expect(server.connections).toBe(1);
});

test("a draining server finishes calls, sends streams elsewhere, and then is done", async () => {
  const release = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const server = fixtures.start([
    implementUnary(greet, async () => {
      started.resolve();
      await release.promise;
      return { value: "finished" };
    }),
    implementBidi(chat, (stream: Chat) => void stream.send(create(BytesValueSchema))),
  ]);
  const client = fixtures.clientOf(server);
  const closed = Promise.withResolvers<GrpcStatus>();
  const open = Promise.withResolvers<void>();
  client.bidi(chat, { onMessage: () => open.resolve(), onClose: (status) => closed.resolve(status) });
  const call = client.unary(greet, {});
  await Promise.all([open.promise, started.promise]);
  const drained = server.drain();
  expect(await closed.promise).toEqual({ code: "unavailable", message: "the server is shutting down" });
  release.resolve();
  expect((await call).value).toBe("finished");
  await drained;
  expect(server.connections).toBe(0);
});

test("a lost connection ends its calls; the next call opens another", async () => {
  const server = fixtures.start([
    implementBidi(chat, (stream: Chat) => void stream.send(create(BytesValueSchema))),
    implementUnary(greet, () => ({ value: "again" })),
  ]);
  const client = fixtures.clientOf(server);
  const closed = Promise.withResolvers<GrpcStatus>();
  const open = Promise.withResolvers<void>();
  client.bidi(chat, { onMessage: () => open.resolve(), onClose: (status) => closed.resolve(status) });
  await open.promise;
  const { port } = server;
  server.close();
  expect((await closed.promise).code).toBe("unavailable");
  const second = fixtures.start([implementUnary(greet, () => ({ value: "again" }))], { listen: { port } });
  expect((await fixtures.clientOf(second).unary(greet, {})).value).toBe("again");
  expect((await client.unary(greet, {})).value).toBe("again");
});

test("refresh keeps open streams and uses a new connection for the next call", async () => {
  const server = fixtures.start([
    implementBidi(chat, (stream: Chat) =>
      stream.onMessage((message) => stream.send(create(BytesValueSchema, message))),
    ),
    implementUnary(greet, () => ({ value: "new" })),
  ]);
  const client = fixtures.clientOf(server);
  let got = Promise.withResolvers<void>();
  const stream = client.bidi(chat, { onMessage: () => got.resolve(), onClose() {} });
  stream.send(create(BytesValueSchema));
  await got.promise;
  client.refresh();
  expect((await client.unary(greet, {})).value).toBe("new");
  expect(server.connections).toBe(2);
  got = Promise.withResolvers<void>();
  stream.send(create(BytesValueSchema));
  await got.promise;
});

test("close ends everything that is waiting or open", async () => {
  const server = fixtures.start([implementUnary(greet, () => new Promise(() => {}))]);
  const client = fixtures.clientOf(server);
  const call = failure(client.unary(greet, {}));
  client.close();
  client.close();
  expect((await call)[0]).toBe(1);
  expect((await failure(client.unary(greet, {})))[0]).toBe(1);
  expect(client.state).toBe("closed");
});

test.each([
  ["GET", "application/grpc", "405"],
  ["POST", "application/json", "415"],
  ["POST", "application/grpc-web", "415"],
])("answers %s with %s in plain HTTP: %s", async (method, type, status) => {
  const server = fixtures.start([]);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const http2 = await import("node:http2");
  const client = http2.connect(`http://127.0.0.1:${server.port}`);
  const request = client.request({ ":method": method, ":path": greetPath, "content-type": type });
  request.on("response", (headers) => resolve(headers[":status"]));
  request.on("error", reject);
  request.end();
  expect(String(await promise)).toBe(status);
  client.destroy();
});

const greetPath = "/weft.test.Test/Greet";
