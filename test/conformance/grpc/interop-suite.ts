/**
 * Every client against every server: through two sidecars, with the protocol declared and found out, and through a gateway.
 */
import { eventually } from "../../e2e/harness/eventually.ts";
import { Gateways } from "./gateways.ts";
import type { CaseResult, InteropPeer, InteropServer } from "./interop-peers.ts";
import { type Application, Sidecars } from "./sidecars.ts";

export interface Leg extends CaseResult {
  readonly client: string;
  readonly server: string;
  readonly way: string;
}

/** One listener that leads to a server. */
interface Way {
  readonly way: string;
  readonly server: string;
  readonly port: number;
}

/** How two sidecars come to know what is spoken. */
const declarations: readonly { readonly way: string; readonly appProtocol: string | undefined }[] = [
  { way: "two sidecars, declared", appProtocol: "grpc" },
  { way: "two sidecars, detected", appProtocol: undefined },
];
const openTimeoutMs = 20_000;

/** Each case's outcome as it comes. */
export async function* runInterop(peers: readonly InteropPeer[]): AsyncGenerator<Leg> {
  const servers = new Map<string, InteropServer>();
  try {
    for (const peer of peers) servers.set(peer.name, await peer.serve());
    await using sidecars = await Sidecars.start(applicationsOf(servers));
    await using gateways = new Gateways();
    for (const way of await waysTo(servers, sidecars, gateways)) {
      for (const client of peers) {
        await eventually(async () => {
          if (await client.isAnswered(way.port)) return;
          throw new Error(`${way.server} is not answered: ${sidecars.logs()}${gateways.logs()}`);
        }, openTimeoutMs);
        for await (const result of client.run(way.port, way.server)) {
          yield { ...result, client: client.name, server: way.server, way: way.way };
        }
      }
    }
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  }
}

function applicationsOf(servers: ReadonlyMap<string, InteropServer>): Application[] {
  return [...servers].flatMap(([server, { port }]) =>
    declarations.map(({ appProtocol }) => ({ name: nameOf(server, appProtocol), port, appProtocol })),
  );
}

async function waysTo(
  servers: ReadonlyMap<string, InteropServer>,
  sidecars: Sidecars,
  gateways: Gateways,
): Promise<Way[]> {
  const ways: Way[] = [];
  for (const [server, { port }] of servers) {
    for (const { way, appProtocol } of declarations) {
      ways.push({ way, server, port: sidecars.listenerOf(nameOf(server, appProtocol)) });
    }
    ways.push({ way: "a gateway", server, port: await gateways.start(server, port) });
  }
  return ways;
}

function nameOf(server: string, appProtocol: string | undefined): string {
  return `${server}-${appProtocol ?? "detected"}`;
}
