/** `npm run conformance -- gateway-api`: every scenario, and docs/conformance.md with what came of them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Backend } from "./backends.ts";
import { backendIdentity } from "./certificates.ts";
import type { Backends, Environment } from "./environment.ts";
import { experimental, featureGroups, ownFeatures } from "./features.ts";
import { MeshEnvironment } from "./mesh-environment.ts";
import { readScenarios, type Scenario } from "./scenario.ts";
import { ServeEnvironment } from "./serve-environment.ts";
import { runScenario } from "./steps.ts";

interface Outcome {
  readonly passed: number;
  readonly total: number;
}

const page = join(import.meta.dir, "../../../docs/conformance.md");

export async function runGatewayApi(): Promise<boolean> {
  const [v1, v2, v3, v4] = await Promise.all(
    ["v1", "v2", "v3", "v4"].map((name) => Backend.start(name, backendIdentity)),
  );
  if (v1 === undefined || v2 === undefined || v3 === undefined || v4 === undefined) return false;
  const backends: Backends = { meshed: [v1, v2, v3], other: v4 };
  const scenarios = readScenarios();
  const failures: string[] = [];
  try {
    for (const start of [
      () => Promise.resolve<Environment>(new ServeEnvironment(backends)),
      () => MeshEnvironment.start(backends),
    ]) {
      const environment = await start();
      try {
        failures.push(...(await runIn(environment, backends, scenarios)));
      } finally {
        await environment[Symbol.asyncDispose]();
      }
    }
  } finally {
    for (const backend of [v1, v2, v3, v4]) await backend[Symbol.asyncDispose]();
  }
  writeFileSync(page, pageOf(scenarios, new Set(failures)) + keptOf(readFileSync(page, "utf8")));
  console.log(`${failures.length} failed; ${page}`);
  return failures.length === 0;
}

/** What other suites have on the page stands behind the table. */
function keptOf(text: string): string {
  const start = text.indexOf("\n## Telemetry\n");
  return start < 0 ? "" : text.slice(start);
}

/** Keys of the runs that failed. */
async function runIn(
  environment: Environment,
  backends: Backends,
  scenarios: readonly Scenario[],
): Promise<string[]> {
  const failures: string[] = [];
  for (const scenario of scenarios.filter(({ environments }) => environments.includes(environment.name))) {
    const key = keyOf(scenario, environment.name);
    try {
      await runScenario(environment, backends, scenario);
      console.log(`ok    ${key}`);
    } catch (error) {
      failures.push(key);
      console.log(`FAIL  ${key}\n${String(error)}`);
    }
  }
  return failures;
}

function keyOf({ file, title }: Scenario, environment: string): string {
  return `${environment} ${file} ${title}`;
}

/** As Markdown is formatted here: columns are as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): string {
  const all = [["feature", "", "`weft serve`", "mesh"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[], filler: string): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width, filler)).join(" | ")} |`;
  const [head = [], ...body] = all;
  return [line(head, " "), line([], "-"), ...body.map((row) => line(row, " "))].join("\n");
}

function pageOf(scenarios: readonly Scenario[], failures: ReadonlySet<string>): string {
  const outcome = (feature: string, environment: "serve" | "mesh"): Outcome => {
    const of = scenarios.filter(
      ({ features, environments }) => features.includes(feature) && environments.includes(environment),
    );
    return { total: of.length, passed: of.filter((each) => !failures.has(keyOf(each, environment))).length };
  };
  const row = (feature: string, kind: string): string[] => {
    const cell = ({ passed, total }: Outcome): string => (total === 0 ? "" : `${passed} of ${total}`);
    return [feature, kind, cell(outcome(feature, "serve")), cell(outcome(feature, "mesh"))];
  };
  const groups = featureGroups.map(({ group, core, extended }) => {
    const rows = [
      ...core.map((feature) => row(feature, "core")),
      ...extended.map((feature) =>
        row(feature, experimental.has(feature) ? "extended, experimental channel" : "extended"),
      ),
    ];
    return `## ${group}\n\n${table(rows)}`;
  });
  return [
    "# Conformance",
    "Gateway API v1.6, standard and experimental channel: every feature that the seven conformance profiles name, and below them",
    "what weft's own resources add. The scenarios are files in `test/conformance/gateway-api/scenarios/`; each runs against",
    "`weft serve` and against a mesh of control plane, gateway and sidecars, where it has a meaning there. Printed by",
    "`npm run conformance -- gateway-api`; passed of run.",
    "",
    groups.join("\n\n"),
    "",
    "## weft's own resources",
    "",
    table(ownFeatures.map((feature) => row(feature, ""))),
    "",
  ]
    .join("\n")
    .replace("# Conformance\nGateway", "# Conformance\n\nGateway");
}
