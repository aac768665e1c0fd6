/** The mesh in one sentence and a few sums. */
import type { Finding, ServiceSummary } from "../api/documents.ts";
import { type Level, levelOfService, levelOfSuccess, worst } from "../format/health.ts";

export interface MeshHealth {
  readonly level: Level;
  readonly sentence: string;
}

export function meshHealth(services: readonly ServiceSummary[], findings: readonly Finding[]): MeshHealth {
  const bad = services.filter((service) => levelOfService(service) === "bad");
  const serious = findings.filter(({ level }) => level === "bad").length;
  const [only] = bad;
  if (services.length === 0) return { level: "none", sentence: "No services yet" };
  if (only !== undefined) {
    const sentence =
      bad.length === 1
        ? `${cut(only.name)} is failing`
        : `${bad.length} of ${services.length} services are failing`;
    return { level: "bad", sentence };
  }
  if (serious > 0)
    return { level: "bad", sentence: `${serious} finding${serious === 1 ? "" : "s"} to act on` };
  const level = worst(services.map(levelOfService));
  if (level === "note") return { level, sentence: "Serving, with some errors" };
  return {
    level: "ok",
    sentence: services.length === 1 ? "The service is well" : `All ${services.length} services are well`,
  };
}

const maxName = 40;
function cut(name: string): string {
  return name.length > maxName ? `${name.slice(0, maxName)}…` : name;
}

export interface MeshTotals {
  readonly perSecond: number;
  readonly errorShare: number;
  readonly level: Level;
  readonly mutualTlsShare: number;
  readonly slowest: ServiceSummary | undefined;
  readonly history: readonly number[];
}

export function meshTotals(services: readonly ServiceSummary[]): MeshTotals {
  let perSecond = 0;
  let failed = 0;
  let mutual = 0;
  let slowest: ServiceSummary | undefined;
  const history: number[] = [];
  for (const service of services) {
    const rate = service.requestsPerSecond;
    perSecond += rate;
    failed += rate * (1 - service.successRate);
    mutual += rate * service.mutualTlsShare;
    if (rate > 0 && service.p99Ms > (slowest?.p99Ms ?? 0)) slowest = service;
    // The newest slots stand at the end, however many a service has.
    const missing = service.history.length - history.length;
    if (missing > 0) history.unshift(...Array.from({ length: missing }, () => 0));
    const offset = history.length - service.history.length;
    for (const [index, value] of service.history.entries())
      history[offset + index] = (history[offset + index] ?? 0) + value;
  }
  const errorShare = perSecond === 0 ? 0 : failed / perSecond;
  return {
    perSecond,
    errorShare,
    level: levelOfSuccess(1 - errorShare, perSecond),
    mutualTlsShare: perSecond === 0 ? 1 : mutual / perSecond,
    slowest,
    history,
  };
}
