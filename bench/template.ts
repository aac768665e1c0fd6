/** Configurations of peers are files beside this code with `<name>` where a port or a path goes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export type TemplateValues = Readonly<Record<string, string | number>>;

/** Throws on a name without a value: a peer must never run with half a configuration. */
export function fillTemplate(file: string, values: TemplateValues): string {
  const text = readFileSync(join(import.meta.dir, "peers", file), "utf8");
  return text.replaceAll(/<(\w+)>/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${file} wants <${name}>, which this scenario does not give`);
    return String(value);
  });
}
