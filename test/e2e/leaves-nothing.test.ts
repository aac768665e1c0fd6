/** After Ctrl-C, and whenever else it comes, a machine is as it was before: only the data directory is there. */
import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { NetNamespace } from "../../src/intercept/index.ts";
import { spawnProcess } from "./harness/child-process.ts";
import { eventually } from "./harness/eventually.ts";
import {
  filesBelow,
  machineFootprint,
  markedFootprint,
  namespacesInUse,
  ownNamespaces,
  unixSockets,
} from "./harness/footprint.ts";
import { processOf } from "./harness/mesh-processes.ts";
import { root, startMesh, weftProgram } from "./harness/mesh.ts";
import { type IsolationName, testWithIsolation } from "./harness/requirements.ts";
import { ruleTables } from "./harness/rule-tables.ts";
import { TemporaryFolder } from "./harness/weft.ts";

const kinds: readonly IsolationName[] = ["netns", "userns", "loopback"];

/** Folders in which a program may leave something without being told to. */
function ownPlaces(folder: string): Record<string, string> {
  const places = {
    HOME: join(folder, "home"),
    TMPDIR: join(folder, "tmp"),
    XDG_RUNTIME_DIR: join(folder, "xdg"),
  };
  for (const path of Object.values(places)) mkdirSync(path, { mode: 0o700 });
  return places;
}

describe.each(kinds)("%s", (isolation) => {
  testWithIsolation(isolation)(
    "Ctrl-C leaves no process, namespace, link, rule, mount, socket or file",
    async () => {
      using places = new TemporaryFolder();
      const env = ownPlaces(places.path);
      const before = machineFootprint();

      await using mesh = await startMesh({ isolation, dir: "examples/shop", env });
      const run = mesh.run({ service: "guest", name: "guest", command: ["sleep", "600"] });
      await eventually(() => processOf(mesh, "program", "default/guest"));
      expect((await mesh.get("/")).status).toBe(200);
      const mark = mesh.folder;
      const during = markedFootprint(mark);
      // Up and the relay's side of it, control plane, gateway, six programs and the guest with their sidecars.
      expect(during.processes.length).toBeGreaterThanOrEqual(17);
      expect(unixSockets(mark).length).toBeGreaterThan(isolation === "loopback" ? -1 : 1);
      const namespaces = during.namespaces.difference(ownNamespaces());
      // One for the fabric, one for each workload, and that of their mounts.
      expect(namespaces.size).toBeGreaterThanOrEqual(isolation === "loopback" ? 0 : 9);
      // In the middle of an exec it shows no environment, by which it is known.
      const guest = await eventually(() => processOf(mesh, "program", "default/guest"));
      if (isolation === "netns") expect(tablesOf(guest.pid)).not.toEqual([]);

      const { code, stdout } = await mesh.end("SIGINT");
      expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
      // Whoever still ran with `weft run` ends with the mesh.
      expect((await run.within(10_000)).code).not.toBe(0);

      expect(markedFootprint(mark).processes).toEqual([]);
      expect(namespacesInUse(namespaces)).toEqual([]);
      expect(unixSockets(mark)).toEqual([]);
      expect(machineFootprint()).toEqual(before);
      expect(leftIn(places.path)).toEqual([]);
      expect(filesBelow(mesh.folder).filter((name) => !/^(data|files)(\/|$)/.test(name))).toEqual([]);
      expect(filesBelow(mesh.folder)).toContain("data/store.sqlite");
      for (const address of [mesh.ready.api, mesh.ready.gateway ?? ""]) {
        await expect(fetch(address, { signal: AbortSignal.timeout(2_000) })).rejects.toThrow();
      }
    },
  );
});

describe("Ctrl-C while it starts", () => {
  // From the first line of our own code to just before the ready line; when exactly does not matter, and is never the same.
  test.each([200, 450, 700, 1_000, 1_800])("after %d ms ends all of it", async (waitMs) => {
    using places = new TemporaryFolder();
    const env = { ...process.env, ...ownPlaces(places.path), WEFT_RUNTIME_DIR: join(places.path, "run") };
    const before = machineFootprint();
    const options = [
      "--api",
      "127.0.0.1:0",
      "--gateway",
      "127.0.0.1:0",
      "--data-dir",
      join(places.path, "data"),
    ];
    const up = spawnProcess([weftProgram, "up", "examples/shop", ...options], { env, cwd: root });
    await Bun.sleep(waitMs);
    up.kill("SIGINT");
    const { code, stderr } = await up.within(20_000);
    // A signal that comes before our own code runs is an ordinary end, of which nobody says anything.
    if (code === 130) expect(stderr).toBe("");
    else expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("defect") });
    await eventually(() => expect(markedFootprint(places.path).processes).toEqual([]), 5_000);
    expect(machineFootprint()).toEqual(before);
    expect(leftIn(places.path)).toEqual([]);
  });
});

/** Beside the folders that are there from the start, and the data directory. */
function leftIn(folder: string): string[] {
  const expected = ["home", "tmp", "xdg"];
  return filesBelow(folder).filter((name) => !/^data(\/|$)/.test(name) && !expected.includes(name));
}

function tablesOf(pid: number): string[] {
  const namespace = NetNamespace.ofProcess(pid);
  try {
    return namespace.run(ruleTables);
  } finally {
    namespace.close();
  }
}
