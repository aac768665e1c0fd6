/**
 * Fetches the key sets that policies name and keeps them current. It runs where configuration is compiled: proxies get keys with
 * their configuration, need no way out, and keep them with their last good one.
 */
import { getCACertificates } from "node:tls";
import { type Clock, errorLine, type Log } from "../kernel/index.ts";
import { type FetchKeySet, type FetchResult, keySetFetcher } from "./fetch-key-set.ts";
import { KeySet } from "./kept-key-set.ts";
import { KeySetFiles } from "./key-set-files.ts";

/** What whoever runs the program says about fetching. */
export interface KeySetSettings {
  /** Trusted beside the machine's own authorities. */
  readonly extraRootsPem?: string;
  /** Keys may come from this machine. Default: no, since what listens on loopback trusts whoever is there. */
  readonly allowsLoopback?: boolean;
}

export interface KeySetKeeperOptions extends KeySetSettings {
  /** Keeps what it fetched. Absent: it is fetched again by each process. */
  readonly directory?: string;
  /** `document`: the newest that may be used; undefined: none. `error`: why the last attempt brought nothing. */
  readonly onKeySet: (uri: string, document: string | undefined, error: string | undefined) => void;
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  readonly random?: () => number;
  /** For tests. */
  readonly fetch?: FetchKeySet;
}

export interface KeySetFigures {
  readonly fetches: readonly { readonly result: FetchResult; readonly count: number }[];
  /** Of the key sets that are in force. */
  readonly ages: readonly { readonly uri: string; readonly ageMs: number }[];
}

/** At one time: who may write policies cannot make the control plane knock at hundreds of doors at once. */
const maxFetches = 8;

export class KeySetKeeper {
  readonly #options: KeySetKeeperOptions;
  readonly #files: KeySetFiles | undefined;
  readonly #fetch: FetchKeySet;
  readonly #keySets = new Map<string, KeySet>();
  readonly #counts = new Map<FetchResult, number>();
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = 0;
  #isClosed = false;
  #wanted: ReadonlySet<string> | undefined;

  constructor(options: KeySetKeeperOptions) {
    const { directory, clock, log, extraRootsPem = "", allowsLoopback = false } = options;
    this.#options = options;
    this.#files = directory === undefined ? undefined : new KeySetFiles(directory, log);
    const roots = new SystemRoots(extraRootsPem);
    this.#fetch = options.fetch ?? keySetFetcher({ allowsLoopback, trustRootsPem: () => roots.pem, clock });
  }

  get figures(): KeySetFigures {
    return {
      fetches: [...this.#counts].map(([result, count]) => ({ result, count })),
      ages: [...this.#keySets.values()].flatMap(({ uri, ageMs }) =>
        ageMs === undefined ? [] : { uri, ageMs },
      ),
    };
  }

  /** From now on these are fetched and no others. The same set again: nothing happens. */
  want(wanted: ReadonlySet<string>): void {
    if (wanted === this.#wanted || this.#isClosed) return;
    this.#wanted = wanted;
    for (const [uri, keySet] of this.#keySets) {
      if (wanted.has(uri)) continue;
      keySet.close();
      this.#keySets.delete(uri);
    }
    this.#files?.prune(wanted);
    for (const uri of wanted) if (!this.#keySets.has(uri)) this.#start(uri);
  }

  close(): void {
    this.#isClosed = true;
    for (const keySet of this.#keySets.values()) keySet.close();
    this.#keySets.clear();
    this.#waiting.length = 0;
  }

  #start(uri: string): void {
    const { clock, log, random = Math.random, onKeySet } = this.#options;
    const keySet = new KeySet(uri, {
      clock,
      log,
      random,
      files: this.#files,
      fetch: this.#fetch,
      enqueue: (work) => this.#enqueue(work),
      onFetched: (result) => void this.#counts.set(result, (this.#counts.get(result) ?? 0) + 1),
      onKeySet,
    });
    this.#keySets.set(uri, keySet);
    if (uri.toLowerCase().startsWith("http:")) {
      log.warn("keys are fetched without TLS: whoever is on the way can make valid tokens", { uri });
    }
    keySet.start();
  }

  #enqueue(work: () => Promise<void>): void {
    this.#waiting.push(work);
    this.#runNext();
  }

  #runNext(): void {
    if (this.#running >= maxFetches) return;
    const work = this.#waiting.shift();
    if (work === undefined) return;
    this.#running++;
    void work()
      .catch((error: unknown) => this.#options.log.error("fetching keys broke", { error: errorLine(error) }))
      .finally(() => {
        this.#running--;
        this.#runNext();
      });
  }
}

/** Read with the first https address. */
class SystemRoots {
  readonly #extraPem: string;
  #pem: string | undefined;

  constructor(extraPem: string) {
    this.#extraPem = extraPem;
  }

  get pem(): string {
    this.#pem ??= this.#read();
    return this.#pem;
  }

  #read(): string {
    const system = getCACertificates("system");
    const roots = system.length > 0 ? system : getCACertificates("bundled");
    return [...roots, this.#extraPem].join("\n");
  }
}
