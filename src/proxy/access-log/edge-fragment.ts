/** The part of a JSON line that is the same for all requests of an edge, encoded once. From the quotation mark on that ends the time. */
import { type EdgeLabels, namespaceOf } from "../telemetry/index.ts";
import { quote } from "./quote.ts";

const fragments = new WeakMap<EdgeLabels, Buffer>();

export function edgeFragment(edge: EdgeLabels): Buffer {
  const known = fragments.get(edge);
  if (known !== undefined) return known;
  const fragment = Buffer.from(encode(edge));
  fragments.set(edge, fragment);
  return fragment;
}

function encode(edge: EdgeLabels): string {
  return (
    `","direction":${quote(edge.direction)},"protocol":${quote(edge.protocol)}` +
    `,"source_workload":${quote(edge.sourceWorkload)},"source_identity":${quote(edge.sourceIdentity)}` +
    known("source_namespace", sourceNamespace(edge)) +
    known("source_version", edge.sourceVersion) +
    known("source_locality", edge.sourceLocality) +
    `,"destination_workload":${quote(edge.destinationWorkload)},"destination_identity":${quote(edge.destinationIdentity)}` +
    `,"destination_service":${quote(edge.destinationService)},"destination_port":${edge.destinationPort}` +
    known("destination_namespace", destinationNamespace(edge)) +
    `,"destination_version":${quote(edge.destinationVersion)}` +
    known("destination_locality", edge.destinationLocality) +
    `,"route":${quote(edge.route)},"mtls":${edge.mtls}`
  );
}

function known(name: string, value: string | undefined): string {
  return value ? `,"${name}":${quote(value)}` : "";
}

/** Empty: unknown. */
export function sourceNamespace({ sourceWorkload }: EdgeLabels): string {
  return namespaceOf(sourceWorkload);
}

/** Of the service that was asked for, else of the workload. */
export function destinationNamespace({ destinationService, destinationWorkload }: EdgeLabels): string {
  return namespaceOf(destinationService) || namespaceOf(destinationWorkload);
}
