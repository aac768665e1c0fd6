/** The resolvers that this machine's programs ask. */
import { readFile } from "node:fs/promises";
import { nameserversOf } from "../kernel/index.ts";

/** Empty where there are none: then names of external services lead nowhere, which is said when one is used. */
export async function machineResolvers(path = "/etc/resolv.conf"): Promise<string[]> {
  try {
    return nameserversOf(await readFile(path, "utf8"));
  } catch {
    return [];
  }
}
