/** What is told of traffic: the settings that TelemetryPolicy lays over a place and MeshConfig over the whole mesh. */
import Type from "typebox";
import { type Issue, pathPatternProblem } from "../kernel/index.ts";
import type { TextFormat } from "./formats.ts";
import { checkMeasures, timeSpan } from "./measures.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";
import { checkCollectors, collectorsOf } from "./telemetry-collectors.ts";

/** Each is computed for every request; each metric label multiplies the series. */
const maxLabels = 16;
/** Names of metric labels are far fewer. */
const maxDropped = 64;
/** Of one expression. The parser's time grows with it. */
const maxExpression = 2048;
const maxTextFormat = 4096;
/** A series costs a proxy about a kilobyte, a tenth of that an idle one. */
const maxSeries = 100_000;
const minSeries = 100;
const maxNames = 64;
/** Every path is compared with each of them until one fits. */
const maxTemplates = 64;

/** OpenTelemetry's: words with dots between them. */
const labelName: TextFormat = {
  min: 1,
  max: 64,
  pattern: "^[A-Za-z][A-Za-z0-9_]*(?:\\.[A-Za-z0-9_]+)*$",
  expected: "letters, digits and '_', with '.' between words, such as shop.tenant",
};
const expression: TextFormat = { min: 1, max: maxExpression };
const hiddenHeader: TextFormat = {
  min: 1,
  max: 256,
  pattern: "^[A-Za-z0-9!#$%&'+\\-.^_\\x60|~]+\\*?$",
  expected: "the name of a header, with * only at its end, such as x-internal-*",
};
const queryParameter: TextFormat = {
  min: 1,
  max: 256,
  pattern: "^(?:\\*|[^*&=#\\s]+)$",
  expected: "the name of a query parameter such as token, or * for all of them",
};
/** `checkTemplate` says what a template may be. */
const template: TextFormat = {
  min: 2,
  max: 1024,
  pattern: "^/[!-~]*$",
  expected: "a path with variables such as /users/{id}/orders",
};
/** Envoy's operators; their names are checked where the format is compiled. */
const textFormat: TextFormat = {
  min: 1,
  max: maxTextFormat,
  pattern: "^(?:[^%]|%%|%[A-Z][A-Z0-9_]*(?:\\([^()]*\\))?(?::[0-9]{1,6})?%)*$",
  expected: 'text with operators such as %RESPONSE_CODE%, %REQ(user-agent):40%, and %% for "%"',
};

function computed(description: string) {
  return optional(
    list(
      description,
      object("A name and what stands there.", {
        name: text("Its name.", labelName),
        value: text(
          "An expression of CEL; docs/reference/telemetry.md lists what it may read. What is absent leaves it empty.",
          expression,
        ),
      }),
      { max: maxLabels },
    ),
  );
}

function percentage(description: string) {
  return optional(Type.Number({ description, minimum: 0, maximum: 100 }));
}

const metricsSchema = object("Golden signals.", {
  enabled: optional(
    flag("Metrics are offered, while the control plane is told all the same; yes where absent."),
  ),
  labels: computed(
    "Labels beside weft's own. They may read only what has few values: whole paths and ids are refused.",
  ),
  dropLabels: optional(
    list("Labels that are left empty, so that there are fewer series.", text("Its name.", labelName), {
      max: maxDropped,
      unique: true,
    }),
  ),
  maxSeries: optional(
    integer(
      "Series that one process keeps; what goes beyond is counted in one series that says so. 2000 where absent.",
      minSeries,
      maxSeries,
    ),
  ),
  istioNames: optional(flag("istio_requests_total and its family beside weft's own; no where absent.")),
  exemplars: optional(flag("Histograms name a request that is traced; yes where absent.")),
});

const tracingSchema = object("Spans.", {
  enabled: optional(flag("Spans are made; yes where absent and a collector takes them.")),
  samplingPercent: percentage(
    "Share of the requests without a parent that are kept, in percent with at most four digits behind the point; 1 where absent.",
  ),
  followParent: optional(
    flag("A caller's decision holds; yes where absent. No: samplingPercent decides for every request."),
  ),
  keepErrors: optional(
    flag("What failed is kept, whatever was drawn before; yes where absent. Decided when the response ends."),
  ),
  keepSlowerThan: optional(
    timeSpan("What takes longer is kept; 1s where absent.", { min: "1ms", max: "1h", zero: "none" }),
  ),
  propagation: optional(
    list(
      "Which headers tell the next one of the trace; all are read. W3C where absent. None: they pass as they came.",
      oneOf("W3C: traceparent. B3: one header. B3Multi: several.", ["W3C", "B3", "B3Multi", "None"]),
      { min: 1, max: 4, unique: true },
    ),
  ),
  attributes: computed("Attributes of spans beside those of OpenTelemetry's conventions."),
});

const accessLogSchema = object("A line for each request and connection.", {
  enabled: optional(flag("There is one; as MeshConfig.spec.accessLog says where absent.")),
  format: optional(oneOf("JSON where absent. Text: a line of textFormat.", ["JSON", "Text"])),
  textFormat: optional(
    text("With Envoy's operators; Envoy's default format where absent. For format Text.", textFormat),
  ),
  fields: computed("Fields beside weft's own, in JSON and in what collectors get."),
  filter: optional(
    text(
      "An expression of CEL: what it is false for is not logged. What it cannot be told for is.",
      expression,
    ),
  ),
  samplingPercent: percentage(
    "Share of what went well that is logged, in percent with at most four digits behind the point; 100 where absent. Errors always are.",
  ),
  file: optional(flag("Lines go to the proxy's file or standard output; yes where absent.")),
});

const redactionSchema = object("What is told by nobody: of logs, spans and taps alike.", {
  headers: optional(
    list(
      "Headers whose values are hidden beside authorization, proxy-authorization, cookie, set-cookie and x-api-key.",
      text("Its name, with * at its end for any rest.", hiddenHeader),
      { max: maxNames, unique: true },
    ),
  ),
  queryParameters: optional(
    list("Query parameters whose values are hidden.", text("Its name; *: all.", queryParameter), {
      max: maxNames,
      unique: true,
    }),
  ),
  logQuery: optional(flag("Queries are told, without what is hidden of them; no where absent.")),
  pathTemplates: optional(
    list("A path that fits is told as the first template that it fits.", text("A template.", template), {
      max: maxTemplates,
      unique: true,
    }),
  ),
});

/** `namespace`: where collectors are that say nothing of it; undefined: where the policy is. */
export function telemetryFields(namespace: string | undefined) {
  return {
    metrics: optional(metricsSchema),
    tracing: optional(tracingSchema),
    accessLog: optional(accessLogSchema),
    redaction: optional(redactionSchema),
    collectors: optional(collectorsOf(namespace)),
  };
}

/** Where the control plane lives: whoever writes MeshConfig has his collectors there. */
const meshNamespace = "weft-system";

export const meshTelemetrySchema = object(
  "What is told of traffic where no TelemetryPolicy says otherwise.",
  telemetryFields(meshNamespace),
  { default: {} },
);

const fieldsSchema = object("Settings.", telemetryFields(undefined));
export type TelemetrySettings = ValueOf<typeof fieldsSchema>;

/** `path`: where the settings stand. */
export function checkTelemetry(settings: TelemetrySettings, path: string): Issue[] {
  const { metrics, tracing, accessLog, redaction, collectors } = settings;
  const templates = redaction?.pathTemplates ?? [];
  return [
    ...checkMeasures(fieldsSchema, settings, path),
    ...checkNames(metrics?.labels, `${path}.metrics.labels`),
    ...checkNames(tracing?.attributes, `${path}.tracing.attributes`),
    ...checkNames(accessLog?.fields, `${path}.accessLog.fields`),
    ...checkPercent(tracing?.samplingPercent, `${path}.tracing.samplingPercent`),
    ...checkPercent(accessLog?.samplingPercent, `${path}.accessLog.samplingPercent`),
    ...checkPropagation(tracing?.propagation, `${path}.tracing.propagation`),
    ...checkFormat(accessLog, `${path}.accessLog`),
    ...templates.flatMap((each, index) => checkTemplate(each, `${path}.redaction.pathTemplates[${index}]`)),
    ...checkCollectors(collectors, `${path}.collectors`),
  ];
}

/** Two that Prometheus cannot tell apart are one. */
function checkNames(labels: readonly { readonly name: string }[] = [], path: string): Issue[] {
  const names = labels.map(({ name }) => name.replaceAll(".", "_"));
  return labels.flatMap(({ name }, index) => {
    const first = names.indexOf(names[index] ?? "");
    if (first === index) return [];
    return [
      { path: `${path}[${index}].name`, message: `${name} is the same label as ${labels[first]?.name}` },
    ];
  });
}

function checkPercent(percent: number | undefined, path: string): Issue[] {
  if (percent === undefined || Math.abs(percent * 10_000 - Math.round(percent * 10_000)) <= 1e-6) return [];
  return [{ path, message: "must have at most four digits behind the point" }];
}

function checkPropagation(forms: readonly string[] = [], path: string): Issue[] {
  if (!forms.includes("None") || forms.length === 1) return [];
  return [{ path, message: "None stands alone: nothing is told beside it" }];
}

function checkFormat(accessLog: TelemetrySettings["accessLog"], path: string): Issue[] {
  if (accessLog?.textFormat === undefined || accessLog.format === "Text") return [];
  return [{ path: `${path}.textFormat`, message: "has no meaning without format: Text" }];
}

function checkTemplate(written: string, path: string): Issue[] {
  const problem = pathPatternProblem(asPathPattern(written));
  if (problem !== undefined) return [{ path, message: problem }];
  if (written.includes("{")) return [];
  return [{ path, message: "must have a variable such as {id}; a path without one is told as it is" }];
}

/** Variables are segments of any kind. */
function asPathPattern(written: string): string {
  return written.replaceAll(/\{[A-Za-z_][A-Za-z0-9_]*\}/g, "{*}");
}
