/** Our page with the application's own behind it: whatever becomes of that one, ours is whole. */
import { afterEach, describe, expect, test } from "bun:test";
import { systemClock, VirtualClock } from "../../kernel/index.ts";
import { CounterFamily } from "./counters.ts";
import { ApplicationMetrics } from "./application-scrape.ts";
import { answerScrape } from "./metrics-page.ts";
import { SeriesRegistry } from "./series.ts";
import { testLabels } from "./testing.ts";

const openMetrics = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
/** Stands still, so that only an application that is silent takes too long. */
const clock = new VirtualClock();
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function application(answer: (request: Request) => Response | Promise<Response>): number {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  closers.push(() => void server.stop(true));
  return server.port ?? 0;
}

async function scrape(port: number, accept: string | null = null, path = "/metrics") {
  const series = new SeriesRegistry();
  series.edge(testLabels).http("GET", 200, undefined, undefined).record(1_000, 1, 2);
  const own = new CounterFamily("own_total", "Ours.");
  own.of().value = 1;
  const metrics = new ApplicationMetrics({
    place: () => ({ port, path }),
    // Nobody listens at the first one.
    addresses: ["127.0.0.2", "127.0.0.1"],
    clock,
  });
  const response = await answerScrape({ series, families: [own], application: metrics }, accept);
  const results = [...metrics.counters.scrapes.samples()].map(({ labels }) => labels["result"]);
  return { text: await response.text(), type: response.headers.get("content-type"), results };
}

test("the application's page stands behind ours, and is asked for in what the scraper takes", async () => {
  const asked: (string | null)[] = [];
  const port = application((request) => {
    asked.push(request.headers.get("accept"));
    return new Response("# TYPE app_total counter\napp_total 7\n# TYPE own_total gauge\nown_total 9\n");
  });
  const { text, type, results } = await scrape(port);
  expect(type).toStartWith("text/plain; version=0.0.4");
  expect(text).toContain("\nown_total 1\n# TYPE app_total counter\napp_total 7\n");
  expect(text).not.toContain("own_total 9");
  expect([asked[0]?.includes("openmetrics"), results]).toEqual([false, ["ok"]]);
});

test("where both speak OpenMetrics there is one page of it", async () => {
  const headers = { "content-type": "application/openmetrics-text; version=1.0.0; charset=utf-8" };
  const port = application(() => new Response("# TYPE app counter\napp_total 7\n# EOF\n", { headers }));
  const { text, type } = await scrape(port, openMetrics);
  expect(type).toStartWith("application/openmetrics-text");
  expect(text.endsWith("# TYPE app counter\napp_total 7\n# EOF\n")).toBe(true);
  expect(text.match(/# EOF/g)).toHaveLength(1);
  expect(text).toContain("# TYPE own counter\n");
});

test("an application that speaks the older format only decides for the whole page", async () => {
  const port = application(() => new Response("app_total 7\n"));
  const { text, type } = await scrape(port, openMetrics);
  expect(type).toStartWith("text/plain");
  expect(text).toContain("# TYPE own_total counter\n");
  expect(text.endsWith("app_total 7\n")).toBe(true);
});

test("a page of several processes has the application's once, behind it", async () => {
  const port = application(
    () => new Response("# TYPE app gauge\napp 7\n# TYPE own_total gauge\nown_total 9\n"),
  );
  const metrics = new ApplicationMetrics({
    place: () => ({ port, path: "/" }),
    addresses: ["127.0.0.1"],
    clock: systemClock,
  });
  const page = "# HELP own_total Ours.\n# TYPE own_total counter\nown_total 1\n";
  expect(await metrics.appendTo(page)).toBe(`${page}# TYPE app gauge\napp 7\n`);
  expect(metrics.metricsText()).toContain('weft_application_metrics_skipped_total{reason="name_taken"} 1\n');
});

describe("ours is whole", () => {
  const endless = (): Response =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new TextEncoder().encode(`${"a".repeat(65_535)}\n`)),
      }),
    );
  const silent = (): Promise<Response> => {
    clock.advance(60_000);
    return new Promise(() => {});
  };
  test.each<[string, (request: Request) => Response | Promise<Response>, string]>([
    ["of an error", () => new Response("no", { status: 500 }), "status"],
    ["of a page without an end", endless, "too_large"],
    ["of silence", silent, "timeout"],
    [
      "of a compressed page",
      () => new Response("x", { headers: { "content-encoding": "gzip" } }),
      "malformed",
    ],
    [
      "of a format that was not asked for",
      () => new Response("# EOF\n", { headers: { "content-type": "application/openmetrics-text" } }),
      "format",
    ],
  ])("in spite %s", async (_name, answer, result) => {
    const { text, results } = await scrape(application(answer));
    expect(text.endsWith("\nown_total 1\n")).toBe(true);
    expect(results).toEqual([result]);
  });

  test("where nobody listens", async () => {
    const port = application(() => new Response(""));
    for (const close of closers.splice(0)) close();
    expect(await scrape(port)).toMatchObject({ results: ["unreachable"] });
  });

  test("where the path would be another request", async () => {
    const port = application(() => new Response("app 1\n"));
    const { text, results } = await scrape(port, null, "/metrics HTTP/1.1\r\nhost: evil\r\n\r\n");
    expect(results).toEqual(["malformed"]);
    expect(text).not.toContain("app 1");
  });
});

test("requests go on while a page of 2,000 series is made", async () => {
  const series = new SeriesRegistry();
  for (let i = 0; i < 2_000; i++) {
    series
      .edge({ ...testLabels, destinationWorkload: `default/cart-${i}` })
      .http("GET", 200, undefined, undefined)
      .record(1_000, 1, 2);
  }
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  const response = await answerScrape({ series, families: [] }, null);
  setImmediate(turn);
  const text = await response.text();
  isOver = true;
  expect(text.match(/_seconds_count\{/g)).toHaveLength(2_000);
  expect(turns).toBeGreaterThan(100);
});
