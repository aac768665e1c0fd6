/** The application's own page of metrics, as far as it can be had. What fetches it is loaded when there is one. */
import type { Clock, MetricsFormat } from "../../kernel/index.ts";
import { ApplicationCounters } from "./application-counters.ts";
import type { ApplicationPlace, fetchApplicationPage } from "./application-metrics.ts";
import type { ApplicationPage } from "./application-page.ts";
import { encodeMetrics } from "./lazy-pages.ts";
import { SeriesRegistry } from "./series.ts";

export interface ApplicationMetricsOptions {
  /** As configuration has it; undefined: the application has none. */
  readonly place: () => ApplicationPlace | undefined;
  /** Where the application is dialled, in this order. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
}

export class ApplicationMetrics {
  readonly counters = new ApplicationCounters();
  readonly #options: ApplicationMetricsOptions;

  constructor(options: ApplicationMetricsOptions) {
    this.#options = options;
  }

  /** Undefined: there is none, or it could not be had, which has been counted. Never rejects. */
  fetch(format: MetricsFormat): Promise<ApplicationPage | undefined> | undefined {
    const place = this.#options.place();
    if (place === undefined || place.port === 0) return undefined;
    return load()(place, format, { ...this.#options, counters: this.counters });
  }

  /** A page in the text format, with the application's own behind it. Never rejects. */
  async appendTo(page: string): Promise<string> {
    const own = await this.fetch("text");
    if (own === undefined) return page;
    const taken = new Set(Array.from(page.matchAll(/^# TYPE (\S+) /gm), ([, name = ""]) => name));
    return page + [...own.slices(taken)].join("");
  }

  /** What is counted of it, as a page. */
  metricsText(): string {
    return encodeMetrics(new SeriesRegistry(), this.counters.families);
  }
}

function load(): typeof fetchApplicationPage {
  const loaded: {
    readonly fetchApplicationPage: typeof fetchApplicationPage;
  } = require("./application-metrics.ts");
  return loaded.fetchApplicationPage;
}
