/** Metrics of what the control plane pushes: how many proxies wait, and how long a change takes to be live at one. */
import { pushBuckets, type SubscriptionCore } from "../distribute/index.ts";
import { metricHeader, metricLine } from "../kernel/index.ts";

export function encodePushMetrics(core: Pick<SubscriptionCore, "queued" | "starting" | "pushes">): string {
  return [
    ...gauge("weft_control_push_queue", "Proxies with a change that is not sent yet.", core.queued),
    ...gauge("weft_control_starting_proxies", "Proxies that wait for their first change.", core.starting),
    ...pushSeconds(core.pushes),
    "",
  ].join("\n");
}

function gauge(name: string, help: string, value: number): string[] {
  return [...metricHeader({ name, help, type: "gauge" }), metricLine(name, { labels: {}, value })];
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
