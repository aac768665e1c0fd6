/** The shop for somebody without rights, and in an ordinary container: `weft up` finds out by itself what it can have. */
import { describe, expect } from "bun:test";
import { chownSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./harness/eventually.ts";
import { meshProcesses } from "./harness/mesh-processes.ts";
import { startMesh, type TestMesh } from "./harness/mesh.ts";
import { isolationRefusal, testUnless } from "./harness/requirements.ts";
import { ordinaryContainer, unprivilegedUser } from "./harness/unprivileged-user.ts";
import { TemporaryFolder } from "./harness/weft.ts";

interface Page {
  readonly book: { readonly title: string };
  readonly reviews: { readonly version: string };
}

interface Topology {
  readonly edges: readonly { readonly destination: string; readonly isMutualTls: boolean }[];
}

async function expectShop(mesh: TestMesh): Promise<void> {
  const page = await mesh.getJson<Page>("/");
  expect(page.book.title).toBe("The Weaver's Handbook");
  await eventually(async () => {
    const { edges } = await mesh.weftJson<Topology>("graph");
    const called = ["default/frontend", "default/catalog", "default/reviews-v1"];
    for (const destination of called) {
      expect(edges.find((edge) => edge.destination === destination)).toMatchObject({ isMutualTls: true });
    }
  });
}

async function endWithNothingLeft(mesh: TestMesh): Promise<void> {
  const { code } = await mesh.end();
  expect(code).toBe(0);
  mesh.assertNothingLeft();
}

describe("a user without rights", () => {
  testUnless(isolationRefusal("userns"))("gets user namespaces, and the shop answers", async () => {
    using home = new TemporaryFolder();
    const someone = unprivilegedUser();
    chownSync(home.path, someone.uid, someone.uid);
    const env = { HOME: home.path, USER: "stranger", TMPDIR: home.path, XDG_RUNTIME_DIR: "" };
    await using mesh = await startMesh({ isolation: "auto", dir: "examples/shop", as: someone, env });
    expect(mesh.ready.isolation).toBe("userns");
    await expectShop(mesh);
    expect(capabilitiesOf(mesh, "program")).toEqual(["0000000000000000"]);
    await endWithNothingLeft(mesh);
  });
});

describe("an ordinary container: no capability, and no user namespace may be made", () => {
  const argv = ordinaryContainer();
  const trial = Bun.spawnSync([...argv, "sh", "-c", "! unshare --user true 2>/dev/null"]);
  const refusal = trial.success ? undefined : `none can be made here: ${trial.stderr.toString().trim()}`;

  testUnless(refusal)("gets loopback addresses by itself, and the shop answers", async () => {
    using home = new TemporaryFolder();
    mkdirSync(join(home.path, "tmp"));
    const env = { HOME: home.path, TMPDIR: join(home.path, "tmp"), XDG_RUNTIME_DIR: "" };
    const uid = process.getuid?.() ?? 0;
    await using mesh = await startMesh({ isolation: "auto", dir: "examples/shop", as: { argv, uid }, env });
    expect(mesh.ready.isolation).toBe("loopback");
    for (const role of ["proxy", "program", "control"] as const) {
      expect(capabilitiesOf(mesh, role)).toEqual(["0000000000000000"]);
    }
    await expectShop(mesh);
    const { code, stderr } = await mesh.weft("run", "--service", "guest", "--", "true");
    expect({ code, stderr }).toEqual({ code: 0, stderr });
    await endWithNothingLeft(mesh);
  });
});

/** Effective ones, each different set once. */
function capabilitiesOf(mesh: TestMesh, role: "proxy" | "program" | "control"): string[] {
  const sets = meshProcesses(mesh)
    .filter((process) => process.role === role)
    .map(({ pid }) => /^CapEff:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "");
  expect(sets.length).toBeGreaterThan(0);
  return [...new Set(sets)];
}
