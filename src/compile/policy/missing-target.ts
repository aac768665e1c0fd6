/** Whether there is what a policy is aimed at. */
import type { PolicyTargetKind } from "../../api/index.ts";
import type { InputReader } from "../inputs.ts";
import { tcpPort } from "../service-resources.ts";

interface Reference {
  readonly kind: PolicyTargetKind | "Gateway";
  readonly name: string;
  readonly sectionName?: string;
}

/** Why the policy is aimed at nothing; undefined where it is not. */
export function missingTarget(
  inputs: InputReader,
  namespace: string,
  { kind, name, sectionName }: Reference,
): string | undefined {
  const path = `${namespace}/${name}`;
  switch (kind) {
    case "MeshConfig":
    case "Namespace":
      return undefined;
    case "Service": {
      const service = inputs.service(path);
      if (service === undefined) return `Service ${path} does not exist`;
      const port = service.ports.find((each) => each.name === sectionName);
      if (sectionName === undefined || (port !== undefined && tcpPort(service, port.port) !== undefined))
        return undefined;
      return `Service ${path} has no TCP port named ${sectionName}`;
    }
    case "ExternalService": {
      const external = inputs.external.service(path);
      if (external === undefined) return `ExternalService ${path} does not exist or is not in force`;
      const isThere = external.spec.ports.some((port) => port.name === sectionName);
      if (sectionName === undefined || isThere) return undefined;
      return `ExternalService ${path} has no port named ${sectionName}`;
    }
    case "Gateway":
      return inputs.ownGateway(path) === undefined
        ? `Gateway ${path} does not exist or is another controller's`
        : undefined;
    case "HTTPRoute":
    case "GRPCRoute": {
      const route = inputs.route(kind, path);
      if (route === undefined) return `${kind} ${path} does not exist`;
      const rules: readonly { readonly name?: string }[] = route.spec.rules ?? [];
      if (sectionName === undefined || rules.some((rule) => rule.name === sectionName)) return undefined;
      return `${kind} ${path} has no rule named ${sectionName}`;
    }
  }
}
