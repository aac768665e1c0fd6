/** Servers of gRPC that break off, say too little or something else: none of it is a yes. */
import { describe, expect, test } from "bun:test";
import { HeaderFields } from "../../../http2/index.ts";
import { ExternalAuthorizationProtocol, Protocol } from "../../../model/index.ts";
import { rawServer } from "../../testing/raw-peer.ts";
import { type Http2Request, Http2Server } from "../../testing/http2-peer.ts";
import { AskingProxy } from "./test/asking-proxy.ts";
import { FakeExchange, http1Head, passThrough } from "./test/fake-exchange.ts";

const protocol = ExternalAuthorizationProtocol.GRPC;
const get = "GET / HTTP/1.1\r\nhost: shop\r\n\r\n";
const head = [
  [":status", "200"],
  ["content-type", "application/grpc"],
] as const;
const good = [["grpc-status", "0"]] as const;
/** CheckResponse{status = {code = 0}} behind its prefix: a yes. */
const yes = "\0\0\0\0\x02\x0a\0";

type Step = Awaited<ReturnType<typeof passThrough>>;

async function asked(port: number, timeoutMs = 150): Promise<Step> {
  using proxy = new AskingProxy([port], Protocol.GRPC);
  const exchange = new FakeExchange({ head: http1Head(get) });
  return await passThrough(proxy.filter({ protocol, timeoutMs }), exchange);
}

async function answeredBy(answer: (request: Http2Request) => unknown): Promise<Step> {
  const server = new Http2Server(answer);
  try {
    return await asked(server.port);
  } finally {
    server.stop();
  }
}

test("the yes that the others are variations of is one", async () => {
  expect(await answeredBy((request) => request.answer(head, yes, good))).toBe("continue");
});

test.each<[string, (request: Http2Request) => unknown]>([
  ["a yes without gRPC's status", (request) => request.answer(head, yes)],
  ["a yes, and a status that is none", (request) => request.answer(head, yes, [["grpc-status", "zero"]])],
  ["a yes in an answer of 404", (request) => request.answer([[":status", "404"]], yes)],
  ["status 0 and no message", (request) => request.answer([...head, ["grpc-status", "0"]])],
  ["a message of no bytes", (request) => request.answer(head, "\0\0\0\0\0", good)],
  ["half a prefix", (request) => request.answer(head, "\0\0\0", good)],
  ["half a message", (request) => request.answer(head, "\0\0\0\0\x09\x0a\0", good)],
  ["two messages", (request) => request.answer(head, yes + yes, good)],
  ["a message that claims to be compressed", (request) => request.answer(head, `\x01${yes.slice(1)}`, good)],
  ["bytes that are no message", (request) => request.answer(head, "\0\0\0\0\x03\xff\xff\xff", good)],
  ["a message that claims 4 GB", (request) => request.answer(head, "\0\xff\xff\xff\xff\x0a\0", good)],
  ["a page", (request) => request.answer([[":status", "200"]], "<html>", [])],
  ["a reset", ({ stream }) => stream.reset(2)],
  [
    "a reset behind a yes",
    ({ stream }) => {
      stream.sendHead(HeaderFields.of(head), false);
      stream.write(Buffer.from(yes, "latin1"));
      stream.reset(8);
    },
  ],
  [
    "a yes that never ends",
    ({ stream }) => {
      stream.sendHead(HeaderFields.of(head), false);
      stream.write(Buffer.from(yes, "latin1"));
    },
  ],
])("%s is no yes", async (_, answer) => {
  expect(await answeredBy(answer)).toMatchObject({ reason: "external_unavailable" });
});

describe("what is no server of HTTP/2", () => {
  test.each([
    ["HTTP/1.1", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
    ["nothing", ""],
  ])("%s", async (_, text) => {
    const server = rawServer((peer) => void (text !== "" && peer.socket.write(text)));
    try {
      expect(await asked(server.port)).toMatchObject({ reason: "external_unavailable" });
    } finally {
      server.stop();
    }
  });
});

test("a service whose connection closed meanwhile is asked on another", async () => {
  let count = 0;
  const server = new Http2Server((request) => {
    count++;
    request.answer(head, yes, good);
  });
  using proxy = new AskingProxy([server.port], Protocol.GRPC);
  const filter = proxy.filter({ protocol });
  const ask = (): Promise<Step> => passThrough(filter, new FakeExchange({ head: http1Head(get) }));
  expect(await ask()).toBe("continue");
  for (const session of server.sessions) session.close();
  expect(await ask()).toBe("continue");
  expect(count).toBe(2);
  server.stop();
});
