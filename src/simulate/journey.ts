/** A request's whole way: the first proxy, then the callee's own at every endpoint that is possible, and what it comes to. */
import type { Explanation, Hop, Outcome, SimulatedRequest, SourceRef } from "../api/index.ts";
import { type Caller, resolveCaller } from "./caller.ts";
import { gatewayHop } from "./gateway-hop.ts";
import { forwarded, type HopDraft } from "./hop-draft.ts";
import { inboundHop } from "./inbound-hop.ts";
import { outboundHop } from "./outbound-hop.ts";
import type { Scene } from "./scene.ts";
import { parseWanted } from "./wanted.ts";
import type { Onward, Step } from "./way.ts";

/** Distinct results at endpoints that are told; what is beyond is said. */
const maxInboundHops = 50;

export function journey(scene: Scene, request: SimulatedRequest, revision: number | undefined): Explanation {
  const caller = resolveCaller(request.from, request.sourceAddress, scene.mesh, scene.model.trustDomain);
  const wanted = parseWanted(request, caller.kind === "client");
  const first = firstStep(scene, caller, request, wanted);
  const notes: string[] = [];
  const inbound = first.onward === undefined ? [] : inboundHops(scene, first.onward, notes);
  const hops: Hop[] = [first.hop, ...inbound.slice(0, maxInboundHops)];
  if (inbound.length > maxInboundHops) {
    notes.push(`${inbound.length - maxInboundHops} more results at other endpoints are not told`);
  }
  return {
    requestId: wanted.requestId,
    request,
    ...(revision === undefined ? {} : { revision }),
    outcome: outcomeOf(first, inbound),
    hops,
    notes,
  };
}

function firstStep(
  scene: Scene,
  caller: Caller,
  { claims }: SimulatedRequest,
  wanted: ReturnType<typeof parseWanted>,
): Step {
  return caller.kind === "client"
    ? gatewayHop(scene, { caller, wanted, claims })
    : outboundHop(scene, { caller, wanted, claims });
}

/** One for each distinct result. */
function inboundHops(scene: Scene, onward: Onward, notes: string[]): HopDraft[] {
  const distinct = new Map<string, HopDraft>();
  const bare: string[] = [];
  for (const endpoint of onward.endpoints) {
    const hop = inboundHop(scene, endpoint, onward);
    if (hop === undefined) {
      bare.push(endpoint.workload);
      continue;
    }
    const { proxy, listener, ...rest } = hop;
    const key = JSON.stringify({ ...rest, port: listener.port });
    const known = distinct.get(key);
    if (known === undefined) distinct.set(key, hop);
    else known.also.push(proxy.name);
  }
  if (bare.length > 0) {
    const shown = bare.slice(0, 5).join(", ");
    notes.push(`no proxy of the mesh's stands at ${shown}: what happens there nobody here can tell`);
  }
  return [...distinct.values()];
}

function outcomeOf({ hop, onward }: Step, inbound: readonly HopDraft[]): Outcome {
  if (onward === undefined) return hop.outcome;
  const behind = outcomeBehind(onward, inbound);
  // What is refused behind it is not carried, whatever the moment says here.
  return hop.outcome.verdict === "unknown" && behind.verdict === "forwarded" ? hop.outcome : behind;
}

function outcomeBehind(onward: Onward, inbound: readonly HopDraft[]): Outcome {
  const outcomes = inbound.map((each) => each.outcome);
  const distinct = new Map(outcomes.map((outcome) => [JSON.stringify(outcome), outcome]));
  const hasBare = inbound.reduce((sum, { also }) => sum + 1 + also.length, 0) < onward.endpoints.length;
  if (hasBare) distinct.set(JSON.stringify(forwarded), forwarded);
  const [only, ...others] = distinct.values();
  if (only === undefined) return forwarded;
  if (others.length === 0) return only;
  // Whichever is chosen, the caller gets the same; who is to blame alone depends on it.
  const shown = shownOf(only);
  if (others.every((outcome) => Bun.deepEquals(shownOf(outcome), shown))) {
    const details = [...new Set([only, ...others].flatMap(({ detail }) => detail ?? []))];
    const by = wholeOf([only, ...others].map((outcome) => outcome.by));
    return { ...shown, ...(by === undefined ? {} : { by }), detail: `by endpoint: ${details.join(" or ")}` };
  }
  // A proxy that cannot take the request lets the caller's try another endpoint; a policy's no is final.
  const verdicts = [...new Set([only, ...others].map(({ verdict }) => verdict))];
  return {
    verdict: "unknown",
    detail: `it depends on the endpoint that the balancer chooses: ${verdicts.join(" or ")}`,
  };
}

/** The object of which all are parts, say rules of one policy. */
function wholeOf(sources: readonly (SourceRef | undefined)[]): SourceRef | undefined {
  const [first, ...others] = sources;
  if (first === undefined) return undefined;
  const { line: _line, ...whole } = { ...first, section: "" };
  const isOne = others.every(
    (other) => other?.kind === first.kind && other.namespace === first.namespace && other.name === first.name,
  );
  return isOne ? whole : undefined;
}

/** Of an outcome what the caller gets. */
function shownOf(outcome: Outcome): Outcome {
  const { by: _by, detail: _detail, ...shown } = outcome;
  return shown;
}
