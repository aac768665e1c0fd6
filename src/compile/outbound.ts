/**
 * One service port as clients of one namespace see it. A route in the service's own namespace (producer) holds for
 * everybody; a route in the client's namespace (consumer) holds for that namespace's clients only, and where there is
 * one, it takes the place of the producer's routes. Of routes of several kinds the most specific kind holds.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { clusterKey, OutboundSchema, parseOutboundKey } from "../model/index.ts";
import type { ServicePortView, ServiceView } from "../registry/index.ts";
import { type CompiledRoute, isConnectionRoute, isHttpRoute } from "./compiled-route.ts";
import type { InputReader } from "./inputs.ts";
import { canCarry, protocolOf } from "./protocol.ts";
import { type CompiledResource, encodeResource } from "./resource.ts";
import { attachesToPort, mostSpecific } from "./route-conflicts.ts";
import { buildConnectionRouting, buildRouting, clustersOf } from "./routing.ts";
import { hostOf, tcpPort } from "./service-resources.ts";

export function compileOutbound(inputs: InputReader, key: string): CompiledResource | undefined {
  const parsed = parseOutboundKey(key);
  if (parsed === undefined) return undefined;
  const service = inputs.service(`${parsed.namespace}/${parsed.service}`);
  const port = tcpPort(service, parsed.port);
  if (service === undefined || port === undefined) return undefined;
  const routes = applicable(inputs, service, port, parsed.clientNamespace);
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
      protocol: protocolOf(port),
      defaultCluster,
      clusters,
      ...routing(routes, service.path, port.port),
    },
    { clusters },
  );
}

/** All are of one kind. */
function routing(
  routes: readonly CompiledRoute[],
  service: string,
  port: number,
): Pick<MessageInitShape<typeof OutboundSchema>, "http" | "connections"> {
  const requests = routes.filter(isHttpRoute);
  if (requests.length > 0) return { http: buildRouting(requests) };
  const connections = routes.filter(isConnectionRoute);
  if (connections.length === 0) return {};
  return {
    connections: buildConnectionRouting(connections, (route) =>
      route.attachments.flatMap((attachment) =>
        attachment.kind === "Service" &&
        attachment.parent === service &&
        (attachment.port === undefined || attachment.port === port)
          ? attachment.hostnames
          : [],
      ),
    ),
  };
}

function applicable(
  inputs: InputReader,
  service: ServiceView,
  port: ServicePortView,
  clientNamespace: string,
): readonly CompiledRoute[] {
  const protocol = protocolOf(port);
  const attached = inputs
    .routesOf({ kind: "Service", parent: service.path })
    .filter((route) => canCarry(route.kind, protocol) && attachesToPort(route, service.path, port.port));
  const consumers = attached.filter((route) => route.namespace === clientNamespace);
  const inForce =
    consumers.length > 0 ? consumers : attached.filter((route) => route.namespace === service.namespace);
  return mostSpecific(inForce).map(asInMesh);
}

function asInMesh(route: CompiledRoute): CompiledRoute {
  if (route.meshRules === undefined) return route;
  return isHttpRoute(route) ? { ...route, rules: route.meshRules } : { ...route, rules: route.meshRules };
}
