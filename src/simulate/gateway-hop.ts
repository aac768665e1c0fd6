/** A request or connection of a client from outside, at a gateway. */
import type { Claims } from "../decide/index.ts";
import type { OutsideCaller } from "./caller.ts";
import { draftHop, refusal } from "./hop-draft.ts";
import type { Scene } from "./scene.ts";
import type { Wanted } from "./wanted.ts";
import type { Step } from "./way.ts";

export interface Visit {
  readonly caller: OutsideCaller;
  readonly wanted: Wanted;
  readonly claims: Claims | undefined;
}

export function gatewayHop(_scene: Scene, { caller, wanted }: Visit): Step {
  const hop = draftHop({
    proxy: { role: "gateway", direction: "outbound", name: caller.gateway, identity: "" },
    listener: { text: `port ${wanted.port}`, address: "", port: wanted.port, name: "", hostname: "" },
    protocol: wanted.spoken,
  });
  hop.outcome = refusal("no_route", "no listener has this port", { carries: "bytes" });
  return { hop, onward: undefined };
}
