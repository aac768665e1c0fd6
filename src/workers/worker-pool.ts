/**
 * The workers of one proxy: started, fed with changes, started again when they end, drained together.
 * What they count is read and added up here.
 *
 *   starting --every worker is live--> serving --drain()--> draining --all have ended--> stopped
 */
import { type Clock, type Log, type Timer, Turns, WeftError } from "../kernel/index.ts";
import type { AgentStatus, Standing, SuppliedChange } from "../proxy/index.ts";
import { countedOnly, mergeMetrics } from "./merge-metrics.ts";
import type { TakenPlace } from "./hand-over-messages.ts";
import { doorsOf, opensNone, withBound } from "./doors.ts";
import { type MeshWord, type Place, placeText, type ToWorker, type WorkerPlan } from "./messages.ts";
import { parentMetrics } from "./parent-metrics.ts";
import { PortOrders } from "./port-orders.ts";
import { RestartDelay } from "./restart-delay.ts";
import { type LiveState, WorkerProcess } from "./worker-process.ts";

/** What workers of a proxy in a mesh have from their parent. */
interface MeshSide {
  readonly standing: () => Standing;
  readonly status: () => AgentStatus;
  readonly onWord: (worker: number, word: MeshWord) => void;
  /** The parent's own figures. */
  readonly metricsText: () => string;
}

export interface WorkerPoolOptions {
  readonly count: number;
  /** What starts the worker of this index. */
  readonly command: (index: number) => readonly string[];
  readonly plan: WorkerPlan;
  /** All that a worker which starts now must know. */
  readonly everything: () => SuppliedChange;
  /** Where a process listens that is being taken over. */
  readonly taken: readonly TakenPlace[];
  /** Of a proxy in a mesh. */
  readonly mesh?: MeshSide;
  readonly clock: Clock;
  readonly log: Log;
}

/** Between two looks at listeners that could not be opened. */
const retryMs = 5_000;

interface Slot {
  readonly index: number;
  readonly delay: RestartDelay;
  process: WorkerProcess;
  restarts: number;
}

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #slots: Slot[] = [];
  #plan: WorkerPlan;
  #taken: readonly TakenPlace[];
  /** Starts and changes, one after another: so the order in which workers bind a port is that of their turns. */
  readonly #turns = new Turns();
  /** What workers that are gone had counted. */
  #gone = "";
  readonly #orders: PortOrders;
  #retryTimer: Timer | undefined;
  #isEnding = false;
  /** Whoever ends now does not come back: its place belongs to somebody else. */
  #isHandingOver = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#plan = options.plan;
    this.#taken = options.taken;
    this.#orders = new PortOrders(options.taken);
  }

  /** Resolves when all listen. Throws WeftError; then none is left. */
  async open(): Promise<void> {
    try {
      await this.#startAll();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Its doors with the ports that were bound. */
  get plan(): WorkerPlan {
    return this.#plan;
  }

  /** Where all workers listen. */
  get listeners(): readonly Place[] {
    return this.#slots.find(({ process }) => process.live !== undefined)?.process.listeners ?? [];
  }

  /** Where all workers listen, their doors too. */
  get openPlaces(): readonly Place[] {
    return this.#slots.find(({ process }) => process.live !== undefined)?.process.live?.open ?? [];
  }

  get isServing(): boolean {
    return !this.#isEnding && this.#slots.some(({ process }) => process.live !== undefined);
  }

  /** The newest one that every worker runs; 0 while one is being started. */
  get revision(): number {
    return Math.min(...this.#slots.map(({ process }) => process.live?.revision ?? 0));
  }

  /** The other process has closed its listeners: new connections are for all of ours. */
  tookOver(): void {
    this.#orders.removeOld(this.#taken);
    this.#taken = [];
    for (const { process } of this.#slots) process.tell({ kind: "spread" });
  }

  /** Places with the number of our listeners there. */
  taken(): TakenPlace[] {
    return this.#orders.places().filter(({ count }) => count > 0);
  }

  /** Resolves when every worker that serves has taken it, or was ended because it did not. */
  async commit(change: SuppliedChange): Promise<void> {
    const { told } = await this.#turns.take(async () => {
      const slots = this.#slots.filter(({ process }) => process.live !== undefined);
      const isAtOnce = opensNone(change) && slots.every(({ process }) => process.live?.failures.length === 0);
      // All are told before anybody is waited for: one that is stuck holds up no other's lookups.
      if (isAtOnce) return { told: Promise.all(slots.map((slot) => this.#commitTo(slot, change))) };
      for (const slot of slots) await this.#commitTo(slot, change);
      return { told: undefined };
    });
    await told;
  }

  /** After every change that was given before. */
  tell(worker: number, message: ToWorker): void {
    void this.#turns.take(() => {
      const process = this.#slots[worker]?.process;
      if (process?.live !== undefined) process.tell(message);
      return Promise.resolve();
    });
  }

  tellAll(message: ToWorker): void {
    for (let worker = 0; worker < this.#options.count; worker++) this.tell(worker, message);
  }

  /**
   * Closes every listener without losing a connection, where `count` listeners of another process have bound `kept` behind
   * ours. One worker after another, the last in the order first, so that it is always known where the others' stand.
   */
  retire(kept: readonly Place[], count: number): Promise<void> {
    return this.#turns.take(async () => {
      this.#isHandingOver = true;
      const names = new Set(kept.map(placeText));
      await Promise.all(
        this.#orders.places().map(async (place) => {
          const others = names.has(placeText(place)) ? count : 0;
          for (const { worker, targets } of this.#orders.retirements(place, others)) {
            await this.#slots[worker]?.process.retire({ place, targets });
          }
        }),
      );
    });
  }

  /** After `retire`: the other process is gone, and all is as it was. */
  async reopen(): Promise<void> {
    this.#isHandingOver = false;
    for (const { index } of this.#slots) this.#orders.update(index, []);
    for (const { process } of this.#slots) {
      process.tell({ kind: "reopen" });
      // The answer to an empty change comes after, and tells what is open.
      await this.commit({ ...this.#options.everything(), upserts: [], removals: [] });
    }
  }

  async metrics(): Promise<string> {
    const { count, mesh } = this.#options;
    const status = mesh?.status();
    await Promise.all(
      this.#slots.map(async ({ process }) => {
        process.lastMetrics = (await process.ask("metrics", status)) ?? process.lastMetrics;
      }),
    );
    const restarts = this.#slots.reduce((sum, slot) => sum + slot.restarts, 0);
    const own = parentMetrics({
      workers: count,
      live: this.#slots.filter(({ process }) => process.live !== undefined).length,
      restarts,
    });
    return mergeMetrics([
      ...this.#slots.map(({ process }) => process.lastMetrics),
      this.#gone,
      own,
      mesh?.metricsText() ?? "",
    ]);
  }

  async config(): Promise<unknown> {
    const status = this.#options.mesh?.status();
    const workers = this.#slots.map(async ({ index, process, restarts }) => ({
      index,
      pid: process.pid,
      restarts,
      revision: process.live?.revision ?? 0,
      config: parseJson(await process.ask("config", status)),
    }));
    return { revision: this.revision, workers: await Promise.all(workers) };
  }

  /** Every worker finishes what it has in flight. `isReplaced`: another process has the ports already; once more without, they hurry. */
  async drain(isReplaced = false): Promise<void> {
    this.#isEnding = true;
    this.#retryTimer?.cancel();
    for (const { process } of this.#slots) process.tell({ kind: "drain", isReplaced });
    await Promise.all(this.#slots.map(({ process }) => process.exited));
  }

  /** Ends them at once. */
  async close(): Promise<void> {
    this.#isEnding = true;
    this.#retryTimer?.cancel();
    for (const { process } of this.#slots) process.kill();
    await Promise.all(this.#slots.map(({ process }) => process.exited));
  }

  async #startAll(): Promise<void> {
    for (let index = 0; index < this.#options.count; index++) {
      const delay = new RestartDelay(this.#options.clock);
      this.#slots.push({ index, delay, process: this.#spawn(index), restarts: 0 });
    }
    for (const slot of this.#slots) {
      const result = await this.#turns.take(() => this.#startSlot(slot));
      if (typeof result === "string") {
        throw new WeftError("io", `worker ${slot.index} cannot be started: ${result}`);
      }
      // Which and why has been logged. In a mesh, a gateway serves what it can and tries again.
      const failed = result.failures.length;
      if (failed > 0 && this.#options.mesh === undefined)
        throw new WeftError("address_in_use", `${failed} listeners cannot be opened`);
    }
  }

  #spawn(index: number): WorkerProcess {
    const { clock, log, command } = this.#options;
    return new WorkerProcess({
      index,
      command: command(index),
      clock,
      log,
      events: {
        onAvoid: (message) => {
          for (const { process } of this.#slots) if (process.index !== index) process.tell(message);
        },
        onMeshWord: (word) => this.#options.mesh?.onWord(index, word),
        onExit: (description) => this.#exited(index, description),
      },
    });
  }

  async #commitTo({ index, process }: Slot, change: SuppliedChange): Promise<void> {
    const result = await process.commit({ kind: "commit", change, ours: this.#ours() });
    if (typeof result === "string")
      this.#options.log.error("a worker is ended", { worker: index, why: result });
    else this.#serves(index, result);
  }

  async #startSlot(slot: Slot): Promise<LiveState | string> {
    const { everything, mesh } = this.#options;
    // One file has one writer.
    const message: ToWorker & { kind: "start" } = {
      kind: "start",
      plan: slot.index === 0 ? this.#plan : { ...this.#plan, dataDir: "" },
      state: everything(),
      ours: this.#ours(),
      ...(mesh === undefined ? {} : { standing: mesh.standing() }),
    };
    const result = await slot.process.start(message);
    if (typeof result !== "string") {
      this.#fixPort(result);
      this.#serves(slot.index, result);
    }
    return result;
  }

  #serves(index: number, live: LiveState): void {
    this.#orders.update(index, live.open);
    this.#scheduleRetry(live);
  }

  /** The system chose it for the first worker: the others must have the same, and whoever comes back. */
  #fixPort({ listeners, doors }: LiveState): void {
    this.#plan = withBound(this.#plan, doors);
    const { gateway } = this.#plan;
    const [first] = listeners;
    if (gateway?.port !== 0 || first === undefined) return;
    this.#plan = { ...this.#plan, gateway: { ...gateway, port: first.port } };
  }

  #ours(): Place[] {
    const live = this.#slots.filter(({ process }) => process.live !== undefined);
    const doors = live.length === 0 ? [] : doorsOf(this.#plan);
    const places = [...this.#taken, ...doors, ...live.flatMap(({ process }) => process.listeners)];
    return [...new Map(places.map((place) => [placeText(place), place])).values()];
  }

  #exited(index: number, description: string): void {
    const slot = this.#slots[index];
    if (slot === undefined) return;
    this.#orders.update(index, []);
    if (this.#isEnding) return;
    this.#gone = mergeMetrics([this.#gone, countedOnly(slot.process.lastMetrics)]);
    const delayMs = slot.delay.next(slot.process.startedMs);
    this.#options.log.error("a worker has ended and is started again", {
      worker: index,
      description,
      delayMs,
    });
    this.#options.clock.after(delayMs, () => void this.#restart(slot));
  }

  async #restart(slot: Slot): Promise<void> {
    if (this.#isEnding || this.#isHandingOver) return;
    slot.restarts++;
    slot.process = this.#spawn(slot.index);
    // Outside of a turn, which changes would have to wait for. One that says nothing is ended in its turn, and comes back.
    const { process } = slot;
    await process.greeted();
    if (slot.process !== process) return;
    const result = await this.#turns.take(() => this.#startSlot(slot));
    const { log } = this.#options;
    // It was ended, and comes back by its exit.
    if (typeof result === "string")
      log.error("a worker cannot be started", { worker: slot.index, why: result });
    else log.info("a worker serves again", { worker: slot.index, pid: slot.process.pid });
  }

  /** Workers try again by themselves; a turn tells them which places are ours by then. */
  #scheduleRetry({ failures, revision }: LiveState): void {
    if (failures.length === 0 || this.#retryTimer !== undefined || this.#isEnding) return;
    this.#retryTimer = this.#options.clock.after(retryMs, () => {
      this.#retryTimer = undefined;
      void this.commit({ revision, upserts: [], removals: [] });
    });
  }
}

function parseJson(text: string | undefined): unknown {
  return text === undefined || text === "" ? null : JSON.parse(text);
}
