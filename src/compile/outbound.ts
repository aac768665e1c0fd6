/**
 * One port of a Service or ExternalService as clients of one namespace see it. A route in the service's own namespace
 * (producer) holds for everybody; a route in the client's namespace (consumer) holds for that namespace's clients only, and
 * where there is one, it takes the place of the producer's routes. Of routes of several kinds the most specific kind holds.
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { clusterKey, type OutboundKeyParts, OutboundSchema, parseOutboundKey } from "../model/index.ts";
import { type CompiledRoute, isConnectionRoute, isHttpRoute } from "./compiled-route.ts";
import { externalTarget } from "./external-resources.ts";
import type { InputReader } from "./inputs.ts";
import type { OutboundTarget } from "./outbound-target.ts";
import { canCarry, protocolOf } from "./protocol.ts";
import { closureOf, type CompiledResource, resourceOf } from "./resource.ts";
import { attachesToPort, mostSpecific } from "./route-conflicts.ts";
import { buildConnectionRouting, buildRouting, clustersOf } from "./routing.ts";
import type { OutboundContent, SharedOutbound } from "./shared-outbounds.ts";
import { hostOf, tcpPort } from "./service-resources.ts";

export function compileOutbound(inputs: InputReader, key: string): CompiledResource | undefined {
  const parsed = parseOutboundKey(key);
  if (parsed === undefined) return undefined;
  const { namespace, service, port, clientNamespace } = parsed;
  const shared = inputs.sharedOutbound(clusterKey(namespace, service, port), (reader) => {
    const target = findTarget(reader, parsed);
    return target === undefined ? undefined : compileShared(reader, target, port);
  });
  if (shared === undefined) return undefined;
  const { head, tail, closure } = shared.consumers.get(clientNamespace) ?? shared.others;
  return resourceOf(
    { kind: "Outbound", key },
    Buffer.concat([head, encode({ clientNamespace }), tail]),
    closure,
  );
}

function compileShared(inputs: InputReader, target: OutboundTarget, port: number): SharedOutbound {
  const consumers = new Map<string, OutboundContent>();
  for (const [namespace, routes] of Map.groupBy(attached(inputs, target, port), (route) => route.namespace)) {
    consumers.set(namespace, contentOf(target, port, mostSpecific(routes).map(asInMesh)));
  }
  return { consumers, others: consumers.get(target.namespace) ?? contentOf(target, port, []) };
}

function contentOf(
  { kind, namespace, service, section, protocol, host, hosts }: OutboundTarget,
  port: number,
  routes: readonly CompiledRoute[],
): OutboundContent {
  const defaultCluster = clusterKey(namespace, service, port);
  const clusters = clustersOf(routes, defaultCluster);
  const head = { source: { kind, namespace, name: service, section }, namespace, service, port };
  const tail = {
    ...{ host, protocol, defaultCluster, clusters, hosts: [...hosts] },
    ...routing(routes, `${namespace}/${service}`, port),
  };
  return { head: encode(head), tail: encode(tail), closure: closureOf({ clusters }) };
}

function encode(content: MessageInitShape<typeof OutboundSchema>): Uint8Array {
  return toBinary(OutboundSchema, create(OutboundSchema, content));
}

/** The same for clients of every namespace: what it gives is kept for all of them. */
function findTarget(
  inputs: InputReader,
  { namespace, service: name, port }: Omit<OutboundKeyParts, "clientNamespace">,
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

function attached(
  inputs: InputReader,
  { namespace, service, protocol }: OutboundTarget,
  port: number,
): readonly CompiledRoute[] {
  const parent = `${namespace}/${service}`;
  return inputs
    .routesOf({ kind: "Service", parent })
    .filter((route) => canCarry(route.kind, protocol) && attachesToPort(route, parent, port));
}

function asInMesh(route: CompiledRoute): CompiledRoute {
  if (route.meshRules === undefined) return route;
  return isHttpRoute(route) ? { ...route, rules: route.meshRules } : { ...route, rules: route.meshRules };
}
