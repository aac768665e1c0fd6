/** A Gateway's listeners: which of them can be taken together, and which routes they let attach. */
import {
  gatewayGroup,
  labelRequirements,
  matchRequirements,
  minTlsVersionOption,
  ownOptionPrefix,
} from "../api/index.ts";
import type { GatewayInput, ListenerInput } from "./gateway-input.ts";
import type { InputReader } from "./inputs.ts";
import type { RouteKind } from "./route-input.ts";

interface SupportedKind {
  readonly group: typeof gatewayGroup;
  readonly kind: RouteKind;
}

interface ListenerProblem {
  readonly reason: "UnsupportedProtocol" | "UnsupportedValue" | "HostnameConflict" | "ProtocolConflict";
  readonly message: string;
}

export interface Listener {
  readonly input: ListenerInput;
  /** "*" where it has none. */
  readonly hostname: string;
  /** Set: no traffic is taken for it, and this is why. */
  readonly problem: ListenerProblem | undefined;
  readonly supportedKinds: readonly SupportedKind[];
  /** Kinds that it names and that cannot attach. */
  readonly foreignKinds: readonly string[];
}

export function analyzeListeners(gateway: GatewayInput): Listener[] {
  const listeners = gateway.spec.listeners;
  const supported = listeners.filter((listener) => ownProblem(listener) === undefined);
  return listeners.map((input) => {
    const possible = kindsFor(input);
    const kinds = input.allowedRoutes.kinds;
    return {
      input,
      hostname: hostnameOf(input),
      problem: ownProblem(input) ?? findConflict(input, supported),
      supportedKinds: possible
        .filter((kind) => kinds === undefined || kinds.some((each) => isSameKind(each, kind)))
        .map((kind) => ({ group: gatewayGroup, kind })),
      foreignKinds: (kinds ?? [])
        .filter((each) => !possible.some((kind) => isSameKind(each, kind)))
        .map((each) => each.kind),
    };
  });
}

/** What is the matter with the listener by itself. */
function ownProblem({ protocol, tls }: ListenerInput): ListenerProblem | undefined {
  if (transportOf(protocol) === undefined) {
    return {
      reason: "UnsupportedProtocol",
      message: `protocol ${protocol} is not supported; use HTTP, HTTPS, TLS or TCP`,
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

type Transport = "http" | "tcp" | "tls";

/** What the first bytes on the port are. HTTPS and TLS share a port: the server name tells them apart. */
function transportOf(protocol: string): Transport | undefined {
  switch (protocol) {
    case "HTTP":
      return "http";
    case "TCP":
      return "tcp";
    case "HTTPS":
    case "TLS":
      return "tls";
    default:
      return undefined;
  }
}

function findConflict(
  input: ListenerInput,
  supported: readonly ListenerInput[],
): ListenerProblem | undefined {
  const others = supported.filter((other) => other !== input && other.port === input.port);
  const foreign = others.find((other) => transportOf(other.protocol) !== transportOf(input.protocol));
  if (foreign !== undefined) {
    return {
      reason: "ProtocolConflict",
      message: `port ${input.port} cannot speak both ${input.protocol} and ${foreign.protocol}`,
    };
  }
  return others.some((other) => hostnameOf(other) === hostnameOf(input))
    ? {
        reason: "HostnameConflict",
        message: `another listener has port ${input.port} and hostname ${hostnameOf(input)} too`,
      }
    : undefined;
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
    default:
      return [];
  }
}

function isSameKind(named: { readonly group: string; readonly kind: string }, kind: RouteKind): boolean {
  return named.kind === kind && named.group === gatewayGroup;
}

export function allowsNamespace(
  inputs: InputReader,
  gateway: GatewayInput,
  listener: ListenerInput,
  namespace: string,
): boolean {
  const { from, selector } = listener.allowedRoutes.namespaces;
  switch (from) {
    case "All":
      return true;
    case "Same":
      return namespace === gateway.metadata.namespace;
    case "Selector": {
      if (selector === undefined) return false;
      const labels = inputs.namespaceLabels(namespace);
      return labels !== undefined && matchRequirements(labelRequirements(selector), labels);
    }
  }
}
