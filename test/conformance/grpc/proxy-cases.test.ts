/**
 * gRPC where the proxies themselves have a part in it, between peers that do nothing of their own: deadlines, cancellation in both
 * directions, failures of the mesh, resets. Through two sidecars, over real connections.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parseGrpcTimeout } from "../../../src/grpc/index.ts";
import { HeaderFields, type StreamOutcome } from "../../../src/http2/index.ts";
import { eventually } from "../../e2e/harness/eventually.ts";
import { freePort } from "../free-port.ts";
import { RawClient } from "./raw-client.ts";
import { RawServer, type ServerCall } from "./raw-server.ts";
import { Sidecars } from "./sidecars.ts";

const hookTimeoutMs = 60_000;
const cancelled = 1;
const deadlineExceeded = 4;
const unavailable = 14;

let server: RawServer;
let sidecars: Sidecars;
let client: RawClient;

const responseHead = HeaderFields.of([
  [":status", "200"],
  ["content-type", "application/grpc"],
]);
const okTrailers = HeaderFields.of([["grpc-status", "0"]]);
/** A message of three bytes. */
const message = "\0\0\0\0\u0003abc";

function answerOk({ stream }: ServerCall): void {
  stream.sendHead(responseHead, false);
  stream.write(Buffer.from(message, "latin1"));
  stream.end(okTrailers);
}

function beginAnswer({ stream }: ServerCall): void {
  stream.sendHead(responseHead, false);
  stream.write(Buffer.from(message, "latin1"));
}

function isCancel(outcome: StreamOutcome): boolean {
  return outcome.kind === "reset" && outcome.by === "peer" && outcome.code === "cancel";
}

beforeAll(async () => {
  server = new RawServer();
  sidecars = await Sidecars.start([
    { name: "raw", port: server.port, appProtocol: "grpc" },
    { name: "silent", port: freePort(), appProtocol: "grpc" },
    { name: "nobody", port: undefined, appProtocol: "grpc" },
  ]);
  server.answer = answerOk;
  await eventually(async () => {
    using probe = await RawClient.connect(sidecars.listenerOf("raw"));
    expect((await probe.call().seen).status).toBe(0);
  });
  client = await RawClient.connect(sidecars.listenerOf("raw"));
}, hookTimeoutMs);

afterAll(async () => {
  client[Symbol.dispose]();
  await sidecars[Symbol.asyncDispose]();
  server[Symbol.dispose]();
}, hookTimeoutMs);

describe("a call", () => {
  test("passes with its metadata, message and trailers", async () => {
    const arrived = server.nextCall();
    const call = client.call(
      { "x-bytes-bin": "q6ur", "grpc-accept-encoding": "gzip", "user-agent": "grpc-raw/1" },
      { body: message },
    );
    const serverCall = await arrived;
    await serverCall.requestEnd;
    for (const [name, value] of [
      [":method", "POST"],
      [":path", "/test.Raw/Call"],
      [":authority", "raw.example:1234"],
      ["te", "trailers"],
      ["content-type", "application/grpc"],
      ["x-bytes-bin", "q6ur"],
      ["grpc-accept-encoding", "gzip"],
      ["user-agent", "grpc-raw/1"],
    ] as const) {
      expect([name, serverCall.request.get(name)]).toEqual([name, value]);
    }
    expect(serverCall.receivedBytes).toBe(message.length);
    beginAnswer(serverCall);
    serverCall.stream.end(
      HeaderFields.of([
        ["grpc-status", "5"],
        ["grpc-message", "gr%C3%BC%C3%9Fe"],
        ["x-trail-bin", "q6ur"],
      ]),
    );
    const seen = await call.seen;
    expect(seen.body).toBe(message);
    expect(seen.trailers?.entries()).toEqual([
      ["grpc-status", "5"],
      ["grpc-message", "gr%C3%BC%C3%9Fe"],
      ["x-trail-bin", "q6ur"],
    ]);
  });

  test("whose answer is trailers only is answered so", async () => {
    server.answer = ({ stream }) =>
      stream.sendHead(
        HeaderFields.of([
          ...responseHead.entries(),
          ["grpc-status", "9"],
          ["grpc-message", "not%20now"],
          ["x-more", "yes"],
        ]),
        true,
      );
    const seen = await client.call().seen;
    expect(seen.isTrailersOnly).toBe(true);
    expect([seen.status, seen.head?.get("grpc-message"), seen.head?.get("x-more")]).toEqual([
      9,
      "not%20now",
      "yes",
    ]);
  });

  test("that is answered before it has ended is over on both sides", async () => {
    const arrived = server.nextCall();
    const call = client.call({}, { body: message, isEnd: false });
    const serverCall = await arrived;
    answerOk(serverCall);
    const seen = await call.seen;
    expect([seen.status, seen.body]).toEqual([0, message]);
    expect(["done", "reset"]).toContain((await serverCall.outcome).kind);
  });

  test("sees its answer while it still speaks", async () => {
    const arrived = server.nextCall();
    const call = client.call({}, { body: message, isEnd: false });
    const serverCall = await arrived;
    beginAnswer(serverCall);
    await call.bodySeen;
    call.stream?.write(Buffer.from(message, "latin1"));
    call.stream?.end();
    await serverCall.requestEnd;
    expect(serverCall.receivedBytes).toBe(2 * message.length);
    serverCall.stream.end(okTrailers);
    expect((await call.seen).status).toBe(0);
  });
});

describe("a deadline", () => {
  test("ends a call to a server that sleeps, and the server's work", async () => {
    const arrived = server.nextCall();
    const call = client.call({ "grpc-timeout": "200m" }, { body: message });
    const serverCall = await arrived;
    const left = parseGrpcTimeout(serverCall.request.get("grpc-timeout") ?? "") ?? 0;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(200);
    const seen = await call.seen;
    expect(seen.status).toBe(deadlineExceeded);
    expect(seen.isTrailersOnly).toBe(true);
    expect(seen.tookMs).toBeGreaterThan(150);
    expect(isCancel(await serverCall.outcome)).toBe(true);
  });

  test("ends a call whose answer has begun, with trailers", async () => {
    const arrived = server.nextCall();
    const call = client.call({ "grpc-timeout": "200m" }, { body: message, isEnd: false });
    const serverCall = await arrived;
    beginAnswer(serverCall);
    const seen = await call.seen;
    expect([seen.status, seen.body]).toEqual([deadlineExceeded, message]);
    expect(isCancel(await serverCall.outcome)).toBe(true);
  });

  test("that has passed already is one", async () => {
    server.answer = () => {};
    expect((await client.call({ "grpc-timeout": "0n" }).seen).status).toBe(deadlineExceeded);
  });

  test("that cannot be read is the server's to judge", async () => {
    const arrived = server.nextCall();
    const call = client.call({ "grpc-timeout": "123456789S" }, { body: message });
    const serverCall = await arrived;
    expect(serverCall.request.get("grpc-timeout")).toBe("123456789S");
    answerOk(serverCall);
    expect((await call.seen).status).toBe(0);
  });

  test("that is far away changes nothing", async () => {
    server.answer = answerOk;
    expect((await client.call({ "grpc-timeout": "99999999H" }).seen).status).toBe(0);
  });
});

describe("a cancellation", () => {
  test.each(["before", "after"])("by the client %s the answer began reaches the server", async (when) => {
    const arrived = server.nextCall();
    const call = client.call({}, { body: message, isEnd: false });
    const serverCall = await arrived;
    if (when === "after") {
      beginAnswer(serverCall);
      await call.bodySeen;
    }
    call.stream?.reset("cancel");
    expect(isCancel(await serverCall.outcome)).toBe(true);
  });

  test("by a client that vanishes reaches the server", async () => {
    const arrived = server.nextCall();
    const other = await RawClient.connect(sidecars.listenerOf("raw"));
    other.call({}, { body: message, isEnd: false });
    const serverCall = await arrived;
    other.vanish();
    expect(isCancel(await serverCall.outcome)).toBe(true);
  });

  // gRPC's PROTOCOL-HTTP2.md, "Errors"
  test.each([
    ["cancel", cancelled],
    ["internal_error", 13],
    ["enhance_your_calm", 8],
    ["inadequate_security", 7],
    ["refused_stream", unavailable],
    ["no_error", 13],
  ] as const)("by the server with %s is status %d to the client", async (code, status) => {
    for (const begins of [false, true]) {
      // What nobody looked at is repeated elsewhere; after an answer has begun, such a reset is a lie.
      if (begins && code === "refused_stream") continue;
      server.answer = (serverCall) => {
        if (begins) beginAnswer(serverCall);
        serverCall.stream.reset(code);
      };
      expect([begins, (await client.call({}, { body: message }).seen).status]).toEqual([begins, status]);
    }
  });
});

describe("a failure of the mesh", () => {
  test.each(["nobody", "silent"])("is a response of trailers only: %s", async (service) => {
    using other = await RawClient.connect(sidecars.listenerOf(service));
    const { head, isTrailersOnly, status } = await other.call({}, { body: message }).seen;
    expect([isTrailersOnly, status]).toEqual([true, unavailable]);
    expect(head?.get(":status")).toBe("200");
    expect(head?.get("content-type")).toBe("application/grpc");
    // Whose side it was on and the request's id, no more.
    expect(head?.get("grpc-message")).toMatch(/^(mesh|upstream) error, request [\w-]+$/);
  });

  test("is told in HTTP's way to what is not gRPC", async () => {
    using other = await RawClient.connect(sidecars.listenerOf("nobody"));
    const { head, body } = await other.call({ "content-type": "application/json" }, { body: "{}" }).seen;
    expect([head?.get(":status"), head?.get("grpc-status")]).toEqual(["503", undefined]);
    expect(body).toMatch(/^mesh error/);
  });

  test("in the middle of an answer is a status, never a good end", async () => {
    server.answer = (serverCall) => {
      beginAnswer(serverCall);
      serverCall.stream.write(Buffer.from("\0\0\0\0\u0009abc", "latin1"));
      serverCall.connection.flush();
      serverCall.connection.close();
    };
    const seen = await client.call({}, { body: message }).seen;
    expect(seen.status).toBe(unavailable);
  });

  test("that a server leaves is none: calls go on over another connection", async () => {
    server.answer = answerOk;
    expect((await client.call().seen).status).toBe(0);
    server.drain();
    for (let i = 0; i < 20; i++) expect((await client.call({}, { body: message }).seen).status).toBe(0);
  });

  test("a call that the server refuses to look at is repeated, once it is taken", async () => {
    let refused = 0;
    server.answer = (serverCall) => {
      if (refused++ === 0) serverCall.stream.reset("refused_stream");
      else answerOk(serverCall);
    };
    expect((await client.call({}, { body: message }).seen).status).toBe(0);
    expect(refused).toBe(2);
  });
});
