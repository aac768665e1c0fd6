/** Every client against every server, with the protocol declared and found out, each pair of them through two sidecars. */
import { eventually } from "../../e2e/harness/eventually.ts";
import type { CaseResult, InteropPeer, InteropServer } from "./interop-peers.ts";
import { type Application, Sidecars } from "./sidecars.ts";

export interface Leg extends CaseResult {
  readonly client: string;
  readonly server: string;
  readonly way: string;
}

/** How the mesh comes to know what is spoken. */
const ways: readonly { readonly way: string; readonly appProtocol: string | undefined }[] = [
  { way: "declared", appProtocol: "grpc" },
  { way: "detected", appProtocol: undefined },
];
const openTimeoutMs = 20_000;

/** Each case's outcome as it comes. */
export async function* runInterop(peers: readonly InteropPeer[]): AsyncGenerator<Leg> {
  const servers: InteropServer[] = [];
  try {
    const applications: (Application & { readonly server: string; readonly way: string })[] = [];
    for (const peer of peers) {
      const server = await peer.serve();
      servers.push(server);
      for (const { way, appProtocol } of ways) {
        const name = `${peer.name}-${way}`;
        applications.push({ name, port: server.port, appProtocol, server: peer.name, way });
      }
    }
    await using sidecars = await Sidecars.start(applications);
    for (const { name, server, way } of applications) {
      const port = sidecars.listenerOf(name);
      for (const peer of peers) {
        await eventually(async () => {
          if (!(await peer.isAnswered(port))) throw new Error(`${name} is not answered: ${sidecars.logs()}`);
        }, openTimeoutMs);
        for await (const result of peer.run(port, server))
          yield { ...result, client: peer.name, server, way };
      }
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
