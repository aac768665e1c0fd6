/**
 * How long an edit of a route takes to be in force at real proxies: from the request to the API until each sidecar's own
 * answer is that of the new route. The last step is seen by asking, so a figure is up to one question's interval too long.
 */
import { loadavg } from "node:os";
import { startControl, workloadOf } from "../peers/weft-control.ts";
import { type Bench, freePort } from "../processes.ts";
import { latencies } from "../programs/print-report.ts";
import { RouteProbe } from "./route-probe.ts";

export interface RouteEditFigures {
  readonly proxies: number;
  readonly edits: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Between two questions to one proxy. */
  readonly intervalMs: number;
  readonly load: number;
}

/** Proxies that start at a time. */
const startedAtOnce = 4;
/** Edits whose figures are thrown away: code that has not run yet. */
const warmUpEdits = 20;
const betweenEditsMs = 100;
/** Asking more often would take the cores that the proxies need. */
const questionsPerSecond = 4_000;
const editTimeoutMs = 10_000;

export async function measureRouteEdits(
  bench: Bench,
  { proxies, edits }: { readonly proxies: number; readonly edits: number },
): Promise<RouteEditFigures> {
  const control = await startControl(bench);
  await control.apply([service, route(1)]);
  const places = Array.from({ length: proxies }, (_, index) => ({
    name: `caller-${index}`,
    address: `127.78.${process.pid % 250}.${index + 1}`,
    port: freePort(),
  }));
  for (let first = 0; first < places.length; first += startedAtOnce) {
    const group = places.slice(first, first + startedAtOnce);
    await Promise.all(
      group.map(async ({ name, address, port }) => {
        const proxy = await control.startProxy(name, address, {
          workload: workloadOf(name, address),
          capture: {
            kind: "explicit",
            outbound: [{ address: "127.0.0.1", port, service: "default/echo", servicePort: 80 }],
          },
        });
        await proxy.listening(port);
      }),
    );
  }
  const probes = await Promise.all(places.map(({ port }) => RouteProbe.open("127.0.0.1", port)));
  const intervalMs = Math.max(1, (proxies * 1_000) / questionsPerSecond);
  try {
    const waitsMs: number[] = [];
    for (let version = 2; version < 2 + warmUpEdits + edits; version++) {
      const startMs = performance.now();
      const seen = probes.map((probe) => untilVersion(probe, version, startMs, intervalMs));
      await control.apply([route(version)]);
      const each = await Promise.all(seen);
      if (version >= 2 + warmUpEdits) waitsMs.push(...each);
      await Bun.sleep(betweenEditsMs);
    }
    const { p50Ms = 0, p99Ms = 0, maxMs = 0 } = latencies(waitsMs);
    return { proxies, edits, p50Ms, p99Ms, maxMs, intervalMs, load: loadavg()[0] ?? 0 };
  } finally {
    for (const probe of probes) probe.close();
  }
}

async function untilVersion(
  probe: RouteProbe,
  version: number,
  startMs: number,
  intervalMs: number,
): Promise<number> {
  for (;;) {
    const askedMs = performance.now();
    if ((await probe.version()) === version) return performance.now() - startMs;
    if (performance.now() - startMs > editTimeoutMs) throw new Error(`a proxy never had version ${version}`);
    await Bun.sleep(Math.max(0, intervalMs - (performance.now() - askedMs)));
  }
}

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { namespace: "default", name: "echo" },
  spec: { ports: [{ name: "main", port: 80, appProtocol: "http" }] },
};

function route(version: number): unknown {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { namespace: "default", name: "echo" },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name: "echo" }],
      rules: [
        {
          filters: [
            {
              type: "RequestRedirect",
              requestRedirect: { path: { type: "ReplaceFullPath", replaceFullPath: `/v${version}` } },
            },
          ],
        },
      ],
    },
  };
}
