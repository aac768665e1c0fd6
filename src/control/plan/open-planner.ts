/** The planner with what a running control plane knows: who is connected, what taps saw, who comes without a certificate. */
import { toJson } from "@bufbuild/protobuf";
import { decodeMessage, maxPlannedRequests, tapEventSchema } from "../../api/index.ts";
import type { Clock } from "../../kernel/index.ts";
import type { PlaintextCallers, TapHub } from "../../observe/index.ts";
import { type PlannedRequest, recordedRequest, SimulatedMesh } from "../../simulate/index.ts";
import { TapRecordSchema } from "../../wire/index.ts";
import { plaintextCallerList } from "../policy-reports.ts";
import type { Configuration } from "../configuration.ts";
import { LivePlanner, type LivePlannerOptions } from "./live-planner.ts";

interface PlannerParts extends Pick<LivePlannerOptions, "store" | "registry" | "core" | "trustDomain"> {
  readonly taps: TapHub;
  readonly plaintextCallers: PlaintextCallers;
  readonly configuration: Configuration;
  readonly clock: Clock;
}

export function openPlanner(parts: PlannerParts): LivePlanner {
  const { store, registry, core, trustDomain, taps, plaintextCallers, configuration, clock } = parts;
  return new LivePlanner({
    ...{ store, registry, core, trustDomain, clock },
    surroundings: () => configuration.surroundings(),
    simulatorOf: (mesh) => {
      const { compiler, registry: views } = mesh;
      const simulated = SimulatedMesh.over(
        { compiler, registry: views },
        { trustDomain, nowMs: clock.nowMs() },
      );
      return (request) => simulated.simulate(request);
    },
    recentRequests: () => recentRequests(taps, configuration.compiler.gateways()),
    plaintextCallers: () => {
      const { items } = plaintextCallerList(plaintextCallers, (address) => {
        const owner = registry.views.addressOwner(address);
        return owner?.kind === "workload" ? owner.workload.path : undefined;
      });
      return new Set(items.map(({ workload }) => workload));
    },
  });
}

/** Of every request the caller's side, where a tap saw it. */
function recentRequests(taps: TapHub, gateways: readonly string[]): PlannedRequest[] {
  const requests = taps.newest().flatMap((record) => {
    const decoded = decodeMessage(
      tapEventSchema,
      { type: "record", record: toJson(TapRecordSchema, record) },
      "response",
    );
    const view = "object" in decoded ? decoded.object.record : undefined;
    return view === undefined ? [] : (recordedRequest(view, gateways) ?? []);
  });
  return requests.slice(0, maxPlannedRequests).map((request) => ({ request, count: 1 }));
}
