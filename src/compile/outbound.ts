/**
 * One service port as clients of one namespace see it. A route in the service's own namespace (producer) holds for
 * everybody; a route in the client's namespace (consumer) holds for that namespace's clients only, and where there is
 * one, it takes the place of the producer's routes.
 */
import { clusterKey, OutboundSchema, parseOutboundKey } from "../model/index.ts";
import type { ServiceView } from "../registry/index.ts";
import type { InputReader } from "./inputs.ts";
import { mayCarryHttp, protocolOf } from "./protocol.ts";
import { type CompiledResource, encodeResource } from "./resource.ts";
import { type CompiledHttpRoute, isHttpRoute } from "./compiled-route.ts";
import { buildRouting, clustersOf } from "./routing.ts";
import { hostOf, tcpPort } from "./service-resources.ts";

export function compileOutbound(inputs: InputReader, key: string): CompiledResource | undefined {
  const parsed = parseOutboundKey(key);
  if (parsed === undefined) return undefined;
  const service = inputs.service(`${parsed.namespace}/${parsed.service}`);
  const port = tcpPort(service, parsed.port);
  if (service === undefined || port === undefined) return undefined;
  const protocol = protocolOf(port);
  const routes = mayCarryHttp(protocol)
    ? applicable(inputs, service, parsed.port, parsed.clientNamespace)
    : [];
  const defaultCluster = clusterKey(service.namespace, service.name, parsed.port);
  const clusters = clustersOf(routes, defaultCluster);
  return encodeResource(
    { kind: "Outbound", key },
    OutboundSchema,
    {
      source: { kind: "Service", namespace: service.namespace, name: service.name, section: port.name },
      namespace: service.namespace,
      service: service.name,
      port: port.port,
      clientNamespace: parsed.clientNamespace,
      host: hostOf(service, inputs.domainSuffix),
      protocol,
      defaultCluster,
      clusters,
      ...(routes.length > 0 ? { http: buildRouting(routes) } : {}),
    },
    { clusters },
  );
}

function applicable(
  inputs: InputReader,
  service: ServiceView,
  port: number,
  clientNamespace: string,
): readonly CompiledHttpRoute[] {
  const attached = inputs
    .routesOf({ kind: "Service", parent: service.path })
    .filter(isHttpRoute)
    .filter((route) =>
      route.attachments.some(
        (attachment) =>
          attachment.kind === "Service" &&
          attachment.parent === service.path &&
          (attachment.port === undefined || attachment.port === port),
      ),
    );
  const consumers = attached.filter((route) => route.namespace === clientNamespace);
  return consumers.length > 0 ? consumers : attached.filter((route) => route.namespace === service.namespace);
}
