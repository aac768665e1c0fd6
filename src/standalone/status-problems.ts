/** What compiled but will not do all that its author wrote, as lines for the log: there is nobody to write a status to. */
import type { StatusUpdate } from "../compile/index.ts";

type Status = StatusUpdate["status"];
type Condition = (Status & { kind: "conditions" })["conditions"][number];

/** Gateway API's conditions that tell of a problem when they hold; all others do when they do not. */
const problemTypes: ReadonlySet<string> = new Set([
  "Conflicted",
  "InsecureFrontendValidationMode",
  "OverlappingTLSConfig",
  "PartiallyInvalid",
]);

export function statusProblems(update: StatusUpdate): string[] {
  const { kind, namespace, name, status } = update;
  const object = `${kind} ${namespace === "" ? "" : `${namespace}/`}${name}`;
  switch (status.kind) {
    case "conditions":
    case "class":
      return problemsOf(object, status.conditions);
    case "gateway": {
      const own = problemsOf(object, status.conditions);
      const listeners = status.listeners.flatMap((listener) =>
        problemsOf(`${object} listener ${listener.name}`, listener.conditions),
      );
      return [...own, ...listeners];
    }
    case "policy":
      return status.ancestors.flatMap(({ ancestorRef, conditions }) =>
        problemsOf(`${object} at ${parentText(ancestorRef)}`, conditions),
      );
    case "route":
      return status.parents.length === 0
        ? [`${object}: attaches to no Gateway of weft's`]
        : status.parents.flatMap(({ parentRef, conditions }) =>
            problemsOf(`${object} at ${parentText(parentRef)}`, conditions),
          );
  }
}

function problemsOf(of: string, conditions: readonly Condition[]): string[] {
  const problems = conditions.filter(
    ({ type, status }) => status === (problemTypes.has(type) ? "True" : "False"),
  );
  // Accepted, Programmed and ResolvedRefs often fail for one reason: that is one line.
  const byMessage = Map.groupBy(problems, ({ reason, message }) => `${reason} ${message}`);
  return [...byMessage.values()].map((same) => {
    const types = same.map(({ type, status }) => `${type}=${status}`).join(" ");
    const { reason = "", message = "" } = same[0] ?? {};
    return `${of}: ${types} ${reason}${message === "" ? "" : `: ${message}`}`;
  });
}

function parentText(parentRef: Readonly<Record<string, unknown>>): string {
  const parts = [parentRef["kind"], parentRef["name"], parentRef["sectionName"]];
  return parts.filter((part) => typeof part === "string").join("/");
}
