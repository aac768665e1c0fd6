/** Which endpoints outlier detection leaves out at the moment, as the control plane is told. */
import { create } from "@bufbuild/protobuf";
import type { Clock } from "../../kernel/index.ts";
import { type EjectedEndpoint, EjectedEndpointSchema } from "../../wire/index.ts";
import type { Upstreams } from "../upstream/index.ts";

/** More at once is an outage of everything, which other figures show. */
const maxTold = 1_024;

export function ejectedEndpoints(upstreams: Pick<Upstreams, "endpoints">, clock: Clock): EjectedEndpoint[] {
  const nowUs = clock.monotonicUs();
  const ejected: EjectedEndpoint[] = [];
  for (const endpoint of upstreams.endpoints()) {
    if (endpoint.ejectedUntilUs <= nowUs) continue;
    const { service, address } = endpoint.target;
    const untilMs = clock.nowMs() + Math.ceil((endpoint.ejectedUntilUs - nowUs) / 1_000);
    ejected.push(
      create(EjectedEndpointSchema, {
        cluster: `${service}:${endpoint.servicePort}`,
        workload: endpoint.workload,
        address,
        reason: endpoint.outcomes?.ejectedFor ?? "",
        untilUnixMs: BigInt(untilMs),
      }),
    );
    if (ejected.length === maxTold) break;
  }
  return ejected;
}
