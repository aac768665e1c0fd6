/** Who is let in: the token, hosts and origins of this machine only, no address beyond it. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { request as httpRequest } from "node:http";
import { silentLog } from "../kernel/index.ts";
import { startApiServer } from "./index.ts";
import {
  configMaps,
  FakeTaps,
  noTelemetry,
  noTrust,
  noRollouts,
  someExplanations,
  somePlans,
  someScrapes,
  TestApi,
  token,
} from "./testing.ts";

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.start();
});
afterEach(() => api.close());

const unusedProviders = {
  meshStatus: (): never => {
    throw new Error("unused");
  },
  telemetry: noTelemetry,
  refusals: (): never => {
    throw new Error("unused");
  },
  plaintextCallers: (): never => {
    throw new Error("unused");
  },
  metrics: (): never => {
    throw new Error("unused");
  },
  createJoinToken: (): never => {
    throw new Error("unused");
  },
  trust: noTrust,
  taps: new FakeTaps(),
  scrapes: someScrapes,
  rollouts: noRollouts,
  plans: somePlans,
  explanations: someExplanations,
};

/** fetch sets Host by itself. */
function statusWithHost(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: api.server.port, path: "/healthz", headers: { host } };
    httpRequest(options, (response) => resolve(response.resume().statusCode ?? 0))
      .on("error", reject)
      .end();
  });
}

describe("doors", () => {
  test("every path but /healthz wants the token", async () => {
    expect((await fetch(`${api.server.url}/healthz`)).status).toBe(200);
    for (const authorization of ["", "Bearer", "Bearer wrong", `Basic ${token}`, `Bearer ${token}x`]) {
      const { status, body } = await api.call("GET", configMaps, undefined, { authorization });
      expect([status, body.reason]).toEqual([401, "Unauthorized"]);
    }
    expect((await api.call("GET", "/nowhere", undefined, { authorization: "" })).status).toBe(401);
  });

  test("a host or origin of somebody else is refused", async () => {
    expect(await statusWithHost("evil.example")).toBe(403);
    expect(await statusWithHost("localhost:1234")).toBe(200);
    expect(await statusWithHost("[::1]:15080")).toBe(200);
    expect((await api.call("GET", configMaps, undefined, { origin: "https://evil.example" })).status).toBe(
      403,
    );
    expect((await api.call("GET", configMaps, undefined, { origin: "null" })).status).toBe(403);
    expect((await api.call("GET", configMaps, undefined, { origin: "http://127.0.0.1:15080" })).status).toBe(
      200,
    );
  });

  test("it does not listen beyond loopback", () => {
    const options = {
      store: api.store,
      token,
      version: "0",
      log: silentLog,
      providers: { ...unusedProviders },
    };
    expect(() =>
      startApiServer({ ...options, listen: { kind: "tcp", address: "0.0.0.0", port: 0 } }),
    ).toThrow("does not listen");
    const taken = { kind: "tcp", address: "127.0.0.1", port: api.server.port ?? 0 } as const;
    expect(() => startApiServer({ ...options, listen: taken })).toThrow("is in use");
  });
});
