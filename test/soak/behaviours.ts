/** What clients of a soak do: some behave, most leave in the middle, stall, or send what no protocol allows. */
import { Http2Client } from "../../src/proxy/testing/http2-peer.ts";
import { RawClient } from "../../src/proxy/testing/raw-peer.ts";
import type { SoakPorts } from "./gateway-files.ts";

export interface Behaviour {
  readonly name: string;
  /** Never rejects: a gateway that does not answer here is not what a soak looks at. */
  run(ports: SoakPorts, random: () => number): Promise<void>;
}

const get = "GET /h1 HTTP/1.1\r\nhost: soak\r\n\r\n";
const big = "y".repeat(100_000);

function raw(
  name: string,
  port: keyof SoakPorts,
  act: (peer: RawClient, random: () => number) => Promise<void>,
): Behaviour {
  return {
    name,
    async run(ports, random) {
      const peer = await RawClient.connect(ports[port]).catch(() => undefined);
      if (peer === undefined) return;
      await act(peer, random).catch(() => {});
      if (random() < 0.5) peer.terminate();
      else peer.close();
    },
  };
}

function http2(name: string, act: (client: Http2Client, random: () => number) => Promise<void>): Behaviour {
  return {
    name,
    async run(ports, random) {
      const client = await Http2Client.connect(ports.http).catch(() => undefined);
      if (client === undefined) return;
      await act(client, random).catch(() => {});
      client.close();
    },
  };
}

export const behaviours: readonly Behaviour[] = [
  raw("HTTP/1.1: requests on one connection", "http", async (peer) => {
    for (let i = 0; i < 20; i++) {
      peer.write(get);
      await peer.response();
    }
  }),
  raw("HTTP/1.1: HTTP/2 behind", "http", async (peer) => {
    peer.write("GET /h2 HTTP/1.1\r\nhost: soak\r\n\r\n");
    await peer.until("0\r\n");
  }),
  raw("HTTP/1.1: a pipeline", "http", async (peer) => {
    peer.write(get.repeat(10));
    for (let i = 0; i < 10; i++) await peer.response();
  }),
  raw("HTTP/1.1: a body", "http", async (peer) => {
    peer.write(`POST /h1 HTTP/1.1\r\nhost: soak\r\ncontent-length: ${big.length}\r\n\r\n${big}`);
    await peer.response();
  }),
  raw("HTTP/1.1: leaves within its body", "http", async (peer, random) => {
    const sent = big.slice(0, Math.floor(random() * big.length));
    peer.write(`POST /h1 HTTP/1.1\r\nhost: soak\r\ncontent-length: ${big.length}\r\n\r\n${sent}`);
    await Bun.sleep(random() * 20);
  }),
  raw("HTTP/1.1: leaves within its head", "http", async (peer, random) => {
    peer.write(get.slice(0, Math.floor(random() * get.length)));
    await Bun.sleep(random() * 20);
  }),
  raw("HTTP/1.1: does not read for a while", "http", async (peer, random) => {
    peer.pause();
    peer.write(get.repeat(50));
    await Bun.sleep(random() * 500);
    peer.resume();
    await peer.response();
  }),
  raw("HTTP/1.1: malformed", "http", async (peer) => {
    peer.write("GET / HTTP/1.1\r\nhost : soak\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n");
    await peer.toEnd();
  }),
  raw("bytes of no protocol", "http", async (peer, random) => {
    peer.write(Uint8Array.from({ length: 200 }, () => Math.floor(random() * 256)));
    await Bun.sleep(random() * 20);
  }),
  raw("TCP: an echo", "tcp", async (peer) => {
    peer.write(big);
    await peer.bytes(big.length);
  }),
  raw("TCP: does not read", "tcp", async (peer, random) => {
    peer.pause();
    for (let i = 0; i < 20; i++) peer.write(big);
    await Bun.sleep(random() * 300);
  }),
  http2("HTTP/2: many streams", async (client) => {
    const answers = Array.from({ length: 50 }, (_, i) => client.get(i % 2 === 0 ? "/h2" : "/h1").ended());
    await Promise.all(answers);
  }),
  http2("HTTP/2: bodies", async (client) => {
    const more = [["te", "trailers"]] as const;
    await Promise.all([0, 1, 2, 3].map((i) => client.post(i % 2 === 0 ? "/h2" : "/h1", big, more).ended()));
  }),
  http2("HTTP/2: resets what it asked for", async (client, random) => {
    for (let i = 0; i < 20; i++) {
      const message = client.post("/h2", null);
      await Bun.sleep(random() * 3);
      message.stream?.reset("cancel");
    }
  }),
  http2("HTTP/2: leaves with streams open", async (client, random) => {
    for (let i = 0; i < 20; i++) client.post("/h1", null);
    await Bun.sleep(random() * 20);
  }),
];
