/** For tests: what this process may do, so that a test that cannot run is skipped and says why. */
import { describe } from "bun:test";
import { type ProbeResult, probeNetNamespace } from "../probe.ts";

/** A group of tests that work in network namespaces of their own; skipped with the reason where none can be made. */
export function describeInNamespaces(title: string, body: () => void): void {
  describeWhere(title, probeNetNamespace(), body);
}

export function describeWhere(title: string, refusal: ProbeResult, body: () => void): void {
  if (refusal === undefined) describe(title, body);
  else describe.skip(`${title} [skipped: ${refusal}]`, body);
}
