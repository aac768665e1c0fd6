/** Findings about one endpoint against its siblings behind the same service. */
import { type Aggregator, Figures } from "../../../observe/index.ts";
import { allEndpointFigures } from "../endpoint-figures.ts";
import { avoidedEndpoints } from "./avoided-endpoints.ts";
import { type Finding, finding } from "./finding.ts";
import { failingShare, percent, recentMs, round, slowerThan } from "./traffic-findings.ts";

const minRequests = 10;
const timesAsOften = 5;
const shareMs = 60_000;
const minEndpoints = 3;
const timesItsShare = 2;

export function endpointFindings(aggregator: Aggregator): Finding[] {
  const { detail } = aggregator;
  const span = detail.span(recentMs);
  const recent = allEndpointFigures(aggregator, span);
  const earlier = allEndpointFigures(aggregator, detail.span(recentMs, span.fromMs));
  const minute = allEndpointFigures(aggregator, detail.span(shareMs));
  const odd = [...recent].flatMap(([service, endpoints]) =>
    oddOnes(service, endpoints, earlier.get(service) ?? new Map()),
  );
  return [
    ...odd,
    ...avoided(aggregator, odd),
    ...[...minute].flatMap(([service, endpoints]) => skewed(service, endpoints)),
  ];
}

function oddOnes(
  service: string,
  endpoints: ReadonlyMap<string, Figures>,
  earlier: ReadonlyMap<string, Figures>,
): Finding[] {
  const busy = [...endpoints].filter(([, { count }]) => count >= minRequests);
  if (busy.length < 2) return [];
  return busy.flatMap(([workload, figures]) => {
    const siblings = siblingsOf(workload, busy);
    const about = { kind: "MeshWorkload", path: workload };
    const findings: Finding[] = [];
    const slower = slowerThan(
      { own: figures, other: siblings },
      { own: earlier.get(workload) ?? new Figures(), other: siblingsOf(workload, earlier) },
    );
    if (slower !== undefined) {
      const { quantile, ms, otherMs } = slower;
      const message = `${workload} of ${service} is slow: ${quantile} is ${round(ms)} ms, that of its siblings ${round(otherMs)} ms`;
      findings.push(finding("slow-endpoint", { level: "bad", message, about }));
    }
    const [share, othersShare] = [1 - figures.successRate, 1 - siblings.successRate];
    if (share >= failingShare && share >= timesAsOften * othersShare) {
      const message = `${workload} of ${service} fails ${percent(share)} of its requests, its siblings ${percent(othersShare)}`;
      findings.push(finding("failing-endpoint", { level: "bad", message, about }));
    }
    return findings;
  });
}

/** `named`: what is named already is not named again. */
function avoided(aggregator: Aggregator, named: readonly Finding[]): Finding[] {
  const slow = new Set(
    named.flatMap(({ code, about }) =>
      code === "slow-endpoint" && about !== undefined ? [`${about.namespace}/${about.name}`] : [],
    ),
  );
  return avoidedEndpoints(aggregator).flatMap(({ service, workload, own, siblings }) => {
    if (slow.has(workload)) return [];
    const [ms, otherMs] = [own.quantileMs(0.5), siblings.quantileMs(0.5)];
    const message = `${workload} of ${service} is slow: p50 is ${round(ms)} ms, that of its siblings ${round(otherMs)} ms; balancers keep away from it`;
    return [
      finding("slow-endpoint", { level: "bad", message, about: { kind: "MeshWorkload", path: workload } }),
    ];
  });
}

function siblingsOf(workload: string, endpoints: Iterable<readonly [string, Figures]>): Figures {
  const siblings = new Figures();
  for (const [other, each] of endpoints) if (other !== workload) siblings.merge(each);
  return siblings;
}

function skewed(service: string, endpoints: ReadonlyMap<string, Figures>): Finding[] {
  if (endpoints.size < minEndpoints) return [];
  const total = [...endpoints.values()].reduce((sum, { count }) => sum + count, 0);
  const fair = total / endpoints.size;
  return [...endpoints].flatMap(([workload, { count }]) => {
    if (count < timesItsShare * fair + minRequests) return [];
    const message = `${workload} gets ${percent(count / total)} of the requests of ${service}, with ${endpoints.size} endpoints`;
    return [
      finding("skewed-endpoints", { level: "note", message, about: { kind: "Service", path: service } }),
    ];
  });
}
