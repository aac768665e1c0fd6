/** One listener of a Gateway or of a ListenerSet, by itself: what it may carry, and whether that can be served. */
import {
  gatewayGroup,
  labelRequirements,
  matchRequirements,
  minTlsVersionOption,
  ownOptionPrefix,
} from "../api/index.ts";
import type { ListenerInput } from "./gateway-input.ts";
import type { InputReader } from "./inputs.ts";
import type { RouteKind } from "./route-input.ts";

interface SupportedKind {
  readonly group: typeof gatewayGroup;
  readonly kind: RouteKind;
}

export interface ListenerProblem {
  readonly reason:
    | "UnsupportedProtocol"
    | "UnsupportedValue"
    | "HostnameConflict"
    | "ProtocolConflict"
    | "PortUnavailable"
    | "TooManyListeners";
  readonly message: string;
}

export interface ListenerOwner {
  readonly kind: "Gateway" | "ListenerSet";
  readonly namespace: string;
  readonly name: string;
}

/** As it is written, with what follows from that alone. */
export interface DeclaredListener {
  readonly owner: ListenerOwner;
  /** "namespace/name" of the ListenerSet; undefined: the Gateway's own. */
  readonly set: string | undefined;
  readonly input: ListenerInput;
  /** "*" where it has none. */
  readonly hostname: string;
  readonly supportedKinds: readonly SupportedKind[];
  /** Kinds that it names and that cannot attach. */
  readonly foreignKinds: readonly string[];
}

export interface Listener extends DeclaredListener {
  /** Set: no traffic is taken for it, and this is why. */
  readonly problem: ListenerProblem | undefined;
  /** Hostnames of other listeners of HTTPS on the port that mean names of its own, or the other way round. */
  readonly overlaps: readonly string[];
}

export function declareListener(owner: ListenerOwner, input: ListenerInput): DeclaredListener {
  const possible = kindsFor(input);
  const kinds = input.allowedRoutes.kinds;
  return {
    owner,
    set: owner.kind === "ListenerSet" ? `${owner.namespace}/${owner.name}` : undefined,
    input,
    hostname: hostnameOf(input),
    // An empty list is no list, says Gateway API.
    supportedKinds: possible
      .filter(
        (kind) => kinds === undefined || kinds.length === 0 || kinds.some((each) => isSameKind(each, kind)),
      )
      .map((kind) => ({ group: gatewayGroup, kind })),
    foreignKinds: (kinds ?? [])
      .filter((each) => !possible.some((kind) => isSameKind(each, kind)))
      .map((each) => each.kind),
  };
}

/** What is the matter with the listener by itself. */
export function ownProblem({ protocol, tls }: ListenerInput): ListenerProblem | undefined {
  if (transportOf(protocol) === undefined) {
    return {
      reason: "UnsupportedProtocol",
      message: `protocol ${protocol} is not supported; use HTTP, HTTPS, TLS, TCP or UDP`,
    };
  }
  for (const [key, value] of Object.entries(tls?.options ?? {})) {
    if (!key.startsWith(ownOptionPrefix)) continue;
    if (key !== minTlsVersionOption) {
      return { reason: "UnsupportedValue", message: `tls.options: ${key} is no option of weft` };
    }
    if (value !== "1.2" && value !== "1.3") {
      return { reason: "UnsupportedValue", message: `tls.options: ${key} must be 1.2 or 1.3` };
    }
  }
  return undefined;
}

type Transport = "http" | "tcp" | "tls" | "udp";

/** What the first bytes on the port are. HTTPS and TLS share a port: the server name tells them apart. */
export function transportOf(protocol: string): Transport | undefined {
  switch (protocol) {
    case "HTTP":
      return "http";
    case "TCP":
      return "tcp";
    case "UDP":
      return "udp";
    case "HTTPS":
    case "TLS":
      return "tls";
    default:
      return undefined;
  }
}

/** TCP and UDP each have ports of their own. */
export function sharesPort(a: DeclaredListener, b: DeclaredListener): boolean {
  return a.input.port === b.input.port && isDatagram(a) === isDatagram(b);
}

function isDatagram({ input }: DeclaredListener): boolean {
  return transportOf(input.protocol) === "udp";
}

function hostnameOf({ hostname }: ListenerInput): string {
  return hostname === undefined || hostname === "" ? "*" : hostname.toLowerCase();
}

/** Gateway API's table of protocols and kinds. */
function kindsFor({ protocol, tls }: ListenerInput): readonly RouteKind[] {
  switch (protocol) {
    case "HTTP":
    case "HTTPS":
      return ["HTTPRoute", "GRPCRoute"];
    case "TLS":
      return tls?.mode === "Passthrough" ? ["TLSRoute"] : ["TLSRoute", "TCPRoute"];
    case "TCP":
      return ["TCPRoute"];
    case "UDP":
      return ["UDPRoute"];
    default:
      return [];
  }
}

function isSameKind(named: { readonly group: string; readonly kind: string }, kind: RouteKind): boolean {
  return named.kind === kind && named.group === gatewayGroup;
}

/** Routes of its own namespace are those of whoever wrote the listener: of the Gateway, or of the ListenerSet. */
export function allowsNamespace(
  inputs: InputReader,
  { owner, input }: DeclaredListener,
  namespace: string,
): boolean {
  return isSelected(inputs, input.allowedRoutes.namespaces, { own: owner.namespace, namespace });
}

export function isSelected(
  inputs: InputReader,
  choice: {
    readonly from: "All" | "Same" | "Selector" | "None";
    readonly selector?: Parameters<typeof labelRequirements>[0];
  },
  { own, namespace }: { readonly own: string; readonly namespace: string },
): boolean {
  const { from, selector } = choice;
  switch (from) {
    case "All":
      return true;
    case "None":
      return false;
    case "Same":
      return namespace === own;
    case "Selector": {
      if (selector === undefined) return false;
      const labels = inputs.namespaceLabels(namespace);
      return labels !== undefined && matchRequirements(labelRequirements(selector), labels);
    }
  }
}
