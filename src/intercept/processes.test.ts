/** Processes are found and ended by what they are, never by a number that has passed to somebody else. */
import { expect, test } from "bun:test";
import { launch } from "./launch.ts";
import type { Launched } from "./launch-spec.ts";
import { currentNetNamespaceId, NetNamespace } from "./net-namespace.ts";
import {
  isSameProcess,
  killAll,
  processesInNetNamespace,
  processesWithVariable,
  processStartTime,
} from "./processes.ts";
import { describeInNamespaces } from "./testing/permitted.ts";

const path = process.env["PATH"] ?? "/usr/bin:/bin";

function sleeper(env: Record<string, string> = {}, script = "exec sleep 60"): Launched {
  return launch({ argv: ["sh", "-c", script], env: { PATH: path, ...env }, stdio: ["null", "null", "null"] });
}

test("a process is known by its number and start time as long as it runs", async () => {
  const launched = sleeper();
  const startTime = processStartTime(launched.pid) ?? "";
  expect(startTime).toMatch(/^\d+$/);
  expect(isSameProcess(launched.pid, startTime)).toBe(true);
  expect(isSameProcess(launched.pid, `${Number(startTime) + 1}`)).toBe(false);
  launched.kill(9);
  await launched.exited;
  expect(isSameProcess(launched.pid, startTime)).toBe(false);
});

test("finds and ends processes by what their environment began with, their children included", async () => {
  const mark = crypto.randomUUID();
  // The shell starts a child that leaves its session, as a daemon does.
  const launched = sleeper({ WEFT_TEST_MARK: `${mark}/a` }, "setsid sleep 61 & wait");
  const other = sleeper({ WEFT_TEST_MARK: "other" });
  const find = (): number[] => processesWithVariable("WEFT_TEST_MARK", `${mark}/`);
  for (let i = 0; i < 200 && find().length < 2; i++) await Bun.sleep(5);
  expect(find().length).toBeGreaterThanOrEqual(2);
  expect(await killAll(find, 5000)).toEqual([]);
  expect(find()).toEqual([]);
  expect(await launched.exited).toEqual({ kind: "signal", signal: 9 });
  expect(processStartTime(other.pid)).toBeDefined();
  other.kill(9);
  await other.exited;
});

describeInNamespaces("processes in a namespace", () => {
  test("finds those inside, and never itself", async () => {
    const made = NetNamespace.create();
    expect(processesInNetNamespace(made.id)).toEqual([]);
    const inside = launch({
      argv: ["sleep", "60"],
      env: { PATH: path },
      stdio: ["null", "null", "null"],
      join: [{ kind: "net", fd: made.fd }],
    });
    expect(processesInNetNamespace(made.id)).toEqual([inside.pid]);
    expect(processesInNetNamespace(currentNetNamespaceId())).not.toContain(process.pid);
    inside.kill(9);
    await inside.exited;
    made.close();
  });
});
