/** Who said how requests are carried: the rule and the cluster as layers, each with its source. */
import type { Cluster } from "../model/index.ts";
import type { SaidLayer } from "./carriage.ts";
import type { TakenRule } from "./route-step.ts";
import type { Scene } from "./scene.ts";

/** The nearest first. */
export function settingLayers(
  scene: Scene,
  taken: TakenRule | undefined,
  cluster: Cluster,
): readonly SaidLayer[] {
  const ofRule: SaidLayer = {
    policy: taken?.rule.requests,
    originOf: () => scene.source(taken?.model.source),
  };
  const ofCluster: SaidLayer = { policy: cluster.requests, originOf: () => scene.source(cluster.source) };
  return [ofRule, ofCluster];
}
