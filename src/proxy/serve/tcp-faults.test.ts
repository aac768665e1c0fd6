/** Trouble on purpose for connections whose content is not read. */
import { describe, expect, test } from "bun:test";
import { Protocol } from "../../model/index.ts";
import { eventually } from "../testing/eventually.ts";
import { faultFixture, injected } from "../testing/fault-fixture.ts";
import { RawClient, rawServer } from "../testing/raw-peer.ts";

describe("raw TCP", () => {
  const tcp = { protocol: Protocol.TCP };
  const echo = () => rawServer((peer, chunk) => peer.socket.write(chunk));

  test("is reset, after a delay where there is one", async () => {
    const app = echo();
    const outcome = { case: "reset", value: true } as const;
    await using subject = await faultFixture(app, { delayMs: 10_000, outcome }, tcp);
    const peer = await RawClient.connect(subject.port);
    peer.write("hello");
    await eventually(() => injected(subject.proxy, "delay") === 1, "it is delayed");
    expect(peer.isReset).toBe(false);
    subject.clock.advance(11_000);
    await eventually(() => peer.isReset, "the client notices");
    expect(app.connections).toHaveLength(0);
    expect(subject.proxy.metricsText()).toMatch(/error_type="fault_injected"/);
  });

  test("waits, and loses nothing", async () => {
    const app = echo();
    await using subject = await faultFixture(app, { delayMs: 10_000 }, tcp);
    const peer = await RawClient.connect(subject.port);
    peer.write("hello");
    await eventually(() => injected(subject.proxy, "delay") === 1, "it is delayed");
    expect(app.connections).toHaveLength(0);
    subject.clock.advance(11_000);
    expect(await peer.until("hello")).toBe("hello");
    peer.close();
    await eventually(() => subject.lastLine()["reason"] === "fault_injected", "it is in the log");
  });

  test("of a server that speaks first waits too, once", async () => {
    let opened = 0;
    let closed = 0;
    const app = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open(socket) {
          opened++;
          socket.write("220 ready\r\n");
        },
        data() {},
        close: () => void closed++,
      },
    });
    await using subject = await faultFixture(
      { port: app.port, stop: () => app.stop(true) },
      { delayMs: 10_000 },
      { protocol: Protocol.UNSPECIFIED },
    );
    const peer = await RawClient.connect(subject.port);
    await eventually(() => {
      subject.clock.advance(10);
      return injected(subject.proxy, "delay") === 1;
    }, "it is delayed");
    expect(peer.totalBytes).toBe(0);
    await eventually(() => opened === 1 && closed === 1, "what was dialled to listen is let go");
    subject.clock.advance(11_000);
    expect(await peer.until("ready\r\n")).toBe("220 ready\r\n");
    expect(opened).toBe(2);
  });

  test("that its client leaves is over", async () => {
    const app = echo();
    await using subject = await faultFixture(app, { delayMs: 10_000 }, tcp);
    const peer = await RawClient.connect(subject.port);
    await eventually(() => injected(subject.proxy, "delay") === 1, "it is delayed");
    peer.terminate();
    await eventually(() => subject.proxy.metricsText().includes("weft_requests_in_flight 0"), "it is over");
    subject.clock.advance(20_000);
    expect(app.connections).toHaveLength(0);
  });
});
