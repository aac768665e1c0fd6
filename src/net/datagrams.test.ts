/** UDP sockets: both families, ports that processes share, and what is lost. */
import { expect, test } from "bun:test";
import { WeftError } from "../kernel/index.ts";
import { connectDatagrams, type DatagramServer, openDatagrams } from "./datagrams.ts";

function echo(hostname: string): DatagramServer {
  const server: DatagramServer = openDatagrams({
    hostname,
    port: 0,
    onDatagram: (bytes, port, address) => void server.send(bytes, port, address),
  });
  return server;
}

test.each(["127.0.0.1", "::1"])("datagrams go both ways over %s", async (address) => {
  const server = echo(address);
  const { promise, resolve } = Promise.withResolvers<string>();
  const peer = connectDatagrams({
    address,
    port: server.port,
    onDatagram: (bytes) => resolve(Buffer.from(bytes).toString()),
    onError: () => {},
  });
  expect(peer?.send(Buffer.from("ping"))).toBe(true);
  expect(await promise).toBe("ping");
  peer?.close();
  server.close();
});

test("a port is one socket's, unless both say that they share it", () => {
  const onDatagram = (): void => {};
  const alone = openDatagrams({ hostname: "127.0.0.1", port: 0, onDatagram });
  const again = (port: number, reusePort: boolean) =>
    openDatagrams({ hostname: "127.0.0.1", port, reusePort, onDatagram });
  expect(() => again(alone.port, false)).toThrow("in use");
  expect(() => again(alone.port, true)).toThrow("in use");
  alone.close();
  const first = again(0, true);
  const second = again(first.port, true);
  expect(second.port).toBe(first.port);
  first.close();
  second.close();
});

test("an address of another machine is refused by name", () => {
  const open = () => openDatagrams({ hostname: "192.0.2.9", port: 0, onDatagram() {} });
  expect(open).toThrow(WeftError);
  expect(open).toThrow("192.0.2.9:0/udp");
});

test("what is too long for a datagram is lost, and the next gets through", async () => {
  const server = echo("127.0.0.1");
  const { promise, resolve } = Promise.withResolvers<number>();
  const peer = connectDatagrams({
    address: "127.0.0.1",
    port: server.port,
    onDatagram: (bytes) => resolve(bytes.length),
    onError: () => {},
  });
  expect(peer?.send(new Uint8Array(70_000))).toBe(false);
  expect(peer?.send(new Uint8Array(0))).toBe(true);
  expect(await promise).toBe(0);
  peer?.close();
  server.close();
});

test("a port where nobody is says so", async () => {
  const gone = echo("127.0.0.1");
  gone.close();
  const { promise, resolve } = Promise.withResolvers<void>();
  const peer = connectDatagrams({ address: "127.0.0.1", port: gone.port, onDatagram() {}, onError: resolve });
  peer?.send(Buffer.from("ping"));
  await promise;
  peer?.close();
});
