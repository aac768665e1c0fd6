/** gRPC-Web at a gateway: browsers' calls over either version of HTTP reach a gRPC application through the mesh. */
import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { GatewaySchema, Protocol } from "../../model/index.ts";
import { freePort } from "../testing/eventually.ts";
import { Http2Client, type Http2Request, Http2Server } from "../testing/http2-peer.ts";
import { RawClient } from "../testing/raw-peer.ts";
import { TestMesh } from "../testing/test-mesh.ts";

/** One message of three bytes. */
const message = "\0\0\0\0\u0003abc";

async function gateway(
  mesh: TestMesh,
  endpoints: Parameters<TestMesh["clientConfiguration"]>[0],
): Promise<number> {
  const port = freePort();
  const agent = mesh.agent("edge", {
    ...mesh.clientConfiguration(endpoints),
    gateways: [
      create(GatewaySchema, {
        source: { kind: "Gateway", namespace: "default", name: "edge" },
        listeners: [
          {
            name: "web",
            port,
            protocol: Protocol.HTTP,
            virtualHosts: [
              {
                hostname: "*",
                http: {
                  entries: [{ match: {}, rule: 0 }],
                  rules: [{ backends: [{ cluster: "default/echo:80", weight: 1 }] }],
                },
              },
            ],
          },
        ],
      }),
    ],
  });
  await mesh.run(
    { ...mesh.bootstrap("edge", "edge"), role: "gateway", gateway: { kind: "tcp", address: "127.0.0.1" } },
    agent,
  );
  return port;
}

async function echo(request: Http2Request): Promise<void> {
  await request.message.ended();
  request.answer(
    [
      [":status", "200"],
      ["content-type", "application/grpc+proto"],
    ],
    request.message.body,
    [
      ["grpc-status", "0"],
      ["x-sum", "3"],
    ],
  );
}

const trailerFrame = "\u0080\0\0\0\u0018grpc-status: 0\r\nx-sum: 3\r\n".replace("\u0018", "\u001a");

describe("gRPC-Web", () => {
  test("binary over HTTP/1.1: messages pass, trailers become the last frame", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server(echo);
    const server = await mesh.server("echo-1", app.port, Protocol.GRPC);
    const peer = await RawClient.connect(await gateway(mesh, [server.endpoint]));
    peer.write(
      `POST /svc/Call HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc-web+proto\r\ncontent-length: ${message.length}\r\n\r\n`,
    );
    peer.write(Buffer.from(message, "latin1"));
    const text = await peer.until("0\r\n\r\n");
    expect(text).toStartWith("HTTP/1.1 200");
    expect(text).toContain("content-type: application/grpc-web+proto\r\n");
    expect(text).toContain(message);
    expect(text).toContain(trailerFrame);
    const seen = app.requests[0]?.fields;
    expect(seen?.get("content-type")).toBe("application/grpc+proto");
    expect(seen?.get("te")).toBe("trailers");
    expect(seen?.get("content-length")).toBeUndefined();
    app.stop();
  });

  test("text over HTTP/2", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server(echo);
    const server = await mesh.server("echo-1", app.port, Protocol.GRPC);
    const client = await Http2Client.connect(await gateway(mesh, [server.endpoint]));
    const body = Buffer.from(message, "latin1").toString("base64");
    const answer = await client
      .post("/svc/Call", body, [
        ["content-type", "application/grpc-web-text"],
        ["content-length", String(body.length)],
      ])
      .ended();
    expect(answer.head?.get("content-type")).toBe("application/grpc-web-text+proto");
    expect(app.requests[0]?.message.body).toBe(message);
    const decoded = [...answer.body.matchAll(/[^=]+=*/g)].map(([part]) =>
      Buffer.from(part, "base64").toString("latin1"),
    );
    expect(decoded.join("")).toBe(message + trailerFrame);
    client.close();
    app.stop();
  });

  test("a failure of the mesh is a status in the head", async () => {
    await using mesh = new TestMesh();
    const peer = await RawClient.connect(await gateway(mesh, []));
    peer.write(
      "POST /svc/Call HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc-web\r\ncontent-length: 0\r\n\r\n",
    );
    const { status, head } = await peer.response();
    expect(status).toBe(200);
    expect(head).toContain("grpc-status: 14\r\n");
    expect(head).toContain("content-type: application/grpc-web\r\n");
  });

  test("a body that is not whole is refused, and the application never sees its end", async () => {
    await using mesh = new TestMesh();
    const app = new Http2Server(() => {});
    const server = await mesh.server("echo-1", app.port, Protocol.GRPC);
    const peer = await RawClient.connect(await gateway(mesh, [server.endpoint]));
    peer.write(
      "POST /svc/Call HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc-web\r\ncontent-length: 6\r\n\r\n",
    );
    peer.write(Buffer.from("\0\0\0\0\u0003a", "latin1"));
    expect((await peer.response()).head).toContain("grpc-status: 13\r\n");
    expect(app.requests.every((each) => !each.message.isEnded)).toBe(true);
    app.stop();
  });
});
