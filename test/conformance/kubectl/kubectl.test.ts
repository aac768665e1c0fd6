/** At least 120 real calls of kubectl 1.32 against a real control plane, each with what it must print. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { findKubectl, KubectlEnvironment } from "./environment.ts";
import { applyScenarios } from "./scenarios/apply.ts";
import { discoveryScenarios } from "./scenarios/discovery.ts";
import { objectScenarios } from "./scenarios/objects.ts";

const scenarios = [...discoveryScenarios, ...objectScenarios, ...applyScenarios];
/** kubectl is a process that starts for 0.1 to 0.3 s; more at once than this only wait for each other. */
const atOnce = 4;
const kubectl = findKubectl();

describe.skipIf(kubectl === undefined)("kubectl", () => {
  let environment: KubectlEnvironment;
  const outcomes = new Map<string, Promise<void>>();

  beforeAll(async () => {
    environment = await KubectlEnvironment.start(kubectl ?? "");
    environment.useKubeconfig(await kubeconfigOf(environment));
    const waiting = [...scenarios];
    const played = new Map(scenarios.map(({ name }) => [name, Promise.withResolvers<void>()]));
    for (const [name, { promise }] of played) {
      promise.catch(() => {}); // the scenario's own test says it
      outcomes.set(name, promise);
    }
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { resolve, reject } = played.get(next.name) ?? Promise.withResolvers<void>();
        await environment.play(next).then(resolve, reject);
      }
    };
    for (let worker = 0; worker < atOnce; worker++) void work();
  });
  afterAll(() => environment[Symbol.asyncDispose]());

  test.each(scenarios.map(({ name }) => name))("%s", async (name) => {
    await outcomes.get(name);
  });

  test("that were enough calls", () => {
    expect(environment.calls).toBeGreaterThanOrEqual(120);
  });
});

/** Made by weft's own verb, as the reference says. */
async function kubeconfigOf({ control, caFile, token, directory }: KubectlEnvironment): Promise<string> {
  const weft = new URL("../../../src/cli/main.ts", import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, weft, "auth", "kubeconfig", "--server", control.apiUrl], {
    env: { PATH: process.env["PATH"] ?? "", HOME: directory, WEFT_TOKEN: token, WEFT_CA_FILE: caFile },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`weft auth kubeconfig: ${err}`);
  return out;
}
