/**
 * One Gateway: its listeners with the routes that attach. A request or connection belongs to the listener with the most
 * specific hostname (listener isolation): a listener of HTTP always claims its own hostname, with no rules where no route
 * attaches, and never one that a more specific listener of the same port claims. Listeners of TLS and TCP are told apart
 * by proxies, before their entries are looked at.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type GatewayListenerSchema, GatewaySchema, Protocol } from "../model/index.ts";
import { type CompiledRoute, isConnectionRoute, isHttpRoute } from "./compiled-route.ts";
import { gatewayAddresses } from "./gateway-addresses.ts";
import { resolveClientCertificate } from "./gateway-backend-tls.ts";
import type { GatewayInput } from "./gateway-input.ts";
import { gatewayListeners } from "./gateway-listeners.ts";
import { gatewayProblem, requiresProxyProtocol } from "./gateway-problem.ts";
import { compareSpecificity, coversHostname } from "./hostname.ts";
import type { InputReader } from "./inputs.ts";
import { type DeclaredListener, type Listener, sharesPort } from "./listener.ts";
import { type ListenerTlsOutcome, resolveTls } from "./listener-tls.ts";
import { type CompiledResource, compareText, encodeResource, sortedRecord } from "./resource.ts";
import { GatewayAdmissions } from "./security/gateway-admission.ts";
import { gatewayTelemetry } from "./telemetry/effective.ts";
import { buildConnectionRouting, buildRouting, clustersOf, type RoutingContent } from "./routing.ts";

type ListenerContent = MessageInitShape<typeof GatewayListenerSchema>;

/** Undefined where the Gateway does not exist or is of another controller's class. */
export function compileGateway(inputs: InputReader, key: string): CompiledResource | undefined {
  const gateway = inputs.ownGateway(key);
  if (gateway === undefined) return undefined;
  const routes = inputs
    .routesOf({ kind: "Gateway", parent: key })
    .toSorted((a, b) => compareText(a.path, b.path) || compareText(a.kind, b.kind));
  const { namespace, name } = gateway.metadata;
  const { listened, isNowhere } = gatewayAddresses(gateway, inputs.gatewayHost());
  const listeners =
    gatewayProblem(gateway) === undefined && !isNowhere
      ? gatewayListeners(inputs, key, gateway).filter((listener) => listener.problem === undefined)
      : [];
  const served = withTls(inputs, gateway, listeners);
  const clientCertificate = resolveClientCertificate(inputs, gateway);
  const shown = served.flatMap(({ tls }) => tls.certificates);
  if (typeof clientCertificate === "string") shown.push(clientCertificate);
  const certificates = [...new Set(shown)].toSorted(compareText);
  const { labels, annotations } = gateway.spec.infrastructure ?? {};
  const admissions = new GatewayAdmissions(inputs, key);
  const attached = { gateway, key, listeners, routes, addresses: listened, admissions };
  const compiled = served.map(({ listener, tls }) => compileListener(listener, tls, attached));
  const telemetry = gatewayTelemetry(inputs, key);
  const clusters = clustersOf(routes, ...admissions.clusters, ...telemetry.clusters);
  return encodeResource(
    { kind: "Gateway", key },
    GatewaySchema,
    {
      source: { kind: "Gateway", namespace, name },
      listeners: compiled,
      clusters,
      certificates,
      labels: sortedRecord(labels ?? {}),
      annotations: sortedRecord(annotations ?? {}),
      clientCertificate: typeof clientCertificate === "string" ? clientCertificate : "",
      admissions: admissions.table.admissions,
      ...telemetry.content,
    },
    { clusters, certificates },
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
  const all = listeners.map((listener) => {
    const tls = resolveTls(inputs, gateway, listener);
    // Without a certificate to show, proxies refuse every handshake.
    return {
      listener,
      tls: tls.refusal === undefined ? tls : { ...tls, content: withoutCertificates(tls), certificates: [] },
    };
  });
  const servable = all.filter(({ tls }) => tls.refusal === undefined);
  return all.filter(({ listener }) => servable.some((other) => sharesPort(other.listener, listener)));
}

function withoutCertificates({ content }: ListenerTlsOutcome): ListenerTlsOutcome["content"] {
  return content === undefined ? undefined : { ...content, certificates: [] };
}

interface Attached {
  readonly gateway: GatewayInput;
  readonly key: string;
  readonly listeners: readonly Listener[];
  readonly routes: readonly CompiledRoute[];
  readonly addresses: readonly string[];
  readonly admissions: GatewayAdmissions;
}

function compileListener(listener: Listener, tls: ListenerTlsOutcome, attached: Attached): ListenerContent {
  const { gateway, key, routes, admissions } = attached;
  const { input, hostname, owner } = listener;
  const protocol = protocolOf(listener);
  const isServed = tls.refusal === undefined;
  return {
    source: { ...owner, section: input.name },
    name: input.name,
    port: input.port,
    protocol,
    addresses: [...attached.addresses],
    hostname,
    ...(tls.content === undefined ? {} : { tls: tls.content }),
    proxyProtocol: protocol !== Protocol.UDP && requiresProxyProtocol(gateway),
    ...(protocol === Protocol.HTTP
      ? requestsAt(listener, isServed, attached)
      : {
          // Datagrams have nobody who could be asked about.
          ...(protocol === Protocol.UDP ? {} : { admission: admissions.connections(input.name) }),
          connections: buildConnectionRouting(routes.filter(isConnectionRoute), (route) =>
            isServed ? hostnamesAt(route, key, listener) : [],
          ),
        }),
  };
}

function requestsAt(listener: Listener, isServed: boolean, attached: Attached) {
  if (!isServed) return { virtualHosts: [] };
  const { key, routes, admissions } = attached;
  const here = routes.filter((route) => hostnamesAt(route, key, listener).length > 0);
  const { index, withAdmissions } = admissions.requests(listener.input.name, here);
  const asking = here.filter(isHttpRoute).map(withAdmissions);
  return { admission: index, virtualHosts: virtualHosts(listener, { ...attached, routes: asking }) };
}

const protocols: Readonly<Record<string, Protocol>> = {
  TCP: Protocol.TCP,
  TLS: Protocol.TLS,
  UDP: Protocol.UDP,
};

function protocolOf({ input: { protocol } }: Listener): Protocol {
  return protocols[protocol] ?? Protocol.HTTP;
}

function virtualHosts(
  listener: Listener,
  { key, listeners, routes }: Attached,
): { hostname: string; http: RoutingContent }[] {
  const own = listener.hostname;
  const rivals = listeners
    .filter((other) => other !== listener && sharesPort(other, listener))
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
export function hostnamesAt(route: CompiledRoute, gateway: string, listener: DeclaredListener): string[] {
  const hostnames = route.attachments.flatMap((attachment) =>
    attachment.kind === "Gateway" &&
    attachment.parent === gateway &&
    attachment.set === listener.set &&
    attachment.listener === listener.input.name
      ? attachment.hostnames
      : [],
  );
  return [...new Set(hostnames)];
}
