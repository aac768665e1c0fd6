/** Questions to real resolvers on loopback. */
import { expect, test } from "bun:test";
import { systemClock } from "../../kernel/index.ts";
import { TimerWheel } from "../../net/index.ts";
import { TestDnsServer } from "../testing/dns-server.ts";
import type { DnsAnswerContent } from "./dns-answer.ts";
import { DnsClient } from "./dns-client.ts";
import { rcodes } from "./dns-message.ts";

const names = { "api.example.com": ["192.0.2.1", "192.0.2.2", "2001:db8::1"] };

function client(upstreams: readonly string[], mark?: number): DnsClient & Disposable {
  const wheel = new TimerWheel(systemClock, 10, 512);
  const created = new DnsClient({ upstreams, wheel, mark });
  return Object.assign(created, {
    [Symbol.dispose]: () => {
      created.close();
      wheel.close();
    },
  });
}

function ask(asking: DnsClient, name: string, type = 1): Promise<DnsAnswerContent | string> {
  return new Promise((resolve) => asking.ask(name, type, resolve));
}

test("asks over UDP, in both families", async () => {
  await using server = await TestDnsServer.start({ names, ttlSeconds: 30 });
  using asking = client([server.address]);
  expect(await ask(asking, "api.example.com")).toMatchObject({
    addresses: ["192.0.2.1", "192.0.2.2"],
    ttlSeconds: 30,
  });
  expect(await ask(asking, "api.example.com", 28)).toMatchObject({ addresses: ["2001:db8::1"] });
  expect(await ask(asking, "no.example.com")).toMatchObject({ rcode: 3, addresses: [] });
  expect(server.asked).toEqual(["udp api.example.com 1", "udp api.example.com 28", "udp no.example.com 1"]);
});

test("asks over TCP for what does not fit", async () => {
  const many = Array.from({ length: 60 }, (_, i) => `198.51.100.${i + 1}`);
  await using server = await TestDnsServer.start({
    names: { "big.example": many },
    ttlSeconds: 30,
    maxUdpBytes: 100,
  });
  using asking = client([server.address]);
  const answer = await ask(asking, "big.example");
  expect(answer).toMatchObject({ isTruncated: false });
  // The first ones are enough to spread connections over.
  expect(typeof answer === "string" ? [] : answer.addresses).toEqual(many.slice(0, 32));
  expect(server.asked).toEqual(["udp big.example 1", "tcp big.example 1"]);
});

test("passes over resolvers that are silent, not there or out of order", async () => {
  await using silent = await TestDnsServer.start({ names, ttlSeconds: 30, isSilent: true });
  await using broken = await TestDnsServer.start({ names, ttlSeconds: 30, rcode: rcodes.serverFailure });
  await using good = await TestDnsServer.start({ names, ttlSeconds: 30 });
  using asking = client(["127.0.0.1:1", silent.address, broken.address, good.address]);
  expect(await ask(asking, "api.example.com")).toMatchObject({ addresses: ["192.0.2.1", "192.0.2.2"] });
  expect(silent.asked).toHaveLength(2);
  using hopeless = client([broken.address]);
  expect(await ask(hopeless, "api.example.com")).toBe(`${broken.address} answers with code 2`);
  using nobody = client([]);
  expect(await ask(nobody, "api.example.com")).toBe("no resolver is configured");
  expect(await ask(asking, "a..b")).toBe("it is no name");
});

test.skipIf(process.getuid?.() !== 0)(
  "goes over TCP where connections carry a mark (needs root)",
  async () => {
    await using server = await TestDnsServer.start({ names, ttlSeconds: 30 });
    using asking = client([server.address], 0x77);
    expect(await ask(asking, "api.example.com")).toMatchObject({ addresses: ["192.0.2.1", "192.0.2.2"] });
    expect(server.asked).toEqual(["tcp api.example.com 1"]);
  },
);
