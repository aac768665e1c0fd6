/** A request or connection of a client from outside, at a gateway. */
import {
  type AdmissionRequest,
  type CallerFacts,
  type Claims,
  ConnectionTable,
  isMisdirected,
  listenerId,
  remoteAddressAtGateway,
  selectVirtualHost,
  VirtualHostTable,
} from "../decide/index.ts";
import type { Admission } from "../model/index.ts";
import { askInTurn } from "./admission-step.ts";
import { sendBytes, sentRule } from "./bytes-step.ts";
import type { OutsideCaller } from "./caller.ts";
import { type Arrival, arriveAt, listenerAdmission, type OwnedListener } from "./gateway-listeners.ts";
import { toldByGateway } from "./gateway-fields.ts";
import { draftHop, type HopDraft, refusal } from "./hop-draft.ts";
import { takeRule } from "./route-step.ts";
import type { Scene } from "./scene.ts";
import { answerItself, send, type Sender } from "./send-step.ts";
import type { SimulatedHead } from "./simulated-head.ts";
import type { Wanted } from "./wanted.ts";
import type { Step } from "./way.ts";

export interface Visit {
  readonly caller: OutsideCaller;
  readonly wanted: Wanted;
  readonly claims: Claims | undefined;
}

type Arrived = Exclude<Arrival, { kind: "refused" }>;

export function gatewayHop(scene: Scene, visit: Visit): Step {
  const { caller, wanted } = visit;
  const [identity = ""] = scene.model.gatewayIdentities;
  const hop = draftHop({
    proxy: { role: "gateway", direction: "outbound", name: caller.gateway, identity },
    listener: { text: `port ${wanted.port}`, address: "", port: wanted.port, name: "", hostname: "" },
    protocol: wanted.spoken,
  });
  const arrival = arriveAt(scene, caller.gateway, wanted);
  if (arrival.kind === "refused") {
    hop.outcome = refusal(arrival.reason, arrival.detail, { carries: "bytes" });
    return { hop, onward: undefined };
  }
  hop.notes.push(...arrival.notes);
  tellListener(scene, hop, arrival.own);
  const sender: Sender = {
    role: "gateway",
    identity,
    address: "",
    place: { region: "", zone: "" },
    scheme: arrival.tlsListener === undefined ? "http" : "https",
    port: wanted.port,
    honoursOverrides: false,
  };
  if (arrival.kind === "bytes") return carryBytes(scene, hop, visit, { arrival, sender });
  return carryRequest(scene, hop, visit, { arrival, sender });
}

function tellListener(scene: Scene, hop: HopDraft, { listener, owner }: OwnedListener, hostname = ""): void {
  const source = scene.source(listener.source);
  hop.proxy = { ...hop.proxy, name: owner };
  hop.listener = {
    text: `port ${listener.port}, listener ${listener.name} of Gateway ${owner}`,
    address: listener.addresses[0] ?? "",
    port: listener.port,
    name: listener.name,
    hostname,
    ...(source === undefined ? {} : { source }),
  };
}

interface At {
  readonly arrival: Arrived;
  readonly sender: Sender;
}

function carryRequest(scene: Scene, hop: HopDraft, visit: Visit, { arrival, sender }: At): Step {
  const { caller, wanted } = visit;
  const head = wanted.head;
  if (head === undefined) {
    hop.outcome = refusal(
      "protocol_mismatch",
      "the listener reads HTTP, and the client speaks something else",
      {
        carries: "bytes",
      },
    );
    return { hop, onward: undefined };
  }
  const carries = head.isGrpc ? "grpc" : "http";
  if (head.method === "CONNECT") {
    hop.outcome = refusal("unsupported_request", "CONNECT is not served here", { carries });
    return { hop, onward: undefined };
  }
  const hosts = arrival.listeners.flatMap(({ listener }) =>
    listener.virtualHosts.flatMap(({ hostname, http }) =>
      http === undefined
        ? []
        : [
            {
              hostname: hostname.toLowerCase(),
              listener: listenerId(listener),
              routes: scene.routes(http),
              http,
            },
          ],
    ),
  );
  const found = selectVirtualHost(VirtualHostTable.of(hosts), head.authority);
  const host = hosts.find((each) => each === found);
  if (host === undefined) {
    hop.outcome = refusal("no_route", "no listener has this hostname", { carries });
    return { hop, onward: undefined };
  }
  if (isMisdirected(host, arrival.tlsListener)) {
    hop.outcome = refusal("misdirected_request", `it belongs to listener ${host.listener}`, { carries });
    return { hop, onward: undefined };
  }
  const own = arrival.listeners.find(({ listener }) => listenerId(listener) === host.listener) ?? arrival.own;
  tellListener(scene, hop, own, host.hostname);
  const { taken, view } = takeRule(scene, host.http, head);
  if (view !== undefined) hop.route = view;
  const told = toldByGateway(scene.model, head, { address: caller.address, scheme: sender.scheme });
  // What the proxy answers itself is settled last, and yet a preflight is asked about by nobody.
  const answered = taken === undefined ? undefined : answerItself(hop, taken, head, sender);
  const { outcome } = hop;
  let depends: readonly string[] | undefined = [];
  if (answered?.isPreflight !== true) {
    depends = admit(scene, hop, visit, {
      admissions: [listenerAdmission(own), taken?.rule.admission],
      head: told,
      owner: own.owner,
      sender,
    });
    if (depends === undefined) return { hop, onward: undefined };
  }
  if (taken === undefined) {
    hop.outcome = refusal("no_route", "no rule matches", { carries });
    return { hop, onward: undefined };
  }
  if (answered !== undefined) {
    hop.outcome = outcome;
    return unlessDepending({ hop, onward: undefined }, depends);
  }
  const onward = send(scene, hop, sender, {
    head,
    lines: told,
    taken,
    claims: visit.claims,
    cluster: taken.backend.cluster,
  });
  return unlessDepending({ hop, onward }, depends);
}

function unlessDepending(step: Step, depends: readonly string[]): Step {
  const { hop } = step;
  const isGood = hop.outcome.verdict === "forwarded" || hop.outcome.verdict === "answered";
  if (isGood && depends.length > 0) hop.outcome = { verdict: "unknown", detail: depends.join("; ") };
  return step;
}

interface Asking {
  readonly admissions: readonly (Admission | undefined)[];
  readonly head: SimulatedHead | undefined;
  readonly owner: string;
  readonly sender: Sender;
}

/** Undefined: the hop's outcome says why it goes no further. Else what it depends on beside what is known here. */
function admit(
  scene: Scene,
  hop: HopDraft,
  { caller, wanted, claims }: Visit,
  { admissions, head, owner, sender }: Asking,
): readonly string[] | undefined {
  const facts: CallerFacts = {
    identity: "",
    address: caller.address,
    addressPort: 0,
    isTls: sender.scheme === "https",
    serverName: wanted.serverName ?? "",
    port: wanted.port,
    service: "",
    destination: owner,
  };
  const chain = wanted.head?.header("x-forwarded-for");
  const remoteAddress = remoteAddressAtGateway(chain, scene.model.trustedHops, caller.address);
  const asked: AdmissionRequest = {
    caller: facts,
    remoteAddress: head === undefined ? caller.address : remoteAddress,
    http: head,
    claims: undefined,
    nowMs: scene.nowMs,
  };
  const result = askInTurn(scene, admissions, asked, claims);
  const { token, admission, limits, refused, depends } = result;
  Object.assign(hop, { admission, limits, ...(token === undefined ? {} : { token }) });
  if (refused !== undefined) {
    hop.outcome = refused;
    return undefined;
  }
  return depends;
}

function carryBytes(scene: Scene, hop: HopDraft, visit: Visit, { arrival, sender }: At): Step {
  const { wanted, claims } = visit;
  hop.protocol = arrival.tlsListener === undefined && wanted.scheme === "tls" ? "tls" : "tcp";
  const table = ConnectionTable.prepare(arrival.listeners.map(({ listener }) => listener));
  const choice = table.pick(wanted.serverName, 0);
  const rule =
    choice && sentRule(scene, hop, arrival.own.listener.connections, choice.rule, wanted.serverName);
  if (rule === undefined) {
    hop.outcome = refusal("no_route", "no route of the listener takes the connection", { carries: "bytes" });
    return { hop, onward: undefined };
  }
  const step = sendBytes(
    scene,
    hop,
    { ...sender, claims },
    { rule, cluster: undefined, original: undefined },
  );
  if (step.onward === undefined) return step;
  const depends = admit(scene, hop, visit, {
    admissions: [listenerAdmission(arrival.own)],
    head: undefined,
    owner: arrival.own.owner,
    sender,
  });
  return depends === undefined ? { hop, onward: undefined } : unlessDepending(step, depends);
}
