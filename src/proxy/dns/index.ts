export { DnsClient } from "./dns-client.ts";
export { DnsForwarder } from "./dns-forwarder.ts";
export {
  type DnsQuery,
  encodeDnsAnswer,
  encodeDnsFault,
  parseDnsQuery,
  type Rcode,
  rcodes,
  truncateDnsAnswer,
} from "./dns-message.ts";
export { connectToName, type NamedTarget } from "./connect-to-name.ts";
export { NameResolver, type ResolvedName } from "./name-resolver.ts";
