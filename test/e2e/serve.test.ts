/** `weft serve`: a gateway from files, in one process, that follows them without losing a request. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./harness/eventually.ts";
import { countOutcomes, OpenLoopLoad } from "./harness/open-loop-load.ts";
import { type Served, serviceAt, startServe } from "./harness/serve.ts";
import { gatewayTo, httpPort, yaml } from "./harness/resources.ts";
import { linesOf, runWeft, TemporaryFolder } from "./harness/weft.ts";

const upstreams: Bun.Server<undefined>[] = [];
const answering = (text: string): number => {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(text) });
  upstreams.push(server);
  return server.port ?? 0;
};
let one: number;
let two: number;

beforeAll(() => {
  one = answering("one");
  two = answering("two");
});

afterAll(async () => {
  await Promise.all(upstreams.map((server) => server.stop(true)));
});

async function isRefused(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  try {
    const socket = await Bun.connect({ hostname, port: Number(port), socket: { data() {} } });
    socket.terminate();
    return false;
  } catch {
    return true;
  }
}

async function textOf(served: Served): Promise<string> {
  return await (await fetch(served.ready.gateway)).text();
}

describe("weft serve", () => {
  test("answers once it says ready, with metrics and readiness beside", async () => {
    await using served = await startServe({ "a.yaml": yaml(gatewayTo({ one: 1 }), serviceAt("one", one)) });
    expect(served.ready).toMatchObject({ event: "ready", revision: 1 });
    expect(await textOf(served)).toBe("one");
    const metrics = await (await fetch(`http://${served.ready.admin}/metrics`)).text();
    expect(metrics).toContain('destination_service="default/one"');
    expect((await fetch(`http://${served.ready.health}/healthz/ready`)).status).toBe(200);
  });

  test("--listen-only opens nothing but the gateway", async () => {
    await using served = await startServe({ "a.yaml": yaml(gatewayTo({ one: 1 }), serviceAt("one", one)) }, [
      "--listen-only",
    ]);
    expect(await textOf(served)).toBe("one");
    expect(served.ready.admin).toBeUndefined();
    expect(served.ready.health).toBeUndefined();
  });

  test("no request fails while files change, however they are replaced", async () => {
    await using served = await startServe({
      "door.yaml": yaml(gatewayTo({ one: 1 }).slice(0, 1), serviceAt("one", one), serviceAt("two", two)),
      "route.yaml": yaml(gatewayTo({ one: 1 }).slice(1)),
    });
    const load = OpenLoopLoad.start({ url: served.ready.gateway, requestsPerSecond: 300 });
    const file = join(served.folder, "route.yaml");
    for (let i = 0; i < 5; i++) {
      const next = i % 2 === 0 ? "two" : "one";
      const text = yaml(gatewayTo({ [next]: 1 }).slice(1));
      if (i < 3) writeFileSync(file, text);
      else {
        writeFileSync(join(served.folder, ".route.tmp"), text);
        renameSync(join(served.folder, ".route.tmp"), file);
      }
      await eventually(async () => expect(await textOf(served)).toBe(next));
    }
    const samples = await load.stop();
    expect(countOutcomes(samples)).toEqual({ 200: samples.length });
    expect(samples.length).toBeGreaterThan(50);
  });

  test("links are followed, as those of a mounted ConfigMap", async () => {
    await using served = await startServe({
      "door.yaml": yaml(gatewayTo({ one: 1 }), serviceAt("one", one)),
    });
    const { folder } = served;
    for (const [version, port] of [
      ["1", one],
      ["2", two],
    ] as const) {
      mkdirSync(join(folder, `..${version}`));
      writeFileSync(join(folder, `..${version}`, "services.yaml"), yaml(serviceAt("extra", port)));
    }
    symlinkSync("..1", join(folder, "..data"));
    symlinkSync("..data/services.yaml", join(folder, "services.yaml"));
    writeFileSync(join(folder, "door.yaml"), yaml(gatewayTo({ extra: 1 })));
    await eventually(async () => expect(await textOf(served)).toBe("one"));
    symlinkSync("..2", join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    await eventually(async () => expect(await textOf(served)).toBe("two"));
  });

  test("a broken file is named with its line, and what was served goes on", async () => {
    await using served = await startServe({ "a.yaml": yaml(gatewayTo({ one: 1 }), serviceAt("one", one)) });
    writeFileSync(
      join(served.folder, "b.yaml"),
      "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: 3\n",
    );
    await eventually(() => expect(served.stderr).toMatch(/b\.yaml:4: spec/));
    expect(await textOf(served)).toBe("one");
    rmSync(join(served.folder, "b.yaml"));
    await eventually(() => expect(served.stderr).toContain("can be used again"));
  });

  test("SIGTERM finishes what is in flight and exits 0", async () => {
    const release = Promise.withResolvers<void>();
    const slow = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async () => {
        await release.promise;
        return new Response("late");
      },
    });
    upstreams.push(slow);
    await using served = await startServe({
      "a.yaml": yaml(gatewayTo({ slow: 1 }), serviceAt("slow", slow.port ?? 0)),
    });
    const answer = textOf(served);
    await eventually(() => expect(slow.pendingRequests).toBe(1));
    served.kill("SIGTERM");
    // A request that came before the signal was heard would wait as well: a connection alone tells.
    await eventually(async () => expect(await isRefused(served.ready.gateway)).toBe(true));
    release.resolve();
    expect(await answer).toBe("late");
    expect((await served.finished).code).toBe(0);
  });
});

describe("weft serve refuses", () => {
  const lineOf = async (...args: readonly string[]): Promise<{ code: number; line: string | undefined }> => {
    const finished = await runWeft(["serve", ...args]);
    return { code: finished.code, line: linesOf(finished).at(-1) };
  };

  test("files that are not there, without a Gateway, or on stdin", async () => {
    using folder = new TemporaryFolder();
    expect(await lineOf("-f", join(folder.path, "none"))).toMatchObject({
      code: 65,
      line: expect.stringContaining("does not exist"),
    });
    expect(await lineOf("-f", folder.path)).toMatchObject({
      code: 65,
      line: expect.stringContaining("no Gateway"),
    });
    expect(await lineOf("-f", "-")).toMatchObject({
      code: 64,
      line: expect.stringContaining("cannot be followed"),
    });
  });

  test("a port that somebody else has", async () => {
    using folder = new TemporaryFolder();
    writeFileSync(join(folder.path, "a.yaml"), yaml(gatewayTo({ one: 1 }, one), serviceAt("one", httpPort)));
    const { code, line } = await lineOf("-f", folder.path, "--listen-only");
    expect({ code, line }).toEqual({ code: 1, line: expect.stringContaining("cannot be opened") });
  });
});
