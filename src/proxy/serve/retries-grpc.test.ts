/** gRPC calls that fail and are tried again: only where it is safe or asked for, and as the callee wishes. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { parseGrpcTimeout } from "../../grpc/index.ts";
import { ClusterSchema, Protocol, type RequestPolicySchema } from "../../model/index.ts";
import { eventually, freePort, scrape } from "../testing/eventually.ts";
import { Http2Client, type Http2Message, type Http2Request, Http2Server } from "../testing/http2-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

const call = [
  ["content-type", "application/grpc"],
  ["te", "trailers"],
] as const;
const grpcHead = [
  [":status", "200"],
  ["content-type", "application/grpc"],
] as const;

function fail(request: Http2Request, ...more: (readonly [string, string])[]): void {
  request.answer([...grpcHead, ["grpc-status", "14"], ...more]);
}

function succeed(request: Http2Request): void {
  request.answer(grpcHead, "done", [["grpc-status", "0"]]);
}

/** The n-th request is answered by the n-th of `answers`, further ones by the last. */
async function world(
  mesh: TestMesh,
  requests: MessageInitShape<typeof RequestPolicySchema>,
  ...answers: ((request: Http2Request) => void)[]
): Promise<{ app: Http2Server; client: Http2Client; metrics: () => Promise<string> }> {
  const app: Http2Server = new Http2Server((request) => {
    answers[Math.min(app.requests.length, answers.length) - 1]?.(request);
  });
  const { endpoint } = await mesh.server("echo-1", app.port, Protocol.GRPC);
  const { proxy, port } = await mesh.client(
    [endpoint],
    {},
    {
      change: (configuration) => ({
        ...configuration,
        clusters: [create(ClusterSchema, { namespace: "default", service: "echo", port: 80, requests })],
      }),
    },
  );
  return { app, client: await Http2Client.connect(port), metrics: () => scrape(proxy) };
}

const onUnavailable = { retry: { conditions: { grpcStatuses: [14] }, backoffBaseMs: 1 } };

describe("a call that ends as unavailable", () => {
  test("is not repeated by default: its server may have done the work", async () => {
    await using mesh = new TestMesh();
    const { app, client } = await world(mesh, {}, fail);
    const answer = await client.post("/svc/Call", "x", call).ended();
    expect(answer.head?.get("grpc-status")).toBe("14");
    expect(app.requests).toHaveLength(1);
    client.close();
    app.stop();
  });

  test("is repeated with its message where the policy names the status", async () => {
    await using mesh = new TestMesh();
    const { app, client, metrics } = await world(mesh, onUnavailable, fail, fail, succeed);
    const answer = await client.post("/svc/Call", "message", call).ended();
    expect(answer.body).toBe("done");
    expect(answer.trailers?.get("grpc-status")).toBe("0");
    expect(app.requests.map((request) => request.message.body)).toEqual(["message", "message", "message"]);
    expect(app.requests[2]?.fields.get("weft-try")).toBe("attempt=2");
    expect(await metrics()).toContain('weft_retries_total{reason="grpc_14"} 2');
    client.close();
    app.stop();
  });

  test("with a status that is not named is the client's", async () => {
    await using mesh = new TestMesh();
    const { app, client } = await world(mesh, onUnavailable, (request) => {
      request.stream.reset("internal_error");
    });
    const reset = await client.post("/svc/Call", "x", call).ended();
    expect(reset.head?.get("grpc-status")).toBe("13");
    expect(app.requests).toHaveLength(1);
    client.close();
    app.stop();
  });

  test("is left alone when its server forbids another try, or asks for too long a wait", async () => {
    for (const pushback of ["-1", "soon", "60000"]) {
      await using mesh = new TestMesh();
      const { app, client } = await world(mesh, onUnavailable, (request) =>
        fail(request, ["grpc-retry-pushback-ms", pushback]),
      );
      const answer = await client.post("/svc/Call", "x", call).ended();
      expect(answer.head?.get("grpc-status")).toBe("14");
      expect(answer.head?.get("grpc-retry-pushback-ms")).toBe(pushback);
      expect(app.requests).toHaveLength(1);
      client.close();
      app.stop();
    }
  });

  test("after a message is the client's", async () => {
    await using mesh = new TestMesh();
    const { app, client } = await world(mesh, onUnavailable, (request) =>
      request.answer(grpcHead, "part", [["grpc-status", "14"]]),
    );
    const answer = await client.post("/svc/Call", "x", call).ended();
    expect(answer.trailers?.get("grpc-status")).toBe("14");
    expect(app.requests).toHaveLength(1);
    client.close();
    app.stop();
  });
});

test("a refused stream is always repeated: nobody has looked at it", async () => {
  await using mesh = new TestMesh();
  const { app, client } = await world(
    mesh,
    { retry: { maxRetries: 0 } },
    (request) => {
      request.stream.reset("refused_stream");
    },
    succeed,
  );
  const answer = await client.post("/svc/Call", "x", call).ended();
  expect(answer.body).toBe("done");
  expect(app.requests).toHaveLength(2);
  client.close();
  app.stop();
});

test("each try is told what is left of the call's time", async () => {
  await using mesh = new TestMesh();
  const requests = { ...onUnavailable, requestTimeoutMs: 5_000 };
  const { app, client } = await world(
    mesh,
    requests,
    fail,
    (request) => {
      setTimeout(() => fail(request), 50);
    },
    succeed,
  );
  const answer = await client.post("/svc/Call", "x", [...call, ["grpc-timeout", "2S"]]).ended();
  expect(answer.body).toBe("done");
  const left = app.requests.map(({ fields }) => parseGrpcTimeout(fields.get("grpc-timeout") ?? "") ?? 0);
  expect(left).toHaveLength(3);
  expect(left[0]).toBeLessThanOrEqual(2_000);
  expect(left[0]).toBeGreaterThan(1_000);
  expect(left[2]).toBeLessThanOrEqual((left[0] ?? 0) - 50);
  client.close();
  app.stop();
});

test("a route's timeout becomes the call's deadline where the call has a longer one or none", async () => {
  await using mesh = new TestMesh();
  const { app, client } = await world(mesh, { requestTimeoutMs: 5_000 }, succeed);
  await client.post("/svc/Call", "x", call).ended();
  await client.post("/svc/Call", "x", [...call, ["grpc-timeout", "1H"]]).ended();
  await eventually(() => app.requests.length === 2, "both");
  for (const { fields } of app.requests) {
    const left = parseGrpcTimeout(fields.get("grpc-timeout") ?? "") ?? 0;
    expect(left).toBeGreaterThan(3_000);
    expect(left).toBeLessThanOrEqual(5_000);
  }
  client.close();
  app.stop();
});

test("a client that retries by itself is told where the proxy has done so in vain", async () => {
  await using mesh = new TestMesh();
  const { endpoint } = await mesh.server("echo-1", freePort(), Protocol.GRPC);
  const ask = async (port: number): Promise<Http2Message> => {
    const client = await Http2Client.connect(port);
    const answer = await client.post("/svc/Call", "x", call).ended();
    client.close();
    return answer;
  };
  const tried = await ask((await mesh.client([endpoint])).port);
  expect(tried.head?.get("grpc-status")).toBe("14");
  expect(tried.head?.get("grpc-retry-pushback-ms")).toBe("-1");
  const untried = await ask((await mesh.client([])).port);
  expect(untried.head?.get("grpc-status")).toBe("14");
  expect(untried.head?.get("grpc-retry-pushback-ms")).toBeUndefined();
});
