/** The newest refusals of all proxies, for whoever asks by the id that a caller was told. */
import { parseSpiffeId } from "../kernel/index.ts";
import type { Refusal, TelemetryReport } from "../wire/index.ts";

export interface FiledRefusal {
  /** "namespace/name" of the workload or gateway that refused. */
  readonly proxy: string;
  readonly refusal: Refusal;
}

/** A complaint comes within minutes; some hundred bytes each. */
const maxKept = 2_048;
/** Of one report; a proxy sends no more. */
const maxPerReport = 256;
/** A proxy is believed of its own refusals, not trusted with the memory. */
const maxTextLength = 1_024;

export class Refusals {
  readonly #max: number;
  /** Oldest first. */
  #kept: FiledRefusal[] = [];

  constructor(max = maxKept) {
    this.#max = max;
  }

  /** `reporter` is the identity that the sender proved: a proxy speaks for a workload of its own namespace. */
  add(report: TelemetryReport, reporter: string): void {
    if (report.refusals.length === 0 || !speaksFor(reporter, report.proxy)) return;
    const added = report.refusals.slice(0, maxPerReport).map((refusal) => ({
      proxy: report.proxy,
      refusal: bounded(refusal),
    }));
    this.#kept = [...this.#kept, ...added].slice(-this.#max);
  }

  /** Newest first; of one request, where its id is given. */
  list(requestId: string | undefined): readonly FiledRefusal[] {
    const found = this.#kept.toReversed();
    return requestId === undefined ? found : found.filter(({ refusal }) => refusal.requestId === requestId);
  }
}

export function speaksFor(reporter: string, proxy: string): boolean {
  const namespace = parseSpiffeId(reporter)?.namespace;
  return namespace !== undefined && proxy.startsWith(`${namespace}/`);
}

function bounded(refusal: Refusal): Refusal {
  const cut = (text: string): string => text.slice(0, maxTextLength);
  return {
    ...refusal,
    requestId: cut(refusal.requestId),
    reason: cut(refusal.reason),
    policy: cut(refusal.policy),
    rule: cut(refusal.rule),
    detail: cut(refusal.detail),
    fix: cut(refusal.fix),
    sourceIdentity: cut(refusal.sourceIdentity),
    sourceAddress: cut(refusal.sourceAddress),
    remoteAddress: cut(refusal.remoteAddress),
    service: cut(refusal.service),
    destination: cut(refusal.destination),
    protocol: refusal.protocol === "tcp" ? "tcp" : "http",
    method: cut(refusal.method),
    authority: cut(refusal.authority),
    path: cut(refusal.path),
    port: Math.min(refusal.port, 65_535),
  };
}
