/** A client sidecar whose one service has a policy, and what the proxy says of itself. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ClusterSchema, type Endpoint, Protocol } from "../../model/index.ts";
import { scrape } from "./eventually.ts";
import { RawClient } from "./raw-peer.ts";
import type { TestMesh } from "./test-mesh.ts";

export const ok = (body: string): string =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
export const status = (line: string): string => `HTTP/1.1 ${line}\r\ncontent-length: 0\r\n\r\n`;
export const get = "GET / HTTP/1.1\r\nhost: echo\r\n\r\n";

export function clientOf(
  mesh: TestMesh,
  endpoints: readonly Endpoint[],
  policy: MessageInitShape<typeof ClusterSchema> = {},
  protocol = Protocol.HTTP,
): ReturnType<TestMesh["client"]> {
  const cluster = create(ClusterSchema, {
    namespace: "default",
    service: "echo",
    port: 80,
    connectTimeoutMs: 1_000,
    ...policy,
  });
  return mesh.client(endpoints, { protocol }, { change: (each) => ({ ...each, clusters: [cluster] }) });
}

interface Figures {
  readonly text: string;
  of(series: string): number;
}

export async function figures(proxy: Parameters<typeof scrape>[0]): Promise<Figures> {
  const text = await scrape(proxy);
  return {
    text,
    of: (series) => {
      const line = text.split("\n").find((each) => each.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
  };
}

export async function configOf(proxy: Parameters<typeof scrape>[0]): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${proxy.bound.admin.port}/config`);
  return await response.text();
}

export async function statuses(port: number, count: number): Promise<number[]> {
  const peer = await RawClient.connect(port);
  const seen: number[] = [];
  for (let i = 0; i < count; i++) {
    peer.write(get);
    seen.push((await peer.response()).status);
  }
  peer.close();
  return seen;
}
