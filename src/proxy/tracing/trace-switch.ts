/**
 * Whether this proxy traces. While it does not, a request is asked one question and pays for nothing; the tracer's code is
 * loaded when somebody wants traces for the first time.
 */
import type { PreparedTelemetry } from "../../decide/telemetry/index.ts";
import type { Observers } from "../observation/index.ts";
import type { FactsOf, Tracer, TracerParts } from "./tracer.ts";

export class TraceSwitch {
  /** Undefined: headers of traces pass untouched. Asked for each request, so it is a field. */
  active: Tracer | undefined = undefined;
  readonly #observers: Observers;
  readonly #parts: TracerParts;
  #tracer: Tracer | undefined = undefined;

  constructor(observers: Observers, parts: TracerParts) {
    this.#observers = observers;
    this.#parts = parts;
  }

  /**
   * By the newest configuration of the workload or the gateway; undefined: the defaults, which have no tracing. `factsOf`
   * reads what attributes of policies are made of. What is under way goes on as it began.
   */
  apply(base: PreparedTelemetry | undefined, factsOf?: FactsOf): void {
    if (base?.tracing.isEnabled !== true) {
      this.#stop();
      return;
    }
    if (this.#tracer === undefined) this.#tracer = load(this.#parts, base, factsOf);
    else this.#tracer.apply(base, factsOf);
    if (this.active !== undefined) return;
    this.active = this.#tracer;
    this.#observers.set([...this.#observers.list, this.#tracer]);
  }

  #stop(): void {
    const { active } = this;
    if (active === undefined) return;
    this.active = undefined;
    this.#observers.set(this.#observers.list.filter((each) => each !== active));
  }
}

function load(parts: TracerParts, base: PreparedTelemetry, factsOf: FactsOf | undefined): Tracer {
  const loaded: { readonly Tracer: typeof Tracer } = require("./tracer.ts");
  return new loaded.Tracer(parts, base, factsOf);
}
