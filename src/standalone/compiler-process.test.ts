/** A compiler in a process of its own: what it knows outlives it, and its death costs nothing but a change. */
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createLog, VirtualClock } from "../kernel/index.ts";
import type { SuppliedChange } from "../proxy/index.ts";
import { CompilerProcess } from "./compiler-process.ts";
import { FileConfiguration } from "./file-configuration.ts";
import { decodeState, encodeState } from "./saved-state.ts";
import { admitObjects } from "./admission.ts";
import { gateway, route, service, TestFiles } from "./testing/test-files.ts";

const timeoutMs = 180_000;
const program = join(import.meta.dir, "../cli/main.ts");

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

function start() {
  const files = new TestFiles();
  closers.push(() => files[Symbol.dispose]());
  const clock = new VirtualClock();
  const lines: string[] = [];
  const changes: SuppliedChange[] = [];
  const compiler = new CompilerProcess({
    command: [process.execPath, program, "compiler", "--filename", files.path, "--gateway", "127.0.0.1"],
    commit: (change) => Promise.resolve(void changes.push(change)),
    clock,
    log: createLog({ format: "text", level: "info", write: (line) => void lines.push(line) }),
  });
  closers.push(() => compiler.close());
  return { files, clock, compiler, lines, changes };
}

function routesOf({ compiler }: { compiler: CompilerProcess }): string[] {
  const ports = compiler.agent.snapshot.gatewayPorts;
  const request = (path: string) => ({ method: "GET", path, query: "", header: () => undefined });
  return ["/", "/old"].map((path) => {
    const rule = ports[0]?.hosts.select("example.com")?.routes.match(request(path));
    return rule?.backends[0]?.cluster ?? "none";
  });
}

const unusable = {
  ...route("web", "two"),
  spec: {
    parentRefs: [{ name: "door" }],
    rules: [{ matches: [{ path: { type: "RegularExpression", value: "(?=no)" } }] }],
  },
};

describe("a compiler process", () => {
  test(
    "goes on where the one before ended",
    async () => {
      const parts = start();
      const { files, clock, compiler, changes } = parts;
      files.write("all.yaml", gateway(8080), ...service("one", 1), ...service("two", 2));
      files.write("web.yaml", route("web", "one"));
      await compiler.load();
      expect(routesOf(parts)).toEqual(["default/one:80", "default/one:80"]);
      files.write("web.yaml", unusable);
      await compiler.reload();
      expect(routesOf(parts)).toEqual(["default/one:80", "default/one:80"]);
      expect(compiler.revision).toBe(2);

      clock.advance(60_000);
      files.write("other.yaml", route("other", "two"));
      await compiler.reload();
      expect(compiler.revision).toBe(3);
      // The route that cannot compile is still the older one, which wins; only what changed was sent.
      expect(routesOf(parts)).toEqual(["default/two:80", "default/two:80"]);
      expect(
        changes
          .at(-1)
          ?.upserts.map(({ kind }) => kind)
          .toSorted(),
      ).not.toContain("Mesh");

      clock.advance(60_000);
      files.write("other.yaml");
      await compiler.reload();
      expect(routesOf(parts)).toEqual(["default/one:80", "default/one:80"]);
    },
    timeoutMs,
  );

  test(
    "that dies under a change costs that change alone",
    async () => {
      const parts = start();
      const { files, compiler, lines } = parts;
      files.write("all.yaml", gateway(8080), ...service("one", 1), ...service("two", 2));
      files.write("web.yaml", route("web", "one"));
      await compiler.load();
      const before = compiler.processId;
      files.write("web.yaml", route("web", "two"));
      const reloaded = compiler.reload();
      if (before !== undefined) process.kill(before, "SIGKILL");
      await reloaded;
      if (routesOf(parts)[0] === "default/one:80") {
        expect(lines.join("")).toContain("the compiler ended with");
        await compiler.reload();
      }
      expect(routesOf(parts)).toEqual(["default/two:80", "default/two:80"]);
    },
    timeoutMs,
  );

  test(
    "says what is wrong at the start as it would be said here",
    async () => {
      const { files, compiler } = start();
      files.write("web.yaml", route("web", "one"));
      await expect(compiler.load()).rejects.toThrow("no Gateway in the files");
    },
    timeoutMs,
  );
});

test("a configuration that was saved and restored makes of the next change what the first would have", () => {
  const parse = (...objects: readonly object[]) => {
    const files = new TestFiles();
    closers.push(() => files[Symbol.dispose]());
    files.write("all.yaml", ...objects);
    return files.read().then(admitObjects);
  };
  return (async () => {
    const base = [gateway(8080), ...service("one", 1), ...service("two", 2)];
    const states = [
      await parse(...base, route("web", "one")),
      await parse(...base, unusable),
      await parse(...base, unusable, route("other", "one")),
    ];
    const whole = new FileConfiguration();
    let handed = new FileConfiguration();
    for (const state of states) {
      const expected = whole.apply(state);
      const next = new FileConfiguration();
      next.restore(decodeState(encodeState(handed.save())));
      expect(next.apply(state)).toEqual(expected);
      handed = next;
      expect(handed.get("Gateway", "default/door")?.version).toBe(
        whole.get("Gateway", "default/door")?.version,
      );
    }
  })();
});
