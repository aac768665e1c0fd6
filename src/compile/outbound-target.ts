/** Ports of Services and ExternalServices as Outbounds are made from them. */
import type { Protocol } from "../model/index.ts";

/** What of a Service or ExternalService an Outbound is made from. */
export interface OutboundTarget {
  readonly kind: "Service" | "ExternalService";
  readonly namespace: string;
  readonly service: string;
  /** The port's name. */
  readonly section: string;
  readonly protocol: Protocol;
  readonly host: string;
  /** What a client has to name; empty: anything. */
  readonly hosts: readonly string[];
}
