/** Groups the listeners of all gateways by the socket that they share. A group that did not change keeps its tables. */
import { VirtualHostTable } from "../../decide/index.ts";
import { type Gateway, type GatewayListener, Protocol } from "../../model/index.ts";
import type { PreparedGatewayPort } from "./snapshot.ts";

interface Group extends PreparedGatewayPort {
  readonly listeners: readonly GatewayListener[];
}

export class GatewayPorts {
  readonly #groups: readonly Group[];

  private constructor(groups: readonly Group[]) {
    this.#groups = groups;
  }

  static readonly none = new GatewayPorts([]);

  get all(): readonly PreparedGatewayPort[] {
    return this.#groups;
  }

  /** `gateways` in the order of their names: where two claim one hostname, the first keeps it. */
  next(gateways: readonly Gateway[]): GatewayPorts {
    const byPlace = new Map<string, GatewayListener[]>();
    for (const gateway of gateways) {
      for (const listener of gateway.listeners) {
        const place = placeOf(listener);
        const group = byPlace.get(place);
        if (group === undefined) byPlace.set(place, [listener]);
        else group.push(listener);
      }
    }
    const groups = [...byPlace.values()].map(
      (listeners) => this.#unchanged(listeners) ?? prepareGroup(listeners),
    );
    return new GatewayPorts(groups);
  }

  #unchanged(listeners: readonly GatewayListener[]): Group | undefined {
    return this.#groups.find(
      (group) =>
        group.listeners.length === listeners.length &&
        group.listeners.every((listener, index) => listener === listeners[index]),
    );
  }
}

function placeOf(listener: GatewayListener): string {
  return `${listener.port} ${listener.addresses.toSorted().join(" ")}`;
}

function prepareGroup(listeners: readonly GatewayListener[]): Group {
  const [first] = listeners;
  return {
    port: first?.port ?? 0,
    protocol: first?.protocol ?? Protocol.UNSPECIFIED,
    addresses: first?.addresses ?? [],
    hosts: VirtualHostTable.prepare(listeners),
    listeners,
  };
}
