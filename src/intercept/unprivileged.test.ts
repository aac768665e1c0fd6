/** The tests of this room once more, by a user without any right, inside a user namespace. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { probeUserNamespace } from "./probe.ts";
import { describeWhere } from "./testing/permitted.ts";

const isRoot = process.geteuid?.() === 0;
const nobody = [
  "setpriv",
  "--reuid=65534",
  "--regid=65534",
  "--clear-groups",
  "--inh-caps=-all",
  "--bounding-set=-all",
];

function refusal(): string | undefined {
  if (isRoot && Bun.which("setpriv") === null) return "no setpriv to become an unprivileged user with";
  return probeUserNamespace();
}

const inside = `
  const { launch } = await import(${JSON.stringify(join(import.meta.dir, "launch.ts"))});
  const launched = launch({
    argv: [process.execPath, "test", ...process.argv.slice(1)],
    env: { PATH: process.env.PATH, HOME: "/nonexistent", WEFT_INSIDE: "1" },
    newUser: { uid: 0, gid: 0 },
    newNet: true,
    parentDeathSignal: 9,
  });
  const exit = await launched.exited;
  process.exit(exit.kind === "code" ? exit.code : 1);`;

// Inside, this file itself has nothing to add.
describeWhere(
  "as an unprivileged user",
  process.env["WEFT_INSIDE"] === undefined ? refusal() : "inside",
  () => {
    test("links, namespaces and capture work in a user namespace", async () => {
      const files = ["rtnetlink", "net-namespace", "capture"].map((name) =>
        join(import.meta.dir, `${name}.test.ts`),
      );
      const run = Bun.spawn([...(isRoot ? nobody : []), process.execPath, "-e", inside, ...files], {
        stdout: "ignore",
        stderr: "pipe",
        cwd: "/",
      });
      const report = await new Response(run.stderr).text();
      expect(report).toContain(" 0 fail");
      expect(report).not.toContain(" skip");
      expect(await run.exited).toBe(0);
    }, 60_000);

    test("no namespace can be made without one", () => {
      const script = `
      const { probeNetNamespace } = await import(${JSON.stringify(join(import.meta.dir, "probe.ts"))});
      console.log(probeNetNamespace());`;
      const run = Bun.spawnSync([...(isRoot ? nobody : []), process.execPath, "-e", script]);
      expect(run.stdout.toString()).toStartWith(
        "make a network namespace: operation not permitted (EPERM); this needs root",
      );
    });
  },
);
