/**
 * The status of a BackendTLSPolicy: at each Gateway whose routes send to a target, and at the target itself, which stands
 * for the mesh's own clients.
 */
import { gatewayGroup } from "../api/index.ts";
import { findFor, resolveTrust, type Trust } from "./backend-tls.ts";
import type { BackendTlsPolicyInput, BackendTlsTarget } from "./backend-tls-policies.ts";
import { isServiceTarget } from "./backend-tls-policies.ts";
import type { InputReader } from "./inputs.ts";
import { compareText } from "./resource.ts";
import {
  type ComputedAncestorStatus,
  type ComputedCondition,
  condition,
  type StatusUpdate,
} from "./status.ts";

/** Gateway API's bound. */
const maxAncestors = 16;

export function backendTlsPolicyStatus(inputs: InputReader, path: string): StatusUpdate | undefined {
  const policy = inputs.backendTlsPolicy(path);
  if (policy === undefined) return undefined;
  const { namespace, name, generation } = policy.metadata;
  const trust = resolveTrust(inputs, policy);
  const judged = policy.spec.targetRefs.map((target) => {
    const acceptance = acceptanceOf(inputs, policy, { target, trust });
    return { target, acceptance, gateways: gatewaysOf(inputs, `${namespace}/${target.name}`) };
  });
  const resolution = resolutionOf(trust);
  const own = judged.map(({ target: { group, kind, name: targetName, sectionName }, acceptance }) => ({
    ancestorRef: { group, kind, name: targetName, ...(sectionName === undefined ? {} : { sectionName }) },
    conditions: [acceptance, resolution],
  }));
  const gateways = [...new Set(judged.flatMap((each) => each.gateways))].toSorted(compareText);
  const atGateways = gateways.slice(0, maxAncestors - own.length).map((gateway): ComputedAncestorStatus => {
    const there = judged.filter((each) => each.gateways.includes(gateway));
    const worst = there.find(({ acceptance }) => acceptance.status === "False") ?? there[0];
    return {
      ancestorRef: gatewayReference(gateway),
      conditions: [...(worst === undefined ? [] : [worst.acceptance]), resolution],
    };
  });
  return {
    kind: "BackendTLSPolicy",
    namespace,
    name,
    observedGeneration: generation,
    status: { kind: "policy", ancestors: [...atGateways, ...own] },
  };
}

function gatewayReference(path: string): Record<string, unknown> {
  const [namespace, name] = path.split("/");
  return { group: gatewayGroup, kind: "Gateway", namespace, name };
}

/** Those whose routes name the Service as a backend. */
function gatewaysOf(inputs: InputReader, service: string): string[] {
  return inputs
    .routesTo(service)
    .flatMap(({ attachments }) =>
      attachments.flatMap((attachment) => (attachment.kind === "Gateway" ? [attachment.parent] : [])),
    );
}

function acceptanceOf(
  inputs: InputReader,
  policy: BackendTlsPolicyInput,
  { target, trust }: { readonly target: BackendTlsTarget; readonly trust: Trust },
): ComputedCondition {
  const { namespace, name } = policy.metadata;
  const refusal = (reason: string, message: string) => condition("Accepted", false, reason, message);
  if (!isServiceTarget(target)) return refusal("Invalid", `targets of kind ${target.kind} are not supported`);
  const path = `${namespace}/${target.name}`;
  const service = inputs.service(path);
  if (service === undefined) return refusal("TargetNotFound", `Service ${path} does not exist`);
  const { sectionName } = target;
  if (sectionName !== undefined && !service.ports.some((port) => port.name === sectionName)) {
    return refusal("TargetNotFound", `Service ${path} has no port named ${sectionName}`);
  }
  const winner = findFor(inputs.backendTlsPoliciesOf(path), path, sectionName);
  if (winner !== undefined && winner.metadata.name !== name) {
    return refusal("Conflicted", `BackendTLSPolicy ${winner.metadata.name} is older and has the same target`);
  }
  if (trust.unknown !== undefined) return refusal("Invalid", trust.unknown);
  if (!trust.systemRoots && trust.caPem === "") {
    return refusal("NoValidCACertificate", messageOf(trust));
  }
  return condition("Accepted", true, "Accepted", "");
}

function resolutionOf(trust: Trust): ComputedCondition {
  const [first] = trust.problems;
  return first === undefined
    ? condition("ResolvedRefs", true, "ResolvedRefs", "")
    : condition("ResolvedRefs", false, first.reason, messageOf(trust));
}

function messageOf({ problems }: Trust): string {
  return problems.map(({ message }) => message).join("; ");
}
