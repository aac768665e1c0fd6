/** Who makes a request: told by whoever asks, completed with what the mesh knows. */
import type { SimulatedCaller } from "../api/index.ts";
import { canonicalIp, formatSpiffeId, WeftError } from "../kernel/index.ts";
import type { Place } from "../decide/index.ts";
import type { WorkloadView } from "../registry/index.ts";
import type { CompiledMesh } from "./compiled-mesh.ts";

export interface MeshCaller {
  readonly kind: "workload";
  /** "namespace/name"; empty: of none that there is. */
  readonly workload: string;
  readonly namespace: string;
  readonly identity: string;
  /** Canonical text; empty: not known. */
  readonly address: string;
  readonly place: Place;
  /** It has a proxy of its own; else it speaks as it is. */
  readonly hasProxy: boolean;
}

export interface OutsideCaller {
  readonly kind: "client";
  /** "namespace/name" of the Gateway. */
  readonly gateway: string;
  readonly address: string;
}

export type Caller = MeshCaller | OutsideCaller;

/** Of TEST-NET-1 (RFC 5737). */
const nobodysAddress = "192.0.2.1";

/** Throws `bad_input`. */
export function resolveCaller(
  from: SimulatedCaller,
  sourceAddress: string | undefined,
  mesh: CompiledMesh,
  trustDomain: string,
): Caller {
  if (from.gateway !== undefined) {
    const text = sourceAddress ?? from.client ?? nobodysAddress;
    const address = canonicalIp(text);
    if (address === undefined) throw new WeftError("bad_input", `from.client: ${text} is no IP address`);
    return { kind: "client", gateway: from.gateway, address };
  }
  if (from.workload !== undefined) {
    const view = findWorkload(from.workload, mesh);
    return ofWorkload(view, sourceAddress, trustDomain);
  }
  const { namespace, serviceAccount } = from;
  if (namespace === undefined || serviceAccount === undefined) {
    throw new WeftError(
      "bad_input",
      "from: say who calls: a workload, a namespace with a serviceAccount, or a gateway",
    );
  }
  return {
    kind: "workload",
    workload: "",
    namespace,
    identity: formatSpiffeId({ trustDomain, namespace, serviceAccount }),
    address: canonicalIp(sourceAddress ?? "") ?? "",
    place: { region: "", zone: "" },
    hasProxy: true,
  };
}

function ofWorkload(view: WorkloadView, sourceAddress: string | undefined, trustDomain: string): MeshCaller {
  const { namespace, serviceAccount, addresses, region, zone } = view;
  return {
    kind: "workload",
    workload: view.path,
    namespace,
    identity: formatSpiffeId({ trustDomain, namespace, serviceAccount }),
    address: canonicalIp(sourceAddress ?? "") ?? addresses[0] ?? "",
    place: { region, zone },
    hasProxy: true,
  };
}

/** By its own name, else the first of the Service of that name. */
function findWorkload(path: string, mesh: CompiledMesh): WorkloadView {
  const { registry } = mesh;
  const own = registry.workload(path);
  if (own !== undefined) return own;
  const [member] = registry.service(path) === undefined ? [] : registry.membersOf(path);
  const found = member === undefined ? undefined : registry.workload(member);
  if (found !== undefined) return found;
  const known = [...registry.workloads()].map((view) => view.path).toSorted();
  const hint = known.length === 0 ? "there are no workloads" : `there are ${known.slice(0, 8).join(", ")}`;
  throw new WeftError(
    "bad_input",
    `from.workload: no workload or Service with workloads is called ${path}; ${hint}`,
  );
}
