/** Where a route attaches: each parent reference is looked up and either yields attachments or says why not. */
import { gatewayGroup } from "../api/index.ts";
import type { Attachment } from "./compiled-route.ts";
import { intersectHostnames } from "./hostname.ts";
import type { InputReader } from "./inputs.ts";
import { gatewayOwnListeners } from "./gateway-listeners.ts";
import { type ListenerParent, setParent } from "./listener-set-parent.ts";
import { allowsNamespace } from "./listener.ts";
import type { ParentInput, RouteInput } from "./route-input.ts";
import { tcpPort } from "./service-resources.ts";

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
  if (kind === "Service" && (group === "" || group === "core")) {
    return route.kind === "HTTPRoute"
      ? attachToService(inputs, parent, path)
      : { reason: "UnsupportedValue", message: `a ${route.kind} attaches to Gateways only, not to Services` };
  }
  if (kind === "Gateway" && group === gatewayGroup) return attachToGateway(inputs, route, parent, path);
  if (kind === "ListenerSet" && group === gatewayGroup) {
    const set = setParent(inputs, path);
    return set === undefined || "reason" in set ? set : attachToListeners(inputs, route, parent, set);
  }
  return undefined;
}

function parentPath(route: RouteInput, parent: ParentInput): string {
  return `${parent.namespace ?? route.metadata.namespace}/${parent.name}`;
}

function attachToService(inputs: InputReader, parent: ParentInput, path: string): ParentOutcome {
  const service = inputs.service(path);
  if (service === undefined) return none(`Service ${path} does not exist`);
  if (service.isHeadless) return none(`Service ${path} is headless; routes need a service address`);
  if (parent.sectionName === undefined && parent.port === undefined) {
    return { attachments: [{ kind: "Service", parent: path, port: undefined }] };
  }
  const port = service.ports.find(
    (entry) =>
      (parent.port === undefined || entry.port === parent.port) &&
      (parent.sectionName === undefined || entry.name === parent.sectionName) &&
      tcpPort(service, entry.port) !== undefined,
  );
  return port === undefined
    ? none(`Service ${path} has no TCP port ${parent.sectionName ?? parent.port}`)
    : { attachments: [{ kind: "Service", parent: path, port: port.port }] };
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
