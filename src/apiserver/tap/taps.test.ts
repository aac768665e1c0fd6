/** Taps through the API: who may, what is written of it, and what a reader gets. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { VirtualClock, WeftError } from "../../kernel/index.ts";
import type { TapListener } from "../../observe/index.ts";
import { Direction, TapRecordSchema } from "../../wire/index.ts";
import { bindingOf, clusterRole, on, people, PeoplesApi, user } from "../testing-people.ts";
import { TapStream } from "./tap-stream.ts";

const base = "/apis/weft.dev/v1alpha1";
const record = create(TapRecordSchema, {
  direction: Direction.OUTBOUND,
  proxy: "shop/web-1",
  requestId: "r-1",
  path: "/a",
  endUs: 12n,
});

describe("a request for a tap", () => {
  let mesh: PeoplesApi;
  beforeEach(async () => {
    mesh = await PeoplesApi.start();
  });
  afterEach(() => mesh.close());

  async function open(
    who: keyof typeof people,
    query = "",
  ): Promise<{ status: number; end(): Promise<void>; lines(count: number): Promise<unknown[]> }> {
    const ended = new AbortController();
    const response = await fetch(`${mesh.api.server.url}${base}/tap?${query}`, {
      headers: { authorization: `Bearer ${people[who]}` },
      signal: ended.signal,
    });
    const reader = response.body?.getReader();
    let text = "";
    return {
      status: response.status,
      end: () => Promise.resolve(ended.abort()),
      async lines(count) {
        while (text.split("\n").length <= count) {
          const { value, done } = (await reader?.read()) ?? { done: true, value: undefined };
          if (done) break;
          text += new TextDecoder().decode(value);
        }
        return text
          .trim()
          .split("\n")
          .map((line): unknown => JSON.parse(line));
      },
    };
  }

  const entries = () => mesh.api.audited().filter(({ verb }) => verb === "tap");

  test("is refused without the right, and nothing is tapped", async () => {
    const { status } = await open("ann");
    expect([status, mesh.api.taps.started]).toEqual([403, []]);
    const [refusal] = mesh.api.audited().filter(({ outcome }) => outcome === "denied");
    expect(refusal).toMatchObject({ user: "ann", verb: expect.stringContaining("create taps") });
  });

  test("with it is answered line by line, with an entry of the audit log, until its reader leaves", async () => {
    await mesh.apply(
      clusterRole("tapper", [on(["create"], ["taps"], ["weft.dev"])]),
      bindingOf("ann", "tapper", user("ann")),
    );
    const tap = await open("ann", "service=shop/cart&filter=connection.mtls&headers=true&seconds=60");
    const [started] = mesh.api.taps.started;
    expect(started?.asked).toMatchObject({
      targets: [{ kind: "service", name: "shop/cart" }],
      ...{ filter: "connection.mtls", headers: true, maxBodyBytes: 0, maxPerSecond: 50, seconds: 60 },
    });
    started?.listener.onRecord(record);
    started?.listener.onLoss("shop/web-1", 4);
    expect(await tap.lines(3)).toEqual([
      { type: "started", proxies: 3 },
      {
        type: "record",
        record: {
          direction: "DIRECTION_OUTBOUND",
          proxy: "shop/web-1",
          requestId: "r-1",
          path: "/a",
          endUs: "12",
        },
      },
      { type: "loss", proxy: "shop/web-1", count: 4 },
    ]);
    expect(entries()).toMatchObject([
      {
        ...{ user: "ann", outcome: "ok", objects: [{ kind: "Service", namespace: "shop", name: "cart" }] },
        message: "headers, no bodies, 50 a second at each proxy, for 60 s, filter connection.mtls",
      },
    ]);
    await tap.end();
    await started?.stopped;
  });

  test("for bodies takes a right of its own", async () => {
    await mesh.apply(
      clusterRole("tapper", [on(["create"], ["taps"], ["weft.dev"])]),
      clusterRole("reader", [on(["create"], ["taps/bodies"], ["weft.dev"])]),
      bindingOf("ann", "tapper", user("ann")),
      bindingOf("bob", "reader", user("bob")),
    );
    expect((await open("ann", "bodies=100")).status).toBe(403);
    const tap = await open("bob", "bodies=100");
    expect([tap.status, mesh.api.taps.started[0]?.asked.maxBodyBytes]).toEqual([200, 100]);
    await tap.end();
  });

  test("of one namespace takes the right there alone", async () => {
    await mesh.apply(
      clusterRole("tapper", [on(["create"], ["taps"], ["weft.dev"])]),
      bindingOf("ann", "tapper", user("ann"), "default"),
    );
    expect((await open("ann", "namespace=other")).status).toBe(403);
    expect((await open("ann", "")).status).toBe(403);
    expect((await open("ann", "service=default/a&service=other/b")).status).toBe(403);
    const tap = await open("ann", "service=default/a&workload=default/b-1");
    expect(tap.status).toBe(200);
    await tap.end();
  });

  test.each([
    ["service=cart", "is no service"],
    ["namespace=a/b", "is no namespace"],
    ["bodies=70000", "bodies must be a whole number up to 65536"],
    ["seconds=x", "seconds must be a whole number"],
  ])("that says %s is refused", async (query, message) => {
    const { status, body } = await mesh.admin("GET", `${base}/tap?${query}`);
    expect([status, body.message]).toEqual([400, expect.stringContaining(message)]);
    expect(entries()).toEqual([]);
  });

  test("that cannot be had is no entry of what happened", async () => {
    mesh.api.taps.problem = new WeftError("exhausted", "16 taps are running already");
    expect((await mesh.admin("GET", `${base}/tap`)).status).toBe(429);
    expect(entries()).toEqual([]);
  });

  test("for one request that was seen tells its hops", async () => {
    mesh.api.taps.records = [record];
    expect((await mesh.admin("GET", `${base}/requests/r-1`)).body).toEqual({
      hops: [expect.objectContaining({ proxy: "shop/web-1" })],
    });
    expect((await mesh.admin("GET", `${base}/requests/r-2`)).status).toBe(404);
    expect((await mesh.as("ann")("GET", `${base}/requests/r-1`)).status).toBe(403);
  });
});

describe("a reader", () => {
  function streamed(isAllowed = () => true) {
    const clock = new VirtualClock();
    let listener: TapListener | undefined;
    let stops = 0;
    const stream = new TapStream({
      start: (given) => {
        listener = given;
        return { proxies: 1, stop: () => void stops++ };
      },
      isAllowed,
      clock,
      onEnd: () => {},
    });
    const reader = stream.readable.getReader();
    return {
      clock,
      stream,
      reader,
      get listener() {
        if (listener === undefined) throw new Error("it did not start");
        return listener;
      },
      get stops() {
        return stops;
      },
      async rest(): Promise<string[]> {
        let text = "";
        for (;;) {
          const { value, done } = await reader.read();
          if (done) return text.trim().split("\n");
          text += new TextDecoder().decode(value);
        }
      },
    };
  }

  test("that is slow loses records, keeps a bound, and is told how many", async () => {
    const scene = streamed();
    const large = { ...record, detail: "x".repeat(2_000) };
    for (let i = 0; i < 5_000; i++) scene.listener.onRecord(large);
    scene.stream.end("over");
    const lines = await scene.rest();
    expect(lines.join("").length).toBeLessThan(2_200_000);
    const records = lines.filter((line) => line.includes('"type":"record"')).length;
    const lost: { count?: number } = JSON.parse(lines.find((line) => line.includes('"type":"loss"')) ?? "{}");
    expect(records + (lost.count ?? 0)).toBe(5_000);
    expect(lines.at(-1)).toBe('{"type":"end","why":"over"}');
  });

  test("hears that the tap is alive, and when it ends by itself", async () => {
    const scene = streamed();
    scene.clock.advance(10_000);
    scene.listener.onEnd("its time is over");
    expect((await scene.rest()).slice(1)).toEqual([
      '{"type":"alive"}',
      '{"type":"end","why":"its time is over"}',
    ]);
  });

  test("who has lost the right sees no more", async () => {
    const scene = streamed(() => false);
    scene.clock.advance(10_000);
    expect((await scene.rest()).at(-1)).toContain("the right to tap was taken away");
    expect(scene.stops).toBe(1);
  });

  test("who leaves ends the tap", async () => {
    const scene = streamed();
    await scene.reader.cancel();
    scene.listener.onRecord(record);
    expect(scene.stops).toBe(1);
  });
});
