/** What is wrong is said in one line with what to do about it, the exit code tells what kind it is, and nothing is half done. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finished } from "./harness/child-process.ts";
import { eventually } from "./harness/eventually.ts";
import { startMesh, type TestMesh } from "./harness/mesh.ts";
import { countOutcomes, OpenLoopLoad } from "./harness/open-loop-load.ts";
import { configMap, gatewayTo, splitRoute, webProgram, yaml } from "./harness/resources.ts";
import { unprivilegedUser } from "./harness/unprivileged-user.ts";
import { linesOf, runWeft, TemporaryFolder } from "./harness/weft.ts";

const hookTimeoutMs = 60_000;
let mesh: TestMesh;

beforeAll(async () => {
  mesh = await startMesh({
    isolation: "loopback",
    files: { "mesh.yaml": yaml(webProgram("v1"), gatewayTo({ web: 1 })) },
  });
}, hookTimeoutMs);

afterAll(() => mesh[Symbol.asyncDispose](), hookTimeoutMs);

/** One line, that says all of `words`, no stack. */
function expectRefusal(finished: Finished, code: number, ...words: readonly RegExp[]): void {
  const lines = linesOf(finished);
  expect({ code: finished.code, lines }).toEqual({ code, lines: [expect.any(String)] });
  for (const word of words) expect(lines[0]).toMatch(word);
  expect(finished.stdout).toBe("");
}

async function newestRevision(): Promise<number> {
  return (await mesh.weftJson<{ readonly revision: number }>("status")).revision;
}

describe("weft up", () => {
  async function up(...options: readonly string[]): Promise<Finished> {
    using folder = new TemporaryFolder();
    const files = join(folder.path, "files");
    mkdirSync(files);
    const finished = await runWeft(
      ["up", files, "--data-dir", join(folder.path, "data"), "--api", "127.0.0.1:0", ...options],
      { env: { WEFT_RUNTIME_DIR: join(folder.path, "run") } },
    );
    return finished;
  }

  test.each(["auto", "loopback"])(
    "says which port is in use and how to choose another, with %s",
    async (isolation) => {
      using held = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
      const address = `127.0.0.1:${held.port}`;
      const options = ["--isolation", isolation, "--gateway", "127.0.0.1:0"];
      expectRefusal(
        await up(...options, "--api", address),
        1,
        new RegExp(address),
        /in use/,
        /choose another/,
      );
    },
  );

  test.each(["auto", "loopback"])(
    "says so when the port of the gateway is in use, with %s",
    async (isolation) => {
      using held = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
      const address = `127.0.0.1:${held.port}`;
      const finished = await up("--isolation", isolation, "--gateway", address);
      expectRefusal(finished, 1, new RegExp(address), /in use/, /choose another/);
    },
  );

  test.each(["auto", "loopback"])(
    "says so when the port that a Gateway of the files asks for is in use, with %s",
    async (isolation) => {
      using held = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
      using folder = new TemporaryFolder();
      writeFileSync(join(folder.path, "door.yaml"), yaml(gatewayTo({ web: 1 }, held.port)));
      const options = ["--isolation", isolation, "--api", "127.0.0.1:0"];
      const finished = await runWeft(
        ["up", folder.path, "--data-dir", join(folder.path, "data"), ...options],
        {
          env: { WEFT_RUNTIME_DIR: join(folder.path, "run") },
        },
      );
      expectRefusal(finished, 1, new RegExp(`127.0.0.1:${held.port}`), /in use/, /choose another|--gateway/);
    },
  );

  test("says that the name is taken, by whom, and what to do", async () => {
    const again = await runWeft(
      ["up", mesh.folder, "--instance", mesh.instance, "--data-dir", join(mesh.folder, "data"), "--api", "0"],
      { env: mesh.env },
    );
    expectRefusal(
      again,
      1,
      new RegExp(`${mesh.instance} is running already`),
      new RegExp(String(mesh.up.pid)),
      /--instance/,
    );
    expect((await mesh.get("/")).status).toBe(200);
  });

  test("says what it may not do", async () => {
    using folder = new TemporaryFolder();
    const someone = unprivilegedUser();
    chownSync(folder.path, someone.uid, someone.uid);
    const closed = join(folder.path, "closed");
    mkdirSync(closed);
    chmodSync(closed, 0o500);
    const env = { WEFT_RUNTIME_DIR: join(folder.path, "run") };
    const options = ["--api", "127.0.0.1:0", "--gateway", "127.0.0.1:0"];
    const data = await runWeft(["up", folder.path, "--data-dir", join(closed, "data"), ...options], {
      env,
      as: someone.argv,
    });
    expectRefusal(data, 1, /closed/, /permission|may not|denied/i);
    const isolation = await runWeft(
      ["up", folder.path, "--data-dir", join(folder.path, "data"), "--isolation", "netns", ...options],
      { env, as: someone.argv },
    );
    expectRefusal(isolation, 1, /netns is not possible here/, /--isolation auto/);
  });

  test("refuses broken files with file and line, and a folder that is not there", async () => {
    using folder = new TemporaryFolder();
    writeFileSync(join(folder.path, "broken.yaml"), "kind: Program\nmetadata: [\n");
    expectRefusal(await runWeft(["up", folder.path]), 65, /broken\.yaml:\d+/);
    writeFileSync(
      join(folder.path, "broken.yaml"),
      "apiVersion: local.weft.dev/v1alpha1\nkind: Program\nmetadata:\n  name: a\nspec:\n  service: a\n  command: [a]\n  comand: [b]\n",
    );
    expectRefusal(await runWeft(["up", folder.path]), 65, /broken\.yaml:8/, /spec\.comand/);
    expectRefusal(await runWeft(["up", join(folder.path, "missing")]), 65, /does not exist/);
  });
});

describe("the command line", () => {
  test("says that no server answers, and exits with 69", async () => {
    const { port } = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } }).stop(
      true,
    ) ?? { port: 1 };
    const server = `http://127.0.0.1:${port}`;
    expectRefusal(await runWeft(["get", "services", "--server", server]), 69, new RegExp(server));
    expectRefusal(await runWeft(["status", "--server", server]), 69, new RegExp(server));
  });

  test("says that a wrong token is wrong", async () => {
    const env = { ...mesh.env, WEFT_TOKEN: "wrong" };
    const finished = await runWeft(["get", "services", "--instance", mesh.instance], { env });
    expectRefusal(finished, 1, /token/);
  });

  test.each([
    [["frobnicate"], /no verb/],
    [["get", "frobs"], /frobs/],
    [["up", "--isolation", "prison"], /prison/],
    [["apply"], /--file/],
    [["status", "--timeout", "soon"], /30s/],
  ])("exits with 64 for %p", async (args, words) => {
    expectRefusal(await runWeft([...args, "--server", mesh.ready.api]), 64, words);
  });
});

/** Ten to the ninth values. */
const bomb = [
  "data:",
  "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
  ...Array.from({ length: 8 }, (_, i) => `  a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(", ")}]`),
  "",
].join("\n");

describe("weft apply", () => {
  function apply(text: string): Promise<Finished> {
    return runWeft(["apply", "-f", "-", "--instance", mesh.instance], { env: mesh.env, stdin: text });
  }

  async function expectNothingApplied(text: string, ...words: readonly RegExp[]): Promise<void> {
    const before = await newestRevision();
    expectRefusal(await apply(text), 65, ...words);
    expect(await newestRevision()).toBe(before);
    expect((await mesh.weft("get", "configmap", "companion")).code).toBe(1);
  }

  const companion = `${yaml(configMap("companion"))}\n---\n`;

  test("refuses broken YAML with file and line, and applies nothing of it", () =>
    expectNothingApplied(`${companion}kind: Service\nmetadata: "b\n`, /stdin:\d+/));

  test("refuses an unknown field with file, line and path, and applies nothing of it", () =>
    expectNothingApplied(
      `${companion}apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\ndatum: {}\n`,
      /stdin:\d+/,
      /datum/,
    ));

  test("refuses an unknown kind, and applies nothing of it", () =>
    expectNothingApplied(`${companion}apiVersion: v1\nkind: Servise\nmetadata: {name: b}\n`, /Servise/));

  test("refuses what only the server can know, with file and line, and applies nothing of it", () =>
    expectNothingApplied(
      `${companion}apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  namespace: nowhere\n`,
      /stdin:\d+/,
      /nowhere/,
    ));

  const head = `${companion}apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n`;
  const [firstLine, documentLine] = [head.split("\n").length, companion.split("\n").length - 1];

  test.each([
    ["a key twice", "data:\n  a: x\n  b: y\n  a: z\n", firstLine + 3, "data.a: the key stands there twice"],
    ["no UTF-8", Buffer.from("data:\n  a: x\n  b: \xff\n", "latin1"), firstLine + 2, "is not valid UTF-8"],
    ["deep nesting", `data:\n  a: ${"[".repeat(100_000)}\n`, firstLine + 1, "nested too deeply"],
    [
      ...(["depth beyond the bound", `data:\n  a: ${"[".repeat(70)}${"]".repeat(70)}\n`] as const),
      ...([firstLine + 1, "nested deeper than 64 levels"] as const),
    ],
    ["aliases that expand without end", bomb, firstLine + 6, "more than 250000 values"],
    [
      "a document of 4 MB",
      `data:\n  a: "${"x".repeat(4 << 20)}"\n`,
      documentLine,
      "larger than 3145728 bytes",
    ],
    ["a file of 10 MB", `data:\n  a: "${"x".repeat(10 << 20)}"\n`, 1, "larger than 10485760 bytes"],
  ])("refuses %s with file, line and bound, and applies nothing of it", async (_, rest, line, words) => {
    using folder = new TemporaryFolder();
    const file = join(folder.path, "bad.yaml");
    writeFileSync(file, Buffer.concat([Buffer.from(head), Buffer.from(rest)]));
    const before = await newestRevision();
    const finished = await runWeft(["apply", "-f", file, "--instance", mesh.instance], { env: mesh.env });
    expectRefusal(finished, 65, new RegExp(`bad\\.yaml:${line}: .*${words}`));
    expect(await newestRevision()).toBe(before);
    expect((await mesh.weft("get", "configmap", "companion")).code).toBe(1);
    expect((await mesh.get("/")).status).toBe(200);
  });

  test("reports every problem of a file, each in a line", async () => {
    const bad = (name: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\nextra: 1\n`;
    const finished = await apply(`${bad("a")}---\n${bad("B")}`);
    expect(finished.code).toBe(65);
    expect(linesOf(finished).length).toBe(3);
    expect(linesOf(finished).every((line) => /^stdin:\d+: /.test(line))).toBe(true);
  });
});

describe("a route to a service that does not exist", () => {
  test("is told in its status, and costs its share of the requests a 500, no other", async () => {
    const door = gatewayTo({ web: 1, missing: 1 });
    const applied = await runWeft(["apply", "--wait", "-f", "-", "--instance", mesh.instance], {
      env: mesh.env,
      stdin: yaml(door, splitRoute("web", { web: 1 })),
    });
    expect(applied.code).toBe(0);
    await eventually(async () => {
      const route = await mesh.weftJson<Route>("get", "httproute", "door");
      const conditions = route.status.parents.flatMap((parent) => parent.conditions);
      const resolved = conditions.find(({ type }) => type === "ResolvedRefs");
      expect(resolved).toMatchObject({ status: "False", reason: "BackendNotFound" });
      expect(resolved?.message).toContain("missing");
      expect(conditions.find(({ type }) => type === "Accepted")).toMatchObject({ status: "True" });
    });
    const load = OpenLoopLoad.start({ url: mesh.ready.gateway ?? "", requestsPerSecond: 400 });
    await eventually(() => expect(load.samples.length).toBeGreaterThan(400));
    const counts = countOutcomes(await load.stop());
    const total = (counts["200"] ?? 0) + (counts["500"] ?? 0);
    expect(Object.keys(counts).toSorted()).toEqual(["200", "500"]);
    expect((counts["500"] ?? 0) / total).toBeGreaterThan(0.35);
    expect((counts["500"] ?? 0) / total).toBeLessThan(0.65);
    const answers = await Promise.all(Array.from({ length: 20 }, () => mesh.get("/")));
    const refused = answers.find(({ status }) => status === 500);
    // The caller learns whose fault it is and a number to ask by; not the name of what is missing.
    expect(await refused?.text()).not.toContain("missing");
    expect(refused?.headers.get("x-request-id")).toMatch(/.{8,}/);
    await mesh.apply(yaml(gatewayTo({ web: 1 })));
  });
});

interface Route {
  readonly status: {
    readonly parents: readonly {
      readonly conditions: readonly {
        readonly type: string;
        readonly status: string;
        readonly reason: string;
        readonly message: string;
      }[];
    }[];
  };
}
