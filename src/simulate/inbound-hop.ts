/** A request or connection at its callee's own proxy. */
import type { Hop } from "../api/index.ts";
import { admitInbound, callerService, type CallerFacts, readAs } from "../decide/index.ts";
import type { AdmissionRequest } from "../decide/index.ts";
import { canonicalIp, reasons } from "../kernel/index.ts";
import { type Endpoint, Protocol, Tunnel } from "../model/index.ts";
import { askInTurn } from "./admission-step.ts";
import { draftHop, type HopDraft, refusal } from "./hop-draft.ts";
import { remoteAddressAt } from "./remote-address.ts";
import type { Scene } from "./scene.ts";
import type { Onward } from "./way.ts";

/** Undefined: there is no proxy of the mesh's at the endpoint. */
export function inboundHop(scene: Scene, endpoint: Endpoint, onward: Onward): HopDraft | undefined {
  const workload = scene.mesh.registry.workload(endpoint.workload);
  const inbound = scene.mesh.get("Inbound", endpoint.workload);
  if (workload === undefined || inbound === undefined || workload.tunnel.kind === "none") return undefined;
  const isMutual = endpoint.tunnel === Tunnel.WEFT;
  const table = scene.inbound(inbound, workload.addresses);
  const port = table.port(endpoint.port);
  // Over the mesh's hop the caller's proxy has read it already; else this one does, as the port is declared.
  const isRead = isMutual || port === undefined || readAs(port.protocol, false) !== "bytes";
  const head = isRead ? onward.head : undefined;
  const carries = head === undefined ? "bytes" : head.isGrpc ? "grpc" : "http";
  const hop = draftHop({
    proxy: { role: "sidecar", direction: "inbound", name: endpoint.workload, identity: inbound.identity },
    listener: {
      text: `${textOf(endpoint)} of ${endpoint.workload}`,
      address: endpoint.address,
      port: endpoint.port,
      name: "",
      hostname: "",
      ...withSource(scene.source(inbound.source)),
    },
    protocol: protocolOf(onward, port?.protocol, carries),
  });
  hop.mtls = { mode: port?.mtls ?? "strict", isMutual };
  const peerIdentity = isMutual ? onward.identity : undefined;
  const reason = admitInbound(table, {
    peerIdentity,
    targetAddress: canonicalIp(endpoint.address) ?? "",
    targetPort: endpoint.port,
  });
  if (reason !== undefined) {
    // In plaintext nothing was read yet that could be answered.
    hop.outcome = refusal(reason, reasons[reason].hint, { carries: isMutual ? carries : "bytes" });
    return hop;
  }
  if (port?.admission !== undefined) {
    const caller: CallerFacts = {
      identity: peerIdentity ?? "",
      address: onward.address,
      addressPort: 0,
      isTls: isMutual,
      serverName: "",
      port: endpoint.port,
      service: callerService(port, isMutual ? onward.service : ""),
      destination: endpoint.workload,
    };
    const asked: AdmissionRequest = {
      caller,
      remoteAddress: remoteAddressAt(scene.model, caller, head),
      http: head,
      claims: undefined,
      nowMs: scene.nowMs,
    };
    const { token, admission, limits, refused, depends } = askInTurn(
      scene,
      [port.admission],
      asked,
      onward.claims,
    );
    Object.assign(hop, { admission, limits, ...(token === undefined ? {} : { token }) });
    if (refused !== undefined) hop.outcome = refused;
    else if (depends.length > 0) hop.outcome = { verdict: "unknown", detail: depends.join("; ") };
  }
  if (head !== undefined) {
    const headers = head.fields.map(([name, value]): [string, string] => [name, value]);
    hop.sent = { method: head.method, url: head.url, headers };
  }
  return hop;
}

function withSource(source: Hop["listener"]["source"]): { source?: NonNullable<Hop["listener"]["source"]> } {
  return source === undefined ? {} : { source };
}

function textOf({ address, port }: Endpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function protocolOf(
  { head }: Onward,
  declared: Protocol | undefined,
  carries: "http" | "grpc" | "bytes",
): Hop["protocol"] {
  if (carries === "bytes") return "tcp";
  if (carries === "grpc") return "grpc";
  return declared === Protocol.HTTP2 || head?.version === "HTTP/2" ? "http2" : "http";
}
