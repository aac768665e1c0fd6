/** What a file of tests may expect of a request, from what the oracle foretold of it, and the same with one thing wrong. */
import { pick, type Random } from "../authorization/random.ts";
import type { Question } from "./applied.ts";
import { requestNames } from "./differences.ts";
import type { Foretold } from "./foretell.ts";
import type { LiveAnswer } from "./live-mesh.ts";
import { member } from "./random-routes.ts";

/** By the field's name in `expect`; those of headers are "headers.equals" and so on. Values as JSON. */
export type Expected = ReadonlyMap<string, unknown>;

export function expectedOf(random: Random, question: Question, foretold: Foretold): Expected {
  const { verdict, status, reason, backend, route, policy, carriage, shares } = foretold;
  const expected = new Map<string, unknown>([["verdict", verdict]]);
  if (backend !== "") expected.set("backend", member(random, namesOf(backend)));
  if (!question.isGrpc && status !== undefined) expected.set("status", status);
  if (reason !== "") expected.set("reason", reason);
  if (route !== "") {
    const [, path = "", section = ""] = route.split(" ");
    const name = pick(random, [path, path.split("/")[1] ?? ""]);
    expected.set("route", pick(random, [name, `${name} ${section}`]));
  }
  if (policy !== "") expected.set("policy", pick(random, [policy, policy.split("/")[1] ?? ""]));
  if (carriage !== undefined) {
    expected.set("timeout", durationText(random, carriage.requestTimeoutMs));
    expected.set("retries", carriage.maxRetries);
  }
  if (shares !== undefined && shares.size > 0) {
    expected.set("share", Object.fromEntries([...shares].map(([cluster, share]) => [cluster, share])));
  }
  for (const [name, value] of headersOf(question, foretold)) expected.set(`headers.${name}`, value);
  return expected;
}

/** Of what the application saw, or of the status that the caller got. Which of its own verdicts a proxy meant nobody sees. */
export function expectedOfSeen(
  random: Random,
  question: Question,
  { status, seen }: LiveAnswer,
  { verdict, backend: foretold }: Foretold,
): Expected {
  const [first] = seen;
  // It is known beforehand only that it depends on the endpoint.
  if (verdict === "unknown") {
    return new Map([
      ["verdict", verdict],
      ["backend", foretold],
    ]);
  }
  if (first === undefined) {
    const expected = new Map<string, unknown>([["verdict", verdict]]);
    if (!question.isGrpc) expected.set("status", status);
    return expected;
  }
  const { backend, headers } = first;
  const there = requestNames.filter((name) => headers[name] !== undefined);
  const away = requestNames.filter((name) => headers[name] === undefined);
  const expected = new Map<string, unknown>([
    ["verdict", "forwarded"],
    ["backend", member(random, namesOf(backend))],
  ]);
  if (there.length > 0) {
    expected.set("headers.equals", Object.fromEntries(there.map((name) => [name, headers[name]])));
  }
  if (away.length > 0) expected.set("headers.absent", away);
  return expected;
}

/** `shop/one:80`, `shop/one`, `one`, `one:80`. */
function namesOf(backend: string): readonly string[] {
  const [path = "", port = ""] = backend.split(":");
  const short = path.split("/")[1] ?? "";
  return [backend, path, short, `${short}:${port}`];
}

function durationText(random: Random, milliseconds: number): string {
  if (milliseconds % 60_000 === 0 && milliseconds > 0)
    return pick(random, [`${milliseconds / 60_000}m`, `${milliseconds / 1_000}s`]);
  return milliseconds % 1_000 === 0
    ? pick(random, [`${milliseconds / 1_000}s`, `${milliseconds}ms`])
    : `${milliseconds}ms`;
}

function headersOf(question: Question, { sent, verdict }: Foretold): [string, unknown][] {
  if (sent === undefined || verdict !== "forwarded") return [];
  const made = new Set(question.headers.map(([name]) => name));
  const there = requestNames.filter((name) => sent.fields.has(name));
  const away = requestNames.filter((name) => !sent.fields.has(name));
  const added = there.filter((name) => !made.has(name));
  const equals = Object.fromEntries(there.map((name) => [name, sent.fields.get(name)?.join(", ") ?? ""]));
  const found: [string, unknown][] = [];
  if (there.length > 0) found.push(["equals", equals]);
  if (added.length > 0) found.push(["added", added]);
  if (away.length > 0) found.push(["absent", away]);
  return found;
}

export interface Mutated {
  readonly expected: Expected;
  /** The one that is wrong now. */
  readonly field: string;
}

/** One expectation says something else than what comes of the request, or one is there of which nothing comes. */
export function mutate(random: Random, question: Question, foretold: Foretold, expected: Expected): Mutated {
  const wrong = wrongValues(random, question, foretold, expected);
  const [field, value] = member(random, wrong) ?? ["verdict", "unknown"];
  return { field, expected: new Map([...expected, [field, value]]) };
}

const verdicts = ["forwarded", "answered", "denied", "refused"] as const;
const backends = ["shop/one", "two", "three:80", "data/four:90", "gone"] as const;
const statuses = [200, 302, 403, 404, 500, 503] as const;
const reasons = ["no_route", "no_endpoint", "authorization_denied", "fault_injected"] as const;

function wrongValues(
  random: Random,
  question: Question,
  { verdict, status, reason, backend, route, carriage, shares, cors }: Foretold,
  expected: Expected,
): (readonly [string, unknown])[] {
  const [, path = "", section = ""] = route.split(" ");
  const isStatus = (each: number): boolean =>
    cors?.isPreflight === true ? each === 200 || each === 403 : each === status;
  const wrong: [string, unknown][] = [
    [
      "verdict",
      member(
        random,
        verdicts.filter((each) => each !== verdict),
      ),
    ],
    [
      "backend",
      member(
        random,
        backends.filter((each) => !namesOf(backend).includes(each)),
      ),
    ],
    [
      "reason",
      member(
        random,
        reasons.filter((each) => each !== reason),
      ),
    ],
    ["route", member(random, [`${path}x`, ...(section === "" ? [] : [`${path} ${section}x`])])],
    ["policy", pick(random, ["nobody", "shop/nobody", "data/z0x"])],
  ];
  if (!question.isGrpc)
    wrong.push([
      "status",
      member(
        random,
        statuses.filter((each) => !isStatus(each)),
      ),
    ]);
  if (carriage !== undefined) {
    wrong.push(["timeout", `${carriage.requestTimeoutMs + 1}ms`], ["retries", carriage.maxRetries + 1]);
  }
  const [share] = shares ?? [];
  if (share !== undefined) {
    const [cluster, value] = share;
    const other = value > 0.5 ? value - 0.01 : value + 0.01;
    wrong.push(["share", { ...Object.fromEntries(shares ?? []), [cluster]: other }]);
  }
  return [...wrong, ...wrongHeaders(random, expected)];
}

/** What is there is said to be gone or another one; what is not there to be added. */
function wrongHeaders(random: Random, expected: Expected): [string, unknown][] {
  const [there] = namesIn(expected.get("headers.equals"));
  const away = namesIn(expected.get("headers.absent"));
  const found: [string, unknown][] = [];
  if (there !== undefined) {
    const { ...equals } = expected.get("headers.equals") ?? {};
    found.push(["headers.equals", { ...equals, [there]: pick(random, ["other", "12", ""]) }]);
    found.push(["headers.absent", [...away, there]]);
  }
  const [other] = away;
  if (other !== undefined) found.push(["headers.added", [...namesIn(expected.get("headers.added")), other]]);
  return found;
}

function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === "object" && value !== null ? Object.keys(value) : [];
}
