/** The paths of the history. */

export type HistoryTarget =
  | { readonly type: "history"; readonly what: "list" | "diff" | "effective" | "rollback" }
  | { readonly type: "history"; readonly what: "revision"; readonly revision: number };

const pattern =
  /^\/apis\/weft\.dev\/v1alpha1\/(?:history(?:\/(?<revision>\d{1,15}))?|(?<verb>diff|diff\/effective|rollback))$/;

/** Undefined: it is none of them. */
export function parseHistoryTarget(path: string): HistoryTarget | undefined {
  const groups = pattern.exec(path)?.groups;
  if (groups === undefined) return undefined;
  const { revision, verb } = groups;
  if (revision !== undefined) return { type: "history", what: "revision", revision: Number(revision) };
  if (verb === "diff/effective") return { type: "history", what: "effective" };
  return { type: "history", what: verb === "diff" || verb === "rollback" ? verb : "list" };
}
