/** Which names a proxy may ask for. What concerns another workload's own side is not for everybody's eyes. */
import { parseOutboundKey } from "../model/index.ts";
import type { NamedKind, ProxyIdentity } from "./wishes.ts";

/** An outbound key holds three DNS labels and a port; a host name has 253 characters. */
export const maxNameLength = 512;

export interface NameQuestion {
  readonly identity: ProxyIdentity;
  readonly kind: NamedKind;
  readonly key: string;
  /** May the stream's certificate speak for this other workload? A proxy of many workloads may. */
  readonly mayActFor: (workload: string) => boolean;
}

/** Undefined: it may. */
export function checkName({ identity, kind, key, mayActFor }: NameQuestion): string | undefined {
  switch (kind) {
    case "Name":
    case "Address":
      return undefined;
    case "Outbound": {
      // What is no key at all is no secret either: it is answered as not there.
      const parts = parseOutboundKey(key);
      if (parts === undefined || parts.clientNamespace === identity.namespace) return undefined;
      return `${identity.workload} may not see outbounds of namespace ${parts.clientNamespace}`;
    }
    case "Inbound":
      return key === identity.workload || mayActFor(key)
        ? undefined
        : `this certificate may not act for workload ${key}`;
    case "Gateway":
      return identity.role === "gateway" ? undefined : `${identity.workload} is no gateway`;
  }
}
