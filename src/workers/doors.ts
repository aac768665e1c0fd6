/** The doors of a proxy that workers share, other than a gateway's listeners: where they are, and which changes open none. */
import type { SuppliedChange } from "../proxy/index.ts";
import type { Doors, Place, WorkerPlan } from "./messages.ts";

/** As each worker names them when it opens them. */
export function doorsOf({ role, capture, tunnel }: WorkerPlan): Place[] {
  const places: Place[] = role === "sidecar" ? [tunnel] : [];
  if (capture.kind === "explicit") {
    for (const { address, port } of capture.outbound) places.push({ address, port });
  }
  if (capture.kind === "redirect") {
    const { outboundPort, inboundPort } = capture;
    for (const address of ["127.0.0.1", "::1"]) places.push({ address, port: outboundPort });
    for (const address of ["::", "0.0.0.0"]) places.push({ address, port: inboundPort });
  }
  return places;
}

/** Ports that the system chose for the first worker: the others must have the same. */
export function withBound(plan: WorkerPlan, { outbound, tunnel }: Doors): WorkerPlan {
  const bound = [...outbound];
  /** A listener that the machine has no address for is left out, so they are matched in their order. */
  const portAt = (address: string): number | undefined => {
    const at = bound.findIndex((each) => each.address === address);
    return at < 0 ? undefined : bound.splice(at, 1)[0]?.port;
  };
  const { capture } = plan;
  return {
    ...plan,
    tunnel: { ...plan.tunnel, port: tunnel?.port ?? plan.tunnel.port },
    capture:
      capture.kind === "explicit"
        ? {
            ...capture,
            outbound: capture.outbound.map((each) => ({ ...each, port: portAt(each.address) ?? each.port })),
          }
        : capture,
  };
}

/** Where the plan leaves a port to the system, that of the process before; ports that it names are those. */
export function asBefore(plan: WorkerPlan, doors: Doors | undefined): WorkerPlan {
  const named = plan.capture.kind === "explicit" ? plan.capture.outbound : [];
  const isOpen = [plan.tunnel, ...named].some(({ port }) => port === 0);
  return doors === undefined || !isOpen ? plan : withBound(plan, doors);
}

/** Listeners come and go with Gateways alone. */
export function opensNone({ upserts, removals }: SuppliedChange): boolean {
  return [...upserts, ...removals].every(({ kind }) => kind !== "Gateway");
}
