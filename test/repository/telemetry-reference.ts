/** The text of docs/reference/telemetry.md: what may be said of traffic, what holds otherwise, what expressions may read. */
import { telemetryAttributes } from "../../src/compile/telemetry/attributes.ts";
import { defaults } from "../../src/decide/telemetry/index.ts";
import { TracePropagation } from "../../src/model/index.ts";
import { markdownTable } from "./markdown-table.ts";

/** Path in a policy's spec, what holds where nobody says it, and what it means. */
function settingRows(): string[][] {
  const { metrics, tracing, accessLog, redaction } = defaults;
  return [
    [
      "metrics.enabled",
      yesNo(metrics.isEnabled),
      "metrics are offered; the control plane is told all the same",
    ],
    ["metrics.labels", "none", "labels beside weft's own, computed for each request"],
    ["metrics.dropLabels", "none", "labels that stay empty; what differs in them alone is one series then"],
    ["metrics.maxSeries", String(metrics.maxSeries), "series of one process; the rest is one that says so"],
    [
      "metrics.istioNames",
      yesNo(metrics.hasIstioNames),
      "`istio_requests_total` and its family beside weft's",
    ],
    ["metrics.exemplars", yesNo(metrics.hasExemplars), "histograms name a request that is traced"],
    ["tracing.enabled", "yes, where a collector takes traces", "spans are made"],
    ["tracing.samplingPercent", percent(tracing.samplingPpm), "share of the requests without a parent"],
    ["tracing.followParent", yesNo(tracing.followsParent), "what the caller decided holds"],
    ["tracing.keepErrors", yesNo(tracing.keepsErrors), "what failed is kept, decided when it has ended"],
    [
      "tracing.keepSlowerThan",
      `${tracing.keepsSlowerThanMs} ms`,
      "what took longer is kept; `0s`: nothing is",
    ],
    [
      "tracing.propagation",
      tracing.propagation.map((form) => TracePropagation[form] ?? "").join(", "),
      "headers that go out; W3C and B3 are read",
    ],
    ["tracing.attributes", "none", "attributes of spans beside the conventional ones"],
    ["accessLog.enabled", "as `MeshConfig.spec.accessLog`", "a line for each request and connection"],
    ["accessLog.format", "`JSON`", "`Text`: lines of `textFormat`"],
    ["accessLog.textFormat", "Envoy's default", "with Envoy's operators"],
    ["accessLog.fields", "none", "fields beside weft's own"],
    ["accessLog.filter", "everything", "what it is false for is not logged"],
    ["accessLog.samplingPercent", percent(accessLog.samplingPpm), "share of what went well"],
    ["accessLog.file", yesNo(accessLog.toFile), "lines go to the proxy's file or standard output"],
    [
      "redaction.headers",
      "none more",
      `hidden beside ${redaction.headers.map((name) => `\`${name}\``).join(", ")}`,
    ],
    ["redaction.queryParameters", "none", "values that are hidden where queries are told; `*`: all"],
    ["redaction.logQuery", yesNo(redaction.logsQuery), "queries are told"],
    ["redaction.pathTemplates", "none", "a path that fits is told as the first template that it fits"],
    ["collectors", "none", "who takes it, over OTLP"],
  ];
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}

function percent(ppm: number): string {
  return `${ppm / 10_000} %`;
}

/** Paths of the settings that the page explains. */
export function explainedSettings(): string[] {
  return settingRows().map(([path = ""]) => path);
}

export function telemetryReference(): string {
  return [
    "# Telemetry",
    "",
    "What is told of traffic is said in `MeshConfig.spec.telemetry` for the whole mesh, and in a [TelemetryPolicy](kinds/telemetrypolicy.md)",
    "for a namespace, for workloads (by `selector`, or by the Service that they are behind), for a Gateway, for a route or one of its rules.",
    "",
    "## Who says it",
    "",
    "The nearest that says something about a field has it: rule, route, then workload or Gateway, namespace, mesh. Of two at one place",
    "the older has a field that both mention, and the status of the other says so. Lists are taken whole, with one exception: what",
    "`redaction` lists adds up, so a nearer policy cannot uncover what a farther one hides.",
    "",
    "- A **workload's** settings are for all of its traffic, in both directions, and are carried out by its own proxy.",
    "- A **Gateway's** settings are for everything that comes in there.",
    "- A **route's** settings are for its requests, in the proxy that chooses the route: the caller's sidecar under a Service, the gateway's under a",
    "  Gateway. The server's proxy does not know the route and goes by its workload's.",
    "- `collectors` and `metrics.maxSeries` are a whole proxy's, so they are refused at routes. Raw connections have no route's settings.",
    "",
    "## Settings",
    "",
    ...markdownTable(
      ["Field", "Where nobody says it", "What it is"],
      settingRows().map(([path = "", ...rest]) => [`\`${path}\``, ...rest]),
    ),
    "",
    "Failed is a status of 5xx, a gRPC status that is the server's fault, and whatever has a reason code.",
    "",
    "## What is hidden",
    "",
    "`redaction` holds for logs, spans and taps alike. A hidden header is absent in expressions whose result is told; filters, which tell nothing,",
    "see it. A hidden query parameter's value is written as `***`, however its name is spelled. Paths are compared with templates in normal form and with",
    "slashes merged, so that no spelling of a path is told with what its template hides; a path that fits no template is told as it came.",
    "",
    "In a template `{id}` (any name) and `{*}` stand for one segment and `{**}`, once, for any number of segments.",
    "",
    "## Collectors",
    "",
    "A collector is a Service or ExternalService that takes OTLP. It is reached as every service is: over mutual TLS where it is in the mesh. One in",
    "another namespace needs a ReferenceGrant there, from `TelemetryPolicy` (or `MeshConfig` of `weft-system`) to `Service`. One that cannot be",
    "reached by configuration is left out, and `ResolvedRefs` of the policy, or of MeshConfig, says why.",
    "",
    "## The application's own metrics",
    "",
    "A MeshWorkload or a Program with these annotations, or a proxy whose bootstrap says them of its workload (`workload.annotations`, as a pod's are told",
    "by the downward API), has its application's metrics offered by its proxy, together with the proxy's own:",
    "",
    ...markdownTable(
      ["Annotation", "Where absent", "What it is"],
      [
        ["`prometheus.io/scrape`", '`"false"`', '`"true"`: there are some'],
        [
          "`prometheus.io/port`",
          "the workload's first port",
          "where they are, on the workload's own address",
        ],
        ["`prometheus.io/path`", "`/metrics`", "path of the request"],
      ],
    ),
    "",
    "## Expressions",
    "",
    "`labels`, `attributes`, `fields` and `filter` are expressions of [CEL](https://cel.dev) with the operators and functions of",
    "[conditions](authorization.md#what-it-may-do). They are read, checked and lowered in the control plane: what cannot be compiled makes the policy",
    "`Accepted=False` with the place, and its last version stays. Values are texts, numbers, `true` or `false`. What there is none of is absent: it",
    "leaves a label or field empty, and a filter that needs it lets the line through. `has(a)` asks whether it is there; on a raw connection all that only",
    "HTTP has is absent. Label values are cut at 256 characters, fields and attributes at 2,048.",
    "",
    "A metric label multiplies the series, so it may read only what has few values.",
    "",
    ...markdownTable(
      ["Attribute", "Type", "What it is", "Only of", "In labels of metrics"],
      telemetryAttributes.map(({ name, type, meaning, needsHttp, isBounded }) => [
        `\`${name}\``,
        type,
        meaning,
        needsHttp ? "HTTP" : "",
        isBounded ? "yes" : "no",
      ]),
    ),
    "",
    "This page is written from the code; `WEFT_UPDATE_GOLDEN=1 npm run test:repository` writes it anew.",
    "",
  ].join("\n");
}
