/** Names of a route's rules: given ones are unique, since policies and status refer to them. */
import type { Issue } from "../kernel/index.ts";

export function checkRuleNames(rules: readonly { readonly name?: string }[]): Issue[] {
  const names = new Set<string>();
  const issues: Issue[] = [];
  for (const [index, { name }] of rules.entries()) {
    if (name === undefined) continue;
    if (names.has(name))
      issues.push({ path: `spec.rules[${index}].name`, message: `another rule is named ${name}` });
    names.add(name);
  }
  return issues;
}
