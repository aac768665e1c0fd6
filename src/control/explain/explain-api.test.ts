/** Explanations of a running mesh over its API: what they say, of what, to whom, and what is never in them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { decodeMessage, type Explanation, explanationSchema } from "../../api/index.ts";
import { Direction, TapUploadSchema, Telemetry } from "../../wire/index.ts";
import { type Answer, AskedControl, denial, doorKey, meshApi, people, split } from "../test/asked-control.ts";

const key = doorKey();
let asked: AskedControl;
beforeAll(async () => {
  asked = await AskedControl.start(key.secret);
});
afterAll(() => asked.close());

const path = `${meshApi}/explain`;
const ask = (body: unknown, token?: string): Promise<Answer> => asked.call("POST", path, body, token);
const request = { from: { workload: "default/web-1" }, url: "http://reviews:9080/x", requestId: "r-1" };

async function explained(body: object): Promise<Explanation> {
  const answer = await ask(body);
  expect([answer.status, answer.body.message]).toEqual([200, undefined]);
  const decoded = decodeMessage(explanationSchema, answer.body, "response");
  if ("issues" in decoded) throw new Error(JSON.stringify(decoded.issues));
  return decoded.object;
}

test("follows the mesh, and says by which revision each object that had a say was changed last", async () => {
  const first = await explained({ request });
  expect(first.outcome.verdict).toBe("forwarded");
  expect(first.hops[0]?.route?.source).toMatchObject({ kind: "HTTPRoute", name: "split" });
  const before = first.hops[0]?.route?.source?.revision;
  const revision = await asked.apply(split(100), denial);
  const second = await explained({ request });
  expect(second.hops[0]?.backends.find(({ chosen }) => chosen)?.cluster).toBe("default/reviews-v2:9080");
  expect(second.hops[0]?.route?.source?.revision).toBe(revision);
  expect(before).toBeLessThan(revision);
  const back = await asked.apply(split(0));
  const third = await explained({ request });
  expect(third.outcome).toMatchObject({
    verdict: "denied",
    by: { kind: "AuthorizationPolicy", name: "nobody", revision },
  });
  expect(third.hops[0]?.route?.source?.revision).toBe(back);
});

test("nothing in it tells a key", async () => {
  const { text, status } = await ask({
    request: { from: { gateway: "default/door" }, url: "https://shop/" },
  });
  expect(status).toBe(200);
  for (const part of key.parts) expect(text).not.toContain(part);
});

test("of a request that a tap saw, by its id", async () => {
  const web = asked.web;
  if (web === undefined) throw new Error("no identity");
  const record = {
    direction: Direction.OUTBOUND,
    proxy: "default/web-1",
    sourceWorkload: "default/web-1",
    sourceIdentity: `spiffe://${asked.control.trustDomain}/ns/default/sa/web`,
    destinationService: "default/reviews",
    destinationPort: 9080,
    protocol: "HTTP/1.1",
    ...{ requestId: "seen", method: "DELETE", scheme: "http", authority: "reviews:9080", path: "/tapped" },
  };
  const stream = asked.client(web).bidi(Telemetry.method.tap, {
    onMessage: ({ orders: [order] }) => {
      if (order === undefined) return;
      stream.send(create(TapUploadSchema, { records: [{ ...record, orders: [order.id] }] }));
    },
    onClose: () => {},
  });
  const left = new AbortController();
  const tap = await fetch(`${asked.control.apiUrl}${meshApi}/tap`, {
    headers: { authorization: `Bearer ${asked.token}` },
    signal: left.signal,
  });
  let text = "";
  for await (const chunk of tap.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.includes('"type":"record"')) break;
  }
  left.abort();
  const explanation = await explained({ requestId: "seen" });
  expect(explanation.request).toMatchObject({
    ...{ requestId: "seen", method: "DELETE" },
    from: request.from,
  });
  expect(explanation.request.url).toContain("/tapped");
  expect(explanation.outcome.verdict).toBe("denied");
});

test("of a request that a policy refused, by its id", async () => {
  const web = asked.web;
  if (web === undefined) throw new Error("no identity");
  await asked.client(web).unary(Telemetry.method.report, {
    proxy: "default/web-1",
    refusals: [
      {
        ...{ requestId: "refused", reason: "denied_by_policy", policy: "AuthorizationPolicy default/nobody" },
        sourceIdentity: `spiffe://${asked.control.trustDomain}/ns/default/sa/web`,
        ...{ service: "default/reviews", destination: "default/reviews-1", port: 9080 },
        ...{ protocol: "http", method: "GET", authority: "reviews:9080", path: "/refused" },
      },
    ],
  });
  const { request: made, outcome } = await explained({ requestId: "refused" });
  expect(made).toMatchObject({ url: "http://reviews:9080/refused", from: { serviceAccount: "web" } });
  expect(outcome.by).toMatchObject({ kind: "AuthorizationPolicy", name: "nobody" });
});

test("of a request that nobody saw there is none, and the answer says what is known", async () => {
  const { status, body } = await ask({ requestId: "never" });
  expect([status, body.message]).toEqual([404, expect.stringContaining("no proxy told of a request never")]);
});

test("whoever may create explanations may ask, and nobody else", async () => {
  expect((await ask({ request }, people.ann)).status).toBe(200);
  const bob = await ask({ request }, people.bob);
  expect([bob.status, bob.body.message]).toEqual([403, expect.stringContaining("explanations")]);
  expect((await ask({ request }, "")).status).toBe(401);
});

test.each<[string, unknown, string]>([
  ["no destination", { request: { from: { workload: "default/web-1" } } }, "request.url"],
  ["an unknown field", { request: { ...request, verb: "GET" } }, "request.verb"],
  ["too many headers", { request: { ...request, headers: Array(201).fill(["a", "b"]) } }, "request.headers"],
])("%s is refused with its place", async (_, body, place) => {
  const { status, body: answer } = await ask(body);
  const fields = answer.details?.causes?.map(({ field }: { field: string }) => field);
  expect([status, fields]).toEqual([422, expect.arrayContaining([place])]);
});

test.each<[string, unknown, RegExp]>([
  ["neither request nor id", {}, /either request or requestId/],
  ["both", { request, requestId: "r" }, /either request or requestId/],
  [
    "a caller that is not there",
    { request: { ...request, from: { workload: "default/lost" } } },
    /default\/lost/,
  ],
  [
    "a client without an address",
    { request: { ...request, from: { gateway: "default/door", client: "nowhere" } } },
    /from\.client: nowhere is no IP address/,
  ],
  ["nobody", { request: { ...request, from: {} } }, /workload|who/],
  ["a URL that is none", { request: { ...request, url: "reviews" } }, /reviews/],
])("%s is refused in words", async (_, body, words) => {
  const { status, body: answer } = await ask(body);
  expect(answer.message).toMatch(words);
  expect(status).toBeWithin(400, 423);
});

test("a body that is no JSON, and another method", async () => {
  expect((await ask("{")).status).toBe(400);
  expect((await asked.call("GET", path)).status).toBe(405);
});
