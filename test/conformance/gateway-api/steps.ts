/** Takes the steps of a scenario: each is tried again until it comes true or its time is over, since a change is not everywhere at once. */
import { expect } from "bun:test";
import { eventually } from "../../e2e/harness/eventually.ts";
import type { Seen } from "./backends.ts";
import { type Answer, ask, call, sendDatagram, sendLine, sendWebSocket } from "./client.ts";
import type { Backends, Environment } from "./environment.ts";
import type { CountStep, Expected, RequestSpec, Scenario, SharesStep, StatusStep, Step } from "./scenario.ts";

const stepTimeoutMs = 6_000;

export async function runScenario(
  environment: Environment,
  backends: Backends,
  scenario: Scenario,
): Promise<void> {
  for (const backend of [...backends.meshed, backends.other]) backend.forget();
  await environment.become(named(scenario.objects, environment));
  for (const [index, step] of scenario.steps.entries()) {
    try {
      await takeStep(environment, backends, scenario, step);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(
        `${scenario.file}: "${scenario.title}", step ${index + 1}: ${JSON.stringify(step)}\n${why}\n${environment.logs()}`,
        { cause: error },
      );
    }
  }
}

function named(objects: readonly unknown[], { names }: Environment): unknown[] {
  let text = JSON.stringify(objects);
  for (const [name, value] of Object.entries(names)) text = text.replaceAll(`\${${name}}`, value);
  const parsed: unknown[] = JSON.parse(text);
  return parsed;
}

async function takeStep(
  environment: Environment,
  backends: Backends,
  scenario: Scenario,
  step: Step,
): Promise<void> {
  if ("apply" in step)
    return await environment.become(named([...scenario.objects, ...step.apply], environment));
  if ("status" in step) {
    if (environment.name === "serve") return;
    return await eventually(() => checkStatus(environment, step), stepTimeoutMs);
  }
  if ("shares" in step) {
    return await eventually(() => checkShares(environment, step), stepTimeoutMs);
  }
  if ("count" in step) {
    return await eventually(() => checkCount(backends, step), stepTimeoutMs);
  }
  if ("grpc" in step) return await checkAnswer(environment, step.grpc, step.expect, call);
  if ("webSocket" in step) return await checkAnswer(environment, step.webSocket, step.expect, sendWebSocket);
  if ("line" in step) {
    return await checkAnswer(
      environment,
      step.line,
      step.expect,
      step.kind === "udp" ? sendDatagram : sendLine,
    );
  }
  if (step.times !== undefined) {
    // Those that are counted are sent once each, after the first has shown that the change is live.
    for (let i = 0; i < step.times; i++) {
      expectAnswer(await ask(environment.placeOf(step.request), step.request), step.expect);
    }
    return;
  }
  await checkAnswer(environment, step.request, step.expect, ask);
}

async function checkAnswer(
  environment: Environment,
  spec: RequestSpec,
  expected: Expected,
  send: (place: { address: string; port: number }, spec: RequestSpec) => Promise<Answer>,
): Promise<void> {
  await eventually(
    async () => expectAnswer(await send(environment.placeOf(spec), spec), expected),
    stepTimeoutMs,
  );
}

function expectAnswer(answer: Answer, expected: Expected): void {
  if (expected.failed === true) {
    expect({ status: answer.status }).toEqual({ status: 0 });
    return;
  }
  const grpc = answer.trailers["grpc-status"] ?? answer.headers["grpc-status"];
  const context = `${answer.status} ${answer.body.slice(0, 300)} ${answer.failure}`;
  if (expected.status !== undefined) expect(`${answer.status}`, context).toBe(`${expected.status}`);
  if (expected.statuses !== undefined) expect(expected.statuses, context).toContain(answer.status);
  if (expected.grpcStatus !== undefined) expect(grpc, context).toBe(String(expected.grpcStatus));
  if (expected.body !== undefined) expectText(answer.body, expected.body, "body");
  if (expected.certificate !== undefined) expect(answer.certificate).toBe(expected.certificate);
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    expectText(answer.headers[name.toLowerCase()] ?? "(none)", value, name);
  }
  for (const name of expected.absent ?? []) expect(answer.headers[name.toLowerCase()], name).toBeUndefined();
  if (expected.minMs !== undefined) expect(answer.durationMs).toBeGreaterThanOrEqual(expected.minMs);
  if (expected.maxMs !== undefined) expect(answer.durationMs).toBeLessThanOrEqual(expected.maxMs);
  if (expected.backend !== undefined) expect(backendOf(answer), context).toBe(expected.backend);
  if (expected.seen !== undefined) expectSeen(readSeen(answer), expected.seen);
}

function expectSeen(seen: Seen | undefined, expected: NonNullable<Expected["seen"]>): void {
  if (seen === undefined) throw new Error("the answer is not a backend's");
  for (const field of ["method", "path", "host", "version"] as const) {
    const value = expected[field];
    if (value !== undefined) expectText(seen[field], value, field);
  }
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    expectText(seen.headers[name.toLowerCase()] ?? "(none)", value, name);
  }
  for (const name of expected.absent ?? []) expect(seen.headers[name.toLowerCase()], name).toBeUndefined();
}

function expectText(actual: string, expected: string, what: string): void {
  const pattern = /^\/(.*)\/$/.exec(expected)?.[1];
  if (pattern !== undefined && expected.length > 2 && what !== "path") {
    expect(actual, what).toMatch(new RegExp(pattern));
  } else expect(actual, what).toBe(expected);
}

function readSeen({ body }: Answer): Seen | undefined {
  try {
    const parsed: Seen = JSON.parse(body);
    return typeof parsed.backend === "string" ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** JSON over HTTP, `name:text` elsewhere. */
function backendOf(answer: Answer): string | undefined {
  return readSeen(answer)?.backend ?? /^(\w+):/.exec(answer.body)?.[1];
}

async function checkShares(environment: Environment, step: SharesStep): Promise<void> {
  const counts = new Map<string, number>();
  for (let i = 0; i < step.times; i++) {
    const answer = await ask(environment.placeOf(step.shares), step.shares);
    const backend = answer.status === 200 ? backendOf(answer) : undefined;
    const key = backend ?? String(answer.status);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const shares = Object.fromEntries([...counts].map(([key, count]) => [key, count / step.times]));
  for (const [key, share] of Object.entries(step.expect)) {
    const actual = shares[key] ?? 0;
    expect(Math.abs(actual - share), `${key} got ${actual} of ${JSON.stringify(shares)}`).toBeLessThanOrEqual(
      step.tolerance,
    );
  }
  const others = Object.keys(shares).filter((key) => !(key in step.expect));
  expect(others).toEqual([]);
}

function checkCount({ meshed, other }: Backends, step: CountStep): void {
  for (const backend of [...meshed, other]) {
    const bounds = step.expect[backend.name];
    if (bounds === undefined) continue;
    const count = backend.seen.filter(({ path }) => path.startsWith(step.count.path)).length;
    expect(count, backend.name).toBeGreaterThanOrEqual(bounds.min);
    expect(count, backend.name).toBeLessThanOrEqual(bounds.max);
  }
}

async function checkStatus(environment: Environment, step: StatusStep): Promise<void> {
  const { kind, namespace, name, parent, listener } = step.status;
  const status: unknown = await environment.status(kind, namespace, name);
  const place = placeIn(status, parent, listener);
  const list: unknown = at(place, "conditions");
  const conditions = Array.isArray(list) ? list : [];
  for (const [type, expected] of Object.entries(step.conditions ?? {})) {
    const condition: unknown = conditions.find((each: unknown) => at(each, "type") === type);
    const [value, reason] = expected.split("/");
    const actual = `${String(at(condition, "status"))}${reason === undefined ? "" : `/${String(at(condition, "reason"))}`}`;
    const wanted = reason === undefined ? value : expected;
    expect(actual, `${type} of ${JSON.stringify(place)}`).toBe(wanted ?? "");
  }
  for (const [path, expected] of Object.entries(step.fields ?? {})) {
    let value: unknown = place;
    for (const part of path.split(".")) value = at(value, part);
    expect(value, path).toEqual(expected);
  }
}

/** Of a route the entry of one parent, of a policy that of one ancestor, of a Gateway that of one listener. */
function placeIn(status: unknown, parent: string | undefined, listener: string | undefined): unknown {
  if (parent !== undefined) {
    const routes: unknown = at(status, "parents");
    const ancestors: unknown = at(status, "ancestors");
    const entries: unknown[] = Array.isArray(routes) ? routes : Array.isArray(ancestors) ? ancestors : [];
    return entries.find((entry) => at(at(entry, "parentRef") ?? at(entry, "ancestorRef"), "name") === parent);
  }
  if (listener === undefined) return status;
  const listeners: unknown = at(status, "listeners");
  return Array.isArray(listeners)
    ? listeners.find((entry: unknown) => at(entry, "name") === listener)
    : undefined;
}

function at(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}
