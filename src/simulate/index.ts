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
export { recordedRequest } from "./replay/recorded-request.ts";
export { addressed } from "./plan/addressed.ts";
export { addFlip, isFlip, resultOf } from "./plan/flips.ts";
export { readTraffic, type TrafficLine } from "./replay/traffic-record.ts";
export { replay, type ReplayReport } from "./replay/replay.ts";
export { objectDiff } from "./plan/object-diff.ts";
export { Coverage, type CoverageReport } from "./test-file/coverage.ts";
export { junitXml } from "./test-file/junit.ts";
export { readTestDocuments, type TestDocument } from "./test-file/request-test.ts";
export { runTests, type TestResult } from "./test-file/run-tests.ts";
export { tapText } from "./test-file/tap-output.ts";
