/** The paths of rollouts. */

export type RolloutTarget =
  | { readonly type: "rollout"; readonly name?: undefined }
  | { readonly type: "rollout"; readonly name: string; readonly what: "promote" | "abort" };

const pattern =
  /^\/apis\/weft\.dev\/v1alpha1\/rollouts(?:\/(?<name>[a-z0-9-]{1,63})\/(?<what>promote|abort))?$/;

/** Undefined: it is none of them. */
export function parseRolloutTarget(path: string): RolloutTarget | undefined {
  const groups = pattern.exec(path)?.groups;
  if (groups === undefined) return undefined;
  const { name, what } = groups;
  if (name === undefined) return { type: "rollout" };
  return { type: "rollout", name, what: what === "promote" ? "promote" : "abort" };
}
