/** What is wrong with the conditions of a policy, for whoever is about to write it. */
import type { ApiObject } from "../../api/index.ts";
import type { Issue } from "../../kernel/index.ts";
import { telemetryIssues } from "../telemetry/settings.ts";
import { readCondition } from "./condition.ts";

export function conditionIssues(object: ApiObject): Issue[] {
  switch (object.kind) {
    case "AuthorizationPolicy":
      return object.spec.rules.flatMap(({ when = [] }, index) => issuesOf(when, `spec.rules[${index}].when`));
    case "RateLimitPolicy":
      return object.spec.limits.flatMap(({ match }, index) =>
        issuesOf(match?.when ?? [], `spec.limits[${index}].match.when`),
      );
    case "TelemetryPolicy":
      return telemetryIssues(object.spec, "spec");
    case "MeshConfig":
      return telemetryIssues(object.spec.telemetry, "spec.telemetry");
    default:
      return [];
  }
}

function issuesOf(texts: readonly string[], path: string): Issue[] {
  return texts.flatMap((text, index) => {
    const read = readCondition(text);
    return "problem" in read ? [{ path: `${path}[${index}]`, message: read.problem }] : [];
  });
}
