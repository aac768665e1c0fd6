/** All findings of the mesh: bad ones first. */
import { maxFindings } from "../../../api/index.ts";
import type { ObservedParts } from "../observed-parts.ts";
import { endpointFindings } from "./endpoint-findings.ts";
import type { Finding } from "./finding.ts";
import { certificateFindings, plaintextFindings, proxyFindings, telemetryFindings } from "./mesh-findings.ts";
import { retryFindings, trafficFindings } from "./traffic-findings.ts";
import { unusedFindings } from "./unused-findings.ts";

const order: Readonly<Record<Finding["level"], number>> = { bad: 0, note: 1, ok: 2 };

/** `namespace` narrows what is about traffic; what is wrong with the mesh itself is everybody's business. */
export function findings(parts: ObservedParts, namespace: string | undefined): Finding[] {
  const { aggregator } = parts;
  const { hits } = aggregator;
  const all = hits.list(hits.window.span(hits.window.longestMs));
  const ofMesh = [
    ...proxyFindings(parts.meshStatus()),
    ...certificateFindings(parts.certificates(), parts.nowMs()),
    ...telemetryFindings(parts, all),
  ];
  const ofTraffic = [
    ...endpointFindings(aggregator),
    ...trafficFindings(aggregator),
    ...retryFindings(aggregator),
    ...plaintextFindings(parts),
    ...unusedFindings(parts, all),
  ].filter(({ about }) => namespace === undefined || about === undefined || about.namespace === namespace);
  return [...ofMesh, ...ofTraffic].toSorted((a, b) => order[a.level] - order[b.level]).slice(0, maxFindings);
}
