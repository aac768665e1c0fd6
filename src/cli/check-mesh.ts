/** Looks at a running mesh for what is wrong: proxies behind or refusing, resources that could not be used. */
import type {
  ApiObject,
  CertificatesStatus,
  KindName,
  MeshStatus,
  PlaintextCallerList,
} from "../api/index.ts";
import type { ApiClient } from "../client/index.ts";
import { WeftError } from "../kernel/index.ts";
import { verdictLine } from "./audit.ts";
import type { Finding } from "./finding.ts";
import { findConditions, isProblem } from "./conditions.ts";
import { formatAge } from "./render.ts";
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

/** The newest; more is read from the API. */
const maxPlaintextFindings = 100;

export async function checkMesh(client: ApiClient, namespace: string | undefined): Promise<Finding[]> {
  const status = await client.status();
  const certificates = await client.certificates();
  const findings = [
    ...checkControlPlane(status),
    ...(await checkAudit(client)),
    ...checkProxies(status),
    ...checkCertificates(certificates, Date.now()),
    ...checkPlaintext(await client.plaintextCallers(), namespace),
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

function checkProxies({ proxies, revision }: MeshStatus): Finding[] {
  const findings: Finding[] = [];
  for (const proxy of proxies) {
    for (const { resource, message } of proxy.rejections ?? []) {
      findings.push({ level: "bad", message: `${proxy.id} refuses ${resource}: ${message}` });
    }
    if (!proxy.connected) findings.push({ level: "note", message: `${proxy.id} is not connected` });
    else if (proxy.revision < revision) {
      findings.push({
        level: "bad",
        message: `${proxy.id} runs revision ${proxy.revision}, the newest is ${revision}`,
      });
    }
  }
  const connected = proxies.filter((proxy) => proxy.connected);
  const current = connected.filter((proxy) => proxy.revision >= revision);
  const message = `${current.length} of ${connected.length} connected proxies run revision ${revision}`;
  return [{ level: current.length === connected.length ? "ok" : "note", message }, ...findings];
}

/** Whom strict mTLS would cut off. */
function checkPlaintext(callers: PlaintextCallerList["items"], namespace: string | undefined): Finding[] {
  const inQuestion = callers.filter(
    ({ workload }) => namespace === undefined || workload.startsWith(`${namespace}/`),
  );
  const nowMs = Date.now();
  return inQuestion.slice(0, maxPlaintextFindings).map((caller) => {
    const { workload, port, address, source, connections, lastMs } = caller;
    const who = source === "" ? address || "others" : `${source} (${address})`;
    const count = `${connections} ${connections === 1 ? "connection" : "connections"}`;
    const when = `${count}, last ${formatAge(lastMs, nowMs)} ago`;
    return {
      level: "note",
      message: `${who} came in plaintext to ${workload} port ${port} (${when}): strict mTLS cuts it off`,
    };
  });
}

/** Of a certificate's life; renewal is due at half of it. */
const lateShare = 0.75;
const authorityWarningMs = 30 * 86_400_000;

/** Those that proxies show: older ones of the same workload have been replaced. */
function checkCertificates({ certificates, authorities }: CertificatesStatus, nowMs: number): Finding[] {
  const findings: Finding[] = [];
  for (const { workload, notBeforeMs, notAfterMs, inUse } of certificates) {
    const share = (nowMs - notBeforeMs) / (notAfterMs - notBeforeMs);
    if (!inUse || share < lateShare) continue;
    const percent = Math.floor(share * 100);
    findings.push({
      level: "bad",
      message: `${workload} shows a certificate that ends at ${new Date(notAfterMs).toISOString()}; ${percent} % of its life is over`,
    });
  }
  for (const { kind, subject, notAfterMs } of authorities) {
    if (notAfterMs - nowMs > authorityWarningMs) continue;
    findings.push({
      level: "bad",
      message: `the ${kind} ${subject} ends at ${new Date(notAfterMs).toISOString()}`,
    });
  }
  return findings;
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
