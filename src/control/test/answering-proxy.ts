/** A proxy of a subscription core, without a socket: holds each change until the test answers it. */
import { allUpserts, type ProxyIdentity, type SubscriptionCore } from "../../distribute/index.ts";

type Subscriber = ReturnType<SubscriptionCore["open"]>;
type Change = Parameters<Parameters<SubscriptionCore["open"]>[1]>[0];

export class AnsweringProxy {
  readonly subscriber: Subscriber;
  /** "Kind key" to version. */
  readonly state = new Map<string, string>();
  #staged: Change | undefined = undefined;

  constructor(core: SubscriptionCore, identity: ProxyIdentity) {
    this.subscriber = core.open(identity, (change) => {
      this.#staged = change;
    });
  }

  subscribe(key: string): this {
    this.subscriber.subscribe("Outbound", [key]);
    this.subscriber.flush();
    return this;
  }

  /** Takes what it is sent until nothing is unanswered. */
  settle(): this {
    for (let change = this.#take(); change !== undefined; change = this.#take()) {
      for (const { kind, key, resource } of allUpserts(change))
        this.state.set(`${kind} ${key}`, resource.version);
      for (const { kind, key } of change.removals) this.state.delete(`${kind} ${key}`);
      this.subscriber.acknowledge(change.sequence);
    }
    return this;
  }

  reject(message: string): void {
    const change = this.#take();
    if (change !== undefined) this.subscriber.reject(change.sequence, message);
  }

  #take(): Change | undefined {
    const change = this.#staged;
    this.#staged = undefined;
    return change;
  }
}
