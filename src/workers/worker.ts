/**
 * A worker: a proxy that is told everything by its parent, and ends with it.
 *
 *   hello -> start -> serving --commit*--> draining -> ended
 */
import { canonicalIp, type Clock, errorLine, type Log } from "../kernel/index.ts";
import { resetReusePort } from "../net/index.ts";
import { type ParentLink, type RunningProxy, runProxy, SuppliedAgent, WorkerAgent } from "../proxy/index.ts";
import { type Doors, type FromWorker, placeText, type ToWorker } from "./messages.ts";
import { retirePlace } from "./retire-listener.ts";

/** An endpoint that fails is tried by the others a few times more at most. */
const avoidanceMs = 250;
/** The parent uploads no more often than that. */
const telemetryMs = 2_000;
const noDoors: Doors = { outbound: [], tunnel: undefined, plaintextPort: undefined };

export interface WorkerOptions {
  readonly send: (message: FromWorker) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class Worker {
  readonly #options: WorkerOptions;
  #agent: SuppliedAgent | WorkerAgent;
  /** In a mesh. */
  #meshAgent: WorkerAgent | undefined;
  #isDraining = false;
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
      case "standing":
        this.#meshAgent?.setStanding(message.standing);
        break;
      case "noRoom":
        this.#meshAgent?.refuse(message.name);
        break;
      case "taps":
        this.#meshAgent?.setTapOrders(message.orders);
        break;
      case "question":
        if (message.status !== undefined) this.#meshAgent?.setStatus(message.status);
        this.#options.send({ kind: "answer", id: message.id, text: this.#page(message.page) });
        break;
      case "avoid":
        this.#proxy?.avoidance.adopt(message.endpoints);
        break;
      case "retire":
        void this.#retire(message);
        break;
      case "spread":
        for (const { listener } of this.#proxy?.openListeners() ?? []) resetReusePort(listener);
        break;
      case "reopen":
        this.#proxy?.reopenListeners();
        break;
      case "drain":
        void this.drain(message.isReplaced);
        break;
    }
  }

  /** Once more without `isReplaced` after with it: hurries. */
  async drain(isReplaced = false): Promise<void> {
    const drained = isReplaced ? this.#proxy?.handOver() : this.#proxy?.drain();
    if (this.#isDraining) return;
    this.#isDraining = true;
    await drained;
    this.#options.send({ kind: "drained" });
  }

  async #start({ plan, state, ours, standing }: ToWorker & { kind: "start" }): Promise<void> {
    const { clock, log } = this.#options;
    this.#ours = new Set(ours.map(placeText));
    if (standing !== undefined) {
      const addresses = plan.workload.addresses.flatMap((each) => canonicalIp(each) ?? []);
      this.#meshAgent = new WorkerAgent({ addresses, standing, link: this.#link(), clock, log });
      this.#agent = this.#meshAgent;
    }
    this.#agent.commit(state);
    this.#proxy = await runProxy({
      bootstrap: {
        ...plan,
        sharing: (address, port) => (this.#ours.has(placeText({ address, port })) ? "join" : "claim"),
      },
      agent: this.#agent,
      clock,
      log,
    });
    this.#tellLive();
    this.#scheduleAvoidance();
    this.#scheduleTelemetry();
  }

  #link(): ParentLink {
    const { send } = this.#options;
    return {
      lookup: (lookup) => send({ kind: "lookup", lookup }),
      prefetch: (ip) => send({ kind: "prefetch", ip }),
      touched: (names) => send({ kind: "touched", names }),
      report: (bytes) => send({ kind: "report", bytes }),
      tapped: (bytes) => send({ kind: "tapped", bytes }),
    };
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
      doors: this.#doors(),
      open: (this.#proxy?.openListeners() ?? []).map(({ address, port }) => ({ address, port })),
    });
  }

  #doors(): Doors {
    if (this.#proxy === undefined) return noDoors;
    const { outbound, tunnel, plaintextPort } = this.#proxy.bound;
    return { outbound, tunnel, plaintextPort };
  }

  #page(page: "metrics" | "config"): string {
    if (this.#proxy === undefined) return "";
    return page === "metrics" ? this.#proxy.metricsText() : JSON.stringify(this.#proxy.configPage());
  }

  #scheduleAvoidance(): void {
    this.#options.clock.after(avoidanceMs, () => {
      const endpoints = this.#proxy?.avoidance.fresh() ?? [];
      if (endpoints.length > 0) this.#options.send({ kind: "avoid", endpoints });
      this.#meshAgent?.flushTouches();
      this.#scheduleAvoidance();
    });
  }

  #scheduleTelemetry(delayMs = telemetryMs): void {
    this.#options.clock.after(delayMs, () => {
      const hasMore = this.#meshAgent?.flushTelemetry() === true;
      this.#scheduleTelemetry(hasMore ? 0 : telemetryMs);
    });
  }
}
