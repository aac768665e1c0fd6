/** Labels, policies and a promtool for the tests of this folder. */
import type { PreparedMetrics } from "../../decide/telemetry/index.ts";
import type { EdgeLabels } from "./edge-labels.ts";

export const testLabels: EdgeLabels = {
  direction: "outbound",
  sourceWorkload: "default/web-1",
  sourceIdentity: "spiffe://mesh/ns/default/sa/web",
  sourceVersion: "v3",
  sourceLocality: "north/a",
  destinationWorkload: "default/cart-1",
  destinationIdentity: "spiffe://mesh/ns/default/sa/cart",
  destinationService: "default/cart",
  destinationPort: 80,
  destinationVersion: "v1",
  destinationLocality: "north/b",
  route: "default/split",
  protocol: "http",
  mtls: true,
};

export function testMetrics(given: Partial<PreparedMetrics>): PreparedMetrics {
  return {
    isEnabled: true,
    labels: [],
    dropped: new Set(),
    hasIstioNames: false,
    hasExemplars: true,
    maxSeries: 0,
    ...given,
  };
}

/** What a page says of a sample; undefined: it has none whose line the expression fits. */
export function sampleOf(page: string, pattern: RegExp): number | undefined {
  const line = page.split("\n").find((each) => !each.startsWith("#") && pattern.test(each));
  return line === undefined
    ? undefined
    : Number(
        line
          .replace(/ # .*$/, "")
          .split(" ")
          .at(-1),
      );
}
