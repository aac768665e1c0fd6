/** Where the parent of a proxy's workers takes what they want of the mesh, and what they tell it. */
import type { AgentLookup, DemandName, JoinedReports, ParentAgent, TapRelay } from "../proxy/index.ts";
import type { MeshWord } from "./messages.ts";

export interface MeshDeskOptions {
  readonly agent: Pick<
    ParentAgent,
    "resolveAddress" | "resolveOutbound" | "resolveName" | "prefetch" | "touch"
  >;
  readonly reports: Pick<JoinedReports, "add">;
  readonly taps: Pick<TapRelay, "receive">;
  /** Tells the worker that this is not followed. */
  readonly refuse: (worker: number, name: DemandName) => void;
}

export class MeshDesk {
  readonly #options: MeshDeskOptions;

  constructor(options: MeshDeskOptions) {
    this.#options = options;
  }

  receive(worker: number, word: MeshWord): void {
    const { agent, reports, taps } = this.#options;
    switch (word.kind) {
      case "lookup":
        this.#lookUp(worker, word.lookup);
        break;
      case "prefetch":
        agent.prefetch(word.ip);
        break;
      case "touched":
        for (const { kind, key } of word.names) agent.touch(kind, key);
        break;
      case "report":
        reports.add(word.bytes, worker);
        break;
      case "tapped":
        taps.receive(worker, word.bytes);
        break;
    }
  }

  /**
   * The answer reaches the worker with the change that holds it. One that is known here has been told before; only that there is no
   * room, which is known at once, must be said. Otherwise the worker waits no longer than its own deadline.
   */
  #lookUp(worker: number, { kind, key, deadlineMs }: AgentLookup): void {
    const { refuse } = this.#options;
    let isAtOnce = true;
    const callback = (result: unknown): void => {
      if (isAtOnce && result === "unavailable") refuse(worker, { kind, key });
    };
    this.#ask({ kind, key, deadlineMs }, callback);
    isAtOnce = false;
  }

  #ask({ kind, key, deadlineMs }: AgentLookup, callback: (result: unknown) => void): void {
    const { agent } = this.#options;
    switch (kind) {
      case "Address":
        agent.resolveAddress(key, deadlineMs, callback);
        break;
      case "Outbound":
        agent.resolveOutbound(key, deadlineMs, callback);
        break;
      case "Name":
        agent.resolveName(key, deadlineMs, callback);
        break;
    }
  }
}
