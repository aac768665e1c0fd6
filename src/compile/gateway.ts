/**
 * One Gateway: its listeners with the virtual hosts of the routes that attach, most specific hostname first, and its
 * status. A request belongs to the listener with the most specific hostname (listener isolation): a listener always
 * claims its own hostname, with no rules where no route attaches, and never one that a more specific listener of the
 * same port claims.
 */
import { GatewaySchema, Protocol } from "../model/index.ts";
import type { GatewayInput } from "./gateway-input.ts";
import { compareSpecificity, coversHostname } from "./hostname.ts";
import type { InputReader } from "./inputs.ts";
import { analyzeListeners, condition, type Listener } from "./listener.ts";
import { type CompiledResource, compareText, encodeResource } from "./resource.ts";
import type { CompiledRoute } from "./compiled-route.ts";
import { buildRouting, clustersOf, type RoutingContent } from "./routing.ts";
import type { ComputedCondition, StatusUpdate } from "./status.ts";

/** Undefined where the Gateway does not exist or is of another controller's class. */
export function compileGateway(inputs: InputReader, key: string): CompiledResource | undefined {
  const gateway = ownGateway(inputs, key);
  if (gateway === undefined) return undefined;
  const routes = inputs
    .routesOf({ kind: "Gateway", parent: key })
    .toSorted((a, b) => compareText(a.path, b.path));
  const { namespace, name } = gateway.metadata;
  const listeners = analyzeListeners(gateway);
  const isAccepted = gatewayProblem(gateway) === undefined;
  const clusters = clustersOf(routes);
  return encodeResource(
    { kind: "Gateway", key },
    GatewaySchema,
    {
      source: { kind: "Gateway", namespace, name },
      listeners: listeners
        .filter((listener) => isAccepted && listener.isAccepted)
        .map((listener) => ({
          source: { kind: "Gateway", namespace, name, section: listener.input.name },
          name: listener.input.name,
          port: listener.input.port,
          protocol: Protocol.HTTP,
          addresses: addressesOf(gateway),
          virtualHosts: virtualHosts(listener, listeners, routes, key),
        })),
      clusters,
    },
    { clusters },
  );
}

export function gatewayStatus(inputs: InputReader, key: string): StatusUpdate | undefined {
  const gateway = ownGateway(inputs, key);
  if (gateway === undefined) return undefined;
  const routes = inputs.routesOf({ kind: "Gateway", parent: key });
  const listeners = analyzeListeners(gateway);
  return {
    kind: "Gateway",
    namespace: gateway.metadata.namespace,
    name: gateway.metadata.name,
    observedGeneration: gateway.metadata.generation,
    status: {
      kind: "gateway",
      conditions: gatewayConditions(gateway, listeners),
      listeners: listeners.map((listener) => ({
        name: listener.input.name,
        attachedRoutes: routes.filter((route) => hostnamesAt(route, key, listener).length > 0).length,
        supportedKinds: listener.supportedKinds,
        conditions: listener.conditions,
      })),
    },
  };
}

function ownGateway(inputs: InputReader, key: string): GatewayInput | undefined {
  const gateway = inputs.gateway(key);
  return gateway !== undefined && inputs.isOwnClass(gateway.spec.gatewayClassName) ? gateway : undefined;
}

/** Why nothing of the Gateway can be served: what it asks for would otherwise be ignored in silence. */
function gatewayProblem(
  gateway: GatewayInput,
): { readonly reason: string; readonly message: string } | undefined {
  const { addresses, infrastructure, tls } = gateway.spec;
  const foreign = (addresses ?? []).find((address) => address.type !== "IPAddress");
  if (foreign !== undefined) {
    return { reason: "UnsupportedAddress", message: `addresses of type ${foreign.type} are not supported` };
  }
  if (infrastructure?.parametersRef !== undefined) {
    return { reason: "InvalidParameters", message: "spec.infrastructure.parametersRef is not supported" };
  }
  return tls === undefined ? undefined : { reason: "UnsupportedValue", message: "spec.tls is not supported" };
}

function gatewayConditions(gateway: GatewayInput, listeners: readonly Listener[]): ComputedCondition[] {
  const refused = listeners.filter((listener) => !listener.isAccepted).map((listener) => listener.input.name);
  const problem =
    gatewayProblem(gateway) ??
    (refused.length === listeners.length
      ? { reason: "ListenersNotValid", message: "no listener can be served" }
      : undefined);
  if (problem !== undefined) {
    return [
      condition("Accepted", false, problem.reason, problem.message),
      condition("Programmed", false, "Invalid", problem.message),
    ];
  }
  return [
    refused.length > 0
      ? condition(
          "Accepted",
          true,
          "ListenersNotValid",
          `listeners that are not served: ${refused.join(", ")}`,
        )
      : condition("Accepted", true, "Accepted", ""),
    condition("Programmed", true, "Programmed", ""),
  ];
}

function addressesOf(gateway: GatewayInput): string[] {
  return (gateway.spec.addresses ?? []).flatMap(({ value }) =>
    value === undefined || value === "" ? [] : [value],
  );
}

function virtualHosts(
  listener: Listener,
  listeners: readonly Listener[],
  routes: readonly CompiledRoute[],
  gateway: string,
): { hostname: string; http: RoutingContent }[] {
  const own = hostnameOf(listener);
  const rivals = listeners
    .filter((other) => other !== listener && other.isAccepted && other.input.port === listener.input.port)
    .map(hostnameOf)
    .filter((hostname) => coversHostname(own, hostname));
  const byHostname = new Map<string, CompiledRoute[]>([[own, []]]);
  for (const route of routes) {
    for (const hostname of hostnamesAt(route, gateway, listener)) {
      if (rivals.some((rival) => coversHostname(rival, hostname))) continue;
      const list = byHostname.get(hostname);
      if (list === undefined) byHostname.set(hostname, [route]);
      else list.push(route);
    }
  }
  return [...byHostname]
    .toSorted(([a], [b]) => compareSpecificity(a, b))
    .map(([hostname, hostRoutes]) => ({ hostname, http: buildRouting(hostRoutes) }));
}

function hostnamesAt(route: CompiledRoute, gateway: string, listener: Listener): string[] {
  const hostnames = route.attachments.flatMap((attachment) =>
    attachment.kind === "Gateway" &&
    attachment.parent === gateway &&
    attachment.listener === listener.input.name
      ? attachment.hostnames
      : [],
  );
  return [...new Set(hostnames)];
}

function hostnameOf(listener: Listener): string {
  const hostname = listener.input.hostname?.toLowerCase();
  return hostname === undefined || hostname === "" ? "*" : hostname;
}
