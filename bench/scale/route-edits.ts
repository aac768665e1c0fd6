/**
 * How long an edit of a route takes to be in force at real proxies: from the request to the API until each sidecar has put it in
 * force, by its own clock, which is this machine's. Nobody asks them meanwhile: that would take the cores that they need. Once
 * it is over each must answer with the new route, and only then says when it had it.
 */
import { loadavg } from "node:os";
import { adminPort, startControl, workloadOf } from "../peers/weft-control.ts";
import { type Bench, type BenchProcess, bothCores, freePort } from "../processes.ts";
import { latencies } from "../programs/print-report.ts";
import { RouteProbe } from "./route-probe.ts";

export interface RouteEditFigures {
  readonly proxies: number;
  readonly edits: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly load: number;
}

/** Proxies that start at a time. */
const startedAtOnce = 4;
/** Edits whose figures are thrown away: what they run is compiled by then. It is some 3 s of the control plane's CPU, as elsewhere here. */
const warmUpEdits = 100;
/** After the API's answer: most edits are over by then. */
const quietMs = 300;
/** After the questions to all proxies: what they left to do is done before the next edit. */
const restMs = 100;
/** Between two questions to a proxy that is late. */
const askAgainMs = 50;
const editTimeoutMs = 10_000;

export async function measureRouteEdits(
  bench: Bench,
  { proxies, edits }: { readonly proxies: number; readonly edits: number },
): Promise<RouteEditFigures> {
  // All share the machine, as its scheduler sees fit.
  const control = await startControl(bench, bothCores);
  await control.apply([service, route(1)]);
  const places = Array.from({ length: proxies }, (_, index) => ({
    name: `caller-${index}`,
    address: `127.78.${process.pid % 250}.${index + 1}`,
    port: freePort(),
  }));
  const running = new Map<string, BenchProcess>();
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
        running.set(address, proxy);
      }),
    );
  }
  const probes = await Promise.all(places.map(({ port }) => RouteProbe.open("127.0.0.1", port)));
  try {
    const waitsMs: number[] = [];
    for (let version = 2; version < 2 + warmUpEdits + edits; version++) {
      await Bun.sleep(restMs);
      const startMs = Date.now();
      await control.apply([route(version)]);
      await Bun.sleep(quietMs);
      for (const [index, probe] of probes.entries()) {
        await untilVersion(probe, version, startMs);
        const address = places[index]?.address ?? "";
        const waitMs = (await appliedAtMs(address, running.get(address))) - startMs;
        if (version >= 2 + warmUpEdits) waitsMs.push(waitMs);
      }
    }
    const { p50Ms = 0, p99Ms = 0, maxMs = 0 } = latencies(waitsMs);
    return { proxies, edits, p50Ms, p99Ms, maxMs, load: loadavg()[0] ?? 0 };
  } finally {
    for (const probe of probes) probe.close();
  }
}

async function untilVersion(probe: RouteProbe, version: number, startMs: number): Promise<void> {
  while ((await probe.version()) !== version) {
    if (Date.now() - startMs > editTimeoutMs) throw new Error(`a proxy never had version ${version}`);
    await Bun.sleep(askAgainMs);
  }
}

/** Of the newest change, so never before the edit was in force. */
async function appliedAtMs(address: string, proxy: BenchProcess | undefined): Promise<number> {
  const page = await metricsOf(address).catch((cause: unknown) => {
    const { exitCode, signalCode } = proxy?.child ?? {};
    const state = exitCode ?? signalCode ?? "still running";
    throw new Error(`the proxy at ${address} (${state}) gives no metrics: ${proxy?.lastWords() ?? ""}`, {
      cause,
    });
  });
  const seconds = Number(/^weft_config_applied_seconds (\S+)$/m.exec(page)?.[1] ?? 0);
  if (seconds === 0) throw new Error(`the proxy at ${address} does not say when it was configured`);
  return Math.round(seconds * 1_000);
}

async function metricsOf(address: string): Promise<string> {
  return await (await fetch(`http://${address}:${adminPort}/metrics`)).text();
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
