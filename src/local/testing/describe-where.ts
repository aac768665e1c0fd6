/** For tests: a group that is skipped, with the reason in its name, where the system does not allow what it needs. */
import { describe } from "bun:test";

export function describeWhere(title: string, refusal: string | undefined, body: () => void): void {
  if (refusal === undefined) describe(title, body);
  else describe.skip(`${title} [skipped: ${refusal}]`, body);
}
