/**
 * The answer to a scrape: ours, then the application's own. A page of a few series is one text; a large one is made while
 * it is sent, a slice at a time, so that requests go on meanwhile. Loaded with the first scrape.
 */
import { acceptedFormat, type MetricsFormat, metricsContentTypes } from "../../kernel/index.ts";
import type { ApplicationPage } from "./application-page.ts";
import { metricSlices, type MetricsSource } from "./prometheus.ts";
import { SampleWriter } from "./sample-writer.ts";

/** As `ApplicationMetrics` does. */
interface PageFetcher {
  fetch(format: MetricsFormat): Promise<ApplicationPage | undefined> | undefined;
}

/** `application` undefined: nothing but ours. */
export async function answerScrape(
  source: MetricsSource & { readonly application?: PageFetcher | undefined },
  accept: string | null,
): Promise<Response> {
  const accepted = acceptedFormat(accept);
  const page = await source.application?.fetch(accepted);
  // Where the application speaks the older format only, the page is in that one: every scraper takes it.
  const format = page?.format ?? accepted;
  const slices = pageSlices(source, page, format);
  const headers = { "content-type": metricsContentTypes[format] };
  const first = slices.next();
  const second = slices.next();
  const begin = first.done === true ? "" : first.value;
  return second.done === true
    ? new Response(begin, { headers })
    : new Response(streamOf(begin + second.value, slices), { headers });
}

function* pageSlices(
  source: MetricsSource,
  page: ApplicationPage | undefined,
  format: MetricsFormat,
): Generator<string, undefined> {
  const writer = new SampleWriter(format);
  let text = "";
  for (const slice of metricSlices(source, writer)) {
    if (text !== "") yield text;
    text = slice;
  }
  for (const slice of page?.slices(writer.names) ?? []) {
    yield text;
    text = slice;
  }
  yield format === "openmetrics" ? `${text}# EOF\n` : text;
  return undefined;
}

function streamOf(begin: string, slices: Generator<string, undefined>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(begin));
    },
    async pull(controller) {
      // Whatever waits for the loop has its turn between two slices.
      await new Promise((resolve) => setImmediate(resolve));
      const next = slices.next();
      if (next.done === true) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
    cancel() {
      slices.return(undefined);
    },
  });
}
