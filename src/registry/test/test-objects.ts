/** Objects for the registry's tests, parsed as an operator's would be so that defaults are filled in. */
import { type ApiObject, type KindName, type ObjectOfKind, parseObject } from "../../api/index.ts";

function parsed<K extends KindName>(kind: K, input: object): ObjectOfKind<K> {
  const result = parseObject({ kind, ...input }, "write");
  if ("issues" in result) throw new Error(`${kind}: ${JSON.stringify(result.issues)}`);
  if (!isKind(result.object, kind)) throw new Error(`not a ${kind}`);
  return result.object;
}

function isKind<K extends KindName>(
  object: ApiObject,
  kind: K,
): object is Extract<ApiObject, { kind: K }> & ObjectOfKind<K> {
  return object.kind === kind;
}

export function service(name: string, spec: object): ObjectOfKind<"Service"> {
  return parsed("Service", { apiVersion: "v1", metadata: { name, namespace: "default" }, spec });
}

export function workload(
  name: string,
  labels: Record<string, string>,
  spec: object,
): ObjectOfKind<"MeshWorkload"> {
  return parsed("MeshWorkload", {
    apiVersion: "weft.dev/v1alpha1",
    metadata: { name, namespace: "default", labels },
    spec,
  });
}

export function slice(name: string, serviceName: string, rest: object): ObjectOfKind<"EndpointSlice"> {
  return parsed("EndpointSlice", {
    apiVersion: "discovery.k8s.io/v1",
    metadata: { name, namespace: "default", labels: { "kubernetes.io/service-name": serviceName } },
    addressType: "IPv4",
    ...rest,
  });
}

export function meshConfig(spec: object): ObjectOfKind<"MeshConfig"> {
  return parsed("MeshConfig", { apiVersion: "weft.dev/v1alpha1", metadata: { name: "mesh" }, spec });
}
