/** The path of a rule's session cookie: everything that the rule may match lies under it, and as little else as possible. */
import { framingFields } from "./header-edits.ts";
import type { RuleInput } from "./route-input.ts";

const token = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** Whether it can be a cookie and a header. Empty: a name is made. */
export function isSessionName(name: string): boolean {
  return name === "" || (token.test(name) && !framingFields.has(name.toLowerCase()));
}

/** Whole segments that all matches of the rule have in common; "/" where one of them is a pattern. */
export function sessionPath({ matches }: Pick<RuleInput, "matches">): string {
  const [first, ...others] = matches.map(({ path }) =>
    path.type === "RegularExpression" ? [] : path.value.split("/").filter((segment) => segment !== ""),
  );
  const common: string[] = [];
  for (const [index, segment] of (first ?? []).entries()) {
    if (others.some((segments) => segments[index] !== segment)) break;
    common.push(segment);
  }
  const path = `/${common.join("/")}`;
  // A semicolon may stand in a path, but ends it in a cookie.
  return path.includes(";") ? "/" : path;
}
