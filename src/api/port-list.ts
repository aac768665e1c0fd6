/** Lists of ports, each with a number and perhaps a name. */
import type { Issue } from "../kernel/index.ts";

export function repeatedPorts(
  ports: readonly { readonly port: number; readonly name?: string }[],
  path: string,
): Issue[] {
  const issues: Issue[] = [];
  for (const key of ["port", "name"] as const) {
    const seen = new Set<string | number>();
    for (const [index, each] of ports.entries()) {
      const value = each[key];
      if (value === undefined) continue;
      if (seen.has(value))
        issues.push({ path: `${path}[${index}].${key}`, message: `${value} is listed twice` });
      seen.add(value);
    }
  }
  return issues;
}
