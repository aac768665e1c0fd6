/** Clients and an application that do what they like: afterwards nothing is in flight, and the proxies still serve. */
import { expect, test } from "bun:test";
import { eventually, scrape } from "../testing/eventually.ts";
import { RawClient, rawServer, type RawServerSocket } from "../testing/raw-peer.ts";
import { TestMesh, type TestServer } from "../testing/test-mesh.ts";

const clients = 400;

function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const requests = [
  "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
  "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
  "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n",
  "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello",
  "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\nonly a part",
  "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
  "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n",
  "PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n",
  "GET / HTTP/1.0\r\n\r\n",
  "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  "nonsense\r\n\r\n",
  "GET / HT",
];

const answers = [
  "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nbytes",
  "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloand more",
  "HTTP/1.1 200 OK\r\n\r\nuntil the end",
  "HTTP/1.1 503 No\r\nweft-unprocessed: draining\r\ncontent-length: 0\r\n\r\n",
  "HTTP/1.1 200",
  "garbage\r\n\r\n",
  "",
];

/** One client: some requests, at once or one after another, and then one of the ways to go. */
async function misbehave(port: number, random: (below: number) => number): Promise<void> {
  const peer = await RawClient.connect(port);
  for (let i = random(4); i >= 0; i--) {
    const request = requests[random(requests.length)] ?? "";
    peer.write(request.repeat(1 + random(3)));
    if (random(2) === 0) await Bun.sleep(random(5));
  }
  const leave = [() => peer.terminate(), () => peer.shutdown(), () => peer.close(), () => peer.pause()][
    random(4)
  ];
  leave?.();
  await Bun.sleep(random(20));
  peer.terminate();
}

async function inFlight(server: Pick<TestServer, "proxy">): Promise<string> {
  const config: unknown = await (
    await fetch(`http://127.0.0.1:${server.proxy.bound.admin.port}/config`)
  ).json();
  const busy = JSON.stringify(config).match(/"inFlight":[1-9]\d*/g) ?? [];
  const total = /weft_requests_in_flight (\d+)/.exec(await scrape(server.proxy))?.[1];
  return `${total} in flight, endpoints: ${busy.join(" ")}`;
}

test.each([1, 2, 3])("nothing is left in flight after four hundred wild clients (seed %d)", async (seed) => {
  await using mesh = new TestMesh();
  const random = seeded(seed);
  const play = (peer: RawServerSocket): void => {
    const end = [() => {}, () => void peer.socket.end(), () => peer.socket.terminate()][random(6)];
    peer.socket.write(answers[random(answers.length)] ?? "");
    end?.();
  };
  let isWild = true;
  const app = rawServer((peer) => {
    const isHead = peer.received.includes("\r\n\r\n");
    peer.received = isHead ? "" : peer.received;
    if (!isHead) return;
    if (!isWild) peer.socket.write(answers[0] ?? "");
    else if (random(3) === 0) setTimeout(() => play(peer), random(10));
    else play(peer);
  });
  const servers = [await mesh.server("echo-1", app.port), await mesh.server("echo-2", app.port)];
  const client = await mesh.client(servers.map((server) => server.endpoint));
  for (let left = clients; left > 0; left -= 20) {
    await Promise.all(Array.from({ length: 20 }, () => misbehave(client.port, random)));
  }
  for (const proxy of [client, ...servers]) {
    await eventually(async () => (await inFlight(proxy)) === "0 in flight, endpoints: ", "nothing in flight");
    expect(await inFlight(proxy)).toBe("0 in flight, endpoints: ");
  }
  isWild = false;
  // Endpoints that answered with nonsense are trusted again; connections with leftovers are not.
  const peer = await RawClient.connect(client.port);
  for (let i = 0; i < 20; i++) {
    peer.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    expect((await peer.response()).body).toBe("hello");
  }
  app.stop();
});
