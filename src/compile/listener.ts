/** A Gateway's listeners: which of them can be served, and which routes they let attach. */
import { gatewayGroup, labelRequirements, matchRequirements } from "../api/index.ts";
import type { GatewayInput, ListenerInput } from "./gateway-input.ts";
import type { InputReader } from "./inputs.ts";
import type { ComputedCondition } from "./status.ts";

const routeKind = { group: gatewayGroup, kind: "HTTPRoute" } as const;

export interface Listener {
  readonly input: ListenerInput;
  /** Served. False: its status says why, and no traffic is taken for it. */
  readonly isAccepted: boolean;
  readonly supportedKinds: readonly (typeof routeKind)[];
  readonly conditions: readonly ComputedCondition[];
}

export function analyzeListeners(gateway: GatewayInput): Listener[] {
  const listeners = gateway.spec.listeners;
  const supported = listeners.filter((listener) => listener.protocol === "HTTP");
  return listeners.map((input) => {
    const isSupported = input.protocol === "HTTP";
    const isConflicted = isSupported && supported.some((other) => other !== input && claimSame(input, other));
    const isAccepted = isSupported && !isConflicted;
    const kinds = input.allowedRoutes.kinds;
    const supportedKinds = isSupported && (kinds === undefined || kinds.some(isRouteKind)) ? [routeKind] : [];
    const hasForeignKinds = kinds?.some((kind) => !isRouteKind(kind)) === true;
    return {
      input,
      isAccepted,
      supportedKinds,
      conditions: [
        acceptance(input, isSupported, isConflicted),
        isConflicted
          ? condition("Conflicted", true, "HostnameConflict", conflictMessage(input))
          : condition("Conflicted", false, "NoConflicts", ""),
        hasForeignKinds
          ? condition("ResolvedRefs", false, "InvalidRouteKinds", "only HTTPRoute can attach")
          : condition("ResolvedRefs", true, "ResolvedRefs", ""),
        isAccepted
          ? condition("Programmed", true, "Programmed", "")
          : condition("Programmed", false, "Invalid", "the listener is not accepted"),
      ],
    };
  });
}

export function condition(type: string, holds: boolean, reason: string, message: string): ComputedCondition {
  return { type, status: holds ? "True" : "False", reason, message };
}

function acceptance(input: ListenerInput, isSupported: boolean, isConflicted: boolean): ComputedCondition {
  if (!isSupported) {
    return condition(
      "Accepted",
      false,
      "UnsupportedProtocol",
      `protocol ${input.protocol} is not supported; use HTTP`,
    );
  }
  return isConflicted
    ? condition("Accepted", false, "HostnameConflict", conflictMessage(input))
    : condition("Accepted", true, "Accepted", "");
}

function conflictMessage(input: ListenerInput): string {
  return `another listener has port ${input.port} and hostname ${input.hostname ?? "*"} too`;
}

function claimSame(a: ListenerInput, b: ListenerInput): boolean {
  return a.port === b.port && (a.hostname ?? "*") === (b.hostname ?? "*");
}

function isRouteKind(kind: { readonly group: string; readonly kind: string }): boolean {
  return kind.kind === routeKind.kind && kind.group === routeKind.group;
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
