/** The services that admissions ask: where a reference of a policy leads, or why nowhere. */
import { weftGroup } from "../../api/index.ts";
import { clusterKey } from "../../model/index.ts";
import { externalPort } from "../external-resources.ts";
import type { Referrer } from "../grants.ts";
import type { InputReader } from "../inputs.ts";
import { tcpPort } from "../service-resources.ts";

export interface AskedInput {
  readonly group: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly port?: number;
}

export type Asked =
  | { readonly cluster: string }
  | { readonly unresolved: string; readonly reason: "BackendNotFound" | "RefNotPermitted" | "InvalidKind" };

export function resolveAsked(inputs: InputReader, from: Referrer, reference: AskedInput): Asked {
  const { group, kind, name, port } = reference;
  const isExternal = kind === "ExternalService" && group === weftGroup;
  if (!isExternal && (kind !== "Service" || (group !== "" && group !== "core"))) {
    return {
      reason: "InvalidKind",
      unresolved: `a ${kind} cannot be asked; name a Service or ExternalService`,
    };
  }
  const namespace = reference.namespace ?? from.namespace;
  const path = `${namespace}/${name}`;
  if (!inputs.isPermitted(from, { group: isExternal ? weftGroup : "", kind, namespace, name })) {
    const unresolved = `${kind} ${path} is in another namespace and nothing there permits the reference`;
    return { reason: "RefNotPermitted", unresolved };
  }
  const problem = isExternal
    ? externalProblem(inputs, path, port ?? 0)
    : serviceProblem(inputs, path, port ?? 0);
  return problem === undefined
    ? { cluster: clusterKey(namespace, name, port ?? 0) }
    : { reason: "BackendNotFound", unresolved: problem };
}

function serviceProblem(inputs: InputReader, path: string, port: number): string | undefined {
  const service = inputs.service(path);
  if (service === undefined) return `Service ${path} does not exist`;
  return tcpPort(service, port) === undefined ? `Service ${path} has no TCP port ${port}` : undefined;
}

function externalProblem(inputs: InputReader, path: string, port: number): string | undefined {
  const external = inputs.external.service(path);
  if (external === undefined) return `ExternalService ${path} does not exist or is not in force`;
  if (externalPort(external, port) === undefined) return `ExternalService ${path} has no port ${port}`;
  return external.spec.resolution === "None"
    ? `ExternalService ${path} has resolution None: where its connections go only its own clients say`
    : undefined;
}
