/** Whether there is what a policy is aimed at, and what arrives there. */
import type { Protocol as ModelProtocol } from "../../model/index.ts";
import { Protocol } from "../../model/index.ts";
import { isService } from "../attachment.ts";
import { gatewayListeners } from "../gateway-listeners.ts";
import type { InputReader } from "../inputs.ts";
import { transportOf } from "../listener.ts";
import { protocolOf } from "../protocol.ts";
import type { TargetReference } from "./security-input.ts";

export interface TargetProblem {
  readonly reason: "TargetNotFound" | "NotEnforced";
  readonly message: string;
}

export interface RawPlace {
  /** For people. */
  readonly name: string;
  readonly isDatagrams: boolean;
}

const underService =
  "is attached to Services only, and policies of security are not enforced for routes there: a server does not rely on its caller's choice of route; aim at the Service";

const ofDatagrams =
  "takes datagrams, of which policies are not asked: it stays open to everybody who can reach it";

export function targetProblem(
  inputs: InputReader,
  namespace: string,
  { kind, name, sectionName }: TargetReference,
): TargetProblem | undefined {
  const path = `${namespace}/${name}`;
  switch (kind) {
    case "MeshConfig":
    case "Namespace":
      return undefined;
    case "Service": {
      const ports = inputs.service(path)?.ports.filter(({ transport }) => transport === "TCP");
      if (ports === undefined) return missing(`Service ${path} does not exist`);
      return sectionName === undefined || ports.some((port) => port.name === sectionName)
        ? undefined
        : missing(`Service ${path} has no TCP port named ${sectionName}`);
    }
    case "Gateway": {
      const gateway = inputs.ownGateway(path);
      if (gateway === undefined) return missing(`Gateway ${path} does not exist or is another controller's`);
      const meant = gatewayListeners(inputs, path, gateway).filter(
        ({ input }) => sectionName === undefined || input.name === sectionName,
      );
      if (sectionName !== undefined && meant.length === 0) {
        return missing(`Gateway ${path} has no listener named ${sectionName}`);
      }
      return meant.length > 0 && meant.every(({ input }) => transportOf(input.protocol) === "udp")
        ? {
            reason: "NotEnforced",
            message: `${meant.map(({ input }) => `listener ${input.name}`).join(", ")} of Gateway ${path} ${ofDatagrams}`,
          }
        : undefined;
    }
    case "HTTPRoute":
    case "GRPCRoute": {
      const route = inputs.route(kind, path);
      if (route === undefined) return missing(`${kind} ${path} does not exist`);
      const rules: readonly { readonly name?: string }[] = route.spec.rules ?? [];
      if (sectionName !== undefined && !rules.some((rule) => rule.name === sectionName)) {
        return missing(`${kind} ${path} has no rule named ${sectionName}`);
      }
      const parents = route.spec.parentRefs ?? [];
      return parents.length > 0 && parents.every(isService)
        ? { reason: "NotEnforced", message: `${kind} ${path} ${underService}` }
        : undefined;
    }
  }
}

function missing(message: string): TargetProblem {
  return { reason: "TargetNotFound", message };
}

/** Places of the target where no request of HTTP is seen. */
export function rawPlaces(
  inputs: InputReader,
  namespace: string,
  { kind, name, sectionName }: TargetReference,
): RawPlace[] {
  const path = `${namespace}/${name}`;
  if (kind === "Service") {
    return (inputs.service(path)?.ports ?? []).flatMap((port) =>
      port.transport === "TCP" &&
      (sectionName === undefined || port.name === sectionName) &&
      isRaw(protocolOf(port))
        ? [{ name: `port ${port.port} of Service ${path}`, isDatagrams: false }]
        : [],
    );
  }
  const gateway = kind === "Gateway" ? inputs.ownGateway(path) : undefined;
  if (gateway === undefined) return [];
  return gatewayListeners(inputs, path, gateway).flatMap(({ input }) => {
    const isMeant = sectionName === undefined || input.name === sectionName;
    const transport = transportOf(input.protocol);
    if (!isMeant || transport === "http" || input.protocol === "HTTPS") return [];
    return [{ name: `listener ${input.name} of Gateway ${path}`, isDatagrams: transport === "udp" }];
  });
}

function isRaw(protocol: ModelProtocol): boolean {
  return protocol === Protocol.TCP || protocol === Protocol.TLS;
}
