/** A client's sidecar that is told to make trouble, with its clock moved by hand and its log at hand. */
import { readFileSync } from "node:fs";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import { ClusterSchema, FaultSchema, HttpRoutingSchema, Protocol } from "../../model/index.ts";
import type { RunningProxy } from "../running-proxy.ts";
import { TestMesh } from "./test-mesh.ts";

export type FaultInit = Exclude<MessageInitShape<typeof FaultSchema>, { $typeName: string }>;

export const faultSource = { kind: "FaultPolicy", namespace: "shop", name: "chaos", section: "faults[0]" };

interface FaultFixture {
  readonly mesh: TestMesh;
  readonly clock: VirtualClock;
  readonly proxy: RunningProxy;
  readonly port: number;
  lastLine(): Record<string, unknown>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A client's sidecar whose cluster, or whose only rule, has the fault. */
export async function faultFixture(
  app: { readonly port: number; stop(): void },
  fault: FaultInit,
  options: { readonly at?: "cluster" | "rule"; readonly protocol?: Protocol } = {},
): Promise<FaultFixture> {
  const { at = "cluster", protocol = Protocol.HTTP } = options;
  const mesh = new TestMesh();
  mesh.mesh.accessLog = true;
  const clock = new VirtualClock();
  const faults = [create(FaultSchema, { source: faultSource, perMillion: 1_000_000, ...fault })];
  const http = create(HttpRoutingSchema, {
    entries: [{ match: {}, rule: 0 }],
    rules: [{ faults, backends: [{ cluster: "default/echo:80", weight: 1 }] }],
  });
  const server = await mesh.server("echo-1", app.port, protocol);
  const { proxy, port } = await mesh.client(
    [server.endpoint],
    { protocol, ...(at === "rule" ? { http } : {}) },
    {
      clock,
      change: (configuration) =>
        at === "rule"
          ? configuration
          : {
              ...configuration,
              clusters: (configuration.clusters ?? []).map((each) =>
                create(ClusterSchema, { ...each, faults }),
              ),
            },
    },
  );
  return {
    mesh,
    clock,
    proxy,
    port,
    lastLine() {
      // The log is flushed at a time of its own.
      clock.advance(1_000);
      const lines = readFileSync(mesh.logFile("web"), "utf8").trim().split("\n");
      return JSON.parse(lines.at(-1) || "{}");
    },
    async [Symbol.asyncDispose]() {
      await mesh[Symbol.asyncDispose]();
      app.stop();
    },
  };
}

/** How often it was done, of `weft_faults_injected_total`. */
export function injected(proxy: RunningProxy, fault: string): number {
  const line = new RegExp(`^weft_faults_injected_total\\{fault="${fault}"\\} (\\d+)$`, "m");
  return Number(line.exec(proxy.metricsText())?.[1] ?? 0);
}
