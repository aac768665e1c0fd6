/** What a bootstrap file may say, and how every mistake in it is named. */
import { expect, test } from "bun:test";
import { WeftError } from "../kernel/index.ts";
import { parseBootstrap } from "./bootstrap.ts";

const sidecar = {
  role: "sidecar",
  workload: {
    namespace: "default",
    name: "web-1",
    serviceAccount: "web",
    annotations: { "prometheus.io/scrape": "true" },
    labels: { app: "web" },
    addresses: ["10.77.0.2"],
    ports: [{ port: 8080, name: "http", protocol: "http" }],
    region: "",
    zone: "",
  },
  controlPlane: { address: "10.77.0.1", port: 15012, trustRootsPem: "-----BEGIN CERTIFICATE-----" },
  dataDir: "data",
  capture: { kind: "redirect", outboundPort: 15001, inboundPort: 15006, dnsPort: 15053, mark: 0x539 },
  tunnel: { address: "0.0.0.0", port: 15008 },
  application: { address: "127.0.0.1" },
  admin: { address: "127.0.0.1", port: 15020 },
  health: { address: "0.0.0.0", port: 15021 },
  dnsUpstreams: [],
  logFormat: "json",
  logLevel: "info",
};

function issuesOf(value: unknown): string[] {
  try {
    parseBootstrap(JSON.stringify(value), "b.json");
  } catch (error) {
    if (error instanceof WeftError) return error.issues.map((issue) => `${issue.path}: ${issue.message}`);
    throw error;
  }
  return [];
}

test("a valid file reads back as it was written", () => {
  const read: unknown = parseBootstrap(JSON.stringify(sidecar), "b.json");
  expect(read).toEqual(sidecar);
});

test("several control planes can be named, each with its own mistakes", () => {
  const controlPlane = { ...sidecar.controlPlane, others: [{ address: "10.77.0.9", port: 15012 }] };
  expect(parseBootstrap(JSON.stringify({ ...sidecar, controlPlane }), "b.json").controlPlane).toEqual(
    controlPlane,
  );
  const others = [{ address: "nowhere", port: 0, more: 1 }];
  expect(issuesOf({ ...sidecar, controlPlane: { ...controlPlane, others } })).toEqual([
    "controlPlane.others[0].address: must be an IP address",
    "controlPlane.others[0].port: must be a whole number from 1 to 65535",
    "controlPlane.others[0].more: is not a known field",
  ]);
});

test("addresses become canonical", () => {
  const parsed = parseBootstrap(
    JSON.stringify({ ...sidecar, admin: { address: "0:0:0:0:0:0:0:1", port: 0 } }),
    "b.json",
  );
  expect(parsed.admin.address).toBe("::1");
});

test("every problem is named at once, with its path", () => {
  const issues = issuesOf({
    ...sidecar,
    role: "waypoint",
    tunnel: { address: "nowhere", port: 70_000 },
    capture: { kind: "explicit", outbound: [{ address: "127.0.0.1", port: 1, service: "", servicePort: 0 }] },
    surprise: true,
  });
  expect(issues).toContain("role: must be one of sidecar, gateway");
  expect(issues).toContain("tunnel.address: must be an IP address");
  expect(issues).toContain("tunnel.port: must be a whole number from 0 to 65535");
  expect(issues).toContain("capture.outbound[0].service: must be a text");
  expect(issues).toContain("capture.outbound[0].servicePort: must be a whole number from 1 to 65535");
  expect(issues).toContain("surprise: is not a known field");
});

test("a gateway must say where it listens", () => {
  expect(issuesOf({ ...sidecar, role: "gateway", capture: { kind: "none" } })).toEqual([
    "gateway: is required for the role gateway",
  ]);
});

test("text that is not JSON is one clear error", () => {
  expect(() => parseBootstrap("{", "b.json")).toThrow("b.json is not valid JSON");
});
