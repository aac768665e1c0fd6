/** A sidecar whose program dials one address, what stands there, and a resolver: for tests of calls out of the mesh. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "../../kernel/index.ts";
import {
  type Address,
  AddressSchema,
  ClusterSchema,
  InboundSchema,
  type Mesh,
  MeshSchema,
  NameSchema,
  type Outbound,
  OutboundSchema,
  type Protocol,
  type ServiceTargetSchema,
} from "../../model/index.ts";
import type { RunningProxy } from "../running-proxy.ts";
import { type DnsZone, TestDnsServer } from "./dns-server.ts";
import { eventually } from "./eventually.ts";
import type { FakeAgent } from "./fake-agent.ts";
import { RawClient, type RawServer, rawServer } from "./raw-peer.ts";
import { TestMesh } from "./test-mesh.ts";

export const virtualIp = "240.240.0.9";

export interface ServiceOptions {
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly hosts?: readonly string[];
  readonly cluster: {
    readonly dns?: {
      readonly hosts: { readonly name: string; readonly port: number; readonly weight: number }[];
    };
    readonly original?: { readonly port?: number };
    readonly tls?: { readonly hostname: string; readonly caPem: string; readonly encryptsBytes: boolean };
  };
}

function outboundOf({ name, port, protocol, hosts = [] }: ServiceOptions): Outbound {
  const cluster = `shop/${name}:${port}`;
  return create(OutboundSchema, {
    namespace: "shop",
    service: name,
    port,
    clientNamespace: "default",
    protocol,
    defaultCluster: cluster,
    clusters: [cluster],
    hosts: [...hosts],
  });
}

function targetOf({
  name,
  port,
  protocol,
  hosts = [],
}: ServiceOptions): MessageInitShape<typeof ServiceTargetSchema> {
  return { namespace: "shop", name, ports: [{ port, protocol }], hosts: [...hosts] };
}

function addressOf(services: readonly ServiceOptions[]): Address {
  const [first, ...more] = services.map(targetOf);
  if (first === undefined) throw new Error("an address of nobody");
  return create(AddressSchema, {
    target:
      more.length === 0
        ? { case: "service", value: first }
        : { case: "shared", value: { services: [first, ...more] } },
  });
}

export class ExternalScene {
  readonly mesh: TestMesh;
  readonly dns: TestDnsServer;
  readonly agent: FakeAgent;
  readonly proxy: RunningProxy;
  readonly #logFile: string;

  private constructor(
    mesh: TestMesh,
    dns: TestDnsServer,
    sidecar: { readonly agent: FakeAgent; readonly proxy: RunningProxy; readonly logFile: string },
  ) {
    this.mesh = mesh;
    this.dns = dns;
    this.agent = sidecar.agent;
    this.proxy = sidecar.proxy;
    this.#logFile = sidecar.logFile;
  }

  /** A sidecar whose program dials `destination`, where the services are. */
  static async start(
    services: readonly ServiceOptions[],
    destination: { readonly address: string; readonly port: number },
    options: {
      readonly zone?: Partial<DnsZone>;
      readonly meshFields?: {
        readonly allowUnknownDestinations?: boolean;
        readonly hasExternalNames?: boolean;
      };
      readonly denies?: boolean;
      readonly clock?: Clock;
    } = {},
  ): Promise<ExternalScene> {
    const mesh = new TestMesh();
    const dns = await TestDnsServer.start({ names: {}, ttlSeconds: 30, ...options.zone });
    const fields: Mesh = create(MeshSchema, {
      ...mesh.mesh,
      externalPrefixes: services.length > 0 ? ["127.0.0.1/32"] : [],
      hasExternalNames: true,
      accessLog: true,
      ...options.meshFields,
    });
    const agent = mesh.agent("web", {
      mesh: fields,
      inbound: create(InboundSchema, {
        workload: "default/web",
        denyUnknownDestinations: options.denies ?? false,
      }),
      outbounds: services.map(outboundOf),
      clusters: services.map(({ name, port, protocol, cluster }) =>
        create(ClusterSchema, {
          namespace: "shop",
          service: name,
          port,
          protocol,
          connectTimeoutMs: 1_000,
          ...cluster,
        }),
      ),
      destinations: services.length > 0 ? { [destination.address]: addressOf(services) } : {},
      names: { "api.example.com": create(NameSchema, { addresses: [virtualIp], ttlSeconds: 30 }) },
    });
    const bootstrap = mesh.bootstrap("web", "web");
    const proxy = await mesh.run(
      {
        ...bootstrap,
        dnsUpstreams: [dns.address],
        capture: { kind: "redirect", outboundPort: 0, inboundPort: 0, dnsPort: 0, mark: 0 },
      },
      agent,
      { destinationOf: () => destination, ...(options.clock && { clock: options.clock }) },
    );
    return new ExternalScene(mesh, dns, { agent, proxy, logFile: bootstrap.accessLogFile ?? "" });
  }

  dial(): Promise<RawClient> {
    return RawClient.connect(this.proxy.bound.outbound[0]?.port ?? 0);
  }

  /** What the access log holds, once there is as much as that. */
  async log(lines = 1): Promise<Record<string, unknown>[]> {
    const path = this.#logFile;
    let found: Record<string, unknown>[] = [];
    await eventually(async () => {
      const text = await Bun.file(path)
        .text()
        .catch(() => "");
      found = text
        .split("\n")
        .filter(Boolean)
        .map((line): Record<string, unknown> => JSON.parse(line));
      return found.length >= lines;
    }, "lines in the log");
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dns[Symbol.asyncDispose]();
    await this.mesh[Symbol.asyncDispose]();
  }
}

/** Answers each request with `name` and the host that it was asked for. */
export function httpServer(name: string): RawServer {
  return rawServer((peer, chunk) => {
    for (const request of Buffer.from(chunk).toString("latin1").split("\r\n\r\n").filter(Boolean)) {
      const host = /\r\nhost: ([^\r]*)/i.exec(request)?.[1] ?? "";
      const body = `${name} ${host}`;
      peer.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    }
  });
}

export function get(host: string): string {
  return `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
}
