/** From what a proxy says of its workload to the MeshWorkload, and who may say it. */
import { type MeshWorkload, metricsAnnotations, parseObject, type Stored } from "../api/index.ts";
import { canonicalIp, parseIp, type Prefix, WeftError } from "../kernel/index.ts";
import type { AddressOwner } from "./view.ts";

/** What `Workloads.Register` carries. Who the caller is was checked before. */
export interface WorkloadRegistration {
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Those that say where the application offers metrics are taken. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  readonly ports: readonly { readonly port: number; readonly name: string; readonly protocol: string }[];
  /** Empty: the first address. */
  readonly tunnelAddress: string;
  /** 0: 15008. */
  readonly tunnelPort: number;
  readonly region: string;
  readonly zone: string;
}

/** Marks what proxies wrote, which the registry may therefore replace and delete. */
const registeredByAnnotation = "weft.dev/registered-by";
const registeredByProxy = "proxy";

export function isRegisteredByProxy(workload: MeshWorkload): boolean {
  return workload.metadata.annotations?.[registeredByAnnotation] === registeredByProxy;
}

/** Throws `bad_input` with every issue. */
export function compileRegistration(registration: WorkloadRegistration): MeshWorkload {
  const { namespace, name, serviceAccount, labels, tunnelAddress, tunnelPort, region, zone } = registration;
  const annotations = {
    ...metricsAnnotations(registration.annotations),
    [registeredByAnnotation]: registeredByProxy,
  };
  const parsed = parseObject(
    {
      apiVersion: "weft.dev/v1alpha1",
      kind: "MeshWorkload",
      metadata: { namespace, name, labels, annotations },
      spec: {
        serviceAccount,
        addresses: registration.addresses.map((address) => canonicalIp(address) ?? address),
        ports: registration.ports.map((port) => ({
          port: port.port,
          ...(port.name === "" ? {} : { name: port.name }),
          ...(port.protocol === "" ? {} : { protocol: port.protocol }),
        })),
        tunnel: {
          type: "weft",
          ...(tunnelAddress === "" ? {} : { address: tunnelAddress }),
          ...(tunnelPort === 0 ? {} : { port: tunnelPort }),
        },
        locality: { ...(region === "" ? {} : { region }), ...(zone === "" ? {} : { zone }) },
      },
    },
    "write",
  );
  if ("issues" in parsed || parsed.object.kind !== "MeshWorkload") {
    const issues = "issues" in parsed ? parsed.issues : [];
    const first = issues[0];
    const detail = first === undefined ? "" : `: ${first.path} ${first.message}`;
    throw new WeftError("bad_input", `workload ${namespace}/${name} cannot be registered${detail}`, {
      issues,
    });
  }
  return parsed.object;
}

export interface RegistrationSurroundings {
  /** The workload's object as it is now. */
  readonly existing: Stored<MeshWorkload> | undefined;
  /** Whether the workload that has the name or address now still counts as alive. */
  isAlive(path: string): boolean;
  addressOwner(ip: string): AddressOwner | undefined;
  readonly virtualPrefixes: readonly Prefix[];
  /** Within these an address means one workload; elsewhere (127.0.0.1 of each namespace) it may mean many. */
  readonly workloadPrefixes: readonly Prefix[];
}

/** Throws `forbidden` or `conflict` where the registration would take something away from another workload or service. */
export function checkRegistration(
  registration: WorkloadRegistration,
  surroundings: RegistrationSurroundings,
): void {
  const { existing } = surroundings;
  const path = `${registration.namespace}/${registration.name}`;
  if (existing !== undefined && existing.spec.serviceAccount !== registration.serviceAccount) {
    if (!isRegisteredByProxy(existing) || surroundings.isAlive(path)) {
      throw new WeftError(
        "forbidden",
        `workload ${path} belongs to service account ${existing.spec.serviceAccount}`,
      );
    }
  }
  for (const address of registration.addresses) checkAddress(address, path, surroundings);
}

function checkAddress(text: string, path: string, surroundings: RegistrationSurroundings): void {
  const address = canonicalIp(text);
  // From the canonical text: an IPv4 address in IPv6's clothes must not slip past the IPv4 prefixes.
  const bytes = address === undefined ? undefined : parseIp(address);
  if (bytes === undefined || address === undefined) return; // compileRegistration says so, with all else
  const owner = surroundings.addressOwner(address);
  if (owner?.kind === "service" || surroundings.virtualPrefixes.some((prefix) => prefix.contains(bytes))) {
    throw new WeftError(
      "forbidden",
      `${address} lies among the mesh's virtual addresses and cannot be a workload's`,
    );
  }
  const taken =
    owner !== undefined && owner.workload.path !== path && surroundings.isAlive(owner.workload.path);
  if (taken && surroundings.workloadPrefixes.some((prefix) => prefix.contains(bytes))) {
    throw new WeftError("conflict", `${address} belongs to workload ${owner.workload.path}, which is alive`);
  }
}
