/** Calls over real sockets: messages, metadata, errors, deadlines, cancellation, back-pressure. */
import { afterEach, expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import { createLog, WeftError } from "../kernel/index.ts";
import { implementBidi, implementUnary } from "./method.ts";
import type { GrpcStatus } from "./status.ts";
import { type Chat, chat, failure, Fixtures, greet, missing } from "./testing.ts";

const fixtures = new Fixtures();
afterEach(() => fixtures.close());

test("a unary call carries request, metadata and response", async () => {
  const server = fixtures.start([
    implementUnary(greet, (request, context) => ({
      value: `hello ${request.value} ${context.metadata.get("x-from")} ${context.remoteAddress}`,
    })),
  ]);
  const client = fixtures.clientOf(server);
  const response = await client.unary(greet, { value: "world" }, { metadata: new Map([["x-from", "here"]]) });
  expect(response.value).toBe("hello world here 127.0.0.1");
  expect(client.state).toBe("ready");
});

test("a thousand calls at once share one connection and its hundred streams", async () => {
  const server = fixtures.start([implementUnary(greet, async (request) => ({ value: `${request.value}!` }))]);
  const client = fixtures.clientOf(server);
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
  const server = fixtures.start(
    [
      implementUnary(greet, (request) => {
        if (request.value === "defect") throw new TypeError("secret detail");
        throw new WeftError("forbidden", "no entry: größe 100%");
      }),
    ],
    { log },
  );
  const client = fixtures.clientOf(server);
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
  const server = fixtures.start([]);
  expect((await failure(fixtures.clientOf(server).unary(missing, {})))[0]).toBe(12);
  const gone = fixtures.clientOf({ port: 1 });
  const [code, message] = await failure(gone.unary(greet, {}));
  expect(code).toBe(14);
  expect(message).toContain("connect to 127.0.0.1:1 failed");
  expect(gone.state).toBe("idle");
});

test("a deadline ends the call on both sides", async () => {
  const aborted = Promise.withResolvers<number | undefined>();
  const server = fixtures.start([
    implementUnary(greet, (_request, context) => {
      context.signal.addEventListener("abort", () => aborted.resolve(context.deadlineMs));
      return new Promise(() => {});
    }),
  ]);
  const before = Date.now();
  expect((await failure(fixtures.clientOf(server).unary(greet, {}, { timeoutMs: 30 })))[0]).toBe(4);
  const deadlineMs = await aborted.promise;
  expect(deadlineMs).toBeGreaterThanOrEqual(before + 29);
});

test("a caller's abort cancels the handler", async () => {
  const started = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const server = fixtures.start([
    implementUnary(greet, (_request, context) => {
      context.signal.addEventListener("abort", () => aborted.resolve());
      started.resolve();
      return new Promise(() => {});
    }),
  ]);
  const controller = new AbortController();
  const result = failure(fixtures.clientOf(server).unary(greet, {}, { signal: controller.signal }));
  await started.promise;
  controller.abort();
  expect((await result)[0]).toBe(1);
  await aborted.promise;
});

test("an aborted signal makes no call at all", async () => {
  const client = fixtures.clientOf({ port: 1 });
  expect((await failure(client.unary(greet, {}, { signal: AbortSignal.abort() })))[0]).toBe(1);
  expect(client.state).toBe("idle");
});

test("a stream sends before it is connected, both ways, encoded or not, and ends with the server's status", async () => {
  const server = fixtures.start([
    implementBidi(chat, (stream: Chat, context) => {
      stream.onMessage((message) =>
        stream.send(toBinary(BytesValueSchema, create(BytesValueSchema, message))),
      );
      stream.onEnd(() => stream.close({ code: "aborted", message: `bye ${context.metadata.get("x-who")}` }));
    }),
  ]);
  const got: number[][] = [];
  const closed = Promise.withResolvers<GrpcStatus>();
  const stream = fixtures.clientOf(server).bidi(
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

test("what a method reads by hand it is given so, all else as the schema reads it", async () => {
  const short = create(BytesValueSchema, { value: Uint8Array.of(9) });
  const server = fixtures.start([
    implementBidi(
      chat,
      (stream: Chat) => stream.onMessage((message) => stream.send(message)),
      (bytes) => (bytes.length === 3 ? short : undefined),
    ),
  ]);
  const got: number[][] = [];
  const second = Promise.withResolvers<void>();
  const stream = fixtures.clientOf(server).bidi(chat, {
    onMessage(message) {
      got.push([...message.value]);
      if (got.length === 2) second.resolve();
    },
    onClose() {},
  });
  stream.send(create(BytesValueSchema, { value: Uint8Array.of(1) }));
  stream.send(create(BytesValueSchema, { value: Uint8Array.of(1, 2) }));
  await second.promise;
  expect(got).toEqual([[9], [1, 2]]);
});

test("large messages cross in both directions; one over 16 MiB is refused", async () => {
  const server = fixtures.start([
    implementBidi(chat, (stream: Chat) => {
      stream.onMessage((message) => stream.send(create(BytesValueSchema, message)));
      stream.onEnd(() => stream.close());
    }),
  ]);
  const client = fixtures.clientOf(server);
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
  const server = fixtures.start([
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
  const client = fixtures.clientOf(server);
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

test("a large message tells a full stream", async () => {
  const results: boolean[] = [];
  const server = fixtures.start([
    implementBidi(chat, (stream: Chat) => {
      const part = new Uint8Array(500_000);
      results.push(stream.sendParts([part.subarray(0, 10)]), stream.sendParts([part, part, part]));
      stream.close();
    }),
  ]);
  const closed = Promise.withResolvers<GrpcStatus>();
  const stream = fixtures
    .clientOf(server)
    .bidi(chat, { onMessage() {}, onClose: (status) => closed.resolve(status) });
  stream.close();
  await closed.promise;
  // More than the client's window (256 KiB) and what a stream may queue beyond it.
  expect(results).toEqual([true, false]);
});

test("no handler is called before bidi has returned", async () => {
  const server = fixtures.start([implementUnary(greet, () => ({ value: "" }))]);
  const client = fixtures.clientOf(server);
  await client.unary(greet, {}); // connected: everything could happen at once
  for (const signal of [undefined, AbortSignal.abort()]) {
    const closed = Promise.withResolvers<void>();
    let hasReturned = false;
    const calledEarly: string[] = [];
    const note = (name: string): void => void (hasReturned || calledEarly.push(name));
    client.bidi(
      chat,
      {
        onMessage: () => note("message"),
        onDrain: () => note("drain"),
        onClose: () => {
          note("close");
          closed.resolve();
        },
      },
      signal === undefined ? {} : { signal },
    );
    hasReturned = true;
    await closed.promise;
    expect(calledEarly).toEqual([]);
  }
});

test("a stream that the client cancels is closed on the server", async () => {
  const closed = Promise.withResolvers<GrpcStatus>();
  const server = fixtures.start([
    implementBidi(chat, (stream: Chat) => {
      stream.onClose((status) => closed.resolve(status));
      stream.send(create(BytesValueSchema));
    }),
  ]);
  const stream = fixtures.clientOf(server).bidi(chat, {
    onMessage: () => stream.close({ code: "cancelled", message: "enough" }),
    onClose() {},
  });
  expect((await closed.promise).code).toBe("cancelled");
});

test("a malformed message ends the call, a throwing handler too, the connection goes on", async () => {
  const server = fixtures.start([
    implementBidi(chat, (stream: Chat) => {
      stream.onMessage(() => {
        throw new Error("defect");
      });
    }),
    implementUnary(greet, () => ({ value: "still here" })),
  ]);
  const client = fixtures.clientOf(server);
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
