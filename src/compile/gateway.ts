/**
 * One Gateway: its listeners with the routes that attach. A request or connection belongs to the listener with the most
 * specific hostname (listener isolation): a listener of HTTP always claims its own hostname, with no rules where no route
 * attaches, and never one that a more specific listener of the same port claims. Listeners of TLS and TCP are told apart
 * by proxies, before their entries are looked at.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { proxyProtocolAnnotation } from "../api/index.ts";
import { type GatewayListenerSchema, GatewaySchema, Protocol } from "../model/index.ts";
import { type CompiledRoute, isConnectionRoute, isHttpRoute } from "./compiled-route.ts";
import type { GatewayInput } from "./gateway-input.ts";
import { compareSpecificity, coversHostname } from "./hostname.ts";
import type { InputReader } from "./inputs.ts";
import { analyzeListeners, type Listener } from "./listener.ts";
import { type ListenerTlsOutcome, resolveTls } from "./listener-tls.ts";
import { type CompiledResource, compareText, encodeResource } from "./resource.ts";
import { buildConnectionRouting, buildRouting, clustersOf, type RoutingContent } from "./routing.ts";

type ListenerContent = MessageInitShape<typeof GatewayListenerSchema>;

/** Undefined where the Gateway does not exist or is of another controller's class. */
export function compileGateway(inputs: InputReader, key: string): CompiledResource | undefined {
  const gateway = ownGateway(inputs, key);
  if (gateway === undefined) return undefined;
  const routes = inputs
    .routesOf({ kind: "Gateway", parent: key })
    .toSorted((a, b) => compareText(a.path, b.path) || compareText(a.kind, b.kind));
  const { namespace, name } = gateway.metadata;
  const listeners =
    gatewayProblem(gateway) === undefined
      ? analyzeListeners(gateway).filter((listener) => listener.problem === undefined)
      : [];
  const served = withTls(inputs, gateway, listeners);
  const clusters = clustersOf(routes);
  const certificates = [...new Set(served.flatMap(({ tls }) => tls.certificates))].toSorted(compareText);
  const attached = { gateway, key, listeners, routes };
  return encodeResource(
    { kind: "Gateway", key },
    GatewaySchema,
    {
      source: { kind: "Gateway", namespace, name },
      listeners: served.map(({ listener, tls }) => compileListener(listener, tls, attached)),
      clusters,
      certificates,
    },
    { clusters, certificates },
  );
}

export function ownGateway(inputs: InputReader, key: string): GatewayInput | undefined {
  const gateway = inputs.gateway(key);
  return gateway !== undefined && inputs.isOwnClass(gateway.spec.gatewayClassName) ? gateway : undefined;
}

/** Why nothing of the Gateway can be served: what it asks for would otherwise be ignored in silence. */
export function gatewayProblem(
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
  const proxyProtocol = proxyProtocolOf(gateway);
  if (proxyProtocol !== undefined && proxyProtocol !== "required") {
    return {
      reason: "InvalidParameters",
      message: `annotation ${proxyProtocolAnnotation} must be "required" or absent`,
    };
  }
  return tls === undefined ? undefined : { reason: "UnsupportedValue", message: "spec.tls is not supported" };
}

function proxyProtocolOf({ metadata, spec }: GatewayInput): string | undefined {
  return (
    metadata.annotations?.[proxyProtocolAnnotation] ??
    spec.infrastructure?.annotations?.[proxyProtocolAnnotation]
  );
}

interface ServedListener {
  readonly listener: Listener;
  readonly tls: ListenerTlsOutcome;
}

/**
 * A listener without a certificate is not served. Where others share its port it still claims its hostname, so that its
 * clients are refused and not taken for another listener's.
 */
function withTls(
  inputs: InputReader,
  gateway: GatewayInput,
  listeners: readonly Listener[],
): ServedListener[] {
  const all = listeners.map((listener) => ({ listener, tls: resolveTls(inputs, gateway, listener.input) }));
  const ports = new Set(all.flatMap(({ listener, tls }) => (tls.isServable ? [listener.input.port] : [])));
  return all.filter(({ listener }) => ports.has(listener.input.port));
}

interface Attached {
  readonly gateway: GatewayInput;
  readonly key: string;
  readonly listeners: readonly Listener[];
  readonly routes: readonly CompiledRoute[];
}

function compileListener(listener: Listener, tls: ListenerTlsOutcome, attached: Attached): ListenerContent {
  const { gateway, key, routes } = attached;
  const { namespace, name } = gateway.metadata;
  const { input, hostname } = listener;
  const protocol = protocolOf(listener);
  return {
    source: { kind: "Gateway", namespace, name, section: input.name },
    name: input.name,
    port: input.port,
    protocol,
    addresses: addressesOf(gateway),
    hostname,
    ...(tls.content === undefined ? {} : { tls: tls.content }),
    proxyProtocol: proxyProtocolOf(gateway) === "required",
    ...(protocol === Protocol.HTTP
      ? { virtualHosts: tls.isServable ? virtualHosts(listener, attached) : [] }
      : {
          connections: buildConnectionRouting(routes.filter(isConnectionRoute), (route) =>
            tls.isServable ? hostnamesAt(route, key, listener) : [],
          ),
        }),
  };
}

function protocolOf({ input: { protocol } }: Listener): Protocol {
  if (protocol === "TCP") return Protocol.TCP;
  return protocol === "TLS" ? Protocol.TLS : Protocol.HTTP;
}

function addressesOf(gateway: GatewayInput): string[] {
  return (gateway.spec.addresses ?? []).flatMap(({ value }) =>
    value === undefined || value === "" ? [] : [value],
  );
}

function virtualHosts(
  listener: Listener,
  { key, listeners, routes }: Attached,
): { hostname: string; http: RoutingContent }[] {
  const own = listener.hostname;
  const rivals = listeners
    .filter((other) => other !== listener && other.input.port === listener.input.port)
    .map(({ hostname }) => hostname)
    .filter((hostname) => coversHostname(own, hostname));
  const byHostname = Map.groupBy(
    routes
      .filter(isHttpRoute)
      .flatMap((route) => hostnamesAt(route, key, listener).map((hostname) => ({ hostname, route })))
      .filter(({ hostname }) => !rivals.some((rival) => coversHostname(rival, hostname))),
    ({ hostname }) => hostname,
  );
  if (!byHostname.has(own)) byHostname.set(own, []);
  return [...byHostname]
    .toSorted(([a], [b]) => compareSpecificity(a, b))
    .map(([hostname, entries]) => ({ hostname, http: buildRouting(entries.map(({ route }) => route)) }));
}

/** The hostnames that the route has at the listener; none: it does not attach there. */
export function hostnamesAt(route: CompiledRoute, gateway: string, listener: Listener): string[] {
  const hostnames = route.attachments.flatMap((attachment) =>
    attachment.kind === "Gateway" &&
    attachment.parent === gateway &&
    attachment.listener === listener.input.name
      ? attachment.hostnames
      : [],
  );
  return [...new Set(hostnames)];
}
