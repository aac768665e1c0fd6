/** Workloads come and go all the time: who stays notices nothing, and who comes next is not taken for who went before. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { eventually } from "./harness/eventually.ts";
import { startMesh } from "./harness/mesh.ts";
import { failures, OpenLoopLoad } from "./harness/open-loop-load.ts";
import { testWithCapture } from "./harness/requirements.ts";
import { configMap, gatewayTo, httpPort, testProgram, webProgram, yaml } from "./harness/resources.ts";

const guests = 5;
const runTimeoutMs = 20_000;
/** On an idle machine it takes milliseconds; a control plane that cannot be reached any more takes half a minute. */
const applyTimeout = "5s";

testWithCapture(
  "programs that come and go take neither the control plane nor a request from the others",
  async () => {
    await using mesh = await startMesh({
      files: { "mesh.yaml": yaml(webProgram("v1"), gatewayTo({ web: 1 })) },
    });
    const load = OpenLoopLoad.start({ url: mesh.ready.gateway ?? "", requestsPerSecond: 50 });
    const curl = ["curl", "--silent", "--show-error", "--fail", "--max-time", "5"];
    for (let i = 0; i < guests; i++) {
      // Each has an address that was somebody else's a moment ago, and both a client's part and a server's.
      const asked = mesh.run({
        service: "client",
        name: `client-${i}`,
        command: [...curl, `http://web:${httpPort}/`],
      });
      expect(await asked.within(runTimeoutMs)).toEqual({ code: 0, stdout: "v1\n", stderr: "" });
      const name = `guest-${i}`;
      const server = mesh.run({
        service: name,
        name,
        ports: [`${httpPort}/http`],
        command: testProgram("web"),
      });
      await eventually(async () => {
        const run = mesh.run({ service: "client", command: [...curl, `http://${name}:${httpPort}/`] });
        expect((await run.within(runTimeoutMs)).stdout).toBe("v0\n");
      }, runTimeoutMs);
      server.kill("SIGTERM");
      expect((await server.within(runTimeoutMs)).code).toBe(0);
      // Its sidecar could take its leave.
      const log = readFileSync(`${mesh.dataDir}/logs/default.${name}.proxy.log`, "utf8");
      expect(log.split("\n").filter((line) => / (warn|error) /.test(line))).toEqual([]);
      const { code, stderr } = await mesh.weftInput(
        yaml(configMap("round", String(i))),
        ...["apply", "--wait", "--timeout", applyTimeout, "-f", "-"],
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr });
    }
    expect(failures(await load.stop())).toEqual([]);
  },
);
