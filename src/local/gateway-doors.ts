/** Where the gateways that files describe are to be reached on the host, as far as the files tell. */
import type { SocketAddress } from "./fabric.ts";

export interface GatewayPlace {
  readonly hostAddress: string;
  /** Takes the place of the listeners' own ports, all of which then share one door. */
  readonly port?: number;
}

/** In the order of the files, each once. `objects` may be anything that YAML can say: what is no Gateway is passed over. */
export function gatewayDoors(
  objects: readonly unknown[],
  { hostAddress, port }: GatewayPlace,
): SocketAddress[] {
  const gateways = objects.filter((object) => fieldOf(object, "kind") === "Gateway");
  const common = gateways.filter((gateway) => addressesOf(gateway).length === 0).flatMap(portsOf);
  const ports = port === undefined ? [...new Set(common)] : common.slice(0, 1).map(() => port);
  const own = gateways.flatMap((gateway) =>
    addressesOf(gateway).flatMap((address) => portsOf(gateway).map((each) => ({ address, port: each }))),
  );
  return [...ports.map((each) => ({ address: hostAddress, port: each })), ...own];
}

/** Those of its own, which take it off the common one. */
function addressesOf(gateway: unknown): string[] {
  const addresses = fieldOf(fieldOf(gateway, "spec"), "addresses");
  if (!Array.isArray(addresses)) return [];
  return addresses.map((each) => fieldOf(each, "value")).filter((value) => typeof value === "string");
}

function portsOf(object: unknown): number[] {
  const listeners = fieldOf(fieldOf(object, "spec"), "listeners");
  if (!Array.isArray(listeners)) return [];
  return listeners
    .filter((listener) => fieldOf(listener, "protocol") !== "UDP")
    .map((listener) => fieldOf(listener, "port"))
    .filter((port) => typeof port === "number");
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
