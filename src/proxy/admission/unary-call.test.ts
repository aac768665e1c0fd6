/** Questions to services, over real sockets. */
import { afterEach, describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { systemClock } from "../../kernel/index.ts";
import { EndpointSchema, Protocol, Tunnel } from "../../model/index.ts";
import { TimerWheel } from "../../net/index.ts";
import { requestDefaults } from "../../decide/index.ts";
import { defaultCodecs } from "../testing/default-codecs.ts";
import { freePort } from "../testing/eventually.ts";
import { Http2Server } from "../testing/http2-peer.ts";
import { cannedServer, rawServer } from "../testing/raw-peer.ts";
import {
  directLimits,
  HopDialer,
  OrderedPicker,
  type UpstreamCluster,
  UpstreamEndpoint,
  versionRule,
} from "../upstream/index.ts";
import { startUnaryCall, type UnaryAnswer, type UnaryFailure, type UnaryRequest } from "./unary-call.ts";

const wheel = new TimerWheel(systemClock, 10, 512);
const context = { clock: systemClock, wheel, random: Math.random };
const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const each of cleanUp.splice(0)) each();
});

function clusterOf(protocol: Protocol, ...ports: readonly number[]): UpstreamCluster {
  const dialer = new HopDialer({
    identity: () => ({ certChainPem: "", privateKeyPem: "", trustRootsPem: "" }),
    sourceWorkload: "default/web",
    mark: undefined,
    limits: defaultCodecs(),
  });
  const members = ports.map((port) => {
    const place = { workload: `default/${port}`, address: "127.0.0.1", port, tunnel: Tunnel.NONE, weight: 1 };
    return new UpstreamEndpoint(
      create(EndpointSchema, place),
      { name: "default/ask", port },
      { limits: directLimits, dialer, clock: systemClock },
    );
  });
  cleanUp.push(() => {
    for (const member of members) member.close();
  });
  return {
    key: "default/ask:80",
    service: "default/ask",
    port: 80,
    picker: new OrderedPicker(members),
    faults: undefined,
    requests: requestDefaults.sidecar,
    retryBudget: undefined,
    versionFor: versionRule(protocol, "client"),
  };
}

function ask(
  cluster: UpstreamCluster,
  init: Partial<UnaryRequest> = {},
): Promise<UnaryAnswer | UnaryFailure> {
  return new Promise((resolve) => {
    const request: UnaryRequest = {
      method: "POST",
      path: "/check?a=1",
      authority: "ask.default",
      fields: [["x-a", "1"]],
      body: Buffer.from("question"),
      isGrpc: false,
      timeoutMs: 2_000,
      maxAnswerBytes: 100,
      ...init,
    };
    startUnaryCall(context, cluster, request, resolve);
  });
}

describe("a question in HTTP/1.1", () => {
  test("brings its answer, and the connection is used again", async () => {
    let seen = "";
    const server = rawServer((peer) => {
      seen = peer.received;
      if (!seen.endsWith("question")) return;
      peer.received = "";
      peer.socket.write("HTTP/1.1 403 No\r\nx-why: because\r\ncontent-length: 2\r\n\r\nno");
    });
    cleanUp.push(() => server.stop());
    const cluster = clusterOf(Protocol.HTTP, server.port);
    for (let i = 0; i < 2; i++) {
      const answer = await ask(cluster);
      if (answer.kind !== "answer") throw new Error(answer.detail);
      expect([answer.status, answer.head.get("x-why"), Buffer.from(answer.body).toString()]).toEqual([
        403,
        "because",
        "no",
      ]);
    }
    expect(seen).toStartWith("POST /check?a=1 HTTP/1.1\r\nhost: ask.default\r\n");
    expect(seen).toContain("content-length: 8\r\n");
    expect(server.connections).toHaveLength(1);
  });

  test("is bounded in time and in the answer's size", async () => {
    const silent = rawServer(() => {});
    const long = cannedServer(`HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n${"x".repeat(200)}`);
    cleanUp.push(
      () => silent.stop(),
      () => long.stop(),
    );
    const late = await ask(clusterOf(Protocol.HTTP, silent.port), { timeoutMs: 30 });
    expect(late).toMatchObject({ kind: "failure", reason: "request_timeout" });
    const tooLong = await ask(clusterOf(Protocol.HTTP, long.port), { body: undefined, method: "GET" });
    expect(tooLong).toMatchObject({ kind: "failure", reason: "upstream_malformed" });
  });

  test("goes to another endpoint where the first takes no connection", async () => {
    const server = cannedServer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    cleanUp.push(() => server.stop());
    const cluster = clusterOf(Protocol.HTTP, freePort(), server.port);
    expect(await ask(cluster)).toMatchObject({ kind: "answer", status: 200 });
    expect(await ask(clusterOf(Protocol.HTTP, freePort()))).toMatchObject({ kind: "failure" });
    expect(cluster.picker.members.map((member) => member.inFlight)).toEqual([0, 0]);
  });

  test("is taken back", async () => {
    const silent = rawServer(() => {});
    cleanUp.push(() => silent.stop());
    const cluster = clusterOf(Protocol.HTTP, silent.port);
    let isAnswered = false;
    const request = { method: "GET", path: "/", authority: "a", fields: [], body: undefined, isGrpc: false };
    const call = startUnaryCall(context, cluster, { ...request, timeoutMs: 20, maxAnswerBytes: 1 }, () => {
      isAnswered = true;
    });
    call.cancel();
    await ask(cluster, { timeoutMs: 60 });
    expect(isAnswered).toBe(false);
    expect(cluster.picker.members[0]?.inFlight).toBe(0);
  });
});

describe("a call in gRPC", () => {
  const frame = (text: string): string => `\0\0\0\0${String.fromCharCode(text.length)}${text}`;

  test("brings its message without the frame", async () => {
    const server = new Http2Server((request) => {
      const head = [
        [":status", "200"],
        ["content-type", "application/grpc"],
      ] as const;
      request.answer(head, frame("yes"), [["grpc-status", "0"]]);
    });
    cleanUp.push(() => server.stop());
    const answer = await ask(clusterOf(Protocol.GRPC, server.port), { isGrpc: true, path: "/svc/Check" });
    if (answer.kind !== "answer") throw new Error(answer.detail);
    expect(Buffer.from(answer.body).toString()).toBe("yes");
    expect(server.requests[0]?.message.body).toBe(frame("question"));
    expect(server.requests[0]?.fields.get("grpc-timeout")).toBe("2000m");
  });

  test.each([
    ["a status", frame("yes"), "7", 7],
    ["no message", "", "0", undefined],
    ["half a message", "\0\0\0\0\x09yes", "0", undefined],
    ["a compressed one", "\x01\0\0\0\x03yes", "0", undefined],
  ])("that ends with %s is no answer", async (_, body, status, grpcStatus) => {
    const server = new Http2Server((request) => {
      request.answer([[":status", "200"]], body, [["grpc-status", status]]);
    });
    cleanUp.push(() => server.stop());
    const answer = await ask(clusterOf(Protocol.GRPC, server.port), { isGrpc: true });
    expect(answer).toMatchObject({ kind: "failure", ...(grpcStatus && { grpcStatus }) });
  });
});
