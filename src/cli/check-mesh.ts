/** Looks at a running mesh for what is wrong: what the control plane found, and resources that could not be used. */
import type { ApiObject, KindName, MeshStatus } from "../api/index.ts";
import type { ApiClient } from "../client/index.ts";
import { WeftError } from "../kernel/index.ts";
import { verdictLine } from "./audit.ts";
import type { Finding } from "./finding.ts";
import { findConditions, isProblem } from "./conditions.ts";
import { shortName } from "./resources.ts";

/** Kinds whose status says whether they took effect. */
const kindsWithConditions: readonly KindName[] = [
  "GatewayClass",
  "Gateway",
  "HTTPRoute",
  "GRPCRoute",
  "TLSRoute",
  "TCPRoute",
  "UDPRoute",
  "ListenerSet",
  "BackendTLSPolicy",
  "TrafficPolicy",
  "FaultPolicy",
  "AuthenticationPolicy",
  "AuthorizationPolicy",
  "RateLimitPolicy",
  "TelemetryPolicy",
];

export async function checkMesh(client: ApiClient, namespace: string | undefined): Promise<Finding[]> {
  const status = await client.status();
  const findings = [
    ...checkControlPlane(status),
    ...(await checkAudit(client)),
    ...(await client.findings(namespace)),
  ];
  for (const kind of kindsWithConditions) {
    const { items } = await client.list(kind, namespace === undefined ? {} : { namespace });
    findings.push(...items.flatMap(checkConditions));
  }
  return findings;
}

function checkControlPlane(status: MeshStatus): Finding[] {
  const findings: Finding[] = [
    { level: "ok", message: `control plane ${status.version} answers, trust domain ${status.trustDomain}` },
  ];
  if (status.compiledRevision < status.revision) {
    findings.push({
      level: "bad",
      message: `revision ${status.revision} is not compiled; the newest that is: ${status.compiledRevision}`,
    });
  }
  if (status.isLivenessFrozen) {
    findings.push({
      level: "bad",
      message:
        "too many workloads lost their connection at once; none of them is taken out until that changes",
    });
  }
  return findings;
}

/** Nothing of a server that keeps no log. */
async function checkAudit(client: ApiClient): Promise<Finding[]> {
  try {
    const verdict = await client.auditVerdict();
    return [{ level: verdict.problem === undefined ? "ok" : "bad", message: verdictLine(verdict) }];
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    if (error.code === "not_found") return [];
    if (error.code === "forbidden") return [{ level: "note", message: "the audit log is not yours to see" }];
    throw error;
  }
}

function checkConditions(object: ApiObject): Finding[] {
  const name = `${shortName(object)}${object.metadata.namespace === undefined ? "" : ` in ${object.metadata.namespace}`}`;
  const bad = findConditions(object).filter(isProblem);
  if (bad.length === 0) return [{ level: "ok", message: name }];
  return bad.map(({ of, type, status, reason, message }) => ({
    level: "bad",
    message: `${name}: ${of === "" ? "" : `${of}: `}${type} is ${status} (${reason})${message === "" ? "" : `: ${message}`}`,
  }));
}
