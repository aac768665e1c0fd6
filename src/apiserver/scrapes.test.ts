/** Prometheus at the API: what it may read, by which right, and that nobody else may. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { TestApi, token } from "./testing.ts";
import { bindingOf, clusterRole, on, people, PeoplesApi, user } from "./testing-people.ts";

const targets = "/apis/weft.dev/v1alpha1/prometheus/targets";
const metrics = "/apis/weft.dev/v1alpha1/prometheus/proxies/default/web/metrics";

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.start();
});
afterEach(() => api.close());

const get = (path: string, from = api, as = token): Promise<Response> =>
  fetch(`${from.server.url}${path}`, { headers: { authorization: `Bearer ${as}`, accept: "text/plain" } });

test("targets are the proxies', or this API's as it was reached, and nothing else", async () => {
  expect(await (await get(targets)).json()).toEqual([{ targets: ["10.0.0.1:15020"], labels: { via: "" } }]);
  expect(await (await get(`${targets}?via=proxy`)).json()).toEqual([
    { targets: ["10.0.0.1:15020"], labels: { via: "" } },
  ]);
  expect(await (await get(`${targets}?via=control`)).json()).toEqual([
    { targets: [`127.0.0.1:${api.server.port}`], labels: { via: "http:" } },
  ]);
  const { status, body } = await api.call("GET", `${targets}?via=ftp`);
  expect([status, body.message]).toEqual([400, expect.stringContaining("via=ftp is not known")]);
});

test("a proxy's metrics are passed on, one that is unknown is not found, and nothing is written there", async () => {
  expect(await (await get(metrics)).text()).toBe('weft_up{accept="text/plain"} 1\n');
  expect((await get(metrics.replace("/web/", "/other/"))).status).toBe(404);
  expect((await get(metrics.replace("/web/", "/%2e%2e%2f/"))).status).toBe(404);
  for (const path of [targets, metrics]) expect((await api.call("POST", path, {})).status).toBe(405);
});

test("both take a right of their own", async () => {
  const mesh = await PeoplesApi.start();
  try {
    await mesh.apply(
      clusterRole("scraper", [on(["get"], ["mesh/prometheus"], ["weft.dev"])]),
      clusterRole("reader", [on(["get"], ["mesh/status", "mesh/topology"], ["weft.dev"])]),
      bindingOf("ann", "scraper", user("ann")),
      bindingOf("bob", "reader", user("bob")),
    );
    const paths = [targets, metrics, metrics.replace("/web/", "/other/"), "/apis/weft.dev/v1alpha1/topology"];
    const statuses = (as: string): Promise<number[]> =>
      Promise.all(paths.map(async (path) => (await get(path, mesh.api, as)).status));
    expect(await statuses(people.ann)).toEqual([200, 200, 404, 403]);
    expect(await statuses(people.bob)).toEqual([403, 403, 403, 200]);
  } finally {
    await mesh.close();
  }
});
