/** RateLimitPolicies in files, at the gateway that serves them. */
import { afterEach, expect, test } from "bun:test";
import { createLog } from "../kernel/index.ts";
import { startStandalone } from "./standalone.ts";
import { gateway, route, service, TestFiles } from "./testing/test-files.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

function policy(name: string, target: object, ...limits: readonly object[]): object {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "RateLimitPolicy",
    metadata: { name },
    spec: { targetRefs: [target], limits },
  };
}

const door = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "door" };
const web = { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "web" };

test("a gateway's limit and a route's both hold, a change of something else forgets nothing", async () => {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("web") });
  closers.push(() => void server.stop(true));
  const files = new TestFiles();
  closers.push(() => files[Symbol.dispose]());
  files.write("mesh.yaml", gateway(8080), ...service("web", server.port ?? 0));
  files.write("route.yaml", route("web", "web"));
  files.write(
    "limits.yaml",
    policy("door", door, { name: "all", requests: 8, period: "1h" }),
    policy("users", web, { name: "user", keys: [{ header: "x-user" }], requests: 2, period: "1h" }),
  );
  let onChanged = (): void => {};
  const changed = new Promise<void>((resolve) => {
    onChanged = resolve;
  });
  const log = createLog({
    format: "text",
    level: "info",
    write: (line) => {
      if (line.includes("revision=2")) onChanged();
    },
  });
  const standalone = await startStandalone({
    files,
    dnsUpstreams: [],
    gateway: { kind: "tcp", address: "127.0.0.1", port: 0 },
    log,
  });
  closers.push(() => standalone.close());
  const ask = (user: string): Promise<Response> =>
    fetch(standalone.gatewayUrl, { headers: { "x-user": user } });

  const first = await ask("a");
  expect(first.status).toBe(200);
  // Of the listener's limits and of the rule's the one with the least left.
  expect(first.headers.get("ratelimit")).toBe('"all";r=7;t=450, "user";r=1;t=1800');
  const statuses: number[] = [];
  for (const user of ["a", "a", "b", "b", "b"]) statuses.push((await ask(user)).status);
  expect(statuses).toEqual([200, 429, 200, 200, 429]);

  files.write("more.yaml", ...service("more", 1));
  standalone.reload();
  await changed;
  expect((await ask("a")).status).toBe(429);
  // Seven have come to the listener, and one more may, whoever it is.
  const others: number[] = [];
  for (const user of ["c", "d", "e"]) others.push((await ask(user)).status);
  expect(others).toEqual([200, 429, 429]);
});
