/** Gateway API: every scenario against `weft serve` and against a mesh. */
import { afterAll, beforeAll, describe, test } from "bun:test";
import { Backend } from "./backends.ts";
import { backendIdentity } from "./certificates.ts";
import type { Backends, Environment } from "./environment.ts";
import { MeshEnvironment } from "./mesh-environment.ts";
import { type EnvironmentName, readScenarios } from "./scenario.ts";
import { ServeEnvironment } from "./serve-environment.ts";
import { runScenario } from "./steps.ts";

const hookTimeoutMs = 120_000;
const scenarioTimeoutMs = 60_000;
const scenarios = readScenarios();

let backends: Backends;

beforeAll(async () => {
  const [v1, v2, v3, v4] = await Promise.all(
    ["v1", "v2", "v3", "v4"].map((name) => Backend.start(name, backendIdentity)),
  );
  if (v1 === undefined || v2 === undefined || v3 === undefined || v4 === undefined)
    throw new Error("no backends");
  backends = { meshed: [v1, v2, v3], other: v4 };
}, hookTimeoutMs);

afterAll(async () => {
  for (const backend of [...backends.meshed, backends.other]) await backend[Symbol.asyncDispose]();
}, hookTimeoutMs);

const starts: Readonly<Record<EnvironmentName, () => Promise<Environment>>> = {
  serve: () => Promise.resolve(new ServeEnvironment(backends)),
  mesh: () => MeshEnvironment.start(backends),
};

describe.each(["serve", "mesh"] as const)("%s", (name) => {
  let environment: Environment | undefined;

  beforeAll(async () => {
    environment = await starts[name]();
  }, hookTimeoutMs);

  afterAll(async () => {
    await environment?.[Symbol.asyncDispose]();
  }, hookTimeoutMs);

  for (const scenario of scenarios.filter(({ environments }) => environments.includes(name))) {
    test(
      `${scenario.features.join(", ")}: ${scenario.title}`,
      async () => {
        if (environment === undefined) throw new Error("the environment did not start");
        await runScenario(environment, backends, scenario);
      },
      scenarioTimeoutMs,
    );
  }
});
