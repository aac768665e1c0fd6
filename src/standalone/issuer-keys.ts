/** Keys of tokens' issuers for a gateway of files: fetched by the process that stays, given to whatever compiles. */
import type { KeySetChange } from "../compile/index.ts";
import { KeySetKeeper, type KeySetSettings } from "../jwks/index.ts";
import type { Clock, Log } from "../kernel/index.ts";
import type { Pipeline } from "./pipeline.ts";

export interface IssuerKeysOptions {
  readonly settings: KeySetSettings;
  /** Absent: nothing is kept. */
  readonly directory: string | undefined;
  readonly pipeline: Pipeline;
  /** Has everything compiled again, with the keys that there are then. */
  readonly recompile: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class IssuerKeys {
  readonly #pipeline: Pipeline;
  readonly #keeper: KeySetKeeper;
  readonly #keySets = new Map<string, KeySetChange>();

  constructor({ settings, directory, pipeline, recompile, clock, log }: IssuerKeysOptions) {
    this.#pipeline = pipeline;
    this.#keeper = new KeySetKeeper({
      ...settings,
      ...(directory === undefined ? {} : { directory }),
      onKeySet: (uri, document, error) => {
        this.#keySets.set(uri, { uri, document, error });
        pipeline.keySets = [...this.#keySets.values()];
        recompile();
      },
      clock,
      log,
    });
  }

  /** Before anything is served: what is on disk is in force from the first request. */
  async start(): Promise<void> {
    this.follow();
    if (this.#keySets.size > 0) await this.#pipeline.reload();
  }

  /** The files have been compiled: perhaps they name others now. */
  follow(): void {
    const wanted = this.#pipeline.wantedJwks;
    for (const uri of this.#keySets.keys()) if (!wanted.has(uri)) this.#keySets.delete(uri);
    this.#pipeline.keySets = [...this.#keySets.values()];
    this.#keeper.want(wanted);
  }

  close(): void {
    this.#keeper.close();
  }
}
