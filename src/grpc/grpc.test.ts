/** Client and server over real sockets. */
import { afterEach, expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import { createLog, silentLog, WeftError } from "../kernel/index.ts";
import type { BidiStream } from "./bidi-stream.ts";
import { GrpcClient, type GrpcClientOptions } from "./client.ts";
import { implementBidi, implementUnary, type MethodRegistration } from "./method.ts";
import { type GrpcServer, type GrpcServerOptions, serveGrpc } from "./server.ts";
import type { GrpcStatus } from "./status.ts";
import { chat, greet, missing } from "./testing.ts";

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

function start(methods: MethodRegistration[], options: Partial<GrpcServerOptions> = {}): GrpcServer {
  const server = serveGrpc({ listen: { port: 0 }, services: [methods], log: silentLog, ...options });
  opened.push(server);
  return server;
}

function clientOf(server: { port: number }, options: Partial<GrpcClientOptions> = {}): GrpcClient {
  const client = new GrpcClient({ address: "127.0.0.1", port: server.port, ...options });
  opened.push(client);
  return client;
}

async function failure(promise: Promise<unknown>): Promise<[number, string]> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WeftError)) throw new Error("no WeftError", { cause: error });
  return [Number(error.fields["grpcStatus"]), error.message];
}

type Chat = BidiStream<{ value: Uint8Array }, { value: Uint8Array }>;

test("a unary call carries request, metadata and response", async () => {
  const server = start([
    implementUnary(greet, (request, context) => ({
      value: `hello ${request.value} ${context.metadata.get("x-from")} ${context.remoteAddress}`,
    })),
  ]);
  const client = clientOf(server);
  const response = await client.unary(greet, { value: "world" }, { metadata: new Map([["x-from", "here"]]) });
  expect(response.value).toBe("hello world here 127.0.0.1");
  expect(client.state).toBe("ready");
});

test("a thousand calls at once share one connection and its hundred streams", async () => {
  const server = start([implementUnary(greet, async (request) => ({ value: `${request.value}!` }))]);
  const client = clientOf(server);
  const calls = Array.from({ length: 1000 }, (_, i) => client.unary(greet, { value: String(i) }));
  const values = (await Promise.all(calls)).map((response) => response.value);
  expect(values).toEqual(Array.from({ length: 1000 }, (_, i) => `${i}!`));
  expect(server.connections).toBe(1);
  expect((await failure(Promise.all(Array.from({ length: 1200 }, () => client.unary(greet, {})))))[0]).toBe(
    8,
  );
});

test("errors of handlers become statuses; only those made to be shown are shown", async () => {
  const lines: string[] = [];
  const log = createLog({ format: "json", level: "warn", write: (line) => void lines.push(line) });
  const server = start(
    [
      implementUnary(greet, (request) => {
        if (request.value === "defect") throw new TypeError("secret detail");
        throw new WeftError("forbidden", "no entry: größe 100%");
      }),
    ],
    { log },
  );
  const client = clientOf(server);
  expect(await failure(client.unary(greet, { value: "x" }))).toEqual([
    7,
    "/weft.test.Test/Greet: no entry: größe 100%",
  ]);
  expect(lines).toEqual([]);
  expect(await failure(client.unary(greet, { value: "defect" }))).toEqual([
    13,
    "/weft.test.Test/Greet: internal error",
  ]);
  expect(lines.join("")).toContain("secret detail");
});

test("a method that is not there, a server that is not there", async () => {
  const server = start([]);
  expect((await failure(clientOf(server).unary(missing, {})))[0]).toBe(12);
  const gone = clientOf({ port: 1 });
  const [code, message] = await failure(gone.unary(greet, {}));
  expect(code).toBe(14);
  expect(message).toContain("connect to 127.0.0.1:1 failed");
  expect(gone.state).toBe("idle");
});

test("a deadline ends the call on both sides", async () => {
  const aborted = Promise.withResolvers<number | undefined>();
  const server = start([
    implementUnary(greet, (_request, context) => {
      context.signal.addEventListener("abort", () => aborted.resolve(context.deadlineMs));
      return new Promise(() => {});
    }),
  ]);
  const before = Date.now();
  expect((await failure(clientOf(server).unary(greet, {}, { timeoutMs: 30 })))[0]).toBe(4);
  const deadlineMs = await aborted.promise;
  expect(deadlineMs).toBeGreaterThanOrEqual(before + 29);
});

test("a caller's abort cancels the handler", async () => {
  const started = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const server = start([
    implementUnary(greet, (_request, context) => {
      context.signal.addEventListener("abort", () => aborted.resolve());
      started.resolve();
      return new Promise(() => {});
    }),
  ]);
  const controller = new AbortController();
  const result = failure(clientOf(server).unary(greet, {}, { signal: controller.signal }));
  await started.promise;
  controller.abort();
  expect((await result)[0]).toBe(1);
  await aborted.promise;
});

test("an aborted signal makes no call at all", async () => {
  const client = clientOf({ port: 1 });
  expect((await failure(client.unary(greet, {}, { signal: AbortSignal.abort() })))[0]).toBe(1);
  expect(client.state).toBe("idle");
});

test("a stream sends before it is connected, both ways, encoded or not, and ends with the server's status", async () => {
  const server = start([
    implementBidi(chat, (stream: Chat, context) => {
      stream.onMessage((message) =>
        stream.send(toBinary(BytesValueSchema, create(BytesValueSchema, message))),
      );
      stream.onEnd(() => stream.close({ code: "aborted", message: `bye ${context.metadata.get("x-who")}` }));
    }),
  ]);
  const got: number[][] = [];
  const closed = Promise.withResolvers<GrpcStatus>();
  const stream = clientOf(server).bidi(
    chat,
    {
      onMessage: (message) => void got.push([...message.value]),
      onClose: (status) => closed.resolve(status),
    },
    { metadata: new Map([["x-who", "you"]]) },
  );
  const encoded = toBinary(BytesValueSchema, create(BytesValueSchema, { value: Uint8Array.of(3, 4, 5) }));
  stream.send(create(BytesValueSchema, { value: Uint8Array.of(1) }));
  stream.send(encoded);
  stream.sendParts([encoded.subarray(0, 2), encoded.subarray(2)]);
  stream.close();
  expect(await closed.promise).toEqual({ code: "aborted", message: "bye you" });
  expect(got).toEqual([[1], [3, 4, 5], [3, 4, 5]]);
  expect(stream.isClosed).toBe(true);
});

test("large messages cross in both directions; one over 16 MiB is refused", async () => {
  const server = start([
    implementBidi(chat, (stream: Chat) => {
      stream.onMessage((message) => stream.send(create(BytesValueSchema, message)));
      stream.onEnd(() => stream.close());
    }),
  ]);
  const client = clientOf(server);
  const echo = (bytes: number): Promise<[number, string]> => {
    const done = Promise.withResolvers<[number, string]>();
    let received = 0;
    const stream = client.bidi(chat, {
      onMessage: (message) => void (received = message.value.length),
      onClose: (status) => done.resolve([received, status.code]),
    });
    stream.send(create(BytesValueSchema, { value: new Uint8Array(bytes) }));
    stream.close();
    return done.promise;
  };
  expect(await Promise.all([echo(0), echo(70_000), echo(15 * 1024 * 1024)])).toEqual([
    [0, "ok"],
    [70_000, "ok"],
    [15 * 1024 * 1024, "ok"],
  ]);
  expect(await echo(16 * 1024 * 1024)).toEqual([0, "resource_exhausted"]);
});

test("a slow reader stops the sender, whose memory stays small", async () => {
  let sent = 0;
  const paused = Promise.withResolvers<void>();
  const chunk = toBinary(BytesValueSchema, create(BytesValueSchema, { value: new Uint8Array(10_000) }));
  const total = 2_000;
  const server = start([
    implementBidi(chat, (stream: Chat) => {
      const fill = (): void => {
        while (sent < total) {
          sent++;
          if (!stream.send(chunk)) return paused.resolve();
        }
        stream.close();
      };
      stream.onDrain(fill);
      fill();
    }),
    implementUnary(greet, () => ({ value: "" })),
  ]);
  let received = 0;
  const closed = Promise.withResolvers<GrpcStatus>();
  const client = clientOf(server);
  const stream = client.bidi(chat, {
    onMessage: () => {
      if (received++ === 0) stream.pause();
    },
    onClose: (status) => closed.resolve(status),
  });
  await paused.promise;
  // Two round trips on the same connection: whatever the stream could still send has been sent.
  await client.unary(greet, {});
  await client.unary(greet, {});
  expect(sent).toBeLessThan(100);
  stream.resume();
  expect((await closed.promise).code).toBe("ok");
  expect(received).toBe(total);
});

test("a stream that the client cancels is closed on the server", async () => {
  const closed = Promise.withResolvers<GrpcStatus>();
  const server = start([
    implementBidi(chat, (stream: Chat) => {
      stream.onClose((status) => closed.resolve(status));
      stream.send(create(BytesValueSchema));
    }),
  ]);
  const stream = clientOf(server).bidi(chat, {
    onMessage: () => stream.close({ code: "cancelled", message: "enough" }),
    onClose() {},
  });
  expect((await closed.promise).code).toBe("cancelled");
});

test("a malformed message ends the call, a throwing handler too, the connection goes on", async () => {
  const server = start([
    implementBidi(chat, (stream: Chat) => {
      stream.onMessage(() => {
        throw new Error("defect");
      });
    }),
    implementUnary(greet, () => ({ value: "still here" })),
  ]);
  const client = clientOf(server);
  const statusAfter = (bytes: Uint8Array): Promise<string> => {
    const closed = Promise.withResolvers<string>();
    const stream = client.bidi(chat, { onMessage() {}, onClose: (status) => closed.resolve(status.code) });
    stream.send(bytes);
    return closed.promise;
  };
  expect(await statusAfter(Uint8Array.of(0xff, 0xff))).toBe("invalid_argument");
  expect(await statusAfter(new Uint8Array(0))).toBe("internal");
  expect((await client.unary(greet, {})).value).toBe("still here");
  expect(server.connections).toBe(1);
});

test("a draining server finishes calls, sends streams elsewhere, and then is done", async () => {
  const release = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const server = start([
    implementUnary(greet, async () => {
      started.resolve();
      await release.promise;
      return { value: "finished" };
    }),
    implementBidi(chat, (stream: Chat) => void stream.send(create(BytesValueSchema))),
  ]);
  const client = clientOf(server);
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
  const server = start([
    implementBidi(chat, (stream: Chat) => void stream.send(create(BytesValueSchema))),
    implementUnary(greet, () => ({ value: "again" })),
  ]);
  const client = clientOf(server);
  const closed = Promise.withResolvers<GrpcStatus>();
  const open = Promise.withResolvers<void>();
  client.bidi(chat, { onMessage: () => open.resolve(), onClose: (status) => closed.resolve(status) });
  await open.promise;
  const { port } = server;
  server.close();
  expect((await closed.promise).code).toBe("unavailable");
  const second = start([implementUnary(greet, () => ({ value: "again" }))], { listen: { port } });
  expect((await clientOf(second).unary(greet, {})).value).toBe("again");
  expect((await client.unary(greet, {})).value).toBe("again");
});

test("refresh keeps open streams and uses a new connection for the next call", async () => {
  const server = start([
    implementBidi(chat, (stream: Chat) =>
      stream.onMessage((message) => stream.send(create(BytesValueSchema, message))),
    ),
    implementUnary(greet, () => ({ value: "new" })),
  ]);
  const client = clientOf(server);
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
  const server = start([implementUnary(greet, () => new Promise(() => {}))]);
  const client = clientOf(server);
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
  const server = start([]);
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
