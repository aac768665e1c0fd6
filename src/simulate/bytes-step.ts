/** A connection whose content is not read, from its caller's proxy on: chance, where it has a say, is the moment's. */
import { type Claims, normalizeServerName, type Place, type PreparedRule } from "../decide/index.ts";
import type { ConnectionRouting, ConnectionRule, Endpoint } from "../model/index.ts";
import { explainBackends, possibleEndpoints, toldEndpoints } from "./backends.ts";
import { type HopDraft, refusal } from "./hop-draft.ts";
import type { Scene } from "./scene.ts";
import type { Onward, Step } from "./way.ts";

interface BytesTarget {
  /** Undefined: no route is attached. */
  readonly rule: ConnectionRule | undefined;
  /** Without a route. */
  readonly cluster: string | undefined;
  readonly original: Endpoint | undefined;
}

export interface BytesSender {
  readonly identity: string;
  readonly address: string;
  readonly place: Place;
  readonly claims: Claims | undefined;
}

export function sendBytes(scene: Scene, hop: HopDraft, sender: BytesSender, target: BytesTarget): Step {
  const { rule, original } = target;
  const weighted = rule?.backends.filter(({ weight }) => weight > 0) ?? [];
  const [only] = weighted;
  const keys = rule === undefined ? [target.cluster ?? ""] : weighted.map(({ cluster }) => cluster);
  if (rule !== undefined && weighted.length > 1) {
    hop.notes.push(
      "which of the backends a connection gets is drawn when it opens; all of them are possible",
    );
  }
  const index =
    weighted.length === 1 && rule !== undefined && only !== undefined ? rule.backends.indexOf(only) : -1;
  const onward = keys.map((key): Onward | undefined => {
    const cluster = scene.mesh.get("Cluster", key);
    if (cluster === undefined) return undefined;
    const endpoints =
      original !== undefined && cluster.original !== undefined ? [original] : scene.mesh.endpoints(key);
    return {
      endpoints: possibleEndpoints(endpoints, cluster, sender.place),
      service: `${cluster.namespace}/${cluster.service}`,
      head: undefined,
      claims: sender.claims,
      identity: sender.identity,
      address: sender.address,
    };
  });
  const possible = onward.flatMap((each) => each?.endpoints ?? []);
  if (rule === undefined) {
    const key = keys[0] ?? "";
    hop.backends = [
      { cluster: key, weight: 1, share: 1, chosen: true, ...toldEndpoints(scene, key, possible) },
    ];
  } else {
    hop.backends = explainBackends(scene, rule.backends, index < 0 ? undefined : { index, possible });
  }
  const unresolved = weighted.find((backend) => backend.unresolved !== "")?.unresolved;
  if (possible.length === 0) {
    const by = hop.route?.source;
    if (scene.mesh.get("Cluster", keys[0] ?? "")?.dns !== undefined) {
      hop.notes.push("its endpoints are what its names resolve to at that moment");
      return { hop, onward: undefined };
    }
    hop.outcome =
      unresolved === undefined
        ? refusal("no_endpoint", "there is no endpoint that takes connections", { carries: "bytes", by })
        : refusal("backend_unresolved", unresolved, { carries: "bytes", by });
    return { hop, onward: undefined };
  }
  if (unresolved !== undefined) hop.notes.push(`a share of connections is refused: ${unresolved}`);
  const [first] = onward;
  return { hop, onward: first && { ...first, endpoints: possible } };
}

/** The rule of a service's routes that the connection takes; undefined: none has its server name. */
export function pickRule(
  scene: Scene,
  hop: HopDraft,
  routing: ConnectionRouting,
  serverName: string | undefined,
): ConnectionRule | undefined {
  const connections = scene.connections(routing);
  if (connections.needsServerName && serverName === undefined) return undefined;
  const name = connections.needsServerName ? serverName : undefined;
  const choice = connections.pick(name, 0);
  return choice && sentRule(scene, hop, routing, choice.rule, name);
}

/** The message that a rule was prepared of; the hop is told of it. */
export function sentRule(
  scene: Scene,
  hop: HopDraft,
  routing: ConnectionRouting | undefined,
  { route, section }: PreparedRule,
  serverName: string | undefined,
): ConnectionRule | undefined {
  const rule = routing?.rules.find(
    ({ source }) =>
      `${source?.namespace ?? ""}/${source?.name ?? ""}` === route && (source?.section ?? "") === section,
  );
  const source = scene.source(rule?.source);
  const matched =
    serverName === undefined ? "every connection" : `server name ${normalizeServerName(serverName)}`;
  hop.route = { ...(source === undefined ? {} : { source }), matched, others: [], othersOmitted: 0 };
  return rule;
}
