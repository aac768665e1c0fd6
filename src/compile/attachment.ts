/** Where a route attaches: each parent reference is looked up and either yields attachments or says why not. */
import { gatewayGroup, weftGroup } from "../api/index.ts";
import type { Protocol } from "../model/index.ts";
import type { Attachment } from "./compiled-route.ts";
import { protocolOfExternal } from "./external-resources.ts";
import { intersectHostnames } from "./hostname.ts";
import type { InputReader } from "./inputs.ts";
import { gatewayOwnListeners } from "./gateway-listeners.ts";
import { type ListenerParent, setParent } from "./listener-set-parent.ts";
import { allowsNamespace } from "./listener.ts";
import { canCarry, protocolOf } from "./protocol.ts";
import type { ParentInput, RouteInput } from "./route-input.ts";

export type ParentOutcome =
  | { readonly attachments: readonly Attachment[] }
  | {
      readonly reason:
        | "NoMatchingParent"
        | "NotAllowedByListeners"
        | "NoMatchingListenerHostname"
        | "UnsupportedValue";
      readonly message: string;
    };

/** Undefined: the parent is none of ours, and its own controller says what there is to say. */
export function attach(
  inputs: InputReader,
  route: RouteInput,
  parent: ParentInput,
): ParentOutcome | undefined {
  const { group, kind } = parent;
  const path = parentPath(route, parent);
  if (isExternalService(parent)) return attachToExternalService(inputs, route, parent, path);
  if (isService(parent)) return attachToService(inputs, route, parent, path);
  if (kind === "Gateway" && group === gatewayGroup) return attachToGateway(inputs, route, parent, path);
  if (kind === "ListenerSet" && group === gatewayGroup) {
    const set = setParent(inputs, path);
    return set === undefined || "reason" in set ? set : attachToListeners(inputs, route, parent, set);
  }
  return undefined;
}

/** Under a Service or ExternalService a route is the mesh's. */
export function isService(parent: ParentInput): boolean {
  const { group, kind } = parent;
  return (kind === "Service" && (group === "" || group === "core")) || isExternalService(parent);
}

function isExternalService({ group, kind }: ParentInput): boolean {
  return kind === "ExternalService" && group === weftGroup;
}

function parentPath(route: RouteInput, parent: ParentInput): string {
  return `${parent.namespace ?? route.metadata.namespace}/${parent.name}`;
}

/** Where a route attaches among the ports that clients dial. */
interface MeshParent {
  /** "Service shop/web". */
  readonly name: string;
  readonly path: string;
  readonly ports: readonly { readonly port: number; readonly name: string; readonly protocol: Protocol }[];
}

function attachToService(
  inputs: InputReader,
  route: RouteInput,
  parent: ParentInput,
  path: string,
): ParentOutcome {
  const service = inputs.service(path);
  if (service === undefined) return none(`Service ${path} does not exist`);
  if (service.isHeadless) return none(`Service ${path} is headless; routes need a service address`);
  const ports = service.ports
    .filter(({ transport }) => transport === "TCP")
    .map((each) => ({ port: each.port, name: each.name, protocol: protocolOf(each) }));
  return attachToPorts(route, parent, { name: `Service ${path}`, path, ports });
}

function attachToExternalService(
  inputs: InputReader,
  route: RouteInput,
  parent: ParentInput,
  path: string,
): ParentOutcome {
  const external = inputs.external.service(path);
  if (external === undefined) return none(`ExternalService ${path} does not exist or is not in force`);
  const ports = external.spec.ports.map((each) => ({
    port: each.port,
    name: each.name ?? "",
    protocol: protocolOfExternal(each),
  }));
  return attachToPorts(route, parent, { name: `ExternalService ${path}`, path, ports });
}

function attachToPorts(
  route: RouteInput,
  parent: ParentInput,
  { name: of, path, ports }: MeshParent,
): ParentOutcome {
  const named = ports.filter(
    ({ port, name }) =>
      (parent.port === undefined || port === parent.port) &&
      (parent.sectionName === undefined || name === parent.sectionName),
  );
  const isAnyPort = parent.port === undefined && parent.sectionName === undefined;
  if (named.length === 0) {
    const which = isAnyPort ? "" : ` ${[parent.sectionName, parent.port].filter(isGiven).join(", ")}`;
    return none(`${of} has no TCP port${which}`);
  }
  const carrying = named.filter(({ protocol }) => canCarry(route.kind, protocol));
  if (carrying.length === 0) {
    const numbers = named.map(({ port }) => port).join(", ");
    return none(`what ${of} declares for port ${numbers} is nothing that a ${route.kind} is about`);
  }
  const hostnames =
    route.kind === "TLSRoute" ? route.spec.hostnames.map((name) => name.toLowerCase()) : ["*"];
  const at = { kind: "Service", parent: path, hostnames } as const;
  return {
    attachments: isAnyPort ? [{ ...at, port: undefined }] : carrying.map(({ port }) => ({ ...at, port })),
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined;
}

function attachToGateway(
  inputs: InputReader,
  route: RouteInput,
  parent: ParentInput,
  path: string,
): ParentOutcome | undefined {
  const gateway = inputs.gateway(path);
  if (gateway === undefined) return none(`Gateway ${path} does not exist`);
  if (!inputs.isOwnClass(gateway.spec.gatewayClassName)) return undefined;
  const listeners = gatewayOwnListeners(gateway);
  return attachToListeners(inputs, route, parent, { name: `Gateway ${path}`, gateway: path, listeners });
}

function attachToListeners(
  inputs: InputReader,
  route: RouteInput,
  parent: ParentInput,
  { name, gateway, listeners }: ListenerParent,
): ParentOutcome {
  const named = listeners.filter(
    ({ input }) =>
      (parent.sectionName === undefined || input.name === parent.sectionName) &&
      (parent.port === undefined || input.port === parent.port),
  );
  if (named.length === 0) return none(`${name} has no such listener`);
  const allowed = named.filter(
    (listener) =>
      listener.supportedKinds.some((kind) => kind.kind === route.kind) &&
      allowsNamespace(inputs, listener, route.metadata.namespace),
  );
  if (allowed.length === 0) {
    return {
      reason: "NotAllowedByListeners",
      message: `no listener of ${name} allows ${route.kind}s of namespace ${route.metadata.namespace}`,
    };
  }
  const attachments = allowed.flatMap(({ input, set }): Attachment[] => {
    const hostnames = commonHostnames(input.hostname, hostnamesOf(route));
    if (hostnames.length === 0) return [];
    const of = set === undefined ? {} : { set };
    return [{ kind: "Gateway", parent: gateway, ...of, listener: input.name, hostnames }];
  });
  return attachments.length > 0
    ? { attachments }
    : {
        reason: "NoMatchingListenerHostname",
        message: `no hostname is also one of ${name}'s listeners`,
      };
}

/** TCPRoutes and UDPRoutes have none: they take what their listener takes. */
function hostnamesOf(route: RouteInput): readonly string[] | undefined {
  return route.kind === "TCPRoute" || route.kind === "UDPRoute" ? undefined : route.spec.hostnames;
}

function commonHostnames(listener: string | undefined, route: readonly string[] | undefined): string[] {
  const wanted = route === undefined || route.length === 0 ? [undefined] : route;
  const common = wanted.flatMap(
    (hostname) => intersectHostnames(listener?.toLowerCase(), hostname?.toLowerCase()) ?? [],
  );
  return [...new Set(common)];
}

function none(message: string): ParentOutcome {
  return { reason: "NoMatchingParent", message };
}
