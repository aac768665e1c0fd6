export { SimulatedMesh } from "./simulated-mesh.ts";
export type { PlannedProxy } from "./plan/effective-change.ts";
export type { PlannedRequest, Simulate } from "./plan/flips.ts";
export { compareConfigurations } from "./plan/effective-report.ts";
export { planChange } from "./plan/plan.ts";
export {
  type MeshSurroundings,
  type ObjectChanges,
  proposedVersion,
  TrackedMesh,
} from "./plan/tracked-mesh.ts";
export { proxiesOfObjects } from "./plan/proxies.ts";
export { recordedRequest } from "./replay/recorded-request.ts";
export { addressed } from "./addressed.ts";
export { readTraffic } from "./replay/traffic-record.ts";
export { replay, type ReplayReport } from "./replay/replay.ts";
export { objectDiff } from "./plan/object-diff.ts";
export { Coverage, type CoverageReport } from "./test-file/coverage.ts";
export { junitXml } from "./test-file/junit.ts";
export { readTestDocuments, type TestDocument } from "./test-file/request-test.ts";
export { runTests, type TestResult } from "./test-file/run-tests.ts";
export { tapText } from "./test-file/tap-output.ts";
