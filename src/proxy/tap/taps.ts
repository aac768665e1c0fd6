/** The way in of taps: while there is no order, nothing of what taps are made of is loaded, kept or asked. */
import type { Clock } from "../../kernel/index.ts";
import type { TapOrders } from "../../wire/index.ts";
import type { Agent, TapHandler, TapSender } from "../agent/index.ts";
import type { Observers } from "../observation/index.ts";
import type { TapSession } from "./tap-session.ts";

interface TapParts {
  readonly agent: Pick<Agent, "serveTaps"> & { readonly snapshot: { readonly revision: number } };
  readonly observers: Observers;
  readonly workload: { readonly key: string };
  readonly clock: Clock;
}

/** Takes the agent's orders from now on, until the agent is closed. */
export function serveTaps(parts: TapParts): void {
  const taps = new Taps(parts);
  taps.uplink = parts.agent.serveTaps(taps);
}

class Taps implements TapHandler, TapSender {
  readonly #parts: TapParts;
  /** Undefined: nothing has been ordered yet. */
  uplink: TapSender | undefined;
  #session: TapSession | undefined;

  constructor(parts: TapParts) {
    this.#parts = parts;
  }

  onOrders(orders: TapOrders | undefined): void {
    if (orders === undefined || orders.orders.length === 0) {
      this.#stop();
      return;
    }
    const session = this.#session ?? this.#start();
    session.setOrders(orders.orders);
    this.#parts.observers.bodies = session.bodies;
  }

  send(upload: Uint8Array): boolean {
    return this.uplink?.send(upload) ?? true;
  }

  onDrain(): void {
    this.#session?.onDrain();
  }

  #start(): TapSession {
    const { agent, observers, workload, clock } = this.#parts;
    const loaded: { readonly TapSession: typeof TapSession } = require("./tap-session.ts");
    const session = new loaded.TapSession({
      proxy: workload.key,
      revision: () => agent.snapshot.revision,
      sender: this,
      clock,
      onIdle: () => this.#stop(),
    });
    this.#session = session;
    observers.set([...observers.list, session]);
    return session;
  }

  #stop(): void {
    const session = this.#session;
    if (session === undefined) return;
    const { observers } = this.#parts;
    this.#session = undefined;
    observers.bodies = undefined;
    observers.set(observers.list.filter((each) => each !== session));
    session.close();
  }
}
