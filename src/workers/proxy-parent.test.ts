/** What a proxy with workers refuses before it opens anything. */
import { expect, test } from "bun:test";
import { createLog } from "../kernel/index.ts";
import type { ProxyBootstrap } from "../proxy/index.ts";
import { startProxyParent } from "./proxy-parent.ts";

const local = { address: "127.0.0.1", port: 0 };
const bootstrap: ProxyBootstrap = {
  role: "gateway",
  workload: {
    namespace: "shop",
    name: "door",
    serviceAccount: "default",
    labels: {},
    addresses: [],
    ports: [],
    region: "",
    zone: "",
  },
  controlPlane: { address: "127.0.0.1", port: 1, trustRootsPem: "" },
  dataDir: "/nowhere",
  capture: { kind: "none" },
  tunnel: local,
  application: { address: "127.0.0.1" },
  admin: local,
  health: local,
  dnsUpstreams: [],
  logFormat: "text",
  logLevel: "error",
};

const redirect = { kind: "redirect", outboundPort: 0, inboundPort: 15_006, dnsPort: 0, mark: 0 } as const;

test.each([
  ["a gateway on Unix sockets", { gateway: { kind: "unix", directory: "/nowhere", address: "127.0.0.1" } }],
  ["redirection to a port that is not known", { role: "sidecar", capture: redirect }],
] as const)("%s cannot be shared", (_, parts) => {
  const log = createLog({ format: "text", level: "error" });
  const starting = startProxyParent({
    bootstrap: { ...bootstrap, ...parts },
    count: 2,
    command: () => ["/nowhere"],
    log,
  });
  expect(starting).rejects.toMatchObject({ code: "usage" });
});
