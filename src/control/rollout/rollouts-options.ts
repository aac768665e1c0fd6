/** What rollouts need of the rest of a control plane. */
import type { SubscriptionCore } from "../../distribute/index.ts";
import type { Clock, Log } from "../../kernel/index.ts";
import type { RegistryViews } from "../../registry/index.ts";
import type { Store } from "../../store/index.ts";
import type { Configuration } from "../configuration.ts";
import type { FiguresOf } from "./rollout-figures.ts";
import type { TrialReport } from "./trial.ts";

export interface RolloutsOptions {
  readonly store: Store;
  readonly configuration: Configuration;
  readonly registry: RegistryViews;
  readonly core: SubscriptionCore;
  readonly trustDomain: string;
  readonly trustRoots: readonly Uint8Array[];
  readonly figuresOf: FiguresOf;
  /** Of the slots that figures are kept in, which begin at multiples of it. */
  readonly slotMs: number;
  /** How long a request may be on its way into the figures: proxies report every so often. */
  readonly reportIntervalMs: () => number;
  /** Of several control planes one judges; the others move their proxies as the store says. */
  readonly isJudge?: () => boolean;
  /** The other control planes of the mesh, and what they tell of their proxies. Default: there are none. */
  readonly elsewhere?: () => {
    readonly replicas: number;
    /** One of them is of another version than this. */
    readonly isMixed: boolean;
    readonly reports: readonly TrialReport[];
  };
  readonly clock: Clock;
  readonly log: Log;
}
