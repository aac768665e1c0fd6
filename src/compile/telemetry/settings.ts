/** What one policy, or MeshConfig, says, in the form that proxies run: only what was said is there. */
import { milliseconds } from "../../api/index.ts";
import { formatProblemText, parseLogFormat } from "../../decide/telemetry/index.ts";
import type { Issue } from "../../kernel/index.ts";
import {
  AccessLogFormat,
  type AccessLogSettingsSchema,
  type MetricSettingsSchema,
  type RedactionSchema,
  type TelemetryLabelSchema,
  TracePropagation,
  type TraceSettingsSchema,
} from "../../model/index.ts";
import { said } from "../policy/request-policy.ts";
import type { InitOf } from "../resource.ts";
import { readCondition, readScalar } from "../security/condition.ts";
import type { AttributeTable } from "../security/lowering.ts";
import { fieldAttributes, filterAttributes, labelAttributes } from "./attributes.ts";
import type { SettingsInput } from "./telemetry-input.ts";

type Section<K extends keyof SettingsInput> = NonNullable<SettingsInput[K]>;
type MetricsContent = InitOf<typeof MetricSettingsSchema>;
type TracingContent = InitOf<typeof TraceSettingsSchema>;
export type AccessLogContent = InitOf<typeof AccessLogSettingsSchema>;
type RedactionContent = InitOf<typeof RedactionSchema>;
type LabelContent = InitOf<typeof TelemetryLabelSchema>;

export interface CompiledSettings {
  readonly metrics?: MetricsContent | undefined;
  readonly tracing?: TracingContent | undefined;
  readonly accessLog?: AccessLogContent | undefined;
  readonly redaction?: RedactionContent | undefined;
}

/** Of a percentage. */
const perPercent = 10_000;

/** `path`: where the settings stand; what is the matter with expressions is added to `invalid`, and they are left out. */
export function compileSettings(settings: SettingsInput, path: string, invalid: Issue[]): CompiledSettings {
  const { metrics, tracing, accessLog, redaction } = settings;
  return {
    metrics: metrics && compileMetrics(metrics, `${path}.metrics`, invalid),
    tracing: tracing && compileTracing(tracing, `${path}.tracing`, invalid),
    accessLog: accessLog && compileAccessLog(accessLog, `${path}.accessLog`, invalid),
    redaction: redaction && compileRedaction(redaction),
  };
}

/** What is the matter with its expressions, for whoever is about to write it. */
export function telemetryIssues(settings: SettingsInput, path: string): Issue[] {
  const invalid: Issue[] = [];
  compileSettings(settings, path, invalid);
  return invalid;
}

function compileMetrics(metrics: Section<"metrics">, path: string, invalid: Issue[]) {
  return said<MetricsContent>({
    enabled: metrics.enabled,
    labels: compileLabels(metrics.labels, labelAttributes, `${path}.labels`, invalid),
    droppedLabels: metrics.dropLabels && [...metrics.dropLabels],
    maxSeries: metrics.maxSeries,
    istioNames: metrics.istioNames,
    exemplars: metrics.exemplars,
  });
}

const propagations: Readonly<
  Record<NonNullable<Section<"tracing">["propagation"]>[number], TracePropagation>
> = {
  W3C: TracePropagation.W3C,
  B3: TracePropagation.B3,
  B3Multi: TracePropagation.B3_MULTI,
  None: TracePropagation.NONE,
};

function compileTracing(tracing: Section<"tracing">, path: string, invalid: Issue[]) {
  return said<TracingContent>({
    enabled: tracing.enabled,
    samplingPpm: perMillion(tracing.samplingPercent),
    followsParent: tracing.followParent,
    keepsErrors: tracing.keepErrors,
    keepsSlowerThanMs: milliseconds(tracing.keepSlowerThan),
    propagation: tracing.propagation?.map((form) => propagations[form]),
    attributes: compileLabels(tracing.attributes, fieldAttributes, `${path}.attributes`, invalid),
  });
}

const formats: Readonly<Record<NonNullable<Section<"accessLog">["format"]>, AccessLogFormat>> = {
  JSON: AccessLogFormat.JSON,
  Text: AccessLogFormat.TEXT,
};

function compileAccessLog(accessLog: Section<"accessLog">, path: string, invalid: Issue[]) {
  const { enabled, format, textFormat, fields, filter, samplingPercent, file } = accessLog;
  return said<AccessLogContent>({
    enabled,
    format: format && formats[format],
    textFormat:
      textFormat === undefined ? undefined : checkedFormat(textFormat, `${path}.textFormat`, invalid),
    fields: compileLabels(fields, fieldAttributes, `${path}.fields`, invalid),
    filter: filter === undefined ? undefined : compileFilter(filter, `${path}.filter`, invalid),
    samplingPpm: perMillion(samplingPercent),
    file,
  });
}

/** By the proxy's own parser; undefined: there is something the matter with it. */
function checkedFormat(format: string, path: string, invalid: Issue[]): string | undefined {
  const { problems } = parseLogFormat(format);
  for (const problem of problems) invalid.push({ path, message: formatProblemText(format, problem) });
  return problems.length === 0 ? format : undefined;
}

function compileFilter(text: string, path: string, invalid: Issue[]): AccessLogContent["filter"] {
  const read = readCondition(text, filterAttributes);
  if (!("problem" in read)) return read.expression;
  invalid.push({ path, message: read.problem });
  return undefined;
}

function compileRedaction({ headers, queryParameters, logQuery, pathTemplates }: Section<"redaction">) {
  return said<RedactionContent>({
    headers: headers?.map((name) => name.toLowerCase()),
    queryParameters: queryParameters && [...queryParameters],
    logsQuery: logQuery,
    pathTemplates: pathTemplates && [...pathTemplates],
  });
}

function perMillion(percent: number | undefined): number | undefined {
  return percent === undefined ? undefined : Math.round(percent * perPercent);
}

function compileLabels(
  labels: readonly { readonly name: string; readonly value: string }[] | undefined,
  table: AttributeTable,
  path: string,
  invalid: Issue[],
): LabelContent[] | undefined {
  return labels?.flatMap(({ name, value }, index) => {
    const read = readScalar(value, table);
    if (!("problem" in read)) return [{ name, value: read.expression }];
    invalid.push({ path: `${path}[${index}].value`, message: read.problem });
    return [];
  });
}
