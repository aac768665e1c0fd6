/**
 * One port of a Service or ExternalService as clients of one namespace see it. A route in the service's own namespace
 * (producer) holds for everybody; a route in the client's namespace (consumer) holds for that namespace's clients only, and
 * where there is one, it takes the place of the producer's routes. Of routes of several kinds the most specific kind holds.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { clusterKey, type OutboundKeyParts, OutboundSchema, parseOutboundKey } from "../model/index.ts";
import { type CompiledRoute, isConnectionRoute, isHttpRoute } from "./compiled-route.ts";
import { externalTarget } from "./external-resources.ts";
import type { InputReader } from "./inputs.ts";
import type { OutboundTarget } from "./outbound-target.ts";
import { canCarry, protocolOf } from "./protocol.ts";
import { type CompiledResource, encodeResource } from "./resource.ts";
import { attachesToPort, mostSpecific } from "./route-conflicts.ts";
import { buildConnectionRouting, buildRouting, clustersOf } from "./routing.ts";
import { hostOf, tcpPort } from "./service-resources.ts";

export function compileOutbound(inputs: InputReader, key: string): CompiledResource | undefined {
  const parsed = parseOutboundKey(key);
  const target = parsed === undefined ? undefined : findTarget(inputs, parsed);
  if (parsed === undefined || target === undefined) return undefined;
  const { kind, namespace, service, section, protocol, host, hosts } = target;
  const routes = applicable(inputs, target, parsed);
  const defaultCluster = clusterKey(namespace, service, parsed.port);
  const clusters = clustersOf(routes, defaultCluster);
  return encodeResource(
    { kind: "Outbound", key },
    OutboundSchema,
    {
      source: { kind, namespace, name: service, section },
      namespace,
      service,
      port: parsed.port,
      clientNamespace: parsed.clientNamespace,
      host,
      protocol,
      defaultCluster,
      clusters,
      hosts: [...hosts],
      ...routing(routes, `${namespace}/${service}`, parsed.port),
    },
    { clusters },
  );
}

function findTarget(
  inputs: InputReader,
  { namespace, service: name, port }: OutboundKeyParts,
): OutboundTarget | undefined {
  const path = `${namespace}/${name}`;
  const external = inputs.external.service(path);
  if (external !== undefined) return externalTarget(inputs, external, port);
  const service = inputs.service(path);
  const servicePort = tcpPort(service, port);
  if (service === undefined || servicePort === undefined) return undefined;
  return {
    kind: "Service",
    namespace,
    service: name,
    section: servicePort.name,
    protocol: protocolOf(servicePort),
    host: hostOf(service, inputs.domainSuffix),
    hosts: [],
  };
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
  { namespace, service, protocol }: OutboundTarget,
  { port, clientNamespace }: OutboundKeyParts,
): readonly CompiledRoute[] {
  const parent = `${namespace}/${service}`;
  const attached = inputs
    .routesOf({ kind: "Service", parent })
    .filter((route) => canCarry(route.kind, protocol) && attachesToPort(route, parent, port));
  const consumers = attached.filter((route) => route.namespace === clientNamespace);
  const inForce =
    consumers.length > 0 ? consumers : attached.filter((route) => route.namespace === namespace);
  return mostSpecific(inForce).map(asInMesh);
}

function asInMesh(route: CompiledRoute): CompiledRoute {
  if (route.meshRules === undefined) return route;
  return isHttpRoute(route) ? { ...route, rules: route.meshRules } : { ...route, rules: route.meshRules };
}
