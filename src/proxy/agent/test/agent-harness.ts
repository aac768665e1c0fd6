/** An agent of workload shop/web-1 with a control plane that the test plays, a clock that it moves, and a directory. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../../../kernel/index.ts";
import {
  ClusterSchema,
  EndpointSchema,
  InboundSchema,
  MeshSchema,
  OutboundSchema,
} from "../../../model/index.ts";
import type { Capture, GatewayListen } from "../../bootstrap.ts";
import { createAgent, type ParentAgent } from "../proxy-agent.ts";
import type { SuppliedChange } from "../supplied-change.ts";
import { FakeControlPlane, type Payload, payload } from "./fake-control-plane.ts";
import { settle } from "./settle.ts";
import { recordingLog, TestAuthority } from "./test-mesh.ts";

const identity = "spiffe://test.weft/ns/shop/sa/web";
export const outboundKeyOfReviews = "shop/reviews:80@shop";

export const inbound = payload("shop/web-1", InboundSchema, {
  workload: "shop/web-1",
  ports: [{ port: 8080 }],
});
export const cluster = payload("shop/reviews:80", ClusterSchema, {
  namespace: "shop",
  service: "reviews",
  port: 80,
});
export const endpoint = payload("shop/reviews:80/shop/r1", EndpointSchema, {
  cluster: "shop/reviews:80",
  workload: "shop/r1",
  port: 9080,
});

export function mesh(version = "1"): Payload {
  return payload("mesh", MeshSchema, { trustDomain: "test.weft", discoveryIdleMs: 60_000 }, version);
}

/** Its host says its version; `regex` is the path of its only route. */
export function outbound(version = "1", regex?: string): Payload {
  const match = { path: { case: "pathRegex" as const, value: regex ?? "" } };
  const http = regex === undefined ? {} : { http: { rules: [{}], entries: [{ rule: 0, match }] } };
  const init = {
    namespace: "shop",
    service: "reviews",
    port: 80,
    clientNamespace: "shop",
    host: `v${version}`,
    ...http,
  };
  return payload(outboundKeyOfReviews, OutboundSchema, init, version);
}

export class AgentHarness {
  readonly clock = new VirtualClock();
  readonly authority = new TestAuthority(this.clock.nowMs());
  readonly directory = mkdtempSync(join(tmpdir(), "weft-agent-"));
  readonly lines: string[] = [];
  plane = new FakeControlPlane();
  machineAddresses: readonly string[] = ["10.1.0.1"];
  capture: Capture = { kind: "none" };
  gateway: GatewayListen = { kind: "tcp", address: "0.0.0.0" };
  /** Set before the start: a parent of workers. */
  carry: ((change: SuppliedChange) => Promise<void>) | undefined;
  #agent: ParentAgent | undefined;

  constructor() {
    writeFileSync(join(this.directory, "token"), "weft-join-abc\n");
    this.plane.onIssue = (request) => this.authority.answer(request.csr, identity, this.clock.nowMs());
  }

  get agent(): ParentAgent {
    if (this.#agent === undefined) throw new Error("start it first");
    return this.#agent;
  }

  start(role: "sidecar" | "gateway" = "sidecar"): void {
    this.#agent = createAgent({
      bootstrap: {
        role,
        workload: {
          namespace: "shop",
          name: "web-1",
          serviceAccount: "web",
          labels: { app: "web" },
          addresses: ["10.77.0.2"],
          ports: [{ port: 8080, name: "http", protocol: "http" }],
          region: "eu",
          zone: "a",
        },
        controlPlane: { address: "127.0.0.1", port: 1, trustRootsPem: this.authority.rootPem },
        joinTokenFile: join(this.directory, "token"),
        dataDir: join(this.directory, "data"),
        capture: this.capture,
        ...(role === "gateway" ? { gateway: this.gateway } : {}),
      },
      machineAddresses: () => this.machineAddresses,
      clock: this.clock,
      log: recordingLog(this.lines),
      random: () => 0.5,
      controlPlane: this.plane,
      ...(this.carry === undefined ? {} : { carry: this.carry }),
    });
  }

  /** Started, with the mesh's configuration at revision 1. */
  async online(): Promise<void> {
    this.start();
    await settle();
    this.plane.push("Mesh", [mesh()]);
    this.plane.commit(1);
    this.plane.take();
  }

  /** Online, and reviews is known at revision 2. */
  async withOutbound(): Promise<void> {
    await this.online();
    this.agent.resolveOutbound(outboundKeyOfReviews, 2000, () => {});
    await settle();
    this.plane.push("Cluster", [cluster]);
    this.plane.push("Endpoint", [endpoint]);
    this.plane.push("Outbound", [outbound()]);
    this.plane.commit(2);
    this.plane.take();
  }

  dispose(): void {
    this.#agent?.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
