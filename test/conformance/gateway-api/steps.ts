/** Takes the steps of a scenario: each is tried again until it comes true or its time is over, since a change is not everywhere at once. */
import { expect } from "bun:test";
import { eventually } from "../../e2e/harness/eventually.ts";
import type { Seen } from "./backends.ts";
import { type Answer, ask, call, type Place, sendDatagram, sendLine, sendWebSocket } from "./client.ts";
import { type Backends, type Environment, objectKey } from "./environment.ts";
import type { CountStep, Expected, RequestSpec, Scenario, SharesStep, StatusStep, Step } from "./scenario.ts";

const stepTimeoutMs = 6_000;

export async function runScenario(
  environment: Environment,
  backends: Backends,
  written: Scenario,
): Promise<void> {
  const scenario = named(written, environment, backends);
  for (const backend of [...backends.meshed, backends.other]) backend.forget();
  await environment.become(scenario.objects);
  const kept = new Map<string, string>();
  for (const [index, step] of scenario.steps.entries()) {
    try {
      await takeStep({ environment, backends, scenario, kept }, step);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(
        `${scenario.file}: "${scenario.title}", step ${index + 1}: ${JSON.stringify(step)}\n${why}\n${environment.logs()}`,
        { cause: error },
      );
    }
  }
}

/** With what the place and the backends call it, such as `${gateway1}` and `${v1.http}`. */
function named<T>(value: T, { names }: Environment, { meshed, other }: Backends): T {
  let text = JSON.stringify(value);
  for (const [name, address] of Object.entries(names)) text = text.replaceAll(`\${${name}}`, address);
  for (const { name, ports } of [...meshed, other]) {
    for (const [port, number] of Object.entries(ports)) {
      text = text.replaceAll(`"\${${name}.${port}}"`, String(number));
    }
  }
  const parsed: T = JSON.parse(text);
  return parsed;
}

interface Run {
  readonly environment: Environment;
  readonly backends: Backends;
  readonly scenario: Scenario;
  /** What steps kept of their answers for later ones. */
  readonly kept: Map<string, string>;
}

async function takeStep(run: Run, step: Step): Promise<void> {
  const { environment, backends, scenario } = run;
  if ("apply" in step) {
    const keys = new Set(step.apply.map((object) => JSON.stringify(objectKey(object))));
    const others = scenario.objects.filter((object) => !keys.has(JSON.stringify(objectKey(object))));
    return await environment.become([...others, ...step.apply]);
  }
  if ("status" in step) {
    if (environment.name === "serve") return;
    return await eventually(() => checkStatus(environment, step), stepTimeoutMs);
  }
  if ("shares" in step) {
    return await eventually(() => checkShares(run, step), stepTimeoutMs);
  }
  if ("count" in step) {
    return await eventually(() => checkCount(backends, step), stepTimeoutMs);
  }
  if ("grpc" in step) return await checkAnswer(run, step.grpc, step, call);
  if ("webSocket" in step) return await checkAnswer(run, step.webSocket, step, sendWebSocket);
  if ("line" in step) return await checkAnswer(run, step.line, step, senders[step.kind]);
  await checkAnswer(run, step.request, step, ask);
}

type Send = (place: Place, spec: RequestSpec) => Promise<Answer>;
const senders: Readonly<Record<"tcp" | "udp", Send>> = { tcp: sendLine, udp: sendDatagram };

async function checkAnswer(
  { environment, kept }: Run,
  spec: RequestSpec,
  { expect: expected, times }: { readonly expect: Expected; readonly times?: number },
  send: Send,
): Promise<void> {
  const check = async (): Promise<void> => {
    const answer = await send(environment.placeOf(spec), withKept(spec, kept));
    expectAnswer(answer, expected);
    for (const [name, header] of Object.entries(expected.keep ?? {})) kept.set(name, keptOf(answer, header));
  };
  if (times === undefined) return await eventually(check, stepTimeoutMs);
  // Those that are counted are sent once each.
  for (let i = 0; i < times; i++) await check();
}

function withKept(spec: RequestSpec, kept: ReadonlyMap<string, string>): RequestSpec {
  if (spec.headers === undefined || kept.size === 0) return spec;
  const filled = Object.entries(spec.headers).map(([name, value]) => [
    name,
    value.replaceAll(/\$\{(\w+)\}/g, (whole, key: string) => kept.get(key) ?? whole),
  ]);
  return { ...spec, headers: Object.fromEntries(filled) };
}

function keptOf({ headers }: Answer, header: string): string {
  const value = headers[header.toLowerCase()];
  if (value === undefined) throw new Error(`the answer has no ${header}`);
  return header.toLowerCase() === "set-cookie" ? (value.split(";")[0] ?? "") : value;
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

async function checkShares({ environment, kept }: Run, step: SharesStep): Promise<void> {
  const send = step.kind === undefined ? ask : senders[step.kind];
  const once = async (): Promise<Answer> =>
    await send(environment.placeOf(step.shares), withKept(step.shares, kept));
  const answers: Answer[] = [];
  if (step.atOnce === true) answers.push(...(await Promise.all(Array.from({ length: step.times }, once))));
  else for (let i = 0; i < step.times; i++) answers.push(await once());
  const byTaker = Map.groupBy(answers, (answer) => takerOf(answer));
  const shares = Object.fromEntries([...byTaker].map(([taker, { length }]) => [taker, length / step.times]));
  if (step.distinct !== undefined) expect(byTaker.size, JSON.stringify(shares)).toBe(step.distinct);
  if (step.expect === undefined) return;
  for (const [key, share] of Object.entries(step.expect)) {
    const actual = shares[key] ?? 0;
    expect(Math.abs(actual - share), `${key} got ${actual} of ${JSON.stringify(shares)}`).toBeLessThanOrEqual(
      step.tolerance,
    );
  }
  const others = Object.keys(shares).filter((key) => step.expect?.[key] === undefined);
  expect(others).toEqual([]);
}

function takerOf(answer: Answer): string {
  return (answer.status === 200 ? backendOf(answer) : undefined) ?? String(answer.status);
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
