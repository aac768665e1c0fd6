/** Metrics of what the control plane pushes: how many proxies wait, and how long a change takes to be live at one. */
import { pushBuckets, type SubscriptionCore } from "../distribute/index.ts";
import { metricHeader, metricLine } from "../kernel/index.ts";

type PushFigures = Pick<SubscriptionCore, "queued" | "starting" | "pushes" | "refusals" | "refusalCounts">;

export function encodePushMetrics(core: PushFigures): string {
  return [
    ...gauge("weft_control_push_queue", "Proxies with a change that is not sent yet.", core.queued),
    ...gauge("weft_control_starting_proxies", "Proxies that wait for their first change.", core.starting),
    ...pushSeconds(core.pushes),
    ...gauge(
      "weft_control_proxies_refusing",
      "Proxies that keep an older version of something because they cannot use the newest.",
      core.refusals().size,
    ),
    ...refusedTotal(core.refusalCounts),
    "",
  ].join("\n");
}

function gauge(name: string, help: string, value: number): string[] {
  return [...metricHeader({ name, help, type: "gauge" }), metricLine(name, { labels: {}, value })];
}

function refusedTotal(counts: PushFigures["refusalCounts"]): string[] {
  const name = "weft_control_resources_refused_total";
  const help = "Resources that proxies could not use, by kind.";
  const lines = [...counts].map(([kind, value]) => metricLine(name, { labels: { kind }, value }));
  return [...metricHeader({ name, help, type: "counter" }), ...lines];
}

function pushSeconds({ counts, seconds }: SubscriptionCore["pushes"]): string[] {
  const name = "weft_control_push_seconds";
  const help = "From a change until a proxy acknowledged that it is live there.";
  let total = 0;
  const buckets = [...pushBuckets.map(String), "+Inf"].map((le, index) => {
    total += counts[index] ?? 0;
    return metricLine(`${name}_bucket`, { labels: { le }, value: total });
  });
  return [
    ...metricHeader({ name, help, type: "histogram" }),
    ...buckets,
    metricLine(`${name}_sum`, { labels: {}, value: seconds }),
    metricLine(`${name}_count`, { labels: {}, value: total }),
  ];
}
