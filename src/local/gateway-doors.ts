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
  const listeners = objects.filter((object) => fieldOf(object, "kind") === "Gateway").flatMap(portsOf);
  const ports = port === undefined ? [...new Set(listeners)] : listeners.slice(0, 1).map(() => port);
  return ports.map((each) => ({ address: hostAddress, port: each }));
}

function portsOf(object: unknown): number[] {
  const listeners = fieldOf(fieldOf(object, "spec"), "listeners");
  if (!Array.isArray(listeners)) return [];
  return listeners.map((listener) => fieldOf(listener, "port")).filter((port) => typeof port === "number");
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
