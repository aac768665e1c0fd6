/** `weft serve --workers`: several processes on one port that look like one, and lose no more than one can hold. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./harness/eventually.ts";
import { countOutcomes, OpenLoopLoad } from "./harness/open-loop-load.ts";
import { gatewayTo, yaml } from "./harness/resources.ts";
import { type Served, serviceAt, startServe } from "./harness/serve.ts";

const hookTimeoutMs = 60_000;
let upstream: Bun.Server<undefined>;
let served: Served;

interface ConfigPage {
  readonly revision: number;
  readonly workers: readonly { readonly pid: number; readonly restarts: number; readonly revision: number }[];
}

beforeAll(async () => {
  upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here") });
  served = await startServe({ "a.yaml": yaml(gatewayTo({ web: 1 }), serviceAt("web", upstream.port ?? 0)) }, [
    "--workers",
    "2",
  ]);
}, hookTimeoutMs);

afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await upstream.stop(true);
}, hookTimeoutMs);

const config = async (): Promise<ConfigPage> => {
  const page: ConfigPage = JSON.parse(await (await fetch(`http://${served.ready.admin}/config`)).text());
  return page;
};

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://${served.ready.admin}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** Each on a connection of its own, so that the kernel spreads them. */
async function ask(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const response = await fetch(served.ready.gateway, { headers: { connection: "close" } });
    expect(await response.text()).toBe("here");
  }
}

describe("workers", () => {
  test("share the connections, and what they count is added up", async () => {
    const before = await metric("weft_connections_accepted_total");
    await ask(40);
    expect((await metric("weft_connections_accepted_total")) - before).toBe(40);
    const { workers } = await config();
    expect(new Set(workers.map(({ pid }) => pid)).size).toBe(2);
    expect(await metric("weft_workers_live")).toBe(2);
  });

  test("a change has reached all of them when it is reported", async () => {
    const { revision } = await config();
    writeFileSync(join(served.folder, "b.yaml"), yaml(serviceAt("more", 1)));
    await eventually(async () => expect((await config()).revision).toBe(revision + 1));
    for (const worker of (await config()).workers) expect(worker.revision).toBe(revision + 1);
  });

  test("one that is killed takes only its own connections with it, and comes back", async () => {
    await metric("weft_connections_accepted_total");
    const counted = await metric("weft_connections_accepted_total");
    const [victim] = (await config()).workers;
    if (victim === undefined) throw new Error("no worker");
    const load = OpenLoopLoad.start({ url: served.ready.gateway, requestsPerSecond: 100 });
    await eventually(() => expect(load.samples.length).toBeGreaterThan(20));
    process.kill(victim.pid, "SIGKILL");
    await eventually(async () => {
      expect(await metric("weft_workers_live")).toBe(2);
      expect(await metric("weft_worker_restarts_total")).toBe(1);
    }, 30_000);
    const samples = await load.stop();
    const outcomes = countOutcomes(samples);
    // What was on its connections at that moment, at most one request each.
    expect(samples.length - (outcomes["200"] ?? 0)).toBeLessThanOrEqual(32);
    expect(await metric("weft_connections_accepted_total")).toBeGreaterThanOrEqual(counted);
    await ask(20);
  });

  test("end with their parent, however that ends", async () => {
    const other = await startServe(
      { "a.yaml": yaml(gatewayTo({ web: 1 }), serviceAt("web", upstream.port ?? 0)) },
      ["--workers", "2"],
    );
    const page: ConfigPage = JSON.parse(await (await fetch(`http://${other.ready.admin}/config`)).text());
    other.kill("SIGKILL");
    await other.finished;
    await eventually(() => {
      for (const { pid } of page.workers) expect(() => process.kill(pid, 0)).toThrow();
    });
  });

  test("SIGTERM drains all of them and exits 0", async () => {
    const pids = (await config()).workers.map(({ pid }) => pid);
    served.kill("SIGTERM");
    expect((await served.finished).code).toBe(0);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
  });
});
