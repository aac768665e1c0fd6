/** What proxies told of policies, as the API shows it. */
import type { PlaintextCallerList, RefusalList } from "../api/index.ts";
import type { PlaintextCallers, Refusals } from "../observe/index.ts";

export function refusalList(refusals: Refusals, requestId: string | undefined): RefusalList {
  return {
    items: refusals.list(requestId).map(({ proxy, refusal }) => {
      const { $typeName: _type, $unknown: _unknown, timeUnixMs, protocol, ...rest } = refusal;
      return { ...rest, proxy, timeMs: Number(timeUnixMs), protocol: protocol === "tcp" ? "tcp" : "http" };
    }),
  };
}

/** `workloadAt`: "namespace/name" of the workload that has an address now. */
export function plaintextCallerList(
  callers: PlaintextCallers,
  workloadAt: (address: string) => string | undefined,
): PlaintextCallerList {
  return { items: callers.list().map((each) => ({ ...each, source: workloadAt(each.address) ?? "" })) };
}
