/** The agent against a real gRPC server over real mutual TLS, with the smallest control plane that can answer. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { type GrpcServer, implementBidi, implementUnary, serveGrpc } from "../../grpc/index.ts";
import { derToPem, generateKeyAndCsr } from "../../identity/x509/index.ts";
import { silentLog, systemClock, WeftError } from "../../kernel/index.ts";
import { CommitSchema, MeshSchema, typeUrl } from "../../model/index.ts";
import type { TlsIdentity } from "../../net/index.ts";
import {
  AggregatedDiscoveryService,
  Certificates,
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  ResourceSchema,
  Workloads,
} from "../../wire/index.ts";
import type { Agent } from "./agent.ts";
import { GrpcControlPlane } from "./grpc-control-plane.ts";
import { createAgent } from "./proxy-agent.ts";
import { until } from "./test/settle.ts";
import { TestAuthority } from "./test/test-mesh.ts";

const hourMs = 3_600_000;
const identity = "spiffe://test.weft/ns/shop/sa/web";
let authority: TestAuthority;
let directory = "";
let server: GrpcServer | undefined;
let agent: Agent | undefined;
let log: string[] = [];
let requests: DeltaDiscoveryRequest[] = [];

beforeEach(() => {
  authority = new TestAuthority(Date.now());
  directory = mkdtempSync(join(tmpdir(), "weft-grpc-agent-"));
  writeFileSync(join(directory, "token"), "weft-join-abc");
  log = [];
  requests = [];
});
afterEach(() => {
  agent?.close();
  server?.close();
  rmSync(directory, { recursive: true, force: true });
});

function identityOf(by: TestAuthority, uri: string): TlsIdentity {
  const { privateKeyPem, csrDer } = generateKeyAndCsr();
  const certChainPem = derToPem(by.leaf(csrDer, uri, Date.now(), hourMs));
  return { privateKeyPem, certChainPem, trustRootsPem: by.rootPem };
}

function respond(
  kind: "Mesh" | "Commit",
  name: string,
  value: Uint8Array,
  nonce: string,
): DeltaDiscoveryResponse {
  const resource = create(AnySchema, { typeUrl: typeUrl(kind), value: Uint8Array.from(value) });
  return create(DeltaDiscoveryResponseSchema, {
    typeUrl: typeUrl(kind),
    nonce,
    resources: [create(ResourceSchema, { name, version: "1", resource })],
  });
}

function serve(tls: TlsIdentity, port = 0): GrpcServer {
  return serveGrpc({
    listen: { hostname: "127.0.0.1", port },
    tls: () => ({ identity: tls, alpn: ["h2"], clientCertificate: "optional" }),
    log: silentLog,
    services: [
      [
        implementUnary(Certificates.method.issue, (request, { metadata, peer }) => {
          log.push(`issue ${metadata.get("authorization")} ${peer?.uriSans.join()}`);
          return authority.answer(request.csr, identity, Date.now());
        }),
        implementUnary(Workloads.method.register, (request, { peer }) => {
          log.push(`register ${request.name} ${peer?.uriSans.join()}`);
          return { leaseMs: 5000 };
        }),
        implementUnary(Workloads.method.leave, ({ drainOnly }) => {
          log.push(`leave ${drainOnly}`);
          return {};
        }),
        implementBidi(AggregatedDiscoveryService.method.deltaAggregatedResources, (stream, { peer }) => {
          log.push(`ads ${peer?.uriSans.join()}`);
          stream.onMessage((request) => {
            requests.push(request);
            if (request.node === undefined) return;
            stream.send(
              respond(
                "Mesh",
                "mesh",
                toBinary(MeshSchema, create(MeshSchema, { trustDomain: "test.weft" })),
                "1.1",
              ),
            );
            stream.send(
              respond(
                "Commit",
                "commit",
                toBinary(CommitSchema, create(CommitSchema, { revision: 9n })),
                "1",
              ),
            );
          });
        }),
      ],
    ],
  });
}

function start(port: number): Agent {
  return createAgent({
    bootstrap: {
      role: "sidecar",
      workload: {
        namespace: "shop",
        name: "web-1",
        serviceAccount: "web",
        labels: {},
        addresses: ["10.77.0.2"],
        ports: [],
        region: "",
        zone: "",
      },
      controlPlane: { address: "127.0.0.1", port, trustRootsPem: authority.rootPem },
      joinTokenFile: join(directory, "token"),
      dataDir: join(directory, "data"),
      capture: { kind: "none" },
    },
    clock: systemClock,
    log: silentLog,
  });
}

class ClosedAtEnd implements Disposable {
  readonly #plane: GrpcControlPlane;

  constructor(port: number, valid: () => TlsIdentity | undefined) {
    this.#plane = new GrpcControlPlane({
      endpoints: [{ address: "127.0.0.1", port }],
      random: () => 0,
      trustRootsPem: () => authority.rootPem,
      identity: valid,
      trustDomain: () => "test.weft",
      clock: systemClock,
      log: silentLog,
    });
  }

  open(): void {
    const stream = this.#plane.openAds({ onOpen() {}, onResponse() {}, onClosed() {} });
    stream.send(create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrl("Mesh") }));
  }

  [Symbol.dispose](): void {
    this.#plane.close();
  }
}

describe("over gRPC", () => {
  test("a proxy joins by its token, then shows its certificate for all else, and leaves", async () => {
    server = serve(identityOf(authority, "spiffe://test.weft/ns/weft-system/sa/control"));
    agent = start(server.port);
    await agent.ready();
    expect(agent.snapshot.revision).toBe(9);
    agent.announce({ address: "10.77.0.2", port: 15_008 });
    await until(() => log.some((line) => line.startsWith("register")), "it registers");
    expect(log).toEqual([
      "issue Bearer weft-join-abc undefined",
      `ads ${identity}`,
      `register web-1 ${identity}`,
    ]);
    await until(() => requests.length === 3, "it answers");
    expect(requests.map(({ responseNonce }) => responseNonce)).toEqual(["", "1.1", "1"]);
    await agent.drainAndLeave(async () => void log.push("drained"));
    expect(log.slice(3)).toEqual(["leave true", "drained", "leave false"]);
  });

  test("a proxy serves on while the control plane is away, and comes back with what it has", async () => {
    const tls = identityOf(authority, "spiffe://test.weft/ns/weft-system/sa/control");
    server = serve(tls);
    const { port } = server;
    agent = start(port);
    await agent.ready();
    server.close();
    await until(() => agent?.status.isConnected === false, "the loss is seen");
    expect(agent.snapshot.revision).toBe(9);
    expect(agent.status.isReady).toBe(true);
    requests = [];
    server = serve(tls, port);
    await until(() => requests.length > 0, "it is back");
    expect(requests[0]?.initialResourceVersions).toEqual({ mesh: "1" });
    expect(log.filter((line) => line.startsWith("issue")).length).toBe(1);
  });

  test("a certificate that was not valid for a while is shown as soon as it is again", async () => {
    server = serve(identityOf(authority, "spiffe://test.weft/ns/weft-system/sa/control"));
    const own = identityOf(authority, identity);
    let valid: TlsIdentity | undefined;
    using plane = new ClosedAtEnd(server.port, () => valid);
    const open = async (): Promise<void> => {
      const before = log.length;
      plane.open();
      await until(() => log.length > before, "the stream arrives");
    };
    await open();
    valid = own;
    await open();
    await open();
    expect(log).toEqual(["ads undefined", `ads ${identity}`, `ads ${identity}`]);
  });

  test.each<[string, () => TlsIdentity]>([
    [
      "with another workload's certificate",
      () => identityOf(authority, "spiffe://test.weft/ns/shop/sa/control"),
    ],
    [
      "of another mesh",
      () => identityOf(new TestAuthority(Date.now()), "spiffe://test.weft/ns/weft-system/sa/control"),
    ],
  ])("something %s is not taken for the control plane, and learns no token", async (_, impostor) => {
    server = serve(impostor());
    agent = start(server.port);
    const failing = agent;
    await until(() => failing.status.lastError !== "", "it is refused");
    expect(log).toEqual([]);
    expect(() => failing.identity()).toThrow(WeftError);
  });
});
