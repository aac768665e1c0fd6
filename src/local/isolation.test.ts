/** The choice of an isolation, and that no process outlives the one that started it, with real processes. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  closeDescriptor,
  launch,
  type Launched,
  probeNetNamespace,
  probeUserNamespace,
  processStartTime,
} from "../intercept/index.ts";
import { silentLog } from "../kernel/index.ts";
import type { InnerMessage } from "./inner-report.ts";
import { type InnerKind, isolate, joinFabric } from "./isolation.ts";
import type { InstanceRecord } from "./instance.ts";
import { describeWhere } from "./testing/describe-where.ts";

const innerProcess = join(import.meta.dir, "testing/inner-process.ts");
const refusals: Record<InnerKind, string | undefined> = {
  netns: probeNetNamespace(),
  userns: probeUserNamespace(),
};
const kinds: readonly InnerKind[] = ["netns", "userns"];
const path = process.env["PATH"] ?? "/usr/bin:/bin";
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-isolation-"));
  chmodSync(directory, 0o777);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

type Fields = Readonly<Record<string, string | number | boolean>>;

/** The inner process with what it reports: each call of `next` gives one report, in order. */
function staying(scenario = "stay", env: Record<string, string> = {}) {
  const reports: Fields[] = [];
  let wake: () => void = () => {};
  return {
    start: {
      argv: (kind: InnerKind) => [process.execPath, innerProcess, scenario, kind, "test-id", directory],
      env: { PATH: path, ...env },
      instanceId: "test-id",
      log: silentLog,
      onMessage: (message: InnerMessage) => {
        if (message.event === "status") reports.push(message.fields);
        wake();
      },
    },
    async next(): Promise<Fields> {
      while (reports.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return reports.shift() ?? {};
    },
  };
}

async function untilGone(pid: number): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (processStartTime(pid) !== undefined && performance.now() < endMs) await Bun.sleep(5);
  expect(processStartTime(pid)).toBeUndefined();
}

for (const kind of kinds) {
  describeWhere(`isolation ${kind}`, refusals[kind], () => {
    test("a process joins the fabric, adds a workload beside the others, and ends when the fabric does", async () => {
      const owner = staying();
      const isolation = await isolate(kind, owner.start);
      if (isolation.kind === "loopback") throw new Error("no fabric");
      const first = await owner.next();
      const record: InstanceRecord = {
        name: "test",
        id: "test-id",
        pid: process.pid,
        startTime: processStartTime(process.pid) ?? "",
        isolation: kind,
        inner: { pid: isolation.inner.pid, startTime: "", netNamespaceId: isolation.netNamespaceId },
        dataDir: directory,
        tokenFile: "",
        api: { address: "127.0.0.1", port: 1 },
        ads: { address: "10.77.0.1", port: 15_012 },
      };
      const guest = staying("stay", { WEFT_TEST_JOIN: "1" });
      const joined = await joinFabric(record, guest.start);
      const second = await guest.next();
      expect([first["address"], second["address"]]).toEqual(["10.77.0.2", "10.77.0.3"]);
      isolation.inner.kill(15);
      expect(await joined.exited).toEqual({ kind: "code", code: 0 });
      expect(await isolation.inner.exited).toEqual({ kind: "code", code: 0 });
      await untilGone(Number(second["program"]));
      await expect(joinFabric(record, guest.start)).rejects.toMatchObject({ code: "not_found" });
    }, 60_000);

    test("when the inner process is killed, its programs die and nobody waits for it", async () => {
      const owner = staying();
      const isolation = await isolate(kind, owner.start);
      if (isolation.kind === "loopback") throw new Error("no fabric");
      const { program } = await owner.next();
      isolation.inner.kill(9);
      expect(await isolation.inner.exited).toEqual({ kind: "signal", signal: 9 });
      await untilGone(Number(program));
    }, 60_000);

    test("when the outer process is killed, nothing of it goes on", async () => {
      const { launched, said } = await outerProcess([], kind);
      expect(said["kind"]).toBe(kind);
      launched.kill(9);
      await launched.exited;
      await untilGone(Number(said["inner"]));
      await untilGone(Number(said["program"]));
    }, 60_000);
  });
}

/** Runs `isolate` in a process of its own, started by `prefix`, and gives what it found. */
async function outerProcess(
  prefix: readonly string[],
  choice: string,
): Promise<{ readonly launched: Launched; readonly said: Fields }> {
  const script = `
    const { isolate } = await import(${JSON.stringify(join(import.meta.dir, "isolation.ts"))});
    const { errorLine, silentLog } = await import(${JSON.stringify(join(import.meta.dir, "../kernel/index.ts"))});
    try {
      const found = await isolate(${JSON.stringify(choice)}, {
        argv: (kind) => [process.execPath, ${JSON.stringify(innerProcess)}, "stay", kind, "test-id", ${JSON.stringify(directory)}],
        env: { PATH: process.env.PATH },
        instanceId: "test-id",
        log: silentLog,
        onMessage: (message) => console.log(JSON.stringify({ kind: found.kind, ...message.fields })),
      });
      if (found.kind === "loopback") {
        console.log(JSON.stringify({ kind: found.kind, reasons: found.refused.map((r) => r.kind + ": " + r.reason).join("\\n") }));
      }
    } catch (error) {
      console.log(JSON.stringify({ error: errorLine(error) }));
    }`;
  const launched = launch({
    argv: [...prefix, process.execPath, "-e", script],
    env: { PATH: path },
    stdio: ["null", "pipe", "inherit"],
  });
  const end = launched.pipes.get(1) ?? -1;
  let text = "";
  for await (const chunk of Bun.file(end).stream()) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n")) break;
  }
  closeDescriptor(end);
  return { launched, said: JSON.parse(text) };
}

const isRoot = process.geteuid?.() === 0;
const setpriv = Bun.which("setpriv");
const nobody = isRoot
  ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
  : [];
const cannotBeNobody =
  isRoot && setpriv === null ? "no setpriv to become an unprivileged user with" : undefined;

describeWhere("the choice", cannotBeNobody ?? refusals.userns, () => {
  test("falls to a user namespace for a user without rights, and says why the first was refused", async () => {
    const { launched, said } = await outerProcess(nobody, "auto");
    expect(said["kind"]).toBe("userns");
    launched.kill(9);
    await launched.exited;
    await untilGone(Number(said["inner"]));
  }, 60_000);

  /** As in an ordinary container: a user namespace of ours that forbids further ones, and no capability. */
  const forbidden = [
    "sh",
    "-c",
    'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"',
    "sh",
  ];
  const inForbidding = async (choice: string) => {
    const launcher = `
      const { launch } = await import(${JSON.stringify(join(import.meta.dir, "../intercept/index.ts"))});
      const argv = ${JSON.stringify(forbidden)};
      const launched = launch({ argv: [...argv, ...process.argv.slice(1)], env: process.env, newUser: { uid: 0, gid: 0 } });
      const exit = await launched.exited;
      process.exit(exit.code ?? 1);`;
    const { launched, said } = await outerProcess([process.execPath, "-e", launcher, "--"], choice);
    await launched.exited;
    return said;
  };

  test("falls to loopback where neither is allowed, with both reasons in words", async () => {
    const said = await inForbidding("auto");
    expect(said["kind"]).toBe("loopback");
    const [netns, userns] = String(said["reasons"]).split("\n");
    expect(netns).toStartWith(
      "netns: make a network namespace: operation not permitted (EPERM); this needs root",
    );
    expect(userns).toStartWith(
      "userns: make a user namespace: no space or the limit of namespaces is reached (ENOSPC)",
    );
  }, 60_000);

  test("refuses what was asked for by name and cannot be had", async () => {
    const said = await inForbidding("userns");
    expect(said["error"]).toStartWith(
      "isolation userns is not possible here: make a user namespace: no space",
    );
    expect(said["error"]).toEndWith("use --isolation auto");
  }, 60_000);
});

test("with loopback asked for nothing is tried", async () => {
  const isolation = await isolate("loopback", staying().start);
  expect(isolation).toEqual({ kind: "loopback", refused: [] });
});

describeWhere("an inner process that fails", refusals.userns, () => {
  test("is a refusal with its reason, and is not left running", async () => {
    const broken = { ...staying().start, argv: () => [process.execPath, "-e", "process.exit(3)"] };
    await expect(isolate("userns", broken)).rejects.toThrow("the fabric's process ended with code 3");
    expect(existsSync(directory)).toBe(true);
  });

  test("refuses to make a fabric in a namespace that is in use", async () => {
    const inUse = `
      const { RouteSocket } = await import(${JSON.stringify(join(import.meta.dir, "../intercept/index.ts"))});
      new RouteSocket().setUp(1);
      process.argv.splice(1, 1);
      await import(${JSON.stringify(innerProcess)});`;
    const start = {
      ...staying().start,
      argv: (kind: InnerKind) => [
        process.execPath,
        "-e",
        inUse,
        "x",
        "x",
        "stay",
        kind,
        "test-id",
        directory,
      ],
    };
    await expect(isolate("userns", start)).rejects.toThrow("in a network namespace that is in use");
  });
});
