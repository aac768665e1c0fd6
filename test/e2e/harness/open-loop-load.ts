/**
 * A load generator that sends at its own pace whatever the answers do (open loop), over raw keep-alive connections, and forgets
 * nothing: each request has a sample, answered or not. Used by tests in their own process, and as a program of its own inside a
 * mesh: `bun open-loop-load.ts URL REQUESTS_PER_SECOND`, which prints its samples when it is told to end. Without a URL it calls the
 * upstream `web` that the mesh told it.
 */
import { LoadConnection, type Outcome } from "./load-connection.ts";

export interface LoadOptions {
  readonly url: string;
  readonly requestsPerSecond: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes them POSTs, which nobody may repeat that has reached an application. */
  readonly body?: string;
}

export interface Sample {
  /** Unix time at which the request was handed to a connection. */
  readonly sentMs: number;
  /** From the moment at which it was due, so that a stall counts for everybody who had to wait. */
  readonly tookMs: number;
  readonly outcome: Outcome;
  readonly body: string;
}

/** Enough for 500 a second to answers of 60 ms. */
const maxConnections = 32;
/** Requests that wait for a connection: on a machine that has more to do than it can they are late, and none is left out. */
const maxWaiting = 20_000;
const tickMs = 2;
const answerTimeoutMs = 20_000;

export class OpenLoopLoad {
  readonly samples: Sample[] = [];
  readonly #options: LoadOptions;
  readonly #request: Uint8Array;
  readonly #target: { readonly hostname: string; readonly port: number };
  readonly #connections = new Set<LoadConnection>();
  readonly #idle: LoadConnection[] = [];
  readonly #waiting: number[] = [];
  #startedMs = 0;
  #due = 0;
  #timer: Timer | undefined;

  constructor(options: LoadOptions) {
    const url = new URL(options.url);
    this.#options = options;
    this.#target = { hostname: url.hostname, port: Number(url.port || 80) };
    const { body } = options;
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const headers = Object.entries({ host: url.host, ...length, ...options.headers });
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const method = body === undefined ? "GET" : "POST";
    const head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines}\r\n`;
    this.#request = new TextEncoder().encode(head + (body ?? ""));
  }

  static start(options: LoadOptions): OpenLoopLoad {
    const load = new OpenLoopLoad(options);
    load.#startedMs = performance.now();
    load.#tick();
    return load;
  }

  /** Requests that were sent and have no answer yet. */
  get inFlight(): number {
    return [...this.#connections].filter((connection) => connection.isBusy).length;
  }

  /** Sends nothing more, waits for what is in flight, and closes its connections. */
  async stop(): Promise<readonly Sample[]> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const endMs = performance.now() + answerTimeoutMs;
    while ((this.inFlight > 0 || this.#waiting.length > 0) && performance.now() < endMs) {
      await Bun.sleep(tickMs);
    }
    for (const connection of [...this.#connections]) connection.close();
    for (const dueMs of this.#waiting.splice(0)) this.#record(dueMs, Date.now(), "unanswered", "");
    return this.samples;
  }

  #tick(): void {
    const elapsedMs = performance.now() - this.#startedMs;
    const target = Math.floor((elapsedMs * this.#options.requestsPerSecond) / 1_000);
    while (this.#due < target) {
      this.#due++;
      this.#waiting.push(this.#startedMs + (this.#due * 1_000) / this.#options.requestsPerSecond);
    }
    this.#dispatch();
    this.#timer = setTimeout(() => this.#tick(), tickMs);
  }

  #dispatch(): void {
    while (this.#waiting.length > maxWaiting) {
      this.#record(this.#waiting.shift() ?? 0, Date.now(), "overrun", "");
    }
    while (this.#waiting.length > 0) {
      const connection = this.#idle.pop();
      if (connection === undefined) break;
      const dueMs = this.#waiting.shift() ?? 0;
      const sentMs = Date.now();
      connection.send(this.#request, (outcome, body) => this.#record(dueMs, sentMs, outcome, body));
    }
    const wanted = Math.min(this.#waiting.length, maxConnections - this.#connections.size);
    for (let i = 0; i < wanted; i++) this.#open();
  }

  #open(): void {
    const connection = new LoadConnection(this.#target, {
      onIdle: () => {
        this.#idle.push(connection);
        this.#dispatch();
      },
      onGone: (wasConnected) => {
        this.#connections.delete(connection);
        const index = this.#idle.indexOf(connection);
        if (index >= 0) this.#idle.splice(index, 1);
        if (wasConnected) return;
        const dueMs = this.#waiting.shift();
        if (dueMs !== undefined) this.#record(dueMs, Date.now(), "refused", "");
      },
    });
    this.#connections.add(connection);
  }

  #record(dueMs: number, sentMs: number, outcome: Outcome, body: string): void {
    this.samples.push({ sentMs, tookMs: performance.now() - dueMs, outcome, body });
  }
}

export function failures(samples: readonly Sample[]): readonly Sample[] {
  return samples.filter(({ outcome }) => outcome !== 200);
}

/** How many samples have each outcome, for messages. */
export function countOutcomes(samples: readonly Sample[]): Record<string, number> {
  return count(samples, ({ outcome }) => String(outcome));
}

export function countBodies(samples: readonly Sample[]): Record<string, number> {
  return count(samples, ({ body }) => body.trim());
}

function count(samples: readonly Sample[], keyOf: (sample: Sample) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const sample of samples) counts[keyOf(sample)] = (counts[keyOf(sample)] ?? 0) + 1;
  return counts;
}

if (import.meta.main) {
  const [url = "", requestsPerSecond = "100"] = process.argv.slice(2);
  const target = url === "" ? (process.env["WEB_URL"] ?? "") : url;
  const load = OpenLoopLoad.start({ url: target, requestsPerSecond: Number(requestsPerSecond) });
  process.stderr.write("load has started\n");
  const printSamples = async (): Promise<void> => {
    process.stdout.write(JSON.stringify(await load.stop()), () => process.exit(0));
  };
  process.on("SIGTERM", () => void printSamples());
}
