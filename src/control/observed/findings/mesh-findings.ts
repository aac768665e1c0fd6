/** Findings about the mesh itself: proxies, certificates, who comes in plaintext, and telemetry. */
import type { CertificatesStatus, MeshStatus } from "../../../api/index.ts";
import { formatAge } from "../../../kernel/index.ts";
import type { Hit } from "../../../observe/index.ts";
import type { ObservedParts } from "../observed-parts.ts";
import { type Finding, finding } from "./finding.ts";

/** The newest; more is read from the API. */
const maxPlaintextFindings = 100;
/** Objects that one finding names. */
const maxBlamed = 5;
/** Of a certificate's life; renewal is due at half of it. */
const lateShare = 0.75;
const authorityWarningMs = 30 * 86_400_000;
const nearBudget = 0.8;
/** Counters of proxies that tell of telemetry that was lost. */
const lossCounters: ReadonlySet<string> = new Set([
  "weft_telemetry_dropped_total",
  "weft_access_log_dropped_total",
]);

export function proxyFindings({ proxies, revision }: MeshStatus): Finding[] {
  const findings: Finding[] = [];
  for (const proxy of proxies) {
    const about = { kind: "Proxy", path: proxy.id };
    for (const { resource, message, objects = [] } of proxy.rejections ?? []) {
      const made = objects.length === 0 ? "" : `, made of ${listed(objects)}`;
      const text = `${proxy.id} refuses ${resource}${made}, and keeps what it had: ${message}`;
      findings.push(finding("proxy-refuses", { level: "bad", message: text, about }));
    }
    if (!proxy.connected) {
      findings.push(
        finding("proxy-disconnected", { level: "note", message: `${proxy.id} is not connected`, about }),
      );
    } else if (proxy.revision < revision) {
      const message = `${proxy.id} runs revision ${proxy.revision}, the newest is ${revision}`;
      findings.push(finding("proxy-behind", { level: "bad", message, about }));
    }
  }
  const connected = proxies.filter((proxy) => proxy.connected);
  const current = connected.filter((proxy) => proxy.revision >= revision);
  const message = `${current.length} of ${connected.length} connected proxies run revision ${revision}`;
  const level = current.length === connected.length ? "ok" : "note";
  return [finding("proxies-current", { level, message }), ...findings];
}

function listed(names: readonly string[]): string {
  const more = names.length - maxBlamed;
  return `${names.slice(0, maxBlamed).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Those that proxies show: older ones of the same workload have been replaced. */
export function certificateFindings(
  { certificates, authorities }: CertificatesStatus,
  nowMs: number,
): Finding[] {
  const findings: Finding[] = [];
  for (const { workload, notBeforeMs, notAfterMs, inUse } of certificates) {
    const share = (nowMs - notBeforeMs) / (notAfterMs - notBeforeMs);
    if (!inUse || share < lateShare) continue;
    const end = new Date(notAfterMs).toISOString();
    const message = `${workload} shows a certificate that ends at ${end}; ${Math.floor(share * 100)} % of its life is over`;
    const about = { kind: "Proxy", path: workload };
    findings.push(finding("certificate-near-expiry", { level: "bad", message, about }));
  }
  for (const { kind, subject, notAfterMs } of authorities) {
    if (notAfterMs - nowMs > authorityWarningMs) continue;
    const message = `the ${kind} ${subject} ends at ${new Date(notAfterMs).toISOString()}`;
    findings.push(finding("certificate-near-expiry", { level: "bad", message }));
  }
  return findings;
}

/** Whom strict mTLS would cut off. */
export function plaintextFindings({ plaintextCallers, registry, nowMs }: ObservedParts): Finding[] {
  return plaintextCallers
    .list()
    .slice(0, maxPlaintextFindings)
    .map(({ workload, port, address, connections, lastMs }) => {
      const owner = registry.addressOwner(address);
      const who = owner?.kind === "workload" ? `${owner.workload.path} (${address})` : address || "others";
      const count = `${connections} ${connections === 1 ? "connection" : "connections"}`;
      const when = `${count}, last ${formatAge(lastMs, nowMs())} ago`;
      const message = `${who} came in plaintext to ${workload} port ${port} (${when}): strict mTLS cuts it off`;
      return finding("plaintext-caller", {
        level: "note",
        message,
        about: { kind: "MeshWorkload", path: workload },
      });
    });
}

/** `hits`: of the whole window. */
export function telemetryFindings(parts: ObservedParts, hits: readonly Hit[]): Finding[] {
  const { aggregator, reporters } = parts;
  const findings: Finding[] = [];
  for (const { proxy, series, maxSeries, droppedSeries } of reporters.list()) {
    const about = { kind: "Proxy", path: proxy };
    if (droppedSeries > 0) {
      const message = `${proxy} counted ${droppedSeries} label sets together, since they did not fit its table`;
      findings.push(finding("telemetry-dropped", { level: "note", message, about }));
    } else if (maxSeries > 0 && series >= nearBudget * maxSeries) {
      const message = `${proxy} uses ${series} of ${maxSeries} label sets`;
      findings.push(finding("cardinality-near-budget", { level: "note", message, about }));
    }
  }
  const { services } = aggregator;
  if (services.seriesCount >= nearBudget * services.maxSeries) {
    const message = `the window of golden signals uses ${services.seriesCount} of ${services.maxSeries} label sets`;
    findings.push(finding("cardinality-near-budget", { level: "note", message }));
  }
  for (const { name, part, verdict, count } of hits) {
    if (!lossCounters.has(name)) continue;
    const message = `proxies of ${verdict} dropped ${count} times: ${name}${part === "" ? "" : ` (${part})`}`;
    findings.push(
      finding("telemetry-dropped", { level: "note", message, about: { kind: "Service", path: verdict } }),
    );
  }
  const refused = aggregator.refusedEdges + aggregator.refusedReports + aggregator.hits.refused;
  if (refused > 0) {
    const message = `${refused} parts of proxies' reports were refused since the control plane's start`;
    findings.push(finding("telemetry-refused", { level: "note", message }));
  }
  if (aggregator.diskProblem !== undefined) {
    const message = `golden signals are kept in memory only: ${aggregator.diskProblem}`;
    findings.push(finding("window-not-on-disk", { level: "note", message }));
  }
  return findings;
}
