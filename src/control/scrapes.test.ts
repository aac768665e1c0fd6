/** What a Prometheus is told of proxies, and what the control plane takes from where they say that their metrics are. */
import { afterEach, describe, expect, test } from "bun:test";
import type { ScrapedProxy } from "./proxy-directory.ts";
import { Scrapes } from "./scrapes.ts";

const servers: Bun.Server<undefined>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

const web: ScrapedProxy = {
  workload: "shop/web-1",
  role: "sidecar",
  identity: "spiffe://a.weft/ns/shop/sa/web",
  version: "v2",
  place: { address: "fd00::1", port: 15_020 },
};

const scrapesOf = (...proxies: ScrapedProxy[]): Scrapes =>
  new Scrapes({
    scraped: () => proxies,
    scrapedOf: (workload) => proxies.find((each) => each.workload === workload),
  });

/** The proxy whose metrics are answered so. */
function answering(answer: (request: Request) => Response | Promise<Response>): ScrapedProxy {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  servers.push(server);
  return { ...web, place: { address: "127.0.0.1", port: server.port ?? 0 } };
}

const page = (text: string, type = "text/plain; version=0.0.4"): Response =>
  new Response(text, { headers: { "content-type": type } });

describe("targets", () => {
  const labels = {
    instance: "shop/web-1",
    workload: "shop/web-1",
    namespace: "shop",
    service_account: "web",
    role: "sidecar",
    version: "v2",
  };

  test("are the proxies' own ports, with whose they are", () => {
    expect(scrapesOf(web).targets(undefined)).toEqual([{ targets: ["[fd00::1]:15020"], labels }]);
  });

  test("or the control plane, by the name and scheme that it was reached by", () => {
    expect(scrapesOf(web).targets(new URL("https://mesh.example:8443/apis?via=control"))).toEqual([
      {
        targets: ["mesh.example:8443"],
        labels: {
          ...labels,
          __scheme__: "https",
          __metrics_path__: "/apis/weft.dev/v1alpha1/prometheus/proxies/shop/web-1/metrics",
        },
      },
    ]);
  });
});

describe("a relayed scrape", () => {
  test("is the proxy's page in the format that was asked for, without the caller's credentials", async () => {
    const seen: (string | null)[] = [];
    const proxy = answering(({ url, headers }) => {
      seen.push(new URL(url).pathname, headers.get("accept"), headers.get("authorization"));
      return page("weft_up 1\n# EOF\n", "application/openmetrics-text; version=1.0.0");
    });
    const headers = new Headers({ accept: "application/openmetrics-text", authorization: "Bearer secret" });
    const answer = await scrapesOf(proxy).relay(proxy.workload, headers);
    expect(answer.headers.get("content-type")).toBe("application/openmetrics-text; version=1.0.0");
    expect(await answer.text()).toBe("weft_up 1\n# EOF\n");
    expect(seen).toEqual(["/metrics", "application/openmetrics-text", null]);
  });

  test("of a proxy that nobody knows is not found", async () => {
    const relayed = scrapesOf(web).relay("shop/other", new Headers());
    await expect(relayed).rejects.toMatchObject({ code: "not_found" });
  });

  test.each([
    ["a redirect", () => Response.redirect("http://127.0.0.1:1/metrics")],
    ["another type", () => page("<html>", "text/html")],
    ["a failure", () => new Response("no", { status: 500 })],
  ])("takes no page from %s", async (_, answer) => {
    const proxy = answering(answer);
    const relayed = scrapesOf(proxy).relay(proxy.workload, new Headers());
    await expect(relayed).rejects.toMatchObject({ code: "unavailable" });
  });

  test("of a page without an end is refused at its bound", async () => {
    const piece = new Uint8Array(1024 * 1024).fill(35);
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(piece) });
    const proxy = answering(
      () => new Response(endless, { headers: { "content-type": "text/plain; version=0.0.4" } }),
    );
    const relayed = scrapesOf(proxy).relay(proxy.workload, new Headers());
    await expect(relayed).rejects.toMatchObject({ code: "exhausted" });
  });

  test("of a proxy that is gone, or says nothing in the time that Prometheus waits, says which", async () => {
    const gone = { ...web, place: { address: "127.0.0.1", port: 1 } };
    await expect(scrapesOf(gone).relay(gone.workload, new Headers())).rejects.toMatchObject({
      code: "unreachable",
    });
    const silent = answering(() => new Promise<Response>(() => {}));
    const headers = new Headers({ "x-prometheus-scrape-timeout-seconds": "0.05" });
    await expect(scrapesOf(silent).relay(silent.workload, headers)).rejects.toMatchObject({
      code: "timeout",
    });
  });

  test("has 16 at a time beside it; then there is room again", async () => {
    const held = Promise.withResolvers<void>();
    const proxy = answering(async () => {
      await held.promise;
      return page("weft_up 1\n");
    });
    const scrapes = scrapesOf(proxy);
    const relayed = Array.from({ length: 16 }, () => scrapes.relay(proxy.workload, new Headers()));
    await expect(scrapes.relay(proxy.workload, new Headers())).rejects.toMatchObject({ code: "exhausted" });
    held.resolve();
    for (const each of await Promise.all(relayed)) expect(await each.text()).toBe("weft_up 1\n");
    expect((await scrapes.relay(proxy.workload, new Headers())).status).toBe(200);
  });
});
