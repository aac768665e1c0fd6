/**
 * Files compiled by a process of their own, so that a gateway neither waits for thousands of routes to be read nor keeps what
 * only reading them needs. The process ends when nothing has changed for a while.
 *
 *   none --load | reload--> starting --hello--> working --loaded | reloaded--> idle --quietMs--> none
 */
import { setPriority } from "node:os";
import { type Clock, errorLine, type Log, type Timer, WeftError } from "../kernel/index.ts";
import type { KeySetChange } from "../compile/index.ts";
import { SuppliedAgent, type SuppliedChange } from "../proxy/index.ts";
import { type FromCompiler, isFromCompiler, receivedError, type ToCompiler } from "./compiler-messages.ts";
import type { Pipeline } from "./pipeline.ts";

/** "Nice": a tenth of a core where traffic wants all of it, and traffic comes first whenever it wakes. */
const priority = 10;
/** A burst of changes finds it; to be started again takes a fifth of a second. */
const quietMs = 2_000;

export interface CompilerProcessOptions {
  readonly command: readonly string[];
  /** Resolves when those that carry traffic run the change. */
  readonly commit: (change: SuppliedChange) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

type Answer = FromCompiler & { readonly kind: "loaded" | "reloaded" | "failed" };

type Child = Bun.Subprocess<"ignore", "inherit", "inherit">;

export class CompilerProcess implements Pipeline {
  readonly agent: SuppliedAgent;
  isFrozen = false;
  keySets: readonly KeySetChange[] = [];
  wantedJwks: ReadonlySet<string> = new Set();
  readonly #options: CompilerProcessOptions;
  #saved: Uint8Array = new Uint8Array(0);
  #idle: Child | undefined;
  #working: Child | undefined;
  #quiet: Timer | undefined;
  #answer = Promise.withResolvers<Answer>();

  constructor(options: CompilerProcessOptions) {
    this.#options = options;
    this.agent = new SuppliedAgent(options.log);
  }

  get revision(): number {
    return this.agent.snapshot.revision;
  }

  /** Undefined while there is none. */
  get processId(): number | undefined {
    return (this.#working ?? this.#idle)?.pid;
  }

  async load(): Promise<string> {
    const answer = await this.#ask({ kind: "load", keySets: this.keySets });
    if (answer.kind !== "loaded") throw failure(answer);
    this.agent.commit(answer.everything);
    return answer.files;
  }

  async reload(): Promise<void> {
    if (this.isFrozen) return;
    const answer = await this.#ask({ kind: "reload", saved: this.#saved, keySets: this.keySets });
    if (answer.kind === "failed") {
      const why = errorLine(receivedError(answer.error));
      this.#options.log.error("the files could not be compiled; the last good configuration stays", { why });
    }
  }

  close(): void {
    this.#quiet?.cancel();
    this.#end(this.#idle);
    this.#end(this.#working);
    this.#idle = undefined;
    this.agent.close();
  }

  async #ask(message: ToCompiler): Promise<Answer> {
    this.#quiet?.cancel();
    this.#answer = Promise.withResolvers<Answer>();
    const idle = this.#idle;
    this.#idle = undefined;
    this.#working = idle ?? this.#start(message);
    idle?.send(message);
    const answer = await this.#answer.promise;
    if (answer.kind !== "failed") {
      this.#saved = answer.saved;
      const wanted = new Set(answer.wantedJwks);
      if (!Bun.deepEquals(wanted, this.wantedJwks)) this.wantedJwks = wanted;
    }
    this.#rest(answer.kind === "failed");
    return answer;
  }

  #rest(isBroken: boolean): void {
    const child = this.#working;
    this.#working = undefined;
    if (isBroken) {
      this.#end(child);
      return;
    }
    this.#idle = child;
    this.#quiet = this.#options.clock.after(quietMs, () => {
      this.#end(this.#idle);
      this.#idle = undefined;
    });
  }

  #start(first: ToCompiler): Child {
    const child = Bun.spawn([...this.#options.command], {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      serialization: "advanced",
      ipc: (message: unknown) => {
        if (isFromCompiler(message)) this.#receive(child, message, first);
      },
    });
    this.#giveWay(child);
    void this.#whenEnded(child);
    return child;
  }

  /** At once, since threads that are there already keep theirs. */
  #giveWay(child: Child): void {
    try {
      setPriority(child.pid, priority);
    } catch (error) {
      this.#options.log.debug("the compiler runs at the same priority", { why: errorLine(error) });
    }
  }

  async #whenEnded(child: Child): Promise<void> {
    const code = await child.exited;
    if (this.#idle === child) this.#idle = undefined;
    if (this.#working !== child) return;
    const message = `the compiler ended with ${code}`;
    this.#answer.resolve({
      kind: "failed",
      error: { code: "internal", message, hint: undefined, issues: [] },
    });
  }

  #receive(child: Child, message: FromCompiler, first: ToCompiler): void {
    if (this.#working !== child) return;
    switch (message.kind) {
      case "hello":
        child.send(first);
        break;
      case "commit":
        void this.#commit(child, message.change);
        break;
      case "loaded":
      case "reloaded":
      case "failed":
        this.#answer.resolve(message);
        break;
    }
  }

  async #commit(child: Child, change: SuppliedChange): Promise<void> {
    if (this.isFrozen) {
      // Another process is taking over: nothing more is taken here, and a compiler that went on would not know.
      this.#end(child);
      return;
    }
    this.agent.commit(change);
    await this.#options.commit(change);
    child.send({ kind: "committed" });
  }

  #end(child: Child | undefined): void {
    if (child?.exitCode === null) child.disconnect();
  }
}

function failure(answer: Answer): WeftError {
  return answer.kind === "failed"
    ? receivedError(answer.error)
    : new WeftError("internal", "the compiler answered something else than it was asked");
}
