/** `weft logs`: files of a local mesh as they grow, and live lines of any other. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAccessLine } from "./access-lines.ts";
import { ProxyLogs } from "./log-files.ts";
import { tapLine } from "./tap-line.ts";
import { runVerb, type VerbResult } from "./testing/run-verb.ts";
import { tapped, type Tapped, tappedRecord as record } from "./testing/tap-server.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-logs-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const plain = { styled: (_: string, text: string): string => text };
const weft = (server: Pick<Tapped, "url">, ...args: readonly string[]): Promise<VerbResult> =>
  runVerb(folder, server, args);

describe("logs", () => {
  const line = (seconds: number, more: object = {}): string =>
    JSON.stringify({
      ...{
        time: `2026-01-01T00:00:${String(seconds).padStart(2, "0")}.000Z`,
        direction: "inbound",
        protocol: "http",
      },
      ...{
        source_workload: "shop/web-1",
        destination_workload: "shop/cart-1",
        destination_service: "shop/cart",
      },
      ...{
        method: "GET",
        authority: "cart",
        path: "/a",
        status: 200,
        duration_us: 1_500,
        attempts: 1,
        upstream: "u",
      },
      ...more,
    });

  test("are read as they grow, in order, without what is no access log", () => {
    const logs = new ProxyLogs(folder);
    const cart = join(folder, "shop.cart-1.proxy.log");
    writeFileSync(join(folder, "shop.cart-1.log"), `${line(1)}\n`);
    writeFileSync(cart, `${line(3)}\nready\n{"time":"x"}\n${line(5).slice(0, 20)}`);
    writeFileSync(join(folder, "shop.web-1.proxy.log"), `${line(2, { direction: "outbound" })}\n`);
    const seconds = () => logs.read().map(({ timeMs }) => new Date(timeMs).getUTCSeconds());
    expect(seconds()).toEqual([2, 3]);
    appendFileSync(cart, `${line(5).slice(20)}\n`);
    expect(seconds()).toEqual([5]);
    expect(seconds()).toEqual([]);
    // It was cut.
    writeFileSync(cart, `${line(9)}\n`);
    expect(seconds()).toEqual([9]);
  });

  test("belong to the workload whose proxy wrote them, and look like a tap's lines", () => {
    const inbound = parseAccessLine(line(1));
    expect([inbound?.own, inbound?.ownService]).toEqual(["shop/cart-1", "shop/cart"]);
    const outbound = parseAccessLine(line(1, { direction: "outbound", reason: "no_endpoint", status: 503 }));
    expect([outbound?.own, outbound?.ownService]).toEqual(["shop/web-1", ""]);
    expect(tapLine(outbound?.record ?? {}, plain, false)).toEndWith(
      "shop/web-1 → shop/cart-1  GET /a  503  1.5ms  no_endpoint",
    );
  });

  test("of a mesh elsewhere are live alone", async () => {
    await using server = tapped([{ type: "record", record }]);
    expect((await weft(server, "logs")).code).toBe(64);
    expect((await weft(server, "logs", "-f")).out).toContain("POST /items");
  });
});
