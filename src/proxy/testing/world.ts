/** A client sidecar in front of server sidecars whose applications answer as they are told, with a cluster's policy. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { VirtualClock } from "../../kernel/index.ts";
import { ClusterSchema, type Endpoint } from "../../model/index.ts";
import { scrape } from "./eventually.ts";
import { RawClient, type RawServer, rawServer, type RawServerSocket } from "./raw-peer.ts";
import { TestMesh } from "./test-mesh.ts";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

export const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
export const broken = "HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno";
export const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";
export const post = "POST / HTTP/1.1\r\nhost: echo\r\ncontent-length: 2\r\n\r\nhi";

/** An application that answers its n-th request with the n-th response, and the last one for ever. */
export class App {
  readonly requests: string[] = [];
  readonly server: RawServer;

  constructor(...responses: (string | ((peer: RawServerSocket) => void))[]) {
    this.server = rawServer((peer) => {
      const end = peer.received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(peer.received)?.[1] ?? 0);
      if (peer.received.length < end + 4 + length) return;
      this.requests.push(peer.received);
      peer.received = "";
      const response = responses[Math.min(this.requests.length, responses.length) - 1] ?? hello;
      if (typeof response === "string") peer.socket.write(response);
      else response(peer);
    });
  }

  get port(): number {
    return this.server.port;
  }
}

export class World {
  readonly mesh = new TestMesh();
  readonly apps: App[] = [];
  readonly clock: VirtualClock | undefined;
  #names = 0;

  constructor(clock?: VirtualClock) {
    this.clock = clock;
  }

  async server(app: App): Promise<Endpoint> {
    this.apps.push(app);
    const { endpoint } = await this.mesh.server(`echo-${++this.#names}`, app.port);
    return endpoint;
  }

  async client(
    endpoints: readonly Endpoint[],
    cluster: ClusterInit = {},
  ): Promise<{ peer: RawClient; metric: (name: string) => Promise<number> }> {
    const { proxy, port } = await this.mesh.client(
      endpoints,
      {},
      {
        ...(this.clock === undefined ? {} : { clock: this.clock }),
        change: (configuration) => ({
          ...configuration,
          clusters: (configuration.clusters ?? []).map(({ namespace, service, port: servicePort }) =>
            create(ClusterSchema, {
              namespace,
              service,
              port: servicePort,
              connectTimeoutMs: 1_000,
              ...cluster,
            }),
          ),
        }),
      },
    );
    const metric = async (name: string): Promise<number> => {
      const text = await scrape(proxy);
      const line = text.split("\n").find((each) => each.startsWith(`${name} `));
      return Number(line?.slice(name.length + 1) ?? 0);
    };
    return { peer: await RawClient.connect(port), metric };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mesh[Symbol.asyncDispose]();
    for (const app of this.apps) app.server.stop();
  }
}
