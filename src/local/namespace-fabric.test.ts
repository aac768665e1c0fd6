/** The fabric of network namespaces: capture, reachability, rights of programs, removal of all of it. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probeNetNamespace, probeUserNamespace } from "../intercept/index.ts";
import { silentLog } from "../kernel/index.ts";
import type { InnerMessage } from "./inner-report.ts";
import { type InnerKind, isolate } from "./isolation.ts";
import { describeWhere } from "./testing/describe-where.ts";

const refusals: Record<InnerKind, string | undefined> = {
  netns: probeNetNamespace(),
  userns: probeUserNamespace(),
};
const kinds: readonly InnerKind[] = ["netns", "userns"];

for (const kind of kinds) {
  describeWhere(`the fabric of kind ${kind}`, refusals[kind], () => {
    let directory: string;

    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), "weft-fabric-"));
      chmodSync(directory, 0o700);
    });

    afterEach(() => rmSync(directory, { recursive: true, force: true }));

    /** Runs a scenario of testing/inner-process.ts and gives all that it reported. */
    async function run(scenario: string): Promise<Record<string, unknown>> {
      const seen: Record<string, unknown> = {};
      const isolation = await isolate(kind, {
        argv: (chosen) => [
          process.execPath,
          join(import.meta.dir, "testing/inner-process.ts"),
          scenario,
          chosen,
          crypto.randomUUID(),
          directory,
        ],
        env: { PATH: process.env["PATH"] ?? "" },
        instanceId: "test",
        log: silentLog,
        onMessage: (message: InnerMessage) => {
          if (message.event === "status") Object.assign(seen, message.fields);
        },
      });
      if (isolation.kind === "loopback") throw new Error("no fabric");
      expect(await isolation.inner.exited).toEqual({ kind: "code", code: 0 });
      return seen;
    }

    test("captures what programs dial, carries what proxies dial, and leads nowhere else", async () => {
      const seen = await run("traffic");
      expect(seen["addresses"]).toBe("10.77.0.2 fd77::2 10.77.0.3 fd77::3");
      expect(seen["program"]).toBe("captured 10.77.0.2");
      expect(seen["peer"]).toBe("tunnel 10.77.0.1");
      // Redirected to 15006, where nobody listens.
      expect(seen["closed"]).toBe("ECONNREFUSED");
      const [, ...routes] = String(seen["routes"]).split("\n");
      expect(routes.map((route) => route.split("\t").slice(0, 2))).toEqual([["weft0", "00004D0A"]]);
    }, 60_000);

    test("programs are told where the others are, resolve in the mesh, and have no right over their place", async () => {
      const home = {
        resolv: readFileSync("/etc/resolv.conf", "utf8"),
        uid: process.geteuid?.(),
        gid: process.getegid?.(),
      };
      const seen = await run("program");
      expect(JSON.parse(String(seen["environment"]))).toEqual({
        HOST: "0.0.0.0",
        PORT: "80",
        RATINGS_URL: "http://ratings:9080",
        RATINGS_SERVICE_HOST: "ratings",
        RATINGS_SERVICE_PORT: "9080",
        USER_DB_URL: "http://user-db.data:9080",
        USER_DB_SERVICE_HOST: "user-db.data",
        USER_DB_SERVICE_PORT: "9080",
      });
      expect(seen["ids"]).toBe(`${home.uid}\n${home.gid}`);
      const sets = [...String(seen["capabilities"]).matchAll(/:\s*([0-9a-f]+)/g)].map((match) =>
        BigInt(`0x${match[1]}`),
      );
      expect(sets).toHaveLength(2);
      for (const set of sets) expect(set & (1n << 12n)).toBe(0n);
      expect(seen["resolv"]).toBe(
        "nameserver 10.77.0.1\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:3",
      );
      expect(seen["home_resolv"]).toBe(home.resolv);
      expect(seen["low_port"]).toBe("listening");
      expect(seen["escape"]).toEndWith("refused");
    }, 60_000);

    test("removal ends daemons, gives links back, and leaves no file; an address is not given out again at once", async () => {
      const seen = await run("removal");
      expect(seen["before"]).toBe("true weft-2");
      expect(seen["after"]).toBe("false weft-3");
      expect(seen["again"]).toBe("10.77.0.3");
      expect(seen["left"]).toBe(0);
      expect(readdirSync(directory)).toEqual([]);
    }, 60_000);
  });
}
