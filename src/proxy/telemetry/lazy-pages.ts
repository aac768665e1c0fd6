/** What writes pages of metrics, loaded with the first scrape: a proxy that nobody scrapes does not keep it. */
import type { answerScrape as AnswerScrape } from "./metrics-page.ts";
import type { encodeMetrics as EncodeMetrics } from "./prometheus.ts";

export const encodeMetrics: typeof EncodeMetrics = (series, families, format) => {
  const loaded: { readonly encodeMetrics: typeof EncodeMetrics } = require("./prometheus.ts");
  return loaded.encodeMetrics(series, families, format);
};

export const answerScrape: typeof AnswerScrape = (source, accept) => {
  const loaded: { readonly answerScrape: typeof AnswerScrape } = require("./metrics-page.ts");
  return loaded.answerScrape(source, accept);
};
