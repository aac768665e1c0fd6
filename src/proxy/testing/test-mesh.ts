/**
 * A client sidecar and any number of server sidecars in this process, over loopback with real TLS: what a test changes
 * is the configuration, the applications behind it and the bytes of its clients.
 */
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Clock, type Log, silentLog, systemClock } from "../../kernel/index.ts";
import {
  ClusterSchema,
  type Endpoint,
  EndpointSchema,
  Health,
  InboundSchema,
  type Mesh,
  MeshSchema,
  type Outbound,
  OutboundSchema,
  Protocol,
  Tunnel,
} from "../../model/index.ts";
import type { ProxyBootstrap } from "../bootstrap.ts";
import type { TrafficObserver } from "../observation/index.ts";
import { type ProxyParts, runProxy, type RunningProxy } from "../running-proxy.ts";
import { FakeAgent, type FakeConfiguration } from "./fake-agent.ts";
import { TestAuthority } from "./test-authority.ts";

const servicePort = 80;
const cluster = "default/echo:80";

export interface TestServer {
  readonly proxy: RunningProxy;
  readonly agent: FakeAgent;
  readonly endpoint: Endpoint;
}

export class TestMesh {
  readonly authority: TestAuthority;
  readonly mesh: Mesh;
  /** Of the proxies that are made from then on. */
  log: Log = silentLog;
  readonly #directory = mkdtempSync(join(tmpdir(), "weft-log-"));
  readonly #proxies: RunningProxy[] = [];
  readonly #logFiles = new Map<string, string>();

  constructor(authority = new TestAuthority(), mesh: MessageInitShape<typeof MeshSchema> = {}) {
    this.authority = authority;
    this.mesh = create(MeshSchema, {
      trustDomain: authority.trustDomain,
      virtualPrefixes: ["240.240.0.0/16"],
      workloadPrefixes: ["10.77.0.0/16"],
      domainSuffix: "cluster.local",
      discoveryTimeoutMs: 100,
      drainTimeoutMs: 2_000,
      ...mesh,
    });
  }

  /** A sidecar in front of an application that listens on 127.0.0.1:`port`. */
  async server(name: string, port: number, protocol: Protocol = Protocol.HTTP): Promise<TestServer> {
    const workload = `default/${name}`;
    const inbound = create(InboundSchema, {
      workload,
      identity: this.authority.identity("echo"),
      ports: [{ port, protocol, services: ["default/echo"] }],
    });
    const agent = this.#agent("echo", { mesh: this.mesh, inbound, addresses: ["127.0.0.1"] });
    const proxy = await this.run(this.bootstrap(name, "echo"), agent);
    return { proxy, agent, endpoint: this.endpointOf(name, port, proxy) };
  }

  /** Of a sidecar's application, as its clients have it. */
  endpointOf(name: string, port: number, proxy: RunningProxy): Endpoint {
    return create(EndpointSchema, {
      cluster,
      workload: `default/${name}`,
      address: "127.0.0.1",
      port,
      identity: this.authority.identity("echo"),
      tunnel: Tunnel.WEFT,
      tunnelAddress: "127.0.0.1",
      tunnelPort: proxy.bound.tunnel?.port ?? 0,
      weight: 1,
      health: Health.HEALTHY,
      version: name,
    });
  }

  /** A sidecar with one explicit listener for the service default/echo. */
  async client(
    endpoints: readonly Endpoint[],
    outbound: MessageInitShape<typeof OutboundSchema> = {},
    options: {
      readonly clock?: Clock;
      readonly dataDir?: string;
      readonly change?: (configuration: FakeConfiguration) => FakeConfiguration;
      readonly observers?: readonly TrafficObserver[];
    } = {},
  ): Promise<{ proxy: RunningProxy; agent: FakeAgent; port: number }> {
    const { clock = systemClock, dataDir = "", change = (configuration) => configuration } = options;
    const { observers = [] } = options;
    const agent = this.#agent("web", change(this.clientConfiguration(endpoints, outbound)));
    const upstream = { address: "127.0.0.1", port: 0, service: "default/echo", servicePort };
    const proxy = await this.run(
      { ...this.bootstrap("web", "web"), dataDir, capture: { kind: "explicit", outbound: [upstream] } },
      agent,
      { clock, observers },
    );
    return { proxy, agent, port: proxy.bound.outbound[0]?.port ?? 0 };
  }

  clientConfiguration(
    endpoints: readonly Endpoint[],
    outbound: MessageInitShape<typeof OutboundSchema> = {},
  ): FakeConfiguration {
    const clusters = new Set([cluster, ...endpoints.map((endpoint) => endpoint.cluster)]);
    return {
      mesh: this.mesh,
      endpoints,
      outbounds: [this.outbound(outbound)],
      clusters: [...clusters].map((key) => {
        const groups = /^(?<namespace>[^/]+)\/(?<service>[^:]+):(?<port>\d+)$/.exec(key)?.groups ?? {};
        return create(ClusterSchema, {
          namespace: groups["namespace"] ?? "",
          service: groups["service"] ?? "",
          port: Number(groups["port"]),
          connectTimeoutMs: 1_000,
        });
      }),
    };
  }

  outbound(init: MessageInitShape<typeof OutboundSchema> = {}): Outbound {
    return create(OutboundSchema, {
      namespace: "default",
      service: "echo",
      port: servicePort,
      clientNamespace: "default",
      protocol: Protocol.HTTP,
      defaultCluster: cluster,
      ...init,
    });
  }

  bootstrap(name: string, serviceAccount: string): ProxyBootstrap {
    return {
      role: "sidecar",
      workload: {
        namespace: "default",
        name,
        serviceAccount,
        labels: {},
        addresses: ["127.0.0.1"],
        ports: [],
        region: "",
        zone: "",
      },
      controlPlane: { address: "127.0.0.1", port: 1, trustRootsPem: "" },
      dataDir: "",
      capture: { kind: "none" },
      tunnel: { address: "127.0.0.1", port: 0 },
      application: { address: "127.0.0.1" },
      admin: { address: "127.0.0.1", port: 0 },
      health: { address: "127.0.0.1", port: 0 },
      dnsUpstreams: [],
      logFormat: "text",
      logLevel: "error",
      accessLogFile: this.#newLogFile(name),
    };
  }

  /** Of the proxy that is made next. */
  #newLogFile(name: string): string {
    const file = join(this.#directory, `${name}-${this.#proxies.length}.log`);
    this.#logFiles.set(name, file);
    return file;
  }

  /** The access log of the newest proxy of that name. */
  logFile(name: string): string {
    return this.#logFiles.get(name) ?? "";
  }

  async run(
    bootstrap: ProxyBootstrap,
    agent: FakeAgent,
    options: Pick<ProxyParts, "destinationOf" | "filters" | "observers"> &
      Partial<Pick<ProxyParts, "clock">> = {},
  ): Promise<RunningProxy> {
    const proxy = await runProxy({ clock: systemClock, ...options, bootstrap, agent, log: this.log });
    this.#proxies.push(proxy);
    return proxy;
  }

  agent(serviceAccount: string, configuration: FakeConfiguration): FakeAgent {
    return this.#agent(serviceAccount, configuration);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of this.#proxies) proxy.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #agent(serviceAccount: string, configuration: FakeConfiguration): FakeAgent {
    return new FakeAgent(
      configuration,
      this.authority.issue(serviceAccount),
      this.authority.identity(serviceAccount),
    );
  }
}
