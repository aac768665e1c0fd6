/**
 * Whether a workload's own proxy takes a connection: how it must be protected, whom it must be from, and whether it
 * is meant for an address and port of this workload. Fails closed: a port that nobody declared is not served, since
 * the application is dialled over loopback and may listen there for itself alone.
 */
import { parseSpiffeId, type ReasonCode, WeftError } from "../kernel/index.ts";
import { type Admission, type Inbound, MtlsMode, type Protocol, type UpstreamTls } from "../model/index.ts";

export interface LocalWorkload {
  readonly trustDomain: string;
  /** Other trust domains whose identities are as ours. */
  readonly trustDomainAliases?: readonly string[];
  /** The workload's own addresses in canonical text. */
  readonly addresses: readonly string[];
}

export interface PreparedInboundPort {
  readonly port: number;
  readonly protocol: Protocol;
  readonly mtls: "strict" | "permissive" | "disabled";
  /** "namespace/name" of the services that reach this port. */
  readonly services: readonly string[];
  /** How requests to the application are encrypted. */
  readonly tls: UpstreamTls | undefined;
  /** What is asked of its requests and connections; undefined: nothing. */
  readonly admission: Admission | undefined;
}

export interface InboundAttempt {
  /** The URI of the peer's verified certificate; undefined where the connection came in plaintext. */
  readonly peerIdentity: string | undefined;
  /** Where the peer wants to go: the preface's target, or the original destination of captured traffic. Canonical text. */
  readonly targetAddress: string;
  readonly targetPort: number;
}

export class InboundTable {
  readonly #trustDomains: ReadonlySet<string>;
  readonly #addresses: ReadonlySet<string>;
  readonly #ports = new Map<number, PreparedInboundPort>();

  private constructor(inbound: Inbound, local: LocalWorkload) {
    this.#trustDomains = new Set([local.trustDomain, ...(local.trustDomainAliases ?? [])]);
    this.#addresses = new Set(local.addresses);
    for (const port of inbound.ports) {
      const mode = port.mtls === MtlsMode.UNSPECIFIED ? inbound.mtls : port.mtls;
      this.#ports.set(port.port, {
        port: port.port,
        protocol: port.protocol,
        mtls: modeNames[mode] ?? "strict",
        services: port.services,
        tls: port.tls,
        admission: admissionAt(inbound.admissions, port.admission),
      });
    }
  }

  static prepare(inbound: Inbound, local: LocalWorkload): InboundTable {
    return new InboundTable(inbound, local);
  }

  port(port: number): PreparedInboundPort | undefined {
    return this.#ports.get(port);
  }

  /** Undefined: let it in. A peer that proved an identity must have proved a valid one, whatever the mode. */
  admit(attempt: InboundAttempt): ReasonCode | undefined {
    if (attempt.peerIdentity !== undefined) {
      const identity = parseSpiffeId(attempt.peerIdentity);
      if (identity === undefined || !this.#trustDomains.has(identity.trustDomain))
        return "peer_identity_invalid";
    }
    const port = this.#ports.get(attempt.targetPort);
    if (port === undefined || !this.#addresses.has(attempt.targetAddress)) return "target_unknown";
    return attempt.peerIdentity === undefined && port.mtls === "strict" ? "mtls_required" : undefined;
  }
}

/**
 * `index` counts from 1; 0: nothing is asked. Throws `bad_input` where it leads nowhere: what was meant to be asked is not
 * known, and to ask nothing would open the door.
 */
export function admissionAt(admissions: readonly Admission[], index: number): Admission | undefined {
  const admission = admissions[index - 1];
  if (index > 0 && admission === undefined) {
    throw new WeftError("bad_input", `there is no admission ${index}`);
  }
  return admission;
}

export function admitInbound(table: InboundTable, attempt: InboundAttempt): ReasonCode | undefined {
  return table.admit(attempt);
}

/** The service that a preface names, if it is one of the port's; a peer cannot make up labels. */
export function callerService(port: PreparedInboundPort | undefined, named: string): string {
  if (port === undefined) return "";
  return port.services.includes(named) ? named : (port.services[0] ?? "");
}

const modeNames: Record<MtlsMode, PreparedInboundPort["mtls"]> = {
  [MtlsMode.UNSPECIFIED]: "strict",
  [MtlsMode.STRICT]: "strict",
  [MtlsMode.PERMISSIVE]: "permissive",
  [MtlsMode.DISABLED]: "disabled",
};
