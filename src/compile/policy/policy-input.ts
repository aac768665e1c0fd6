/** The parts of policies that compile reads, by the names that it uses for them. */
import type { StoredOfKind } from "../../api/index.ts";

export type TrafficPolicyInput = StoredOfKind<"TrafficPolicy">;
export type FaultPolicyInput = StoredOfKind<"FaultPolicy">;
export type PolicyInput = TrafficPolicyInput | FaultPolicyInput;
export type PolicyKind = PolicyInput["kind"];
export type TargetInput = PolicyInput["spec"]["targetRefs"][number];
/** What a TrafficPolicy says, without of what. */
export type TrafficSettings = Omit<TrafficPolicyInput["spec"], "targetRefs">;
export type FaultInput = FaultPolicyInput["spec"]["faults"][number];
