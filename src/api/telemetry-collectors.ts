/** Who takes what is told: services that speak OTLP. */
import type { Issue } from "../kernel/index.ts";
import { dnsLabel, headerName, headerValue, type TextFormat } from "./formats.ts";
import { timeSpan } from "./measures.ts";
import { backendFields, checkBackendPort } from "./references.ts";
import { list, object, oneOf, optional, text } from "./schema.ts";

/** Everything is sent to each of them. */
const maxCollectors = 4;
const maxHeaders = 16;

const authority: TextFormat = {
  min: 1,
  max: 320,
  pattern: "^[A-Za-z0-9.\\-\\[\\]:_]+$",
  expected: "a host such as otel.example.com, or a host and a port",
};
const pathPrefix: TextFormat = {
  min: 1,
  max: 1024,
  pattern: "^/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$",
  expected: "a path such as /otlp",
};

/** `namespace`: of backends that say nothing of it; undefined: the policy's own. */
export function collectorsOf(namespace: string | undefined) {
  const ofBackend = {
    ...backendFields,
    namespace:
      namespace === undefined
        ? optional(text("Its namespace; the policy's own where absent.", dnsLabel))
        : optional(text(`Its namespace; ${namespace} where absent.`, dnsLabel)),
  };
  return list(
    "Who takes it: services that speak OTLP. The nearest list is taken whole; an empty one is nobody.",
    object("One of them.", {
      backendRef: object("A Service or ExternalService, and its port.", ofBackend),
      protocol: oneOf("GRPC, or HTTP with bodies of protobuf.", ["GRPC", "HTTP"], { default: "GRPC" }),
      path: optional(text("Stands before /v1/traces, /v1/metrics and /v1/logs. Of HTTP.", pathPrefix)),
      authority: optional(
        text("Host of the requests to it; the Service's own name where absent.", authority),
      ),
      headers: optional(
        list(
          "Headers of the requests to it.",
          object("A header.", {
            name: text("Its name.", headerName),
            value: text("Its value. No secret: whoever may read the object reads it.", headerValue),
          }),
          { max: maxHeaders },
        ),
      ),
      signals: list("What it takes.", oneOf("A signal.", ["Metrics", "Traces", "Logs"]), {
        min: 1,
        max: 3,
        unique: true,
        default: ["Metrics", "Traces", "Logs"],
      }),
      timeout: timeSpan("How long an answer is waited for.", { min: "10ms", max: "1m" }, { default: "5s" }),
      metricsInterval: timeSpan("So often metrics are sent.", { min: "1s", max: "1h" }, { default: "30s" }),
    }),
    { max: maxCollectors },
  );
}

interface Collector {
  readonly backendRef: { readonly group: string; readonly kind: string; readonly port?: number };
  readonly protocol: "GRPC" | "HTTP";
  readonly path?: string;
  readonly headers?: readonly { readonly name: string }[];
}

export function checkCollectors(collectors: readonly Collector[] = [], path: string): Issue[] {
  return collectors.flatMap(({ backendRef, protocol, path: prefix, headers = [] }, index) => {
    const at = `${path}[${index}]`;
    return [
      ...checkBackendPort(backendRef, `${at}.backendRef`),
      ...(prefix === undefined || protocol === "HTTP"
        ? []
        : [{ path: `${at}.path`, message: "has no meaning without protocol: HTTP" }]),
      ...headers.flatMap(({ name }, i) => checkHeader(name, `${at}.headers[${i}].name`)),
    ];
  });
}

/** What HTTP and gRPC say themselves. */
const ownHeaders = /^(?:host|content-type|content-length|te|grpc-.*|connection|transfer-encoding)$/;

function checkHeader(name: string, path: string): Issue[] {
  return ownHeaders.test(name.toLowerCase()) ? [{ path, message: "is the protocol's own" }] : [];
}
