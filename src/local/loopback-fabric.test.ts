/** The fabric without namespaces: addresses on loopback, environment of programs, removal of all of it. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { processStartTime } from "../intercept/index.ts";
import { silentLog } from "../kernel/index.ts";
import type { WorkloadRequest } from "./fabric.ts";
import { LoopbackFabric } from "./loopback-fabric.ts";

const api = { address: "127.0.0.1", port: 15_080 };
const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin" };
let fabric: LoopbackFabric;

beforeEach(() => {
  fabric = new LoopbackFabric({ instanceId: crypto.randomUUID(), api, log: silentLog });
});

afterEach(() => fabric.close());

function request(name: string, more: Partial<WorkloadRequest> = {}): WorkloadRequest {
  return {
    namespace: "shop",
    name,
    ports: [{ port: 9080, name: "http", protocol: "http" }],
    upstreams: [],
    ...more,
  };
}

test("every workload, sidecar and upstream has an address of its own, and the program is told", async () => {
  const site = await fabric.addWorkload(
    request("front", {
      upstreams: [
        { namespace: "shop", service: "reviews", port: 9080, protocol: "http" },
        { namespace: "data", service: "user-db", port: 443, protocol: "tcp" },
      ],
    }),
  );
  const { capture, tunnel, application, admin } = site.proxy;
  if (capture.kind !== "explicit") throw new Error("not explicit");
  const [reviews, database] = capture.outbound;
  expect(reviews).toMatchObject({ port: 9080, service: "shop/reviews", servicePort: 9080 });
  // Without rights nobody may listen on 443.
  expect(database).toMatchObject({ port: 20_443, service: "data/user-db", servicePort: 443 });
  expect(site.environment).toEqual({
    HOST: application.address,
    PORT: "9080",
    REVIEWS_URL: `http://${reviews?.address}:9080`,
    REVIEWS_SERVICE_HOST: reviews?.address ?? "",
    REVIEWS_SERVICE_PORT: "9080",
    USER_DB_URL: `tcp://${database?.address}:20443`,
    USER_DB_SERVICE_HOST: database?.address ?? "",
    USER_DB_SERVICE_PORT: "20443",
  });
  expect(site.addresses).toEqual([application.address]);
  expect(admin.address).toBe(tunnel.address);
  const addresses = [
    application.address,
    tunnel.address,
    reviews?.address,
    database?.address,
    fabric.control.ads.address,
  ];
  expect(new Set(addresses).size).toBe(5);
});

test("a client without ports has no PORT, a gateway its door on the host", async () => {
  const client = await fabric.addWorkload(request("client", { ports: [] }));
  expect(Object.keys(client.environment)).toEqual(["HOST"]);
  const gateway = await fabric.addGateway({
    namespace: "weft",
    name: "edge",
    hostAddress: "127.0.0.1",
    port: 8080,
  });
  expect(gateway.proxy.gateway).toEqual({ kind: "tcp", address: "127.0.0.1", port: 8080 });
  expect(gateway.proxy.capture).toEqual({ kind: "none" });
});

test("programs run with what the caller gives them, and removal ends all of them, daemons included", async () => {
  const site = await fabric.addWorkload(request("reviews"));
  const other = await fabric.addWorkload(request("reviews-v2"));
  const stays = other.launchProgram({ argv: ["sleep", "60"], env, stdio: ["null", "null", "null"] });
  const launched = site.launchProgram({
    argv: ["sh", "-c", 'setsid sleep 61 & echo "$! $HOST"; wait'],
    env: { ...env, ...site.environment },
    stdio: ["null", "pipe", "inherit"],
  });
  const output = Bun.file(launched.pipes.get(1) ?? -1).stream();
  let text = "";
  for await (const chunk of output) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n")) break;
  }
  const [daemon, host] = text.trim().split(" ");
  expect(host).toBe(site.addresses[0] ?? "");
  expect(processStartTime(Number(daemon))).toBeDefined();
  await site.remove();
  await site.remove();
  expect(processStartTime(Number(daemon))).toBeUndefined();
  expect(await launched.exited).toEqual({ kind: "signal", signal: 9 });
  // Its name begins with the other's: that is no reason to end it.
  expect(processStartTime(stays.pid)).toBeDefined();
  await other.remove();
  expect(await stays.exited).toEqual({ kind: "signal", signal: 9 });
});

test("says what it cannot do", () => {
  expect(fabric.limits.length).toBeGreaterThan(0);
  expect(fabric.control.api).toEqual({ kind: "tcp", ...api });
});

test("one that joins uses the control plane that is there", async () => {
  const joined = new LoopbackFabric({ instanceId: "i", api, ads: fabric.control.ads, log: silentLog });
  expect(joined.control.ads).toEqual(fabric.control.ads);
  await joined.close();
});
