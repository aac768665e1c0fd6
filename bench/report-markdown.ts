/** Results as Markdown: one line for each scenario with weft's ratio to Envoy, then a table for each. */
import { type FigureName, figureStyles, show } from "./figures.ts";
import type { PeerResult, ResultFile } from "./result-file.ts";
import { scenarios } from "./scenarios/index.ts";
import type { Scenario } from "./scenarios/scenario.ts";

interface Measured {
  readonly scenario: Scenario;
  readonly result: ResultFile;
}

export function figuresMarkdown(results: readonly ResultFile[]): string {
  // In the order of the scenarios, whatever the files' order is.
  const measured = scenarios.flatMap((scenario) => {
    const result = results.find((each) => each.scenario === scenario.name);
    return result === undefined ? [] : [{ scenario, result }];
  });
  return [conditions(results), summary(measured), ...measured.map(section)].join("\n");
}

function conditions(results: readonly ResultFile[]): string {
  const machines = [...new Set(results.map(({ machine }) => machine))];
  const dates = results.map(({ date }) => date).toSorted();
  const versions = new Map<string, string>();
  for (const { results: peers } of results)
    for (const [name, { version }] of Object.entries(peers)) if (version !== "") versions.set(name, version);
  versions.delete("envoy-h2");
  const [first, last] = [dates[0], dates.at(-1)];
  return `Measured ${first === last ? `on ${first}` : `from ${first} to ${last}`} on ${machines.join("; and on ")}.
Versions: ${[...versions].map(([name, version]) => `${name} ${version}`).join(", ")}.
`;
}

function summary(measured: readonly Measured[]): string {
  const lines = measured.map(({ scenario, result }) => {
    const { headline } = scenario;
    const envoy = bestEnvoy(headline, result);
    const own = result.results["weft"];
    const cells = [
      `[${scenario.name}](#${scenario.name})`,
      `${figureStyles[headline].label}, ${figureStyles[headline].better} is better`,
      cell(headline, own),
      envoy === undefined ? "–" : cell(headline, envoy),
      ratio(headline, own, envoy),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return `| scenario | figure | weft | Envoy | weft / Envoy |
| --- | --- | ---: | ---: | ---: |
${lines.join("\n")}
`;
}

function section({ scenario, result }: Measured): string {
  const { headline, columns } = scenario;
  const envoy = bestEnvoy(headline, result);
  const weft = result.results["weft"];
  const labels = columns.map((column) => figureStyles[column].label);
  const head = ["", ...labels, "against Envoy", "weft against it"];
  const lines = Object.entries(result.results).map(([name, peer]) => {
    const cells = [`${name} ${peer.version}`.trim(), ...columns.map((column) => cell(column, peer))];
    const ratios = [ratio(headline, peer, envoy), ratio(headline, weft, peer)];
    return `| ${[...cells, ...ratios].join(" | ")} |`;
  });
  const failures = Object.entries(result.failures).map(
    ([name, failure]) => `- ${name}: no figure, ${failure}`,
  );
  const hasPicture = Object.values(result.results).some((peer) => peer[headline] !== undefined);
  return `### ${scenario.name}

${scenario.summary}; ${result.connections.toLocaleString("en-US")} connections. Medians of ${rounds(result)}.

${hasPicture ? `![${scenario.name}: ${figureStyles[headline].label}](bench/${scenario.name}.svg)\n\n` : ""}| ${head.join(" | ")} |
| --- | ${[...columns, "", ""].map(() => "---:").join(" | ")} |
${lines.join("\n")}
${failures.length === 0 ? "" : `\n${failures.map((line) => line.replaceAll("\n", " ")).join("\n")}\n`}`;
}

function rounds({ rounds: count, seconds }: ResultFile): string {
  return `${count} round${count === 1 ? "" : "s"} of ${seconds} s`;
}

/** A pair of Envoys may speak HTTP/1.1 or HTTP/2 between them: weft is held against the better one. */
function bestEnvoy(figure: FigureName, { results }: ResultFile): PeerResult | undefined {
  const sign = figureStyles[figure].better === "lower" ? 1 : -1;
  const [best] = Object.entries(results)
    .flatMap(([name, result]) => (name.startsWith("envoy") && result[figure] !== undefined ? [result] : []))
    .toSorted((a, b) => sign * ((a[figure] ?? 0) - (b[figure] ?? 0)));
  return best;
}

function cell(figure: FigureName, result: PeerResult | undefined): string {
  const value = result?.[figure];
  return value === undefined ? "–" : show(figure, value);
}

function ratio(figure: FigureName, own: PeerResult | undefined, envoy: PeerResult | undefined): string {
  const [value, other] = [own?.[figure], envoy?.[figure]];
  // A ratio of differences that are nothing or less says nothing.
  if (value === undefined || other === undefined || value <= 0 || other <= 0) return "–";
  return (value / other).toFixed(2);
}
