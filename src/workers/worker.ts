/**
 * A worker: a gateway that is told everything by its parent, and ends with it.
 *
 *   hello -> start -> serving --commit*--> draining -> ended
 */
import { type Clock, errorLine, type Log } from "../kernel/index.ts";
import { resetReusePort } from "../net/index.ts";
import { type RunningProxy, runProxy, SuppliedAgent } from "../proxy/index.ts";
import { type FromWorker, placeText, type ToWorker } from "./messages.ts";
import { retirePlace } from "./retire-listener.ts";

/** An endpoint that fails is tried by the others a few times more at most. */
const avoidanceMs = 250;

export interface WorkerOptions {
  readonly send: (message: FromWorker) => void;
  /** Called once, when nothing is open any more. */
  readonly onEnded: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #agent: SuppliedAgent;
  #proxy: RunningProxy | undefined;
  #ours: ReadonlySet<string> = new Set();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#agent = new SuppliedAgent(options.log);
    options.send({ kind: "hello" });
  }

  receive(message: ToWorker): void {
    switch (message.kind) {
      case "start":
        this.#start(message).catch((error: unknown) =>
          this.#options.send({ kind: "failed", message: errorLine(error) }),
        );
        break;
      case "commit":
        this.#ours = new Set(message.ours.map(placeText));
        this.#agent.commit(message.change);
        this.#tellLive();
        break;
      case "question":
        this.#options.send({ kind: "answer", id: message.id, text: this.#page(message.page) });
        break;
      case "avoid":
        this.#proxy?.avoidance.adopt(message.endpoints);
        break;
      case "retire":
        void this.#retire(message);
        break;
      case "spread":
        for (const { listener } of this.#proxy?.gatewayListeners() ?? []) resetReusePort(listener);
        break;
      case "reopen":
        this.#proxy?.reopenListeners();
        break;
      case "drain":
        void this.drain();
        break;
    }
  }

  async drain(): Promise<void> {
    await this.#proxy?.drain();
    this.#options.onEnded();
  }

  async #start({ plan, state, ours }: ToWorker & { kind: "start" }): Promise<void> {
    const { clock, log } = this.#options;
    this.#ours = new Set(ours.map(placeText));
    this.#agent.commit(state);
    this.#proxy = await runProxy({
      bootstrap: {
        ...plan,
        gatewaySharing: (address, port) => (this.#ours.has(placeText({ address, port })) ? "join" : "claim"),
      },
      agent: this.#agent,
      clock,
      log,
    });
    this.#tellLive();
    this.#scheduleAvoidance();
  }

  async #retire({ id, retirement }: ToWorker & { kind: "retire" }): Promise<void> {
    if (this.#proxy !== undefined) await retirePlace(this.#proxy, retirement, this.#options);
    this.#options.send({ kind: "answer", id, text: "" });
  }

  #tellLive(): void {
    this.#options.send({
      kind: "live",
      revision: this.#agent.snapshot.revision,
      listeners: (this.#proxy?.gatewayAddresses() ?? []).map(({ address, port }) => ({ address, port })),
      failures: this.#proxy?.gatewayFailures() ?? [],
    });
  }

  #page(page: "metrics" | "config"): string {
    if (this.#proxy === undefined) return "";
    return page === "metrics" ? this.#proxy.metricsText() : JSON.stringify(this.#proxy.configPage());
  }

  #scheduleAvoidance(): void {
    this.#options.clock.after(avoidanceMs, () => {
      const endpoints = this.#proxy?.avoidance.fresh() ?? [];
      if (endpoints.length > 0) this.#options.send({ kind: "avoid", endpoints });
      this.#scheduleAvoidance();
    });
  }
}
