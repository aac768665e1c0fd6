/** Whether this proxy sends to collectors. All that does so is loaded with the first of them: most proxies of a mesh have none. */
import type { Collector } from "../../model/index.ts";
import type { LogParts } from "./log-record.ts";
import type { ExportContext, OtlpExporter } from "./otlp-exporter.ts";

/** At the end of a drain: a collector that is well answers within milliseconds. */
const flushMs = 2_000;

export class ExportSwitch {
  readonly #context: () => ExportContext;
  #exporter: OtlpExporter | undefined = undefined;

  /** Asked once, for the first collector. */
  constructor(context: () => ExportContext) {
    this.#context = context;
  }

  /** By the newest configuration; none: what waits is dropped, and counted. */
  apply(collectors: readonly Collector[]): void {
    if (collectors.length > 0) this.#exporter ??= load(this.#context());
    this.#exporter?.apply(collectors);
  }

  get takesTraces(): boolean {
    return this.#exporter?.takesTraces === true;
  }

  get takesLogs(): boolean {
    return this.#exporter?.takesLogs === true;
  }

  /** An encoded `Span` of OTLP. */
  span(encoded: Uint8Array): void {
    this.#exporter?.span(encoded);
  }

  log(parts: LogParts): void {
    this.#exporter?.log(parts);
  }

  /** Sends what there is, for two seconds at most. */
  async flush(): Promise<void> {
    await this.#exporter?.flush(flushMs);
  }

  close(): void {
    this.#exporter?.close();
  }
}

function load(context: ExportContext): OtlpExporter {
  const loaded: { readonly OtlpExporter: typeof OtlpExporter } = require("./otlp-exporter.ts");
  return new loaded.OtlpExporter(context);
}
