/** Who tells, in the words of OpenTelemetry's conventions for services and Kubernetes. */
import type { AttributeValue } from "./attributes.ts";

export interface ProxyPlace {
  readonly role: "sidecar" | "gateway";
  readonly namespace: string;
  /** Of the workload. */
  readonly name: string;
  /** Of the program that it runs; empty: nobody says. */
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Which of several processes that are one proxy together; absent: it is the only one. */
  readonly process?: number | undefined;
}

/** The workload's labels say what it is part of; without them it is its own. */
export function resourceAttributes(place: ProxyPlace): Readonly<Record<string, AttributeValue>> {
  const { role, namespace, name, version, labels, process } = place;
  const instance = `${namespace}.${name}`;
  return {
    "service.name": labels["app.kubernetes.io/name"] || labels["app"] || name,
    "service.namespace": namespace,
    "service.instance.id": process === undefined ? instance : `${instance}.${process}`,
    "service.version": version,
    "k8s.namespace.name": namespace,
    "k8s.pod.name": name,
    "weft.role": role,
    "weft.workload": `${namespace}/${name}`,
  };
}
