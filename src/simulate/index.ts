export type {
  EffectiveConfiguration,
  EffectiveResource,
  EndpointHealthView,
  MeshChanges,
  MeshProblem,
  ObjectOrigin,
  SimulationInput,
} from "./input.ts";
export type { CompiledSource } from "./compiled-mesh.ts";
export { SimulatedMesh } from "./simulated-mesh.ts";
export type { PlannedProxy } from "./plan/effective-change.ts";
export type { PlannedRequest, Simulate } from "./plan/flips.ts";
export { planChange } from "./plan/plan.ts";
export { nextTurn, runAtOnce, runSteps } from "./plan/slices.ts";
export { proposedVersion, TrackedMesh } from "./plan/tracked-mesh.ts";
export { proxiesOfObjects } from "./plan/proxies.ts";
export { groupRequests, recordedRequest } from "./replay/recorded-request.ts";
