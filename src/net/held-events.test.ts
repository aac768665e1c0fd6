/** A connection without a sink holds its events; the first sink gets all of them, in their order. */
import { expect, test } from "bun:test";
import { Connection } from "./connection.ts";
import { listen } from "./listen.ts";
import { connected, RecordingSink, text } from "./testdata/peers.ts";

interface HeldPair {
  readonly client: Connection;
  readonly server: Connection;
  readonly close: () => void;
}

async function acceptWithoutSink(): Promise<HeldPair> {
  const accepted = Promise.withResolvers<Connection>();
  const listener = listen({ onConnection: accepted.resolve });
  const client = await connected({ address: "127.0.0.1", port: listener.port, timeoutMs: 30_000 });
  if (!(client instanceof Connection)) throw new Error(client.detail);
  client.sink = new RecordingSink();
  return { client, server: await accepted.promise, close: () => listener.closeAll() };
}

test("data and FIN that came first are delivered to the first sink", async () => {
  const { client, server, close } = await acceptWithoutSink();
  client.write(text("early"));
  client.shutdown();
  const sink = new RecordingSink();
  server.sink = sink;
  await sink.received("early");
  await sink.event("end");
  close();
});

test("a connection that ended before it had a sink says so when it gets one", async () => {
  const { client, server, close } = await acceptWithoutSink();
  client.write(text("last words"));
  client.flush();
  client.shutdown();
  server.shutdown();
  while (server.isOpen) await Bun.sleep(1);
  const sink = new RecordingSink();
  server.sink = sink;
  expect(sink.text).toBe("last words");
  expect(sink.events.at(-1)).toBe("close ended");
  close();
});
