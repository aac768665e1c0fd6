/**
 * Takes compiled resources to the gateway in the same process: as the one subscriber of all Gateways and what they send to,
 * so that what a gateway is told is worked out by the same code as in a mesh. Each change is one commit.
 */
import { allUpserts, SubscriptionCore } from "../distribute/index.ts";
import type { Clock, Log } from "../kernel/index.ts";
import type { Rejection, SuppliedAgent, SuppliedChange } from "../proxy/index.ts";
import type { FileConfiguration } from "./file-configuration.ts";

type Subscriber = ReturnType<SubscriptionCore["open"]>;
type Change = Parameters<Parameters<SubscriptionCore["open"]>[1]>[0];

export interface GatewayFeedOptions {
  readonly configuration: FileConfiguration;
  readonly agent: SuppliedAgent;
  readonly workload: { readonly namespace: string; readonly name: string };
  readonly clock: Clock;
  readonly log: Log;
}

export class GatewayFeed {
  readonly #options: GatewayFeedOptions;
  readonly #core: SubscriptionCore;
  readonly #subscriber: Subscriber;
  #pending: Change | undefined;

  constructor(options: GatewayFeedOptions) {
    const { namespace, name } = options.workload;
    this.#options = options;
    this.#core = new SubscriptionCore(options.configuration, options.clock);
    this.#subscriber = this.#core.open(
      { workload: `${namespace}/${name}`, namespace, name, role: "gateway" },
      (change) => {
        this.#pending = change;
      },
    );
    this.#subscriber.subscribeAllGateways();
  }

  /** Gives the agent what was compiled since the last call. Returns what it took: several changes only after a rejection. */
  deliver(): SuppliedChange[] {
    const { agent, log, configuration } = this.#options;
    const taken: SuppliedChange[] = [];
    const commit = (change: SuppliedChange): readonly Rejection[] => {
      const rejected = agent.commit(change);
      const names = new Set(rejected.map(nameOf));
      taken.push({ ...change, upserts: change.upserts.filter((each) => !names.has(nameOf(each))) });
      return rejected;
    };
    this.#subscriber.flush();
    // An acknowledgement may bring what was held back until then.
    for (let change = this.#take(); change !== undefined; change = this.#take()) {
      const rejected = commit({
        revision: change.revision,
        upserts: Array.from(allUpserts(change), ({ kind, key, resource }) => ({
          kind,
          name: key,
          version: resource.version,
          bytes: resource.bytes,
        })),
        removals: change.removals.map(({ kind, key }) => ({ kind, name: key })),
      });
      for (const { kind, name, why } of rejected) {
        log.error("a resource cannot be used and stays as it was", { kind, name, why });
      }
      if (rejected.length === 0) this.#subscriber.acknowledge(change.sequence);
      else {
        const whys = new Map(rejected.map((each) => [nameOf(each), each.why]));
        this.#subscriber.reject(change.sequence, "not usable", ({ kind, key }) =>
          whys.get(nameOf({ kind, name: key })),
        );
      }
    }
    // A change that touches no Gateway is a revision all the same.
    if (agent.snapshot.revision !== configuration.revision) {
      commit({ revision: configuration.revision, upserts: [], removals: [] });
    }
    return taken;
  }

  close(): void {
    this.#core.close();
  }

  #take(): Change | undefined {
    const change = this.#pending;
    this.#pending = undefined;
    return change;
  }
}

function nameOf({ kind, name }: Pick<Rejection, "kind" | "name">): string {
  return `${kind} ${name}`;
}
