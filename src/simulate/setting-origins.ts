/** Who said how requests are carried: what is said of the rule, then of the cluster, each with the policy or rule that said it. */
import { clusterKey, type Cluster } from "../model/index.ts";
import type { SaidLayer, SettingField } from "./carriage.ts";
import type { TakenRule } from "./route-step.ts";
import type { Scene } from "./scene.ts";

/** As policies write them. */
const written: Record<SettingField, readonly string[]> = {
  requestTimeoutMs: ["timeouts.request"],
  tryTimeoutMs: ["timeouts.try"],
  streamIdleTimeoutMs: ["timeouts.streamIdle"],
  "retry.maxRetries": ["retries.attempts"],
  "retry.on": ["retries.on", "retries.grpcOn"],
  "retry.backoffBaseMs": ["retries.backoff.base"],
  "retry.backoffMaxMs": ["retries.backoff.max", "retries.backoff.base"],
  "retry.maxBodyBytes": ["retries.maxBodyBytes"],
  "retry.maxRetryAfterMs": ["retries.maxRetryAfter"],
  "retry.unsafeMethods": ["retries.unsafeMethods"],
  "hedge.delayMs": ["hedging.delay"],
  "hedge.maxExtra": ["hedging.maxExtra", "hedging.delay"],
};

/** The nearest first. */
export function settingLayers(
  scene: Scene,
  taken: TakenRule | undefined,
  cluster: Cluster,
): readonly SaidLayer[] {
  const rule = taken?.model.source;
  const { namespace, service, port } = cluster;
  const ofCluster = layer(scene, { cluster: clusterKey(namespace, service, port) }, cluster.requests);
  return rule === undefined ? [ofCluster] : [layer(scene, { rule }, taken?.rule.requests), ofCluster];
}

function layer(
  scene: Scene,
  of: Parameters<Scene["mesh"]["settingSources"]>[0],
  policy: SaidLayer["policy"],
): SaidLayer {
  return {
    policy,
    originOf(field) {
      const sources = scene.mesh.settingSources(of);
      for (const name of written[field]) {
        const found = sources.find(({ fields }) => fields.has(name));
        if (found !== undefined)
          return scene.ref(found.kind, `${found.namespace}/${found.name}`, found.section);
      }
      return undefined;
    },
  };
}
