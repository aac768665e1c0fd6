export type { KeySetChange } from "./key-sets.ts";
export { type CompileChange, Compiler, type CompileOutput } from "./compiler.ts";
export type { GatewayHost } from "./gateway-input.ts";
export type { TrustInput } from "./trust-input.ts";
export type { ResourceName } from "./resource.ts";
export { mergeStatus, type StatusUpdate } from "./status.ts";
export { conditionIssues } from "./security/condition-issues.ts";
export { findLockOuts, type MeshState } from "./security/lock-out.ts";
export { readTapFilter } from "./tap-filter.ts";
