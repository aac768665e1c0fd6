/**
 * Requests that are tried again, that their client gives up, and that come while the control plane is away: each is counted once, tries
 * at the servers that saw them, and what the control plane acknowledged is neither told again nor lost.
 */
import { expect, test } from "bun:test";
import { eventually } from "../../e2e/harness/eventually.ts";
import { startMesh, type TestMesh } from "../../e2e/harness/mesh.ts";
import { killNow, processOf } from "../../e2e/harness/mesh-processes.ts";
import { gatewayTo, webProgram, yaml } from "../../e2e/harness/resources.ts";
import { type Counts, MeshNumbers, toService } from "./number-readings.ts";

const plain = 40;
const retried = 20;
const givenUp = 20;
const whileAway = 60;
const afterwards = 10;
const settleMs = 30_000;
const gateway = "weft-system/gateway";
const servers = ["default/web-v1", "default/web-v2"];

test("counts stay exact through retries, clients that leave, and a control plane that is killed", async () => {
  await using mesh = await startMesh({
    files: {
      "programs.yaml": yaml(webProgram("v1"), webProgram("v2")),
      "routes.yaml": yaml(gatewayTo({ web: 1 })),
    },
  });
  const numbers = new MeshNumbers(mesh);
  await ask(mesh, plain, "/");
  await ask(mesh, retried, "/?status=503");
  for (let i = 0; i < givenUp; i++) await giveUp(mesh);

  const atClient = { "200": plain, "503": retried, "200 client_closed": givenUp };
  await eventually(async () => expect(await clientCounts(numbers)).toEqual(atClient), settleMs);
  const tries = Object.values(await numbers.sums(gateway, "weft_retries_total", () => "all"));
  // The budget for retries says how many.
  expect(tries[0]).toBeGreaterThan(0);
  const atServers = { ...atClient, "503": retried + (tries[0] ?? 0) };
  await eventually(async () => expect(await serverCounts(numbers)).toEqual(atServers), settleMs);
  const before = { outbound: totalOf(atClient), inbound: totalOf(atServers) };
  await eventually(async () => expect(await reported(numbers)).toEqual(before), settleMs);

  const killed = processOf(mesh, "control");
  killNow(killed);
  await ask(mesh, whileAway, "/");
  await eventually(() => expect(processOf(mesh, "control").pid).not.toBe(killed.pid), settleMs);
  await ask(mesh, afterwards, "/");

  // Its counters begin anew: it is told what it had not acknowledged, and nothing of what it had.
  const since = whileAway + afterwards;
  await eventually(
    async () => expect(await reported(numbers)).toEqual({ outbound: since, inbound: since }),
    settleMs,
  );
  expect(await clientCounts(numbers)).toEqual({ ...atClient, "200": plain + since });
}, 120_000);

async function ask(mesh: TestMesh, count: number, path: string): Promise<void> {
  for (let i = 0; i < count; i++) await (await mesh.get(path)).text();
}

/** After the answer has begun, so that every hop has the request. */
async function giveUp(mesh: TestMesh): Promise<void> {
  const leaving = new AbortController();
  const response = await fetch(new URL("/begun", mesh.ready.gateway), { signal: leaving.signal });
  await response.body?.getReader().read();
  leaving.abort();
}

function clientCounts(numbers: MeshNumbers): Promise<Counts> {
  return numbers.sums(gateway, "http_client_request_duration_seconds_count", toService(outcomeOf));
}

async function serverCounts(numbers: MeshNumbers): Promise<Counts> {
  const sums: Record<string, number> = {};
  for (const server of servers) {
    const metric = "http_server_request_duration_seconds_count";
    const counts = await numbers.sums(server, metric, toService(outcomeOf));
    for (const [key, count] of Object.entries(counts)) sums[key] = (sums[key] ?? 0) + count;
  }
  return sums;
}

function outcomeOf(labels: Readonly<Record<string, string>>): string {
  const { http_response_status_code: status, error_type: error } = labels;
  return error === undefined || error === status ? `${status}` : `${status} ${error}`;
}

function reported(numbers: MeshNumbers): Promise<Counts> {
  return numbers.sums(
    "control",
    "weft_mesh_exchanges_total",
    toService((labels) => labels["direction"]),
  );
}

function totalOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
