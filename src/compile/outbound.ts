/**
 * One service port as clients of one namespace see it. A route in the service's own namespace (producer) holds for
 * everybody; a route in the client's namespace (consumer) holds for that namespace's clients only, and where there is
 * one, it takes the place of the producer's routes.
 */
import { clusterKey, type OutboundKeyParts, OutboundSchema, parseOutboundKey } from "../model/index.ts";
import { externalTarget } from "./external-resources.ts";
import type { OutboundTarget } from "./outbound-target.ts";
import type { InputReader } from "./inputs.ts";
import { mayCarryHttp, protocolOf } from "./protocol.ts";
import { type CompiledResource, encodeResource } from "./resource.ts";
import { type CompiledHttpRoute, isHttpRoute } from "./compiled-route.ts";
import { buildRouting, clustersOf } from "./routing.ts";
import { hostOf, tcpPort } from "./service-resources.ts";

export function compileOutbound(inputs: InputReader, key: string): CompiledResource | undefined {
  const parsed = parseOutboundKey(key);
  const target = parsed === undefined ? undefined : findTarget(inputs, parsed);
  if (parsed === undefined || target === undefined) return undefined;
  const { kind, namespace, service, section, protocol, host, hosts } = target;
  const routes = mayCarryHttp(protocol) ? applicable(inputs, target, parsed) : [];
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
      ...(routes.length > 0 ? { http: buildRouting(routes) } : {}),
    },
    { clusters },
  );
}

function findTarget(
  inputs: InputReader,
  { namespace, service: name, port }: OutboundKeyParts,
): OutboundTarget | undefined {
  const path = `${namespace}/${name}`;
  const external = inputs.externalService(path);
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

function applicable(
  inputs: InputReader,
  { kind, namespace, service }: OutboundTarget,
  { port, clientNamespace }: OutboundKeyParts,
): readonly CompiledHttpRoute[] {
  const parent = `${namespace}/${service}`;
  const attached = inputs
    .routesOf({ kind, parent })
    .filter(isHttpRoute)
    .filter((route) =>
      route.attachments.some(
        (attachment) =>
          attachment.kind === kind &&
          attachment.parent === parent &&
          (attachment.port === undefined || attachment.port === port),
      ),
    );
  const consumers = attached.filter((route) => route.namespace === clientNamespace);
  return consumers.length > 0 ? consumers : attached.filter((route) => route.namespace === namespace);
}
