/** What stands in pages of metrics: names by their type, and the labels of samples. */
export class Exposition {
  readonly #labels = new Map<string, Set<string>>();
  readonly #names = new Set<string>();

  /** Prometheus' text format; several pages may stand behind one another. `declared`: labels by metric, in the place of its samples'. */
  constructor(text: string, declared: ReadonlyMap<string, readonly string[]>) {
    for (const [metric, labels] of declared) this.#labels.set(metric, new Set(labels));
    for (const line of text.split("\n")) this.#read(line);
  }

  has(metric: string): boolean {
    return this.#names.has(metric);
  }

  /** Also where there is no sample to tell by; a label of the target counts for all. */
  hasLabel(metric: string, label: string): boolean {
    const labels = this.#labels.get(metric);
    return labels === undefined || labels.has(label) || targetLabels.has(label);
  }

  #read(line: string): void {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined) {
      for (const suffix of suffixes[type ?? ""] ?? [""]) this.#names.add(`${name}${suffix}`);
      return;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line);
    if (sample === null) return;
    const labels = this.#labels.get(sample[1] ?? "") ?? new Set();
    this.#labels.set(sample[1] ?? "", labels);
    for (const [, label = ""] of (sample[2] ?? "").matchAll(/(?:^|,)([a-zA-Z_]\w*)="/g)) labels.add(label);
  }
}

const suffixes: Readonly<Record<string, readonly string[]>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"],
};

/** As the control plane's service discovery gives them. */
const targetLabels: ReadonlySet<string> = new Set([
  ...["job", "instance", "workload", "namespace", "service_account", "role", "version"],
]);
