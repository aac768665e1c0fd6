/** A machine whose clock jumps past the end of its proxy's certificate (libfaketime): nothing is dialled with it, and the log says so. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { BareMesh, unusedPort } from "./harness/bare-mesh.ts";
import { eventually } from "./harness/eventually.ts";
import { httpPort } from "./harness/resources.ts";

const library = findLibrary();

function findLibrary(): string | undefined {
  const folders = existsSync("/usr/lib") ? readdirSync("/usr/lib").map((name) => join("/usr/lib", name)) : [];
  return folders
    .map((folder) => join(folder, "faketime", "libfaketime.so.1"))
    .find((file) => existsSync(file));
}

test.skipIf(library === undefined)(
  "a certificate that is expired by the machine's clock is not used (needs libfaketime)",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "weft-clock-"));
    const clockFile = join(folder, "clock");
    const port = unusedPort();
    writeFileSync(clockFile, "+0");
    try {
      await using mesh = await BareMesh.start([
        {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: "web", namespace: "default" },
          spec: { selector: { app: "web" }, ports: [{ port: httpPort, appProtocol: "http" }] },
        },
      ]);
      const host = `${mesh.network}.10`;
      using application = Bun.serve({
        hostname: `${mesh.network}.30`,
        port: httpPort,
        fetch: () => new Response("here"),
      });
      await mesh.startProxy("web-1", 10, {
        workload: {
          ...{ namespace: "default", name: "web-1", serviceAccount: "default", labels: { app: "web" } },
          ...{
            addresses: [host],
            ports: [{ port: httpPort, name: "http", protocol: "http" }],
            region: "",
            zone: "",
          },
        },
        application: { address: application.hostname ?? "" },
      });
      const outbound = { address: "127.0.0.1", port, service: "default/web", servicePort: httpPort };
      mesh.environment = {
        LD_PRELOAD: library ?? "",
        FAKETIME_TIMESTAMP_FILE: clockFile,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      };
      const caller = await mesh.startProxy("caller", 3, {
        capture: { kind: "explicit", outbound: [outbound] },
      });
      const ask = async (): Promise<number> =>
        (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } })).status;
      await eventually(async () => {
        expect(await ask()).toBe(200);
      });
      // The control plane's clock is right: what it issues from now on is expired here from its first moment.
      writeFileSync(clockFile, "+25h");
      await eventually(async () => {
        expect(await ask()).toBe(503);
      }, 20_000);
      const metrics = await (await fetch(`${caller.adminUrl}/metrics`)).text();
      expect(metrics).toContain('weft_upstream_connect_failures_total{reason="certificate_expired"}');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  120_000,
);
