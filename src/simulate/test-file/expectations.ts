/** What is expected of a request against what becomes of it: a line for each difference, with the field that says otherwise. */
import { type Explanation, durationText, parseDurationMs, type SourceRef } from "../../api/index.ts";
import type { TestCase } from "./request-test.ts";

export interface Failure {
  /** In `expect`: "backend", "headers.equals.x-a". */
  readonly field: string;
  readonly message: string;
}

type Expect = TestCase["expect"];

/** Shares are fractions of whole weights. */
const shareTolerance = 0.000_5;

export function failuresOf(expect: Expect, request: TestCase["request"], found: Explanation): Failure[] {
  const { outcome } = found;
  return [
    ...same("verdict", expect.verdict, outcome.verdict, whyOf(found)),
    ...same("status", expect.status, outcome.status),
    ...same("reason", expect.reason, outcome.reason),
    ...backendFailures(expect, found),
    ...routeFailures(expect, found),
    ...policyFailures(expect, outcome.by),
    ...settingFailures(expect, found),
    ...headerFailures(expect, request, found),
    ...shareFailures(expect, found),
  ];
}

function same(
  field: string,
  expected: string | number | undefined,
  actual: string | number | undefined,
  why = "",
): Failure[] {
  if (expected === undefined || expected === actual) return [];
  return [
    {
      field,
      message: `expected ${field} ${String(expected)}, got ${actual === undefined ? "none" : String(actual)}${why}`,
    },
  ];
}

function whyOf({ outcome: { reason, detail, by } }: Explanation): string {
  const parts = [reason, detail, by && sourceText(by)].filter((part) => part !== undefined && part !== "");
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
}

function backendFailures({ backend }: Expect, { hops }: Explanation): Failure[] {
  if (backend === undefined) return [];
  const chosen = hops.flatMap(({ backends }) =>
    backends.flatMap((each) => (each.chosen ? [each.cluster] : [])),
  );
  if (chosen.some((cluster) => namesCluster(backend, cluster))) return [];
  const got = chosen.length === 0 ? "none" : chosen.join(", ");
  return [{ field: "backend", message: `expected backend ${backend}, got ${got}` }];
}

/** `reviews-v2`, `shop/reviews-v2`, `shop/reviews-v2:9080`, `reviews-v2:9080`. */
function namesCluster(name: string, cluster: string): boolean {
  const [path = "", port] = cluster.split(":");
  const short = path.slice(path.indexOf("/") + 1);
  return [cluster, path, short, `${short}:${port ?? ""}`].includes(name);
}

function routeFailures({ route }: Expect, { hops }: Explanation): Failure[] {
  if (route === undefined) return [];
  const taken = hops.flatMap((hop) => hop.route?.source ?? []);
  const [name = "", section] = route.split(" ");
  if (
    taken.some((source) => namesObject(name, source) && (section === undefined || source.section === section))
  )
    return [];
  const got = taken.length === 0 ? "none" : taken.map(sourceText).join(", ");
  return [{ field: "route", message: `expected route ${route}, got ${got}` }];
}

function policyFailures({ policy }: Expect, by: SourceRef | undefined): Failure[] {
  if (policy === undefined || (by !== undefined && namesObject(policy, by))) return [];
  return [
    {
      field: "policy",
      message: `expected policy ${policy}, got ${by === undefined ? "none" : sourceText(by)}`,
    },
  ];
}

function namesObject(name: string, { namespace, name: own }: SourceRef): boolean {
  return name === own || name === `${namespace}/${own}`;
}

function sourceText({ kind, namespace, name, section }: SourceRef): string {
  return `${kind} ${namespace === "" ? "" : `${namespace}/`}${name}${section === "" ? "" : ` ${section}`}`;
}

function settingFailures({ timeout, retries }: Expect, { hops }: Explanation): Failure[] {
  // The caller's side carries the request; what is behind it has time of its own.
  const settings = hops.find((hop) => hop.settings.length > 0)?.settings ?? [];
  const valueOf = (field: string): string | undefined => settings.find((each) => each.field === field)?.value;
  const failures: Failure[] = [];
  if (timeout !== undefined) {
    const actual = valueOf("requestTimeoutMs") ?? "0";
    if (Number(actual) !== parseDurationMs(timeout)) {
      const got = actual === "0" ? "none" : durationText(Number(actual));
      failures.push({ field: "timeout", message: `expected timeout ${timeout}, got ${got}` });
    }
  }
  if (retries !== undefined) {
    const actual = valueOf("retry.maxRetries") ?? "0";
    if (Number(actual) !== retries) {
      failures.push({ field: "retries", message: `expected retries ${retries}, got ${actual}` });
    }
  }
  return failures;
}

function headerFailures({ headers }: Expect, request: TestCase["request"], { hops }: Explanation): Failure[] {
  if (headers === undefined) return [];
  const sent = hops.flatMap((hop) => hop.sent ?? []).at(-1);
  if (sent === undefined)
    return [{ field: "headers", message: "expected headers, but the request goes nowhere" }];
  const valuesOf = (name: string): string[] =>
    sent.headers.flatMap(([field, value = ""]) => (field === name.toLowerCase() ? [value] : []));
  const made = new Set(Object.keys(request.headers ?? {}).map((name) => name.toLowerCase()));
  const { equals = {}, added = [], absent = [] } = headers;
  return [
    ...Object.entries(equals).flatMap(([name, value]): Failure[] => {
      const actual = valuesOf(name).join(", ");
      if (actual === value) return [];
      const got = valuesOf(name).length === 0 ? "none" : JSON.stringify(actual);
      return [
        { field: "headers.equals", message: `expected header ${name}: ${JSON.stringify(value)}, got ${got}` },
      ];
    }),
    ...added.flatMap((name): Failure[] =>
      valuesOf(name).length > 0 && !made.has(name.toLowerCase())
        ? []
        : [{ field: "headers.added", message: `expected header ${name} to be added` }],
    ),
    ...absent.flatMap((name): Failure[] =>
      valuesOf(name).length === 0
        ? []
        : [
            {
              field: "headers.absent",
              message: `expected no header ${name}, got ${JSON.stringify(valuesOf(name).join(", "))}`,
            },
          ],
    ),
  ];
}

function shareFailures({ share }: Expect, { hops }: Explanation): Failure[] {
  if (share === undefined) return [];
  const backends = hops.flatMap((hop) => hop.backends);
  return Object.entries(share).flatMap(([name, expected]): Failure[] => {
    const own = backends.filter(({ cluster }) => namesCluster(name, cluster));
    const actual = own.reduce((sum, each) => sum + each.share, 0);
    if (Math.abs(actual - expected) <= shareTolerance) return [];
    return [
      { field: "share", message: `expected share ${expected} for ${name}, got ${Number(actual.toFixed(4))}` },
    ];
  });
}
