/** What a workload's own proxy takes: the ports that the workload declares, and those that services send to it. */
import { outboundTrafficAnnotation } from "../api/index.ts";
import { InboundSchema, Protocol } from "../model/index.ts";
import type { ServicePortView, WorkloadView } from "../registry/index.ts";
import { backendTls, type UpstreamTlsContent } from "./backend-tls.ts";
import type { InputReader } from "./inputs.ts";
import { protocolNamed, protocolOf } from "./protocol.ts";
import { type CompiledResource, compareText, encodeResource, type InitOf } from "./resource.ts";
import { AdmissionTable, admissionAt } from "./security/admission.ts";
import { modelModes } from "./security/authentication.ts";
import { modeOfPort, modeOfWorkload } from "./security/mtls.ts";
import { portPlace, portsOf, type ServicesOfPort, targetPortOf } from "./security/places.ts";
import { identityOf } from "./service-resources.ts";
import { workloadTelemetry } from "./telemetry/effective.ts";

interface PortContent {
  protocol: Protocol;
  readonly services: Set<string>;
  /** Of the first service that has any; what an application speaks does not depend on who asks. */
  tls?: UpstreamTlsContent | undefined;
}

export function compileInbound(inputs: InputReader, key: string): CompiledResource | undefined {
  const workload = inputs.workload(key);
  if (workload === undefined) return undefined;
  const ports = new Map<number, PortContent>();
  for (const port of workload.ports) {
    ports.set(port.port, { protocol: protocolNamed(port.protocol), services: new Set() });
  }
  for (const path of inputs.servicesOf(key)) {
    for (const servicePort of inputs.service(path)?.ports ?? [])
      addServicePort(ports, workload, path, {
        ...servicePort,
        tls: backendTls(inputs, path, servicePort.name),
      });
  }
  const table = new AdmissionTable();
  const services = portsOf(inputs, workload);
  const mode = modeOfWorkload(inputs, workload);
  const compiledPorts = [...ports]
    .toSorted(([a], [b]) => a - b)
    .map(([port, { protocol, services: reachedBy, tls }]) => {
      const places: ServicesOfPort = services.get(port) ?? new Map();
      const own = modeOfPort(inputs, workload, port, places);
      return {
        port,
        protocol,
        services: [...reachedBy].toSorted(),
        ...(own === mode ? {} : { mtls: modelModes[own] }),
        ...(tls === undefined ? {} : { tls }),
        admission: table.add(admissionAt(inputs, portPlace(workload, places))),
      };
    });
  const { admissions } = table;
  const telemetry = workloadTelemetry(inputs, workload);
  const clusters = [...new Set([...table.clusters, ...telemetry.clusters])].toSorted(compareText);
  const content: InitOf<typeof InboundSchema> = {
    source: { kind: "MeshWorkload", namespace: workload.namespace, name: workload.name },
    workload: workload.path,
    identity: identityOf(inputs.trustDomain, workload.namespace, workload.serviceAccount),
    mtls: modelModes[mode],
    region: workload.region,
    zone: workload.zone,
    ports: compiledPorts,
    denyUnknownDestinations:
      inputs.namespaceAnnotation(workload.namespace, outboundTrafficAnnotation) === "deny",
    admissions,
    clusters,
    ...telemetry.content,
    ...(workload.metrics && { applicationMetrics: workload.metrics }),
  };
  return encodeResource({ kind: "Inbound", key }, InboundSchema, content, { clusters });
}

function addServicePort(
  ports: Map<number, PortContent>,
  workload: WorkloadView,
  service: string,
  servicePort: ServicePortView & { readonly tls: UpstreamTlsContent | undefined },
): void {
  const target = targetPortOf(workload, servicePort);
  if (target === undefined) return;
  const declared = protocolOf(servicePort);
  const existing = ports.get(target);
  if (existing === undefined) {
    ports.set(target, { protocol: declared, services: new Set([service]), tls: servicePort.tls });
    return;
  }
  existing.tls ??= servicePort.tls;
  // The service says what its callers speak; where it says nothing, the workload's own word stands.
  if (declared !== Protocol.UNSPECIFIED) existing.protocol = declared;
  existing.services.add(service);
}
