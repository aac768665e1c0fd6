/**
 * What a BackendTLSPolicy means for the ports of a Service. A policy for the port itself goes before one for the whole
 * Service, and of several for the same the oldest holds. One that cannot be followed refuses every connection.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { UpstreamTlsSchema } from "../model/index.ts";
import type { BackendTlsPolicyInput, BackendTlsTarget } from "./backend-tls-policies.ts";
import { isServiceTarget } from "./backend-tls-policies.ts";
import type { InputReader } from "./inputs.ts";

export type UpstreamTlsContent = MessageInitShape<typeof UpstreamTlsSchema>;
type Reference = NonNullable<BackendTlsPolicyInput["spec"]["validation"]["caCertificateRefs"]>[number];

interface Problem {
  readonly reason: "InvalidCACertificateRef" | "InvalidKind";
  readonly message: string;
}

export interface Trust {
  readonly systemRoots: boolean;
  /** Of the references that lead somewhere. */
  readonly caPem: string;
  /** Of those that do not. */
  readonly problems: readonly Problem[];
  /** What it names instead is nothing that weft knows. */
  readonly unknown: string | undefined;
}

/** Absent: connections to the port's endpoints are not encrypted. */
export function backendTls(
  inputs: InputReader,
  service: string,
  portName: string,
): UpstreamTlsContent | undefined {
  const policy = policyOf(inputs, service, portName);
  return policy === undefined ? undefined : tlsContent(inputs, policy);
}

export function policyOf(
  inputs: InputReader,
  service: string,
  portName: string,
): BackendTlsPolicyInput | undefined {
  const policies = inputs.backendTlsPoliciesOf(service);
  const named = portName === "" ? undefined : findFor(policies, service, portName);
  return named ?? findFor(policies, service, undefined);
}

/** The one that holds for a target: the first, since `policies` has the older first. */
export function findFor(
  policies: readonly BackendTlsPolicyInput[],
  service: string,
  sectionName: string | undefined,
): BackendTlsPolicyInput | undefined {
  return policies.find(({ metadata, spec }) =>
    spec.targetRefs.some((target) => isTarget(target, metadata.namespace, service, sectionName)),
  );
}

function isTarget(
  target: BackendTlsTarget,
  namespace: string,
  service: string,
  sectionName: string | undefined,
): boolean {
  return (
    isServiceTarget(target) && `${namespace}/${target.name}` === service && target.sectionName === sectionName
  );
}

function tlsContent(inputs: InputReader, policy: BackendTlsPolicyInput): UpstreamTlsContent {
  const { namespace, name } = policy.metadata;
  const { hostname, subjectAltNames = [] } = policy.spec.validation;
  const { systemRoots, caPem, problems, unknown } = resolveTrust(inputs, policy);
  const reasons = unknown === undefined ? problems.map(({ message }) => message) : [unknown];
  return {
    source: { kind: "BackendTLSPolicy", namespace, name },
    hostname,
    subjectAltNames: subjectAltNames.map(({ type, hostname: dns = "", uri = "" }) => ({
      name: type === "URI" ? { case: "uri", value: uri } : { case: "dns", value: dns.toLowerCase() },
    })),
    systemRoots,
    caPem,
    invalid:
      systemRoots || caPem !== "" ? "" : `BackendTLSPolicy ${namespace}/${name}: ${reasons.join("; ")}`,
  };
}

export function resolveTrust(inputs: InputReader, { metadata, spec }: BackendTlsPolicyInput): Trust {
  const { caCertificateRefs = [], wellKnownCACertificates } = spec.validation;
  const { caPem, problems } = resolveReferences(inputs, metadata.namespace, {
    references: caCertificateRefs,
    field: "spec.validation.caCertificateRefs",
  });
  const isSystem = wellKnownCACertificates === "System";
  return {
    systemRoots: isSystem,
    caPem,
    problems,
    unknown:
      wellKnownCACertificates === undefined || isSystem
        ? undefined
        : `wellKnownCACertificates ${wellKnownCACertificates} is not known; System is`,
  };
}

/** `field`: where the references stand. */
export function resolveReferences(
  inputs: InputReader,
  namespace: string,
  { references, field }: { readonly references: readonly Reference[]; readonly field: string },
): Pick<Trust, "caPem" | "problems"> {
  const pems: string[] = [];
  const problems: Problem[] = [];
  for (const [index, reference] of references.entries()) {
    const found = resolveReference(inputs, namespace, reference);
    if (typeof found === "string") pems.push(found);
    else problems.push({ ...found, message: `${field}[${index}]: ${found.message}` });
  }
  return { caPem: pems.join(""), problems };
}

function resolveReference(
  inputs: InputReader,
  namespace: string,
  { group, kind, name }: Reference,
): string | Problem {
  if (kind !== "ConfigMap" || (group !== "" && group !== "core")) {
    return { reason: "InvalidKind", message: `${kind} ${name} is no ConfigMap` };
  }
  const path = `${namespace}/${name}`;
  const anchors = inputs.trustAnchors(path);
  if (anchors === undefined) {
    return { reason: "InvalidCACertificateRef", message: `ConfigMap ${path} does not exist` };
  }
  if (anchors.kind === "valid") return anchors.pem;
  return { reason: "InvalidCACertificateRef", message: `ConfigMap ${path} ${anchors.message}` };
}
