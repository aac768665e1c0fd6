/** A listener that is full resets who comes, keeps who is there, and takes new ones when somebody leaves. */
import { expect, test } from "bun:test";
import { Connection } from "./connection.ts";
import { type ListenOptions, listen } from "./listen.ts";
import { makeRoot, openServer } from "./testdata/certificates.ts";
import { connected, RecordingSink, text } from "./testdata/peers.ts";

const identity = makeRoot("root").issue();

test.each<[string, Partial<ListenOptions>]>([
  ["plain", {}],
  ["TLS", { tls: openServer(identity) }],
  ["inspecting", { tls: { inspect: () => ({ kind: "passthrough" }) } }],
])("%s", async (_name, options) => {
  let refused = 0;
  const listener = listen({
    ...options,
    bounds: () => ({ maxConnections: 2, maxHandshakes: 10, handshakeTimeoutMs: 3_000 }),
    onRefused: () => refused++,
    onConnection(connection) {
      connection.sink = new RecordingSink();
    },
  });
  const dial = async (): Promise<{ client: Connection; sink: RecordingSink }> => {
    const client = await connected({ address: "127.0.0.1", port: listener.port, timeoutMs: 3_000 });
    if (!(client instanceof Connection)) throw new Error(client.detail);
    const sink = new RecordingSink();
    client.sink = sink;
    client.write(text("\x16"));
    return { client, sink };
  };
  const first = await dial();
  await dial();
  while (listener.connections < 2) await Bun.sleep(1);
  const third = await dial();
  await third.sink.event("close reset");
  expect(refused).toBe(1);
  expect(first.client.isOpen).toBe(true);
  first.client.terminate();
  while (listener.connections > 1) await Bun.sleep(1);
  const fourth = await dial();
  while (listener.connections < 2) await Bun.sleep(1);
  expect(fourth.client.isOpen).toBe(true);
  expect(refused).toBe(1);
  listener.closeAll();
});
