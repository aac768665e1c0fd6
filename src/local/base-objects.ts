/** The objects that a program needs and that no file describes: its namespace, its service account, the Service in front of it. */
import type { Program } from "./programs.ts";

const managedByLabel = "app.kubernetes.io/managed-by";
export const gatewayNamespace = "weft-system";
export const gatewayName = "gateway";

/** As the server takes them; the fields are checked there. */
export interface PlainObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec?: object;
}

/** The identity of the local mesh's gateway. */
export const gatewayAccount: PlainObject = {
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { namespace: gatewayNamespace, name: gatewayName, labels: { [managedByLabel]: "weft-up" } },
};

type ServicePart = Pick<Program, "namespace" | "service" | "serviceAccount" | "ports">;

/** In the order that they depend on each other. `described` tells which objects the files hold already. */
export function baseObjects(
  programs: readonly ServicePart[],
  described: (kind: string, namespace: string, name: string) => boolean,
  owner: string,
): PlainObject[] {
  const objects = new Map<string, PlainObject>();
  const labels = { [managedByLabel]: owner };
  const add = (kind: string, namespace: string, name: string, spec?: object): void => {
    if (described(kind, namespace, name)) return;
    const metadata = namespace === "" ? { name, labels } : { namespace, name, labels };
    objects.set(`${kind}/${namespace}/${name}`, {
      apiVersion: "v1",
      kind,
      metadata,
      ...(spec === undefined ? {} : { spec }),
    });
  };
  for (const program of programs) {
    if (program.namespace !== "default") add("Namespace", "", program.namespace);
    if (program.serviceAccount !== "default")
      add("ServiceAccount", program.namespace, program.serviceAccount);
  }
  for (const [key, members] of Map.groupBy(programs, ({ namespace, service }) => `${namespace}/${service}`)) {
    const [namespace = "", service = ""] = key.split("/");
    const spec = serviceSpec(service, members);
    if (spec !== undefined) add("Service", namespace, service, spec);
  }
  return [...objects.values()];
}

/** Undefined for clients only: a Service has at least one port. */
function serviceSpec(service: string, members: readonly Pick<Program, "ports">[]): object | undefined {
  const ports = new Map(members.flatMap((member) => member.ports).map((port) => [port.port, port]));
  if (ports.size === 0) return undefined;
  return {
    selector: { app: service },
    ports: [...ports.values()].map(({ port, name, protocol }) => ({
      name,
      port,
      protocol: "TCP",
      ...(protocol === "" ? {} : { appProtocol: protocol }),
    })),
  };
}
