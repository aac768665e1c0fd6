/** Runs the tests of files against one compiled mesh. */
import type { Explanation, SimulatedRequest } from "../../api/index.ts";
import { WeftError } from "../../kernel/index.ts";
import type { Simulate } from "../plan/flips.ts";
import type { Coverage } from "./coverage.ts";
import { failuresOf } from "./expectations.ts";
import type { TestCase, TestDocument } from "./request-test.ts";

export interface TestResult {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  /** Empty: it passed. */
  readonly failures: readonly { readonly message: string; readonly line: number }[];
  readonly explanation: Explanation | undefined;
}

/** `coverage` is told of every request. `namespace`: of callers that are named without one. */
export function runTests(
  document: TestDocument,
  simulate: Simulate,
  namespace: string,
  coverage: Coverage,
): TestResult[] {
  const { file, test } = document;
  return test.tests.map((each, index): TestResult => {
    const at = `tests[${index}]`;
    const result = { file, line: document.lineOf(at), name: each.name };
    let explanation: Explanation;
    try {
      explanation = simulate(requestOf(each, namespace));
    } catch (error) {
      if (!(error instanceof WeftError) || (error.code !== "bad_input" && error.code !== "not_found"))
        throw error;
      const failures = [{ message: error.message, line: document.lineOf(`${at}.request`) }];
      return { ...result, failures, explanation: undefined };
    }
    coverage.add(explanation);
    const failures = failuresOf(each.expect, each.request, explanation).map(({ field, message }) => ({
      message,
      line: document.lineOf(`${at}.expect.${field}`),
    }));
    return { ...result, failures, explanation };
  });
}

function requestOf({ from, client, request }: TestCase, namespace: string): SimulatedRequest {
  const { url, method, headers = {}, id, bodyBytes, claims } = request;
  return {
    from: callerOf(from, client, namespace),
    url,
    headers: Object.entries(headers),
    ...(method === undefined ? {} : { method }),
    ...(id === undefined ? {} : { requestId: id }),
    ...(bodyBytes === undefined ? {} : { bodyBytes }),
    ...(claims === undefined ? {} : { claims }),
  };
}

/** `web`, `shop/web`, `gateway/shop`, `gateway/shop/door`. */
function callerOf(from: string, client: string | undefined, namespace: string): SimulatedRequest["from"] {
  if (!from.startsWith("gateway/")) return { workload: within(from, namespace) };
  const gateway = within(from.slice("gateway/".length), namespace);
  return client === undefined ? { gateway } : { gateway, client };
}

function within(name: string, namespace: string): string {
  return name.includes("/") ? name : `${namespace}/${name}`;
}
