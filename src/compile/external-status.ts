/** The status of an ExternalService: whether it is in force, and which of its hosts and addresses others have. */
import { clusterKey } from "../model/index.ts";
import { externalPort, isOfMesh } from "./external-resources.ts";
import { type ExternalServiceInput, prefixesOf } from "./external-services.ts";
import { externalTrust } from "./external-tls.ts";
import type { InputReader } from "./inputs.ts";
import { pathOf } from "./object-path.ts";
import { type ComputedCondition, condition, type StatusUpdate } from "./status.ts";

interface Conflict {
  readonly reason: "ServiceConflict" | "HostConflict" | "HostReserved" | "AddressConflict";
  readonly message: string;
}

export function externalServiceStatus(inputs: InputReader, path: string): StatusUpdate | undefined {
  const external = inputs.external.written(path);
  if (external === undefined) return undefined;
  const { namespace, name, generation } = external.metadata;
  return {
    kind: "ExternalService",
    namespace,
    name,
    observedGeneration: generation,
    status: { kind: "conditions", conditions: conditionsOf(inputs, external) },
  };
}

function conditionsOf(inputs: InputReader, external: ExternalServiceInput): ComputedCondition[] {
  const path = pathOf(external);
  if (inputs.external.service(path) === undefined) {
    const message = `the Service ${path} has the key that both would have, such as ${clusterKey(external.metadata.namespace, external.metadata.name, external.spec.ports[0]?.port ?? 0)}; nothing of this object is in force`;
    return [
      condition("Accepted", false, "ServiceConflict", message),
      condition("ResolvedRefs", true, "ResolvedRefs", ""),
      condition("Conflicted", true, "ServiceConflict", message),
    ];
  }
  const hosts = external.spec.hosts.flatMap((host) => hostConflict(inputs, external, host) ?? []);
  const addresses = addressConflicts(inputs, external);
  const conflicts = [...hosts, ...addresses];
  const [first] = conflicts;
  const message = conflicts.map((conflict) => conflict.message).join("; ");
  const isUnreachable = hosts.length === external.spec.hosts.length && external.spec.addresses.length === 0;
  return [
    isUnreachable && first !== undefined
      ? condition("Accepted", false, first.reason, message)
      : condition("Accepted", true, "Accepted", ""),
    resolution(inputs, external),
    first === undefined
      ? condition("Conflicted", false, "NoConflicts", "")
      : condition("Conflicted", true, first.reason, message),
  ];
}

function resolution(inputs: InputReader, { metadata, spec }: ExternalServiceInput): ComputedCondition {
  const { problems } =
    spec.tls === undefined ? { problems: [] } : externalTrust(inputs, metadata.namespace, spec.tls);
  const [first] = problems;
  if (first === undefined) return condition("ResolvedRefs", true, "ResolvedRefs", "");
  const message = problems.map((problem) => problem.message).join("; ");
  return condition("ResolvedRefs", false, first.reason, message);
}

function hostConflict(
  inputs: InputReader,
  external: ExternalServiceInput,
  host: string,
): Conflict | undefined {
  if (isOfMesh(host, inputs.domainSuffix)) {
    const message = `${host} lies in the mesh's own domain ${inputs.domainSuffix}`;
    return { reason: "HostReserved", message };
  }
  const owner = inputs.external.hostOwner(host);
  if (owner === undefined || pathOf(owner) === pathOf(external)) return undefined;
  return { reason: "HostConflict", message: `${host} belongs to the older ExternalService ${pathOf(owner)}` };
}

/** Where several have one prefix and port, names tell them apart; of those that show none the older has it. */
function addressConflicts(inputs: InputReader, external: ExternalServiceInput): Conflict[] {
  const path = pathOf(external);
  return prefixesOf(external).flatMap((prefix) => {
    const owners = inputs.external.prefixClaimants(prefix);
    const older = owners.slice(
      0,
      owners.findIndex((owner) => pathOf(owner) === path),
    );
    return external.spec.ports.flatMap(({ port }): Conflict[] => {
      const rival = older.find((owner) => !isNamed(owner, port) && externalPort(owner, port) !== undefined);
      if (isNamed(external, port) || rival === undefined) return [];
      const message = `${prefix.toString()} port ${port} belongs to the older ExternalService ${pathOf(rival)}, and no host tells them apart`;
      return [{ reason: "AddressConflict", message }];
    });
  });
}

function isNamed(external: ExternalServiceInput, port: number): boolean {
  return external.spec.hosts.length > 0 && externalPort(external, port)?.protocol !== "TCP";
}
