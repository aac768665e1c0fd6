/** What `simulate()` says of a question, and where that is not what the oracle foretold. */
import type { Explanation, Hop, Stored } from "../../../src/api/index.ts";
import { stored } from "../../../src/compile/test/objects.ts";
import { SimulatedMesh } from "../../../src/simulate/index.ts";
import type { Applied, Question } from "./applied.ts";
import { compareCors } from "./compare-cors.ts";
import { isPreflightStatus } from "./cors-by-the-text.ts";
import { Differences, requestNames } from "./differences.ts";
import type { Circumstances, Foretold } from "./foretell.ts";

/** Objects as a store would have them. */
export function storedObjects(objects: readonly Applied[]): Stored[] {
  // Nothing of a request depends on who has an account.
  return objects.filter(({ kind }) => kind !== "ServiceAccount").map((object) => stored(object));
}

export function simulatedMesh(
  objects: readonly Stored[],
  { trustDomain, nowMs }: Circumstances,
): SimulatedMesh {
  return SimulatedMesh.of({ objects, trustDomain, nowMs });
}

export function simulatedDifferences(
  question: Question,
  foretold: Foretold,
  explanation: Explanation,
): string[] {
  const differences = new Differences();
  const { outcome, hops } = explanation;
  const [first] = hops;
  differences.compare("verdict", outcome.verdict, foretold.verdict);
  if (foretold.verdict !== "forwarded" && foretold.verdict !== "unknown") {
    if (foretold.cors?.isPreflight === true) {
      differences.compare("status", isPreflightStatus(foretold.cors, outcome.status ?? 0), true);
    } else if (!(question.isGrpc && foretold.location !== undefined)) {
      differences.compare("status", question.isGrpc ? outcome.grpcStatus : outcome.status, foretold.status);
    }
    differences.compare("reason", outcome.reason ?? "", foretold.reason);
  }
  if (first === undefined) return [...differences.lines, "no hop"];
  const { source } = first.route ?? {};
  differences.compare(
    "route",
    source === undefined ? "" : `${source.kind} ${source.namespace}/${source.name} ${source.section}`,
    foretold.route,
  );
  if (foretold.policy !== "") {
    const { by } = outcome;
    differences.compare("policy", by && `${by.namespace}/${by.name}`, foretold.policy);
  }
  if (foretold.location !== undefined) {
    differences.compare("location", fieldOf(first.answer?.headers ?? [], "location"), foretold.location);
  }
  if (foretold.backend !== "") {
    differences.compare("backend", first.backends.find(({ chosen }) => chosen)?.cluster, foretold.backend);
  }
  if (foretold.endpoints.length > 0) {
    const possible = first.backends.flatMap(({ chosen, endpoints }) =>
      chosen ? endpoints.flatMap(({ isPossible, workload }) => (isPossible ? [workload] : [])) : [],
    );
    differences.compare("endpoints", possible.toSorted(), foretold.endpoints);
  }
  if (foretold.verdict === "forwarded" || foretold.verdict === "unknown") {
    const sent = first.mirrors.flatMap(({ isSent, cluster }) => (isSent ? [cluster] : []));
    differences.compare("mirrors", sent, foretold.mirrors);
  }
  compareCarriage(differences, first, foretold);
  compareSent(differences, first, foretold);
  if (foretold.cors !== undefined && (foretold.cors.isPreflight || foretold.sent !== undefined)) {
    const edits = first.responseEdits.flatMap(({ operation, name, value = "" }): [string, string][] =>
      operation === "remove" ? [] : [[name, value]],
    );
    compareCors(differences, foretold.cors, (name) => fieldOf(first.answer?.headers ?? edits, name));
  }
  return differences.lines;
}

function fieldOf(headers: readonly (readonly string[])[], name: string): string | undefined {
  const found = headers.filter(([each]) => each?.toLowerCase() === name).map(([, value]) => value);
  return found.length === 0 ? undefined : found.join(", ");
}

const figures = {
  requestTimeoutMs: "requestTimeoutMs",
  tryTimeoutMs: "tryTimeoutMs",
  streamIdleTimeoutMs: "streamIdleTimeoutMs",
  maxRetries: "retry.maxRetries",
  unsafeMethods: "retry.unsafeMethods",
} as const;

function compareCarriage(differences: Differences, { settings }: Hop, { carriage }: Foretold): void {
  if (carriage === undefined) return;
  const valueOf = (field: string): unknown => {
    const text = settings.find((each) => each.field === field)?.value;
    return text === undefined ? undefined : JSON.parse(text);
  };
  for (const [name, field] of Object.entries(figures)) {
    differences.compare(field, valueOf(field), Object.entries(carriage).find(([each]) => each === name)?.[1]);
  }
  const on = valueOf("retry.on");
  const reasons = Array.isArray(on) ? on.map((reason) => String(reason).replace("grpc ", "grpc:")) : [];
  differences.compare("retries on", reasons.toSorted(), carriage.retryOn);
}

function compareSent(differences: Differences, { sent, responseEdits }: Hop, foretold: Foretold): void {
  if (foretold.sent === undefined) return;
  const { authority, target, fields } = foretold.sent;
  const url = sent?.url ?? "";
  const [, foundAuthority, foundTarget] = /^[a-z0-9]+:\/\/([^/]*)(.*)$/.exec(url) ?? [];
  differences.compare("authority", foundAuthority, authority);
  differences.compare("target", foundTarget, target);
  differences.compareFields("request's", (name) => fieldOf(sent?.headers ?? [], name), fields, requestNames);
  const own = responseEdits.filter(({ name }) => !name.startsWith("access-control-") && name !== "vary");
  const theirs = own.map(({ operation, name, value }) => `${operation} ${name} ${value ?? ""}`);
  differences.compare(
    "answer's edits",
    foldedEdits(theirs).toSorted(),
    foldedEdits(textsOf(foretold)).toSorted(),
  );
}

function textsOf({ answerEdits }: Foretold): string[] {
  return answerEdits.flatMap(({ remove = [], set = [], add = [] }) => [
    ...remove.map((name) => `remove ${name} `),
    ...set.map(({ name, value }) => `set ${name} ${value}`),
    ...add.map(({ name, value }) => `add ${name} ${value}`),
  ]);
}

/** What a later edit of the same name undoes is left out, so that edits in one step compare with those in two. */
function foldedEdits(edits: readonly string[]): string[] {
  return edits.filter((edit, index) => {
    const name = edit.split(" ")[1];
    return !edits.slice(index + 1).some((later) => later.split(" ")[1] === name && !later.startsWith("add"));
  });
}
