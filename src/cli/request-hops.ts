/** One request from proxy to proxy: a line for each hop, and under it where its time went. */
import type { TapRecordView } from "../api/index.ts";
import type { Output } from "./output.ts";
import { plainText } from "./plain-text.ts";
import { tapLine } from "./tap-line.ts";
import { formatMs } from "./topology-table.ts";

export function formatHops(hops: readonly TapRecordView[], output: Pick<Output, "styled">): string {
  return hops
    .map((hop) => {
      const side = hop.direction === "DIRECTION_INBOUND" ? "server" : "client";
      const steps = stepsOf(hop).map((step) => `    ${plainText(step)}\n`);
      return `${tapLine(hop, output, false)}\n    told by ${plainText(hop.proxy ?? "")} (${side})\n${steps.join("")}`;
    })
    .join("");
}

function stepsOf(hop: TapRecordView): string[] {
  const steps: string[] = [];
  const { tries = [], policy = "", policyRule = "", detail = "" } = hop;
  if (policy !== "") steps.push(`policy ${policy} ${policyRule}`.trimEnd());
  if (detail !== "") steps.push(detail);
  if (hop.admittedUs !== undefined) steps.push(`let in after ${after(hop.admittedUs)}`);
  for (const [index, each] of tries.entries()) {
    const parts = [`try ${index + 1} at ${each.workload ?? ""} ${each.address ?? ""}`.replace("  ", " ")];
    if (each.startUs !== undefined) parts.push(`from ${after(each.startUs)}`);
    if (each.connectedUs !== undefined) parts.push(`connected ${after(each.connectedUs)}`);
    if (each.firstByteUs !== undefined) parts.push(`answered ${after(each.firstByteUs)}`);
    if (each.endUs !== undefined) parts.push(`over ${after(each.endUs)}`);
    if (each.outcome !== undefined) parts.push(each.outcome);
    steps.push(parts.join(", "));
  }
  if (hop.firstByteUs !== undefined) steps.push(`answer began after ${after(hop.firstByteUs)}`);
  steps.push(`over after ${after(hop.endUs ?? "0")}`);
  return steps;
}

function after(us: string): string {
  return formatMs(Number(us) / 1_000);
}
