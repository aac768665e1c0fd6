/** The gateway's UDP listeners: they follow the configuration as those of TCP do. */
import { errorLine } from "../../kernel/index.ts";
import { Protocol } from "../../model/index.ts";
import type { PreparedGatewayPort, Snapshot } from "../agent/index.ts";
import type { GatewayListen } from "../bootstrap.ts";
import type { ServeContext } from "./context.ts";
import { fixedLimits } from "./limits.ts";
import { type UdpAddress, UdpPort } from "./udp-port.ts";

/** Between two tries to bind a port that was refused. */
const retryMs = 5_000;

export class GatewayUdp {
  readonly #context: ServeContext;
  readonly #options: GatewayListen;
  readonly #isShared: boolean;
  readonly #ports = new Map<string, UdpPort>();
  /** Ports that could not be bound, and why: said once, not with every try. */
  readonly #failed = new Map<string, string>();
  #retryAtMs = 0;
  #isClosed = false;

  /** `isShared`: other processes of ours listen on the same ports. */
  constructor(context: ServeContext, options: GatewayListen, isShared: boolean) {
    this.#context = context;
    this.#options = options;
    this.#isShared = isShared;
  }

  applySnapshot(snapshot: Snapshot): void {
    if (this.#isClosed) return;
    const wanted = new Set<string>();
    for (const port of snapshot.gatewayPorts) {
      if (port.protocol !== Protocol.UDP) continue;
      const place = this.#placeOf(port, snapshot.gatewayPorts[0]);
      const key = `${place.address}:${place.port}/udp`;
      wanted.add(key);
      const known = this.#ports.get(key);
      if (known === undefined) this.#tryOpen(key, place, port);
      else known.configure(port);
    }
    for (const [key, port] of this.#ports) {
      if (wanted.has(key)) continue;
      this.#ports.delete(key);
      port.close();
    }
    for (const key of this.#failed.keys()) if (!wanted.has(key)) this.#failed.delete(key);
  }

  addresses(): UdpAddress[] {
    return [...this.#ports.values()].map((port) => port.bound);
  }

  failures(): readonly string[] {
    return [...this.#failed.values()];
  }

  get sessions(): number {
    return [...this.#ports.values()].reduce((sum, port) => sum + port.size, 0);
  }

  sweep(nowMs: number): void {
    for (const port of this.#ports.values()) port.sweep(nowMs, fixedLimits.udpIdleTimeoutMs);
    if (this.#failed.size === 0 || nowMs < this.#retryAtMs) return;
    this.#retryAtMs = nowMs + retryMs;
    this.applySnapshot(this.#context.agent.snapshot);
  }

  /** Nobody can tell when a client is done: what is on its way is lost, as datagrams may be. */
  close(): void {
    this.#isClosed = true;
    for (const port of this.#ports.values()) port.close();
    this.#ports.clear();
  }

  /** The port that the bootstrap gives stands for the gateway's first one. */
  #placeOf(port: PreparedGatewayPort, first: PreparedGatewayPort | undefined): UdpAddress {
    const options = this.#options;
    const isFirst = first?.protocol === Protocol.UDP && first.port === port.port;
    return {
      address: port.address || options.address,
      port: isFirst ? (options.port ?? port.port) : port.port,
    };
  }

  #tryOpen(key: string, place: UdpAddress, port: PreparedGatewayPort): void {
    const { log } = this.#context;
    try {
      if (this.#options.kind === "unix") {
        throw new Error("datagrams are not relayed to the host; serve them with weft serve there");
      }
      const options = { ...place, isShared: this.#isShared, maxSessions: fixedLimits.maxUdpSessions };
      this.#ports.set(key, new UdpPort(this.#context, port, options));
      this.#failed.delete(key);
      log.info("gateway listener opened", { address: place.address, port: `${place.port}/udp` });
    } catch (error) {
      const message = `gateway listener ${key}: ${errorLine(error)}`;
      if (this.#failed.get(key) !== message) log.error(message);
      this.#failed.set(key, message);
    }
  }
}
