/** Which metrics and labels the rules and boards of `examples/observability` speak of. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { observability } from "./prometheus.ts";

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Expression {
  /** File and rule or panel. */
  readonly place: string;
  readonly text: string;
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly datasource: unknown }[];
}

export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
}

export function readRules(file: "recording-rules.yml" | "alerts.yml"): readonly Rule[] {
  const text = readFileSync(join(observability, file), "utf8");
  return parseAllDocuments(text)
    .flatMap((document): { groups: { rules: Rule[] }[] }[] => [document.toJS()])
    .flatMap(({ groups }) => groups.flatMap(({ rules }) => rules));
}

export function readBoards(): readonly (Board & { readonly file: string })[] {
  const directory = join(observability, "grafana");
  return readdirSync(directory)
    .toSorted()
    .map((file) => ({ file, ...JSON.parse(readFileSync(join(directory, file), "utf8")) }));
}

/** As Grafana would ask them: of the last five minutes, with the board's variables. */
export function boardExpressions(values: Readonly<Record<string, string>>): Expression[] {
  return readBoards().flatMap(({ file, panels }) =>
    panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({
        place: `${file} ${title}`,
        text: expr
          .replaceAll("$__rate_interval", "5m")
          .replaceAll(/\$(\w+)/g, (whole, name: string) => values[name] ?? whole),
      })),
    ),
  );
}

export function ruleExpressions(): Expression[] {
  return [...readRules("recording-rules.yml"), ...readRules("alerts.yml")].map((rule) => ({
    place: rule.record ?? rule.alert ?? "",
    text: rule.expr,
  }));
}

export interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

const labelLists = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g;
const metricName = /\b(?:weft_|weft:|destination_service:|http_|process_|istio_|up\b)[\w:]*/;
const selector = new RegExp(`(${metricName.source})\\s*(?:\\{([^}]*)\\})?`, "g");

export function selectorsIn(expression: string): Selector[] {
  const bare = expression.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replaceAll(labelLists, "");
  return [...bare.matchAll(selector)].map(([, metric = "", matchers = ""]) => ({
    metric,
    labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label),
  }));
}

/** Labels that results are told apart by. */
export function groupedBy(expression: string): string[] {
  return [...expression.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, labels = ""]) =>
    labels
      .split(",")
      .map((label) => label.trim())
      .filter((label) => label !== ""),
  );
}
