/** A request or connection at its caller's own proxy: which destination it is for, and what becomes of it there. */
import type { Hop } from "../api/index.ts";
import { expandName, readAs, SharedAddress } from "../decide/index.ts";
import { canonicalIp } from "../kernel/index.ts";
import { type Address, outboundKey, type Outbound, Protocol, type ServiceTarget } from "../model/index.ts";
import type { MeshCaller } from "./caller.ts";
import { connectDirectly, passThrough } from "./direct-step.ts";
import { ExternalCheck } from "./external-check.ts";
import { draftHop, type HopDraft, refusal } from "./hop-draft.ts";
import { takeRule } from "./route-step.ts";
import type { Scene } from "./scene.ts";
import { answerItself, send, type Sender } from "./send-step.ts";
import { pickRule, sendBytes } from "./bytes-step.ts";
import type { Wanted } from "./wanted.ts";
import type { Claims } from "../decide/index.ts";
import type { Step } from "./way.ts";

export interface Dial {
  readonly caller: MeshCaller;
  readonly wanted: Wanted;
  readonly claims: Claims | undefined;
}

export function outboundHop(scene: Scene, dial: Dial): Step {
  const { caller, wanted } = dial;
  const hop = draftHop({
    proxy: { role: "sidecar", direction: "outbound", name: caller.workload, identity: caller.identity },
    listener: {
      text: `${wanted.host}:${wanted.port}`,
      address: "",
      port: wanted.port,
      name: "",
      hostname: "",
    },
    protocol: wanted.spoken,
  });
  const address = resolveAddress(scene, hop, dial);
  if (address === undefined) return { hop, onward: undefined };
  hop.listener = { ...hop.listener, address, text: `${shown(address)}:${wanted.port}` };
  const { model, prefixes } = scene;
  if (!prefixes.contains(model, address)) {
    const denies = scene.mesh.get("Inbound", caller.workload)?.denyUnknownDestinations === true;
    return passThrough(hop, dial, { address, isAllowed: model.allowUnknownDestinations && !denies });
  }
  const found = scene.mesh.get("Address", address);
  const target = serviceAt(found, wanted);
  if (target === "denied") {
    const detail = "the name that was said is none of the services' at this address";
    hop.outcome = refusal("destination_denied", detail, { carries: "bytes" });
    return { hop, onward: undefined };
  }
  if (target !== undefined) return toService(scene, hop, dial, { target, address });
  if (found?.target.case === "workload") {
    hop.listener = { ...hop.listener, ...sourced(scene.source(found.source)) };
    return connectDirectly(hop, dial, { target: found.target.value, address });
  }
  hop.outcome = refusal("destination_unknown", `nothing in the mesh has ${shown(address)}:${wanted.port}`, {
    carries: "bytes",
  });
  return { hop, onward: undefined };
}

function toService(
  scene: Scene,
  hop: HopDraft,
  dial: Dial,
  { target, address }: { readonly target: ServiceTarget; readonly address: string },
): Step {
  const { caller, wanted } = dial;
  const { namespace, name } = target;
  const key = outboundKey(namespace, name, wanted.port, caller.namespace);
  const outbound = scene.mesh.get("Outbound", key);
  if (outbound === undefined) {
    hop.outcome = refusal("destination_unknown", `${namespace}/${name} has no port ${wanted.port}`, {
      carries: "bytes",
    });
    return { hop, onward: undefined };
  }
  hop.listener = {
    ...hop.listener,
    text: `${shown(address)}:${wanted.port}, ${outbound.source?.kind ?? "Service"} ${namespace}/${name}:${wanted.port}`,
    ...sourced(scene.source(outbound.source)),
  };
  const cluster = scene.mesh.get("Cluster", outbound.defaultCluster);
  const external = ExternalCheck.of(outbound, cluster, {
    address: scene.prefixes.isVirtual(scene.model, address) ? undefined : address,
    port: wanted.port,
  });
  const denied = external?.refuse(wanted);
  if (denied !== undefined) {
    hop.outcome = denied;
    return { hop, onward: undefined };
  }
  const original = external?.endpointFor(wanted, cluster);
  const sender = { ...caller, claims: dial.claims };
  if (outbound.connections !== undefined) {
    hop.protocol = wanted.scheme === "tls" ? "tls" : "tcp";
    const rule = pickRule(scene, hop, outbound.connections, wanted.serverName);
    if (rule !== undefined) return sendBytes(scene, hop, sender, { rule, cluster: undefined, original });
    hop.outcome = refusal("no_route", "no route has the server name", { carries: "bytes" });
    return { hop, onward: undefined };
  }
  const read = readAs(outbound.protocol, (cluster?.proxyProtocol ?? 0) > 0);
  const isByNameHttp = external?.isByName === true && outbound.protocol !== Protocol.TCP;
  if (wanted.head === undefined) {
    if (read === "http" || isByNameHttp) {
      const detail = "the port is declared to speak HTTP, and the client does not";
      hop.outcome = refusal("protocol_mismatch", detail, { carries: "bytes" });
      return { hop, onward: undefined };
    }
    return sendBytes(scene, hop, sender, { rule: undefined, cluster: outbound.defaultCluster, original });
  }
  if (read === "bytes") {
    hop.protocol = "tcp";
    hop.notes.push("the port is declared to carry bytes: the request is not read");
    return sendBytes(scene, hop, sender, { rule: undefined, cluster: outbound.defaultCluster, original });
  }
  return sendRequest(scene, hop, dial, { outbound, original });
}

function sendRequest(
  scene: Scene,
  hop: HopDraft,
  { caller, wanted, claims }: Dial,
  { outbound, original }: { readonly outbound: Outbound; readonly original: Sender["original"] },
): Step {
  const { head } = wanted;
  if (head === undefined) return { hop, onward: undefined };
  const sender: Sender = {
    role: "sidecar",
    identity: caller.identity,
    address: caller.address,
    place: caller.place,
    scheme: "http",
    port: outbound.port,
    honoursOverrides: scene.model.honourRequestOverrides,
    original,
  };
  const { http } = outbound;
  if (http === undefined) {
    const onward = send(scene, hop, sender, {
      head,
      taken: undefined,
      claims,
      cluster: outbound.defaultCluster,
    });
    return { hop, onward };
  }
  const { taken, view } = takeRule(scene, http, head);
  if (view !== undefined) hop.route = view;
  if (taken === undefined) {
    hop.outcome = refusal("no_route", "no rule matches", { carries: head.isGrpc ? "grpc" : "http" });
    return { hop, onward: undefined };
  }
  if (answerItself(hop, taken, head, sender) !== undefined) return { hop, onward: undefined };
  return { hop, onward: send(scene, hop, sender, { head, taken, claims, cluster: taken.backend.cluster }) };
}

/** Of names, as the workload's resolver has them. Undefined: the hop's outcome says why. */
function resolveAddress(scene: Scene, hop: HopDraft, { caller, wanted }: Dial): string | undefined {
  const own = canonicalIp(wanted.host);
  if (own !== undefined) return own;
  const { domainSuffix } = scene.model;
  const { candidates, isOurs } = expandName(wanted.host, caller.namespace, domainSuffix);
  for (const name of [...candidates, wanted.host]) {
    const addresses = scene.mesh.get("Name", name)?.addresses ?? [];
    const [first, ...others] = addresses;
    if (first === undefined) continue;
    // One of each family is one place.
    const alike = others.filter((each) => each.includes(":") === first.includes(":"));
    if (alike.length > 0) {
      const shownAddresses = [first, ...alike].slice(0, 8).join(", ");
      hop.notes.push(
        `${name} has ${alike.length + 1} addresses, of which the program may take any: ${shownAddresses}`,
      );
    }
    return first;
  }
  const detail = isOurs
    ? `the mesh has no name ${candidates[0] ?? wanted.host}`
    : `${wanted.host} is no name of the mesh's; where it leads only a resolver knows`;
  hop.outcome = isOurs
    ? refusal("destination_unknown", detail, { carries: "bytes" })
    : { verdict: "unknown", detail };
  return undefined;
}

function serviceAt(found: Address | undefined, wanted: Wanted): ServiceTarget | "denied" | undefined {
  const target = found?.target;
  if (target?.case === "service") {
    return target.value.ports.some(({ port }) => port === wanted.port) ? target.value : undefined;
  }
  if (target?.case !== "shared") return undefined;
  const address = new SharedAddress(target.value.services, wanted.port);
  const name = wanted.serverName ?? (wanted.head === undefined ? undefined : wanted.host);
  const service = address.isUnread || name === undefined ? address.unnamed : address.named(name);
  return service ?? "denied";
}

function shown(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

function sourced(source: Hop["listener"]["source"]): { source?: NonNullable<Hop["listener"]["source"]> } {
  return source === undefined ? {} : { source };
}
