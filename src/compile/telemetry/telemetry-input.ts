/** The parts of TelemetryPolicy and MeshConfig that compile reads, by the names that it uses for them. */
import type { MeshConfig, StoredOfKind } from "../../api/index.ts";
import type { Referrer } from "../grants.ts";

export type TelemetryPolicyInput = StoredOfKind<"TelemetryPolicy">;
export type TelemetryTarget = NonNullable<TelemetryPolicyInput["spec"]["targetRefs"]>[number];
/** What is said, without of what. */
export type SettingsInput = MeshConfig["spec"]["telemetry"];
export type CollectorInput = NonNullable<SettingsInput["collectors"]>[number];

export interface Collectors {
  /** Whoever named them. */
  readonly from: Referrer;
  readonly list: readonly CollectorInput[];
}

export function settingsOf({ spec }: TelemetryPolicyInput): SettingsInput {
  const { targetRefs: _, selector: __, ...settings } = spec;
  return settings;
}
