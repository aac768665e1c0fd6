/** The `nameserver` lines of resolv.conf(5), in their order; what cannot be asked without an interface is left out. */
import { canonicalIp } from "./address.ts";

/** As many as the C library asks. */
const maxNameservers = 3;

export function nameserversOf(text: string): string[] {
  const found = text.split("\n").flatMap((line) => {
    const address = /^nameserver[ \t]+(?<address>[^\s#;]+)/.exec(line.trim())?.groups?.["address"];
    return canonicalIp(address ?? "") ?? [];
  });
  return [...new Set(found)].slice(0, maxNameservers);
}
