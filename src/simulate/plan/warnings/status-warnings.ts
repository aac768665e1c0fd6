/** What compile says of an object as a warning: conditions of its status that say that something is not as it was meant. */
import type { PlanWarning } from "../../../api/index.ts";
import type { StatusUpdate } from "../../../compile/index.ts";

type Conditions = (StatusUpdate["status"] & { kind: "conditions" })["conditions"];
type Code = PlanWarning["code"];

/** Those of `Accepted` that have a code of their own. */
const acceptance: Readonly<Record<string, Code>> = {
  NoMatchingListenerHostname: "no_listener",
  NoMatchingParent: "attaches_to_nothing",
  NotAllowedByListeners: "attaches_to_nothing",
  ParentNotAccepted: "attaches_to_nothing",
  TargetNotFound: "selects_nothing",
};

export function statusWarnings(update: StatusUpdate, isQuarantined: boolean): PlanWarning[] {
  const { kind, namespace, name, status } = update;
  const object = { kind, namespace, name };
  const text = `${kind} ${namespace === "" ? "" : `${namespace}/`}${name}`;
  const found: PlanWarning[] = [];
  const add = (code: Code, where: string, reason: string, message: string): void => {
    const cause = message === "" ? reason : `${reason}: ${message}`;
    found.push({
      code: isQuarantined && code === "not_accepted" ? "quarantine" : code,
      message: `${text}${where}: ${cause}`,
      object,
    });
  };
  const judge = (conditions: Conditions, where: string): void => {
    for (const condition of conditions) {
      if (condition.status !== "False") continue;
      if (condition.type === "Accepted") {
        add(acceptance[condition.reason] ?? "not_accepted", where, condition.reason, condition.message);
      }
      if (condition.type === "ResolvedRefs") add("unresolved", where, condition.reason, condition.message);
    }
  };
  switch (status.kind) {
    case "conditions":
    case "class":
      judge(status.conditions, "");
      break;
    case "gateway":
      judge(status.conditions, "");
      for (const listener of status.listeners) judge(listener.conditions, ` listener ${listener.name}`);
      break;
    case "policy":
      for (const { ancestorRef, conditions } of status.ancestors) judge(conditions, at(ancestorRef));
      break;
    case "route":
      if (status.parents.length === 0) {
        add("attaches_to_nothing", "", "NoParent", "none of its parents is a Gateway of weft's or a Service");
      }
      for (const { parentRef, conditions } of status.parents) judge(conditions, at(parentRef));
  }
  if (isQuarantined && !found.some(({ code }) => code === "quarantine")) {
    add("not_accepted", "", "Quarantined", "its newest version cannot be put into force");
  }
  return found;
}

function at(reference: Readonly<Record<string, unknown>>): string {
  const parts = [reference["kind"], reference["name"], reference["sectionName"] ?? reference["port"]];
  return ` at ${parts.filter((part) => typeof part === "string" || typeof part === "number").join("/")}`;
}
