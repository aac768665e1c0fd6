/** Launching real programs: what they get, what they do not get, how their end and a refused start are told. */
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeDescriptor, makePipe } from "./native.ts";
import { launch, tryLaunch } from "./launch.ts";
import type { Launched, LaunchSpec } from "./launch-spec.ts";
import { processStartTime } from "./processes.ts";
import { describeInNamespaces, describeWhere } from "./testing/permitted.ts";
import { probeUserNamespace } from "./probe.ts";

const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin" };

function shell(script: string, more: Partial<LaunchSpec> = {}): Launched {
  return launch({ argv: ["sh", "-c", script], env, stdio: ["null", "pipe", "inherit"], ...more });
}

async function outputOf(launched: Launched, fd = 1): Promise<string> {
  const end = launched.pipes.get(fd);
  if (end === undefined) throw new Error("no pipe");
  const text = await new Response(Bun.file(end).stream()).text();
  closeDescriptor(end);
  return text.trim();
}

describe("launch", () => {
  test("tells exit codes and signals", async () => {
    expect(await shell("exit 7").exited).toEqual({ kind: "code", code: 7 });
    expect(await shell("kill -TERM $$").exited).toEqual({ kind: "signal", signal: 15 });
  });

  test("gives the program its arguments, environment and directory, and nothing else", async () => {
    const launched = launch({
      argv: ["sh", "-c", 'printf "%s|" "$0" "$1" "$A" "$HOME"; pwd', "zero", "two words"],
      env: { ...env, A: "x=y\n z" },
      cwd: "/usr",
      stdio: ["null", "pipe", "inherit"],
    });
    expect(await outputOf(launched)).toBe("zero|two words|x=y\n z||/usr");
  });

  test("reads standard input from a pipe", async () => {
    const launched = shell("cat", { stdio: ["pipe", "pipe", "inherit"] });
    const end = launched.pipes.get(0) ?? -1;
    await Bun.write(Bun.file(end), "through the pipe");
    closeDescriptor(end);
    expect(await outputOf(launched)).toBe("through the pipe");
  });

  test("places descriptors whatever order they come in, and passes on no other", async () => {
    const directory = mkdtempSync(join(tmpdir(), "weft-launch-"));
    const open = (name: string): number => openSync(join(directory, name), "w");
    const [a, b] = [open("a"), open("b")];
    // The child's 1 and 2 swapped as well, and one above that nothing asked for.
    const script =
      "echo one; echo two >&2; echo three >&3; echo four >&4; ls /proc/self/fd | tr '\\n' ' ' >&4";
    const launched = shell(script, { stdio: ["null", { fd: b }, { fd: a }, { fd: a }, { fd: b }] });
    expect(await launched.exited).toEqual({ kind: "code", code: 0 });
    expect(readFileSync(join(directory, "a"), "utf8")).toBe("two\nthree\n");
    // `ls` itself opens the directory as 5.
    expect(readFileSync(join(directory, "b"), "utf8")).toBe("one\nfour\n0 1 2 3 4 5 ");
    closeDescriptor(a);
    closeDescriptor(b);
    rmSync(directory, { recursive: true });
  });

  test("resets signals: nothing is blocked, and ignored is what whoever started us ignores", async () => {
    const status = await outputOf(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status"));
    // SIGPIPE and SIGXFSZ are ignored by the engine itself; a shell ignores SIGINT and SIGQUIT for what it runs in the background.
    const ofEngine = (1n << 12n) | (1n << 24n);
    const own = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    const inherited = BigInt(`0x${own}`) & ~ofEngine;
    expect(status.match(/\b[0-9a-f]{16}\b/g)).toEqual([
      "0000000000000000",
      inherited.toString(16).padStart(16, "0"),
    ]);
  });

  test("a session of its own only where asked for", async () => {
    const script = "cut -d' ' -f6 /proc/$$/stat";
    const [own, shared] = [shell(script, { ownSession: true }), shell(script)];
    expect(Number(await outputOf(own))).toBe(own.pid);
    expect(Number(await outputOf(shared))).not.toBe(shared.pid);
  });

  test("the child dies with its parent", async () => {
    const parent = `
      const { launch } = await import(${JSON.stringify(join(import.meta.dir, "launch.ts"))});
      const child = launch({ argv: ["sleep", "60"], env: { PATH: ${JSON.stringify(env.PATH)} }, parentDeathSignal: 9 });
      console.log(child.pid);
      process.kill(process.pid, "SIGKILL");`;
    const spawned = Bun.spawn([process.execPath, "-e", parent], { stdout: "pipe", stderr: "inherit" });
    const pid = Number(await new Response(spawned.stdout).text());
    expect(pid).toBeGreaterThan(0);
    for (let i = 0; i < 200 && processStartTime(pid) !== undefined; i++) await Bun.sleep(10);
    expect(processStartTime(pid)).toBeUndefined();
  });

  test("each refused start says what is wrong, at once", () => {
    const directory = mkdtempSync(join(tmpdir(), "weft-launch-"));
    const file = (name: string, text: string, mode: number): string => {
      const path = join(directory, name);
      writeFileSync(path, text);
      chmodSync(path, mode);
      return path;
    };
    const refusal = (argv: readonly string[], more: Partial<LaunchSpec> = {}): unknown => {
      try {
        launch({ argv, env, ...more });
        return "started";
      } catch (error) {
        return error;
      }
    };
    expect(refusal(["weft-no-such-program"])).toMatchObject({
      code: "not_found",
      message: "run weft-no-such-program: no such program (ENOENT)",
      hint: "is it installed and on PATH?",
    });
    expect(refusal(["/no/such/file"])).toMatchObject({ code: "not_found", hint: "check the path" });
    expect(refusal([])).toMatchObject({ code: "bad_input" });
    expect(refusal([""])).toMatchObject({ code: "bad_input" });
    expect(refusal([directory])).toMatchObject({ code: "permission" });
    expect(refusal([file("plain", "text", 0o644)])).toMatchObject({ code: "permission" });
    expect(refusal([file("binary", "\x7fELF no", 0o755)])).toMatchObject({ code: "bad_input" });
    expect(refusal([file("script", "#!/no/interpreter\n", 0o755)])).toMatchObject({
      code: "not_found",
      message: expect.stringContaining("its interpreter does not exist"),
    });
    expect(refusal(["true"], { cwd: "/no/such/directory" })).toMatchObject({
      code: "not_found",
      message: expect.stringContaining("change to directory /no/such/directory"),
    });
    expect(refusal(["true", "a\0b"])).toMatchObject({ code: "bad_input" });
    rmSync(directory, { recursive: true });
  });

  test("passes over directories of PATH that hold no such program", async () => {
    const file = join(import.meta.dir, "launch.ts");
    const launched = launch({
      argv: ["sh", "-c", "exit 3"],
      env: { PATH: `/no/such/directory:${file}:/proc/1/map_files:${env.PATH}` },
    });
    expect(await launched.exited).toEqual({ kind: "code", code: 3 });
  });

  test("a refused start leaves no descriptor and no process behind", () => {
    const count = (): number => readdirSync("/proc/self/fd").length;
    const attempt = (): void => {
      expect(() => shell("true", { cwd: "/no/such/directory", stdio: ["pipe", "pipe", "null"] })).toThrow();
    };
    attempt();
    const before = count();
    for (let i = 0; i < 20; i++) attempt();
    expect(count()).toBe(before);
  });

  test("reaps its own many children and leaves those of Bun alone", async () => {
    const bunChildren = Array.from({ length: 20 }, (_, i) => Bun.spawn(["sh", "-c", `exit ${i}`]));
    const own = Array.from({ length: 100 }, (_, i) =>
      shell(`exit ${i}`, { stdio: ["null", "null", "null"] }),
    );
    const exits = await Promise.all(own.map((launched) => launched.exited));
    expect(exits).toEqual(own.map((_, i) => ({ kind: "code", code: i })));
    expect(await Promise.all(bunChildren.map((child) => child.exited))).toEqual(bunChildren.map((_, i) => i));
  });

  test("sends no signal to a number that may be somebody else's by now", async () => {
    const launched = shell("exit 0");
    await launched.exited;
    expect(launched.kill(9)).toBe(false);
    const sleeping = shell("exec sleep 60");
    expect(sleeping.kill(15)).toBe(true);
    expect(await sleeping.exited).toEqual({ kind: "signal", signal: 15 });
  });

  test("a pipe of ours that the child never got is not kept open by it", async () => {
    const { readEnd, writeEnd } = makePipe();
    const sleeping = shell("exec sleep 60", { stdio: ["null", "null", "null"] });
    closeDescriptor(writeEnd);
    expect(await new Response(Bun.file(readEnd).stream()).text()).toBe("");
    sleeping.kill(9);
    await sleeping.exited;
  });
});

describeInNamespaces("launch with the right to make namespaces", () => {
  test("takes capabilities away for good", async () => {
    const status = await outputOf(
      shell("grep -E '^Cap(Prm|Eff|Bnd|Inh|Amb)' /proc/self/status; unshare -n true 2>&1 || echo refused", {
        dropCapabilities: ["net_admin", "net_raw", "sys_admin", "sys_ptrace", "sys_module"],
      }),
    );
    const sets = [...status.matchAll(/Cap\w+:\s*([0-9a-f]+)/g)].map((match) => BigInt(`0x${match[1]}`));
    expect(sets).toHaveLength(5);
    const taken = [12n, 13n, 16n, 19n, 21n].reduce((mask, bit) => mask | (1n << bit), 0n);
    for (const set of sets) expect(set & taken).toBe(0n);
    expect(status).toEndWith("refused");
  });

  test("shows a file at another path to the program alone, and leaves out targets that do not exist", async () => {
    const directory = mkdtempSync(join(tmpdir(), "weft-launch-"));
    const source = join(directory, "shown");
    writeFileSync(source, "shown inside\n");
    const before = readFileSync("/etc/passwd", "utf8");
    const launched = shell("cat /etc/passwd", {
      binds: [
        { source, target: "/etc/passwd" },
        { source, target: "/etc/no-such-file-here" },
      ],
    });
    expect(await outputOf(launched)).toBe("shown inside");
    expect(readFileSync("/etc/passwd", "utf8")).toBe(before);
    rmSync(directory, { recursive: true });
  });
});

describeWhere("launch in user namespaces", probeUserNamespace(), () => {
  const newUser = { uid: 0, gid: 0 };

  test("maps the caller to root inside, and back to itself where confined", async () => {
    expect(await outputOf(shell("id -u", { newUser }))).toBe("0");
    const launched = shell("id -u; id -g; grep CapEff /proc/self/status", {
      newUser,
      newNet: true,
      confineTo: { uid: 1234, gid: 4321 },
    });
    expect((await outputOf(launched)).split("\n")).toEqual(["1234", "4321", "CapEff:\t0000000000000000"]);
  });

  test("a trial runs nothing and names the step that is refused", () => {
    expect(tryLaunch({ newUser, newNet: true, confineTo: { uid: 5, gid: 5 } })).toBeUndefined();
    expect(tryLaunch({ join: [{ kind: "net", fd: 0 }] })?.reason).toStartWith("enter a net namespace: ");
  });
});
