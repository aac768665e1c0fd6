/** From what the control plane says to settings that are asked for each exchange: the route's over the proxy's over the defaults. */
import {
  AccessLogFormat,
  type AccessLogSettings,
  type Expression,
  type MetricSettings,
  type Telemetry,
  type TelemetryLabel,
  TracePropagation,
} from "../../model/index.ts";
import type { AttributeSource, Value } from "../admission/attribute.ts";
import { prepareReader } from "../admission/expression.ts";
import { telemetrySource } from "./attribute.ts";
import { defaults } from "./defaults.ts";
import type { TelemetryFacts } from "./facts.ts";
import { Redaction } from "./redaction.ts";
import type {
  PreparedAccessLog,
  PreparedLabel,
  PreparedMetrics,
  PreparedRedaction,
  PreparedTelemetry,
  PreparedTracing,
} from "./settings.ts";

/** Of a metric label's value: it stands in every line of the series. */
const maxLabelLength = 256;
/** Of a field's or an attribute's: a line stays one that log shippers take. */
const maxFieldLength = 2_048;

/** Undefined: nobody said anything. */
export function prepareTelemetry(
  base: Telemetry | undefined,
  route: Telemetry | undefined,
): PreparedTelemetry {
  const redaction = prepareRedaction(base?.accessLog, route?.accessLog);
  const told = telemetrySource(redaction);
  return {
    collectors: base?.collectors ?? [],
    metrics: prepareMetrics(base?.metrics, route?.metrics, told),
    tracing: prepareTracing(base, route, told),
    accessLog: prepareAccessLog(base?.accessLog, route?.accessLog, redaction, told),
  };
}

function prepareMetrics(
  base: MetricSettings | undefined,
  route: MetricSettings | undefined,
  told: AttributeSource<TelemetryFacts>,
): PreparedMetrics {
  const { isEnabled, hasIstioNames, hasExemplars, maxSeries } = defaults.metrics;
  const bounds = { told, maxLength: maxLabelLength };
  return {
    isEnabled: route?.enabled ?? base?.enabled ?? isEnabled,
    labels: prepareLabels(nearer(route?.labels, base?.labels), bounds),
    dropped: new Set(nearer(route?.droppedLabels, base?.droppedLabels)),
    hasIstioNames: route?.istioNames ?? base?.istioNames ?? hasIstioNames,
    hasExemplars: route?.exemplars ?? base?.exemplars ?? hasExemplars,
    maxSeries: said(base?.maxSeries) ?? maxSeries,
  };
}

function prepareTracing(
  base: Telemetry | undefined,
  route: Telemetry | undefined,
  told: AttributeSource<TelemetryFacts>,
): PreparedTracing {
  const near = route?.tracing;
  const far = base?.tracing;
  const { samplingPpm, followsParent, keepsErrors, keepsSlowerThanMs, propagation } = defaults.tracing;
  const hasTaker = base?.collectors.some(({ traces }) => traces) ?? false;
  const forms = nearer(near?.propagation, far?.propagation);
  return {
    isEnabled: near?.enabled ?? far?.enabled ?? hasTaker,
    samplingPpm: near?.samplingPpm ?? far?.samplingPpm ?? samplingPpm,
    followsParent: near?.followsParent ?? far?.followsParent ?? followsParent,
    keepsErrors: near?.keepsErrors ?? far?.keepsErrors ?? keepsErrors,
    keepsSlowerThanMs: near?.keepsSlowerThanMs ?? far?.keepsSlowerThanMs ?? keepsSlowerThanMs,
    propagation: forms.length === 0 ? propagation : forms.map(knownForm),
    attributes: prepareLabels(nearer(near?.attributes, far?.attributes), {
      told,
      maxLength: maxFieldLength,
    }),
  };
}

function knownForm(form: TracePropagation): TracePropagation {
  return form === TracePropagation.UNSPECIFIED ? TracePropagation.W3C : form;
}

function prepareAccessLog(
  base: AccessLogSettings | undefined,
  route: AccessLogSettings | undefined,
  redaction: PreparedRedaction,
  told: AttributeSource<TelemetryFacts>,
): PreparedAccessLog {
  const { samplingPpm, toFile, textFormat } = defaults.accessLog;
  const format = said(route?.format) ?? base?.format;
  const filter = route?.filter ?? base?.filter;
  return {
    isEnabled: route?.enabled ?? base?.enabled,
    textFormat:
      format === AccessLogFormat.TEXT ? route?.textFormat || base?.textFormat || textFormat : undefined,
    fields: prepareLabels(nearer(route?.fields, base?.fields), { told, maxLength: maxFieldLength }),
    filter: filter && prepareFilter(filter),
    samplingPpm: route?.samplingPpm ?? base?.samplingPpm ?? samplingPpm,
    redaction,
    toFile: route?.file ?? base?.file ?? toFile,
  };
}

/** What cannot be read, or told of this exchange, is logged. */
function prepareFilter(filter: Expression): PreparedAccessLog["filter"] {
  const read = prepareReader(filter, telemetrySource(undefined));
  return read && ((facts) => read(facts) !== false);
}

/** Of a tap, which is told to a person: what cannot be read, or told of this exchange, is not. */
export function prepareTapFilter(filter: Expression): (facts: TelemetryFacts) => boolean {
  const read = prepareReader(filter, telemetrySource(undefined));
  return (facts) => read?.(facts) === true;
}

/** What is hidden adds up: a route cannot uncover what its proxy hides. */
function prepareRedaction(
  base: AccessLogSettings | undefined,
  route: AccessLogSettings | undefined,
): PreparedRedaction {
  const far = base?.redaction;
  const near = route?.redaction;
  return new Redaction({
    headers: [...(near?.headers ?? []), ...(far?.headers ?? [])],
    queryParameters: [...(near?.queryParameters ?? []), ...(far?.queryParameters ?? [])],
    logsQuery: near?.logsQuery ?? far?.logsQuery ?? defaults.redaction.logsQuery,
    pathTemplates: [...(near?.pathTemplates ?? []), ...(far?.pathTemplates ?? [])],
  });
}

/** Where nobody has said anything: secrets are hidden, and queries left out. */
export const defaultRedaction: PreparedRedaction = prepareRedaction(undefined, undefined);

function prepareLabels(
  labels: readonly TelemetryLabel[],
  { told, maxLength }: { readonly told: AttributeSource<TelemetryFacts>; readonly maxLength: number },
): PreparedLabel[] {
  return labels.map(({ name, value }) => {
    const read = value && prepareReader(value, told);
    return {
      name,
      read: (facts) => (read === undefined ? "" : cut(textOf(read(facts)), maxLength)),
    };
  });
}

function textOf(value: Value): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** Never half a character. */
function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? text.slice(0, maxLength).toWellFormed() : text;
}

/** A list that is empty says nothing. */
function nearer<T>(near: readonly T[] = [], far: readonly T[] = []): readonly T[] {
  return near.length > 0 ? near : far;
}

/** 0 says nothing. */
function said(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}
