/** An API server over a store of its own in a temporary folder, and the calls and objects that its tests share. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, systemClock, WeftError } from "../kernel/index.ts";
import type { RunningTap, TapListener } from "../observe/index.ts";
import { openSqliteStore, type Store } from "../store/index.ts";
import type { TapRecord } from "../wire/index.ts";
import { AuditLog } from "./audit/audit-log.ts";
import { type ApiServer, startApiServer } from "./index.ts";
import type { ScrapeProviders, TrustProviders } from "./mesh-endpoints.ts";
import type { RolloutProviders } from "./rollout/rollout-endpoints.ts";
import type { ExplainProvider } from "./explain-endpoint.ts";
import type { PlanProvider } from "./plan-endpoint.ts";
import type { ApiServerOptions } from "./server.ts";
import type { TapProviders } from "./tap/tap-endpoints.ts";
import type { AskedTap } from "./tap/tap-query.ts";
import type { TelemetryProviders } from "./telemetry-endpoints.ts";

export const token = "the-token";
export const configMaps = "/api/v1/namespaces/default/configmaps";
export const services = "/api/v1/namespaces/default/services";

export interface Answer {
  readonly status: number;
  // oxlint-disable-next-line no-explicit-any -- what the wire says is what these tests are about
  readonly body: any;
}

function notHere(): never {
  throw new WeftError("unavailable", "not here");
}

export const noTrust: TrustProviders = {
  rotation: notHere,
  rotate: notHere,
  certificates: notHere,
  changeRevocation: notHere,
};

/** Taps that a test plays by hand. */
export class FakeTaps implements TapProviders {
  readonly started: { readonly asked: AskedTap; readonly listener: TapListener; stopped: Promise<void> }[] =
    [];
  records: readonly TapRecord[] = [];
  /** Thrown by the next one. */
  problem: WeftError | undefined;

  start(asked: AskedTap, listener: TapListener): RunningTap {
    if (this.problem !== undefined) throw this.problem;
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    this.started.push({ asked, listener, stopped });
    return { proxies: 3, stop: () => resolve() };
  }

  request(id: string): readonly TapRecord[] {
    return this.records.filter(({ requestId }) => requestId === id);
  }
}
export const noTelemetry: TelemetryProviders = {
  topology: notHere,
  signals: notHere,
  services: notHere,
  serviceView: notHere,
  findings: notHere,
};

export const noRollouts: RolloutProviders = {
  list: () => [],
  start: notHere,
  promote: notHere,
  abort: notHere,
  onCommit() {},
};

/** One proxy that is told of, and one metric behind it. */
export const someScrapes: ScrapeProviders = {
  targets: (via) => [{ targets: [via?.host ?? "10.0.0.1:15020"], labels: { via: via?.protocol ?? "" } }],
  relay: (workload, headers) =>
    workload === "default/web"
      ? Promise.resolve(new Response(`weft_up{accept="${headers.get("accept") ?? ""}"} 1\n`))
      : Promise.reject(new WeftError("not_found", `no proxy ${workload}`)),
};

interface TestApiOptions extends Partial<ApiServerOptions> {
  readonly telemetry?: Partial<TelemetryProviders>;
  readonly plans?: PlanProvider;
}

export class TestApi {
  readonly store: Store;
  readonly server: ApiServer;
  readonly audit: AuditLog;
  readonly taps: FakeTaps;
  readonly directory: string;

  private constructor(parts: {
    store: Store;
    server: ApiServer;
    audit: AuditLog;
    taps: FakeTaps;
    directory: string;
  }) {
    this.store = parts.store;
    this.server = parts.server;
    this.audit = parts.audit;
    this.taps = parts.taps;
    this.directory = parts.directory;
  }

  static async start({ telemetry, plans = somePlans, ...options }: TestApiOptions = {}): Promise<TestApi> {
    const directory = mkdtempSync(join(tmpdir(), "weft-api-"));
    const store = openSqliteStore({
      path: join(directory, "store.sqlite"),
      clock: systemClock,
      log: silentLog,
    });
    await store.commit(
      ["default", "weft-system"].map((name) => ({
        type: "put",
        object: { apiVersion: "v1", kind: "Namespace", metadata: { name } },
      })),
      { author: "init", message: "init" },
    );
    const audit = new AuditLog({
      directory: join(directory, "audit"),
      store,
      clock: options.clock ?? systemClock,
      log: silentLog,
    });
    const taps = new FakeTaps();
    const server = startApiServer({
      store,
      audit,
      token,
      listen: { kind: "tcp", address: "127.0.0.1", port: 0 },
      version: "0.0.0-test",
      log: silentLog,
      providers: {
        meshStatus: () => {
          throw new WeftError("unavailable", "not here");
        },
        telemetry: {
          ...noTelemetry,
          topology: ({ windowSeconds }) => ({ windowSeconds, endTimeMs: 0, nodes: [], edges: [] }),
          ...telemetry,
        },
        refusals: () => ({ items: [] }),
        plaintextCallers: () => ({ items: [] }),
        metrics: () => "weft_up 1\n",
        createJoinToken: ({ namespace, serviceAccount }) =>
          Promise.resolve(`join-${namespace}-${serviceAccount}`),
        trust: noTrust,
        taps,
        scrapes: someScrapes,
        rollouts: noRollouts,
        plans,
        explanations: someExplanations,
      },
      ...options,
    });
    return new TestApi({ store, server, audit, taps, directory });
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(`${this.server.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  /** The audit log's entries, as they stand in its files. */
  // oxlint-disable-next-line no-explicit-any -- what the file says is what these tests are about
  audited(): any[] {
    return this.audit.files.flatMap((file) =>
      readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line)),
    );
  }

  async close(): Promise<void> {
    await this.server.stop();
    this.audit.close();
    this.store.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}) {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

export function service(name: string, namespace = "default") {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ port: 80 }] },
  };
}

/** As many proxies are touched as objects are written; one more is not. */
export const somePlans: PlanProvider = {
  plan: ({ revision, upserted, removed, results }) =>
    Promise.resolve({
      revision,
      objects: results.map((result) => ({ ...result, diff: [] })),
      changes: [],
      changesOmitted: 0,
      workloads: [...upserted, ...removed].map((_, index) => ({
        name: `default/w${index}`,
        role: "sidecar" as const,
        changes: [],
      })),
      workloadsOmitted: 0,
      touched: upserted.length + removed.length,
      unaffected: 1,
      requests: 0,
      flips: [],
      warnings: [],
      warningsOmitted: 0,
    }),
  compare: async ({ from, to }) => ({
    ...{ from, to, touched: 0, unaffected: 1 },
    ...{ changes: [], changesOmitted: 0, workloads: [], workloadsOmitted: 0 },
  }),
};

/** Says back what it was asked, as forwarded. Of recent requests there is one. */
export const someExplanations: ExplainProvider = {
  explain: (request) =>
    Promise.resolve({
      requestId: request.requestId ?? "",
      request,
      outcome: { verdict: "forwarded" },
      hops: [],
      notes: [],
    }),
  recentRequest: (requestId) =>
    requestId === "known"
      ? { from: { workload: "default/web" }, url: "http://reviews:80/", requestId }
      : undefined,
};
