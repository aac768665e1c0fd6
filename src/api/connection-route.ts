/** What TCPRoute, TLSRoute and UDPRoute have in common: one rule that says which Services take the connections. */
import type { Issue } from "../kernel/index.ts";
import { dnsSubdomain } from "./formats.ts";
import { backendFields, checkBackendPort, weightField } from "./references.ts";
import { list, object, optional, text, type ValueOf } from "./schema.ts";

/** Gateway API's bounds. */
const maxBackends = 16;
const maxRules = 1;

const ruleSchema = object("Who takes the connections.", {
  name: optional(text("Name of the rule, for status, logs and metrics.", dnsSubdomain)),
  backendRefs: list(
    "Services that take a share of the connections; one that is not there has its share refused.",
    object("A Service that takes a share of the connections.", { ...backendFields, weight: weightField }),
    { min: 1, max: maxBackends },
  ),
});

export const connectionRulesSchema = list("Where connections go.", ruleSchema, { min: 1, max: maxRules });

export function checkConnectionRules(rules: ValueOf<typeof connectionRulesSchema>): Issue[] {
  return rules.flatMap((rule, index) =>
    rule.backendRefs.flatMap((backend, i) =>
      checkBackendPort(backend, `spec.rules[${index}].backendRefs[${i}]`),
    ),
  );
}
