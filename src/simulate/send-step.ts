/** From a chosen rule or cluster to what is sent: answers of the proxy's own, faults, mirrors, edits, endpoints. */
import type { BackendView, Hop } from "../api/index.ts";
import {
  applyOverrides,
  type Claims,
  crossOriginHeaders,
  faultAnswer,
  faultDraw,
  isMirrored,
  layRequests,
  mirrorDraw,
  overrideHeader,
  parseOverrides,
  type Place,
  type PreparedFaults,
  type RequestChanges,
  rewriteTarget,
} from "../decide/index.ts";
import type { Cluster, Endpoint } from "../model/index.ts";
import { explainBackends, possibleEndpoints, toldEndpoints } from "./backends.ts";
import { explainSettings } from "./carriage.ts";
import { type HopDraft, refusal } from "./hop-draft.ts";
import type { TakenRule } from "./route-step.ts";
import type { Scene } from "./scene.ts";
import { settingLayers } from "./setting-origins.ts";
import { editHead, type Edits, type SimulatedHead } from "./simulated-head.ts";
import type { Onward } from "./way.ts";

export interface Sender {
  readonly role: "sidecar" | "gateway";
  readonly identity: string;
  readonly address: string;
  readonly place: Place;
  /** Of the client's connection: what redirects are made from. */
  readonly scheme: "http" | "https";
  readonly port: number;
  /** What a program says of how its own requests are carried is obeyed. */
  readonly honoursOverrides: boolean;
  /** Endpoints where the cluster has none of its own: where the client meant to go. */
  readonly original?: Endpoint | undefined;
}

export interface Sent {
  /** As it came: routes and rewrites read it. */
  readonly head: SimulatedHead;
  /** As this proxy tells it, before the rule's edits; absent: as it came. */
  readonly lines?: SimulatedHead;
  readonly taken: TakenRule | undefined;
  /** Given in the place of a token; undefined: none. */
  readonly claims: Claims | undefined;
  /** Key; of the rule's backend or the service's own. */
  readonly cluster: string;
}

/** The proxy answers itself: a redirect or a preflight. Undefined: a backend answers. */
export function answerItself(hop: HopDraft, { rule }: TakenRule, head: SimulatedHead, sender: Sender) {
  const { scheme, port } = sender;
  const answer = rule.answers?.answer(head, { scheme, port, authority: head.authority });
  if (answer === undefined) return undefined;
  const carries = head.isGrpc ? "grpc" : "http";
  if (answer === "no_location") {
    hop.outcome = refusal("malformed_request", "its host or path makes no location", { carries });
    return { isPreflight: false };
  }
  const headers = answer.headers.map(({ nameLower, value }): [string, string] => [nameLower, value]);
  hop.answer = { status: answer.status, headers };
  const { source } = hop.route ?? {};
  hop.outcome = {
    verdict: "answered",
    status: answer.status,
    ...(source === undefined ? {} : { by: source }),
  };
  return { isPreflight: answer.isPreflight === true };
}

/** Fills the hop; returns what goes on. */
export function send(scene: Scene, hop: HopDraft, sender: Sender, sent: Sent): Onward | undefined {
  const { taken, head } = sent;
  const carries = head.isGrpc ? "grpc" : "http";
  const by = hop.route?.source;
  const backends = taken?.model.backends ?? [];
  if (taken?.backend.unresolved !== undefined) {
    hop.backends = explainBackends(scene, backends, undefined);
    hop.outcome = refusal("backend_unresolved", taken.backend.unresolved, { carries, by });
    return undefined;
  }
  const cluster = scene.mesh.get("Cluster", sent.cluster);
  if (cluster === undefined) {
    hop.backends = explainBackends(scene, backends, undefined);
    hop.outcome = refusal("no_endpoint", `cluster ${sent.cluster} is not known here`, { carries, by });
    return undefined;
  }
  explainCarriage(scene, hop, sender, { taken, cluster, head });
  const endpoints =
    sender.original !== undefined && cluster.original !== undefined
      ? [sender.original]
      : scene.mesh.endpoints(sent.cluster);
  const possible = possibleEndpoints(endpoints, cluster, sender.place);
  hop.backends =
    taken === undefined
      ? [ownBackend(scene, sent.cluster, cluster, possible)]
      : explainBackends(scene, backends, { index: taken.backendIndex, possible });
  if (taken?.backend.changes?.mirrors !== undefined) explainMirrors(hop, taken.backend.changes, head);
  if (strikeFault(scene, hop, taken?.rule.faults ?? scene.clusterFaults(cluster), head)) return undefined;
  const leaving = leave(hop, sent, sender);
  const { dns, tls } = cluster;
  if (dns !== undefined && possible.length === 0) {
    const names = dns.hosts.map(({ name, port }) => `${name}:${port}`).join(", ");
    hop.notes.push(`its endpoints are what ${names} resolves to at that moment`);
    return undefined;
  }
  if (possible.length === 0) {
    hop.outcome = refusal("no_endpoint", `${sent.cluster} has no endpoint that takes requests`, {
      carries,
      by,
    });
    return undefined;
  }
  if (tls !== undefined && tls.invalid !== "" && possible.every(({ identity }) => identity === "")) {
    hop.outcome = refusal("backend_tls_failed", tls.invalid, { carries, by: scene.source(tls.source) });
    return undefined;
  }
  const service = `${cluster.namespace}/${cluster.service}`;
  const { identity, address } = sender;
  return { endpoints: possible, service, head: leaving, claims: sent.claims, identity, address };
}

function ownBackend(scene: Scene, key: string, cluster: Cluster, possible: readonly Endpoint[]): BackendView {
  const source = scene.source(cluster.source);
  return {
    cluster: key,
    ...(source === undefined ? {} : { source }),
    weight: 1,
    share: 1,
    chosen: true,
    ...toldEndpoints(scene, key, possible),
  };
}

function explainCarriage(
  scene: Scene,
  hop: HopDraft,
  sender: Sender,
  { taken, cluster, head }: { taken: TakenRule | undefined; cluster: Cluster; head: SimulatedHead },
): void {
  const laid = layRequests(taken?.rule.requests, scene.clusterRequests(cluster, sender.role));
  const said = sender.honoursOverrides ? parseOverrides(head.header(overrideHeader) ?? "") : undefined;
  const requests = said === undefined ? laid : applyOverrides(laid, said);
  hop.settings = explainSettings(requests, settingLayers(scene, taken, cluster));
  if (said !== undefined) hop.notes.push(`the request's own ${overrideHeader} shortens what is configured`);
  if (taken?.rule.session !== undefined || cluster.session !== undefined) {
    hop.notes.push(
      "a valid session that the client brings decides backend and endpoint before the share does",
    );
  }
  if ((cluster.balancing?.hashKeys.length ?? 0) > 0) {
    hop.notes.push("requests with the same hash key go to the same of the possible endpoints");
  }
}

function explainMirrors(hop: HopDraft, { mirrors = [] }: RequestChanges, head: SimulatedHead): void {
  const isCopied = head.method !== "CONNECT" && head.header("upgrade") === undefined;
  hop.mirrors = mirrors.map((mirror) => {
    const drawn = mirrorDraw(mirror, head.requestId);
    return {
      cluster: mirror.cluster,
      share: mirror.share,
      drawn,
      isSent: isCopied && isMirrored(mirror, drawn),
    };
  });
}

/** True: it ends the request. */
function strikeFault(
  scene: Scene,
  hop: HopDraft,
  faults: PreparedFaults | undefined,
  head: SimulatedHead,
): boolean {
  const told = faults?.explain(head, scene.nowMs, (fault) => faultDraw(fault, head.requestId)) ?? [];
  hop.faults = told.map(({ fault, why }): Hop["faults"][number] => {
    const { label: source, delayMs, httpStatus, grpcStatus, isReset, bytesPerSecond } = fault;
    const { perMillion } = fault.conditions;
    const drawn = faultDraw(fault, head.requestId);
    return {
      source,
      happens: why === "",
      why,
      perMillion,
      drawn,
      delayMs,
      httpStatus,
      grpcStatus,
      isReset,
      bytesPerSecond,
    };
  });
  const struck = told.find(({ why }) => why === "")?.fault;
  if (struck === undefined) return false;
  const { httpStatus, grpcStatus, isReset, label } = struck;
  const by = scene.source(struck.source);
  if (!isReset && httpStatus === 0 && grpcStatus === 0) return false;
  const answer = faultAnswer(struck);
  const spoken = head.isGrpc ? { status: 200, grpcStatus: answer.grpcStatus } : { status: answer.httpStatus };
  hop.outcome = {
    verdict: "answered",
    reason: "fault_injected",
    detail: label,
    ...(by === undefined ? {} : { by }),
    ...(isReset ? {} : spoken),
  };
  return true;
}

/** The head as it is sent on. */
function leave(hop: HopDraft, { head, lines = head, taken }: Sent, sender: Sender): SimulatedHead {
  const { requestEdits, responseEdits, changes } = taken?.backend ?? {};
  hop.requestEdits = editList(requestEdits);
  hop.responseEdits = editList(changes?.cors === undefined ? responseEdits : changes.cors.of(head));
  if (changes?.cors !== undefined) {
    for (const line of crossOriginHeaders(changes.cors.policy, head)) {
      hop.notes.push(`answers of the proxy's own say ${line.nameLower}: ${line.value}`);
    }
  }
  const removesOverride = sender.role === "gateway" || sender.honoursOverrides;
  let left = editHead(lines, requestEdits);
  if (removesOverride) left = editHead(left, { set: [], add: [], remove: [overrideHeader] });
  const rewrite = head.method === "CONNECT" ? undefined : changes?.rewrite;
  if (rewrite !== undefined) {
    const target = rewriteTarget(rewrite, head);
    const [path = head.path, query = ""] =
      target === undefined ? [head.path, head.query] : splitTarget(target);
    hop.rewrite = {
      ...(rewrite.hostname === undefined ? {} : { hostname: rewrite.hostname }),
      ...(target === undefined ? {} : { path: target }),
    };
    left = left.with({ path, query, authority: rewrite.hostname ?? left.authority });
  }
  hop.sent = {
    method: left.method,
    url: left.url,
    headers: left.fields.map(([name, value]) => [name, value]),
  };
  return left;
}

function splitTarget(target: string): [string, string] {
  const mark = target.indexOf("?");
  return mark < 0 ? [target, ""] : [target.slice(0, mark), target.slice(mark + 1)];
}

function editList(edits: Edits | undefined): Hop["requestEdits"][number][] {
  return [
    ...(edits?.remove ?? []).map((name) => ({ operation: "remove" as const, name })),
    ...(edits?.set ?? []).map(({ nameLower: name, value }) => ({ operation: "set" as const, name, value })),
    ...(edits?.add ?? []).map(({ nameLower: name, value }) => ({ operation: "add" as const, name, value })),
  ];
}
