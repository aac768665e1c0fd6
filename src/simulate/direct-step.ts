/** Past all routes: a workload dialled by its own address, and addresses that are none of the mesh's. */
import { create } from "@bufbuild/protobuf";
import { readAs, requestDefaults } from "../decide/index.ts";
import { EndpointSchema, Protocol, type WorkloadTarget } from "../model/index.ts";
import { explainEndpoint } from "./backends.ts";
import { explainSettings } from "./carriage.ts";
import { type HopDraft, refusal } from "./hop-draft.ts";
import type { Dial } from "./outbound-hop.ts";
import type { Step } from "./way.ts";

export function connectDirectly(
  hop: HopDraft,
  { caller, wanted, claims }: Dial,
  { target, address }: { readonly target: WorkloadTarget; readonly address: string },
): Step {
  const { workload, identity, tunnel, tunnelAddress, tunnelPort, ports } = target;
  const { port } = wanted;
  hop.listener = { ...hop.listener, text: `${hop.listener.text}, workload ${workload} itself` };
  hop.notes.push("a workload is dialled by its own address: no routes, but its own policies");
  const declared = ports.find((entry) => entry.port === port)?.protocol ?? Protocol.UNSPECIFIED;
  const read = readAs(declared, false);
  if (read === "http" && wanted.head === undefined) {
    const detail = "the port is declared to speak HTTP, and the client does not";
    hop.outcome = refusal("protocol_mismatch", detail, { carries: "bytes" });
    return { hop, onward: undefined };
  }
  const endpoint = create(EndpointSchema, {
    workload,
    address,
    port,
    identity,
    tunnel,
    tunnelAddress,
    tunnelPort,
    weight: 1,
    source: { kind: "MeshWorkload", ...pathParts(workload) },
  });
  const head = read === "bytes" ? undefined : wanted.head;
  if (head === undefined) hop.protocol = wanted.spoken === "tls" ? "tls" : "tcp";
  hop.settings = head === undefined ? [] : explainSettings(requestDefaults.sidecar, []);
  hop.backends = [
    {
      cluster: workload,
      weight: 1,
      share: 1,
      chosen: true,
      endpoints: [explainEndpoint(endpoint, true)],
      endpointsOmitted: 0,
    },
  ];
  if (head !== undefined) {
    const headers = head.fields.map(([name, value]): [string, string] => [name, value]);
    hop.sent = { method: head.method, url: head.url, headers };
  }
  const onward = {
    endpoints: [endpoint],
    service: "",
    head,
    claims,
    identity: caller.identity,
    address: caller.address,
  };
  return { hop, onward };
}

function pathParts(path: string): { readonly namespace: string; readonly name: string } {
  const slash = path.indexOf("/");
  return { namespace: path.slice(0, slash), name: path.slice(slash + 1) };
}

/** Bytes as they are, where the mesh lets its workloads out. */
export function passThrough(
  hop: HopDraft,
  { wanted }: Dial,
  { address, isAllowed }: { readonly address: string; readonly isAllowed: boolean },
): Step {
  hop.protocol = wanted.spoken === "tls" ? "tls" : "tcp";
  if (!isAllowed) {
    const detail = `${address} lies outside of the mesh, and what the mesh does not know is denied`;
    hop.outcome = refusal("destination_denied", detail, { carries: "bytes" });
  } else {
    hop.notes.push(`${address} lies outside of the mesh: bytes pass as they are`);
  }
  return { hop, onward: undefined };
}
