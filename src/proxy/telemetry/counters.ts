/** Counters and gauges with few, fixed label values: connections, refusals, retries, pools. Golden signals live in series.ts. */
import type { MetricSample } from "../../kernel/index.ts";

export interface Counter {
  value: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly labelNames: readonly string[];
  samples(): Iterable<MetricSample>;
}

interface CounterChild extends Counter, MetricSample {
  value: number;
  /** As of the report before. */
  reported: number;
}

/** What a counter counted since the report before. */
export interface CounterChange {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
}

/** A counter for each combination of label values; ask once and keep the handle. */
export class CounterFamily implements MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type = "counter";
  readonly labelNames: readonly string[];
  readonly #children = new Map<string, CounterChild>();

  constructor(name: string, help: string, labelNames: readonly string[] = []) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
  }

  /** Values come from closed sets (reason codes, listener names), so the number of children is bounded by the code. */
  of(...values: readonly string[]): Counter {
    const key = values.join("\n");
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const labels: Record<string, string> = {};
    for (const [index, name] of this.labelNames.entries()) labels[name] = values[index] ?? "";
    const created = { labels, value: 0, reported: 0 };
    this.#children.set(key, created);
    return created;
  }

  samples(): Iterable<MetricSample> {
    return this.#children.values();
  }

  /** Differences to the call before. */
  *take(): Generator<CounterChange> {
    for (const child of this.#children.values()) {
      if (child.value === child.reported) continue;
      yield { name: this.name, labels: child.labels, count: child.value - child.reported };
      child.reported = child.value;
    }
  }
}

interface GaugeOptions {
  /** Default: gauge. */
  readonly type?: "counter" | "gauge";
  /** Default: none. */
  readonly labelNames?: readonly string[];
}

/** A figure that is read when somebody asks. */
export class GaugeFamily implements MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly labelNames: readonly string[];
  readonly #read: () => Iterable<MetricSample>;

  constructor(name: string, help: string, read: () => Iterable<MetricSample>, options: GaugeOptions = {}) {
    this.name = name;
    this.help = help;
    this.type = options.type ?? "gauge";
    this.labelNames = options.labelNames ?? [];
    this.#read = read;
  }

  samples(): Iterable<MetricSample> {
    return this.#read();
  }
}
