/** The attestation socket against real processes: of other users, with other programs, that speak, leave, or hand their connection on. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { ExecutableHashes, type ProcessRule, ProcessTickets } from "../../identity/index.ts";
import { type Clock, createLog, systemClock, VirtualClock } from "../../kernel/index.ts";
import { AttestationSocket, type AttestationSocketOptions } from "./attestation-socket.ts";
import {
  type Asked,
  asking,
  connectionHander,
  handOn,
  isRoot,
  lastPidFile,
  parseAnswer,
  strangerUid,
  untilAnswer,
} from "./testing-processes.ts";

const bun = realpathSync(process.execPath);
const ownCgroup = ((): string => {
  const [, controller = "", path = ""] =
    /^\d+:([^:,\n]*)[^:\n]*:(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8")) ?? [];
  return controller === "" ? path : `${controller}:${path}`;
})();

let directory = "";
let rules: ProcessRule[] = [];
let refused: string[] = [];
let lines: string[] = [];
let tickets: ProcessTickets;
let socket: AttestationSocket | undefined;
const at = (name: string): string => join(directory, name);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weft-attest-"));
  chmodSync(directory, 0o755);
  [rules, refused, lines] = [[], [], []];
});
afterEach(() => {
  socket?.close();
  socket = undefined;
  rmSync(directory, { recursive: true, force: true });
});

async function serve(
  parts: Partial<AttestationSocketOptions> = {},
  clock: Clock = systemClock,
): Promise<void> {
  tickets = new ProcessTickets(clock);
  socket = await AttestationSocket.open({
    path: at("socket"),
    rules: () => rules,
    tickets,
    onRefused: (reason) => void refused.push(reason),
    clock,
    log: createLog({ format: "json", level: "info", write: (line) => void lines.push(line) }),
    ...parts,
  });
}

const rule = (match: ProcessRule["match"], serviceAccount = "web"): ProcessRule => ({
  match,
  namespace: "shop",
  serviceAccount,
});
const ask = (options: Parameters<typeof asking>[1] = {}): Promise<Asked> => asking(at("socket"), options);

describe("a process", () => {
  test("gets a ticket that is good once, and that no log holds", async () => {
    await serve();
    rules = [rule({ uid: process.getuid?.() ?? 0, executable: bun })];
    const { ticket = "", ...rest } = await ask();
    expect(rest).toEqual({ namespace: "shop", serviceAccount: "web", expiresInSeconds: 60 });
    expect(await tickets.attest(ticket)).toEqual({ namespace: "shop", serviceAccount: "web" });
    expect(await tickets.attest(ticket)).toMatchObject({ refusal: "replayed" });
    expect(lines.join("")).not.toContain(ticket);
    expect(lines.join("")).toContain(`"executable":"${bun}"`);
  });

  test.skipIf(!isRoot)("of another user is another one [needs root]", async () => {
    await serve();
    rules = [rule({ uid: strangerUid, gid: strangerUid }, "stranger"), rule({ uid: 0 }, "root")];
    expect(await ask({ as: strangerUid })).toMatchObject({ serviceAccount: "stranger" });
    expect(await ask()).toMatchObject({ serviceAccount: "root" });
    rules = [rule({ uid: strangerUid + 1 })];
    expect(await ask({ as: strangerUid })).toMatchObject({ error: { reason: "no_rule" } });
    expect(refused).toEqual(["no_rule"]);
    expect(lines.at(-1)).toContain(`"uid":${strangerUid}`);
    expect(lines.at(-1)).toContain("what did not fit: [0] uid");
  });

  test("with a changed executable is nobody, wherever it lies and whatever it is called", async () => {
    await serve();
    const sha256 = createHash("sha256").update(readFileSync(bun)).digest("hex");
    copyFileSync(bun, at("copy"));
    rules = [rule({ sha256 }, "by-hash")];
    expect(await ask({ program: at("copy") })).toMatchObject({ serviceAccount: "by-hash" });
    copyFileSync(bun, at("changed"));
    appendFileSync(at("changed"), "x");
    expect(await ask({ program: at("changed") })).toMatchObject({ error: { reason: "no_rule" } });
    rules = [rule({ executable: bun })];
    expect(await ask({ program: at("copy") })).toMatchObject({ error: { reason: "no_rule" } });
    expect(lines.at(-1)).toContain("[0] executable");
  });

  test.skipIf(!isRoot)(
    "with another program at that path in mounts of its own is nobody [needs root]",
    async () => {
      await serve();
      copyFileSync(bun, at("copy"));
      rules = [rule({ executable: bun })];
      expect(await ask({ mountedOver: at("copy") })).toMatchObject({ error: { reason: "no_rule" } });
      // The kernel's text for its path is the honest program's.
      expect(lines.at(-1)).toContain(`"executable":"${bun}"`);
    },
  );

  test("of another cgroup is nobody", async () => {
    await serve();
    rules = [rule({ cgroup: `${ownCgroup}/beneath` })];
    expect(await ask()).toMatchObject({ error: { reason: "no_rule" } });
    rules = [rule({ cgroup: ownCgroup })];
    expect(await ask()).toMatchObject({ serviceAccount: "web" });
  });

  test("that speaks is refused, and one that leaves gets nothing", async () => {
    await serve({ hashes: new NeverRead() });
    rules = [rule({ sha256: "0".repeat(64) })];
    expect(await ask({ then: "speak" })).toMatchObject({ error: { reason: "malformed" } });
    expect(await ask({ then: "leave" })).toMatchObject({ error: { reason: "gone" } });
    expect(refused).toEqual(["malformed", "gone"]);
  });

  test("that takes too long to look at is refused", async () => {
    const clock = new VirtualClock();
    const hashes = new NeverRead();
    await serve({ hashes }, clock);
    rules = [rule({ sha256: "0".repeat(64) })];
    const asked = ask();
    await hashes.asked;
    clock.advance(10_000);
    expect(await asked).toMatchObject({ error: { reason: "timeout" } });
  });

  test("that asks in a loop is refused, and the log says so once", async () => {
    await serve({}, new VirtualClock());
    for (let i = 0; i < 64; i++) await handOn.ask(at("socket"));
    expect(new Set(refused)).toEqual(new Set(["no_rule"]));
    const before = lines.length;
    expect(parseAnswer(await handOn.ask(at("socket"))).error?.reason).toBe("rate_limited");
    for (let i = 0; i < 3; i++) await handOn.ask(at("socket")).catch(() => "");
    expect(refused.slice(64)).toEqual(Array.from({ length: 4 }, () => "rate_limited"));
    expect(lines.length - before).toBe(1);
  });
});

/** Files that nobody ever finishes reading. */
class NeverRead extends ExecutableHashes {
  readonly asked: Promise<void>;
  #isAsked: () => void = () => {};

  constructor() {
    super();
    this.asked = new Promise((resolve) => {
      this.#isAsked = resolve;
    });
  }

  override of(): Promise<never> {
    this.#isAsked();
    return new Promise(() => {});
  }
}

describe("a connection that was handed to somebody else", () => {
  // The test's own event loop is the server's: nothing is accepted before the process that connected is gone.
  test("by a process that is gone gives nothing", async () => {
    await serve();
    rules = [rule({ uid: process.getuid?.() ?? 0 })];
    handOn.leave(connectionHander(directory), at("socket"), at("answer"));
    expect(parseAnswer(await untilAnswer(at("answer"))).error?.reason).toBe("gone");
    expect(refused).toEqual(["gone"]);
  });

  const canReuse = isRoot && existsSync(lastPidFile);
  test.skipIf(!canReuse)("is not that of the process that has its number now [needs root]", async () => {
    await serve({ pin: () => ({ is: () => true, release() {} }) });
    const sleep = realpathSync(Bun.which("sleep") ?? "");
    rules = [rule({ executable: sleep })];
    // Without a hold on the process the theft succeeds: the race is real.
    using first = handOn.leaveToNextWithNumber(
      connectionHander(directory),
      at("socket"),
      at("stolen"),
      sleep,
    );
    expect(parseAnswer(await untilAnswer(at("stolen")))).toMatchObject({ serviceAccount: "web" });
    socket?.close();
    await serve();
    using second = handOn.leaveToNextWithNumber(connectionHander(directory), at("socket"), at("held"), sleep);
    expect(parseAnswer(await untilAnswer(at("held"))).error?.reason).toBe("gone");
    expect([first.isAlive, second.isAlive]).toEqual([true, true]);
  });
});

describe("the socket's file", () => {
  test("is open to all, replaces what a killed process left, and goes with the socket", async () => {
    const left = Bun.listen({ unix: at("socket"), socket: { data() {} } });
    // As after a kill: the file is there, and nobody listens.
    copyName(at("socket"), at("kept"));
    left.stop(true);
    copyName(at("kept"), at("socket"));
    await serve();
    expect(statSync(at("socket")).mode & 0o777).toBe(0o666);
    socket?.close();
    expect(existsSync(at("socket"))).toBe(false);
  });

  test("is not taken from somebody who serves it, and no other file is replaced", async () => {
    await serve();
    const first = socket;
    await expect(serve()).rejects.toHaveProperty("code", "address_in_use");
    expect(existsSync(at("socket"))).toBe(true);
    first?.close();
    writeFileSync(at("socket"), "precious");
    await expect(serve()).rejects.toHaveProperty("code", "conflict");
    expect(readFileSync(at("socket"), "utf8")).toBe("precious");
  });
});

function copyName(from: string, to: string): void {
  rmSync(to, { force: true });
  Bun.spawnSync(["ln", from, to]);
}
