/** Plans of a running mesh over its API, and applies that may touch only so much: who may, what is refused and where, what is never shown. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { decodeMessage, maxPlannedRequests, type PlanReport, planReportSchema } from "../../api/index.ts";
import {
  type Answer,
  AskedControl,
  denial,
  doorKey,
  meshApi,
  people,
  rights,
  service,
  split,
} from "../test/asked-control.ts";

const [key, other] = [doorKey(), doorKey()];
let asked: AskedControl;
beforeAll(async () => {
  asked = await AskedControl.start(key.secret);
});
afterAll(() => asked.close());

const path = `${meshApi}/plan`;
const ask = (body: unknown, token?: string): Promise<Answer> => asked.call("POST", path, body, token);

async function planOf(body: object): Promise<PlanReport> {
  const before = await asked.revision();
  const answer = await ask(body);
  expect([answer.status, answer.body.message]).toEqual([200, undefined]);
  const decoded = decodeMessage(planReportSchema, answer.body, "response");
  if ("issues" in decoded) throw new Error(JSON.stringify(decoded.issues));
  expect(await asked.revision()).toBe(before);
  expect(decoded.object.revision).toBe(before);
  return decoded.object;
}

describe("a plan of a running mesh", () => {
  test("tells whose configuration becomes another, how, and which requests end otherwise", async () => {
    const request = { from: { workload: "default/web-1" }, url: "http://reviews:9080/x" };
    const report = await planOf({ objects: [split(100)], traffic: [request] });
    expect(report.objects).toMatchObject([{ kind: "HTTPRoute", name: "split", outcome: "configured" }]);
    expect(report.objects[0]?.diff).toContain("-           weight: 100");
    expect(report.workloads.map(({ name }) => name)).toEqual(["default/web-1"]);
    expect([report.touched, report.unaffected]).toEqual([1, 3]);
    const outbound = report.changes.find(({ what }) => what === "Outbound default/reviews:9080@default");
    expect(outbound).toMatchObject({ outcome: "changed", proxies: 1 });
    expect(outbound?.diff.some((line) => line.startsWith("+") && line.includes("weight: 100"))).toBeTrue();
    expect(report.flips).toMatchObject([
      { before: { backends: ["default/reviews:9080"] }, after: { backends: ["default/reviews-v2:9080"] } },
    ]);
    expect(report.warnings).toEqual([]);
  });

  test("is of the mesh as it is now, again and again, and leaves nothing behind", async () => {
    const first = await planOf({ objects: [denial] });
    expect(first.workloads.map(({ name }) => name)).toEqual(["default/reviews-1"]);
    expect(first.warnings.map(({ code }) => code)).toContain("locks_out");
    expect(await planOf({ objects: [denial] })).toEqual(first);
    const revision = await asked.apply(split(50));
    const second = await planOf({ objects: [split(50)] });
    expect(second).toMatchObject({ revision, touched: 0, objects: [{ outcome: "unchanged", diff: [] }] });
    await asked.apply(split(0));
  });

  test("of a deletion", async () => {
    const { objects, touched } = await planOf({
      deletions: [{ kind: "HTTPRoute", namespace: "default", name: "split" }],
    });
    expect(objects).toMatchObject([{ outcome: "deleted" }]);
    expect(touched).toBe(1);
  });

  test("that would shut its own author out is told, not refused", async () => {
    const deletions = [{ kind: "ClusterRoleBinding", name: "ann-role" }];
    expect((await planOf({ deletions })).objects).toMatchObject([{ outcome: "deleted" }]);
  });

  test("shows no key: neither the one that there is nor the one that would be", async () => {
    const { text, body } = await ask({ objects: [other.secret] });
    expect(body.touched).toBe(1);
    expect(body.workloads).toMatchObject([{ name: "weft-system/edge", role: "gateway" }]);
    expect(body.objects[0].diff.join("\n")).toContain("(hidden, value 1)");
    expect(text).toContain("(hidden, value 2)");
    for (const part of [...key.parts, ...other.parts]) {
      expect(part.length).toBeGreaterThan(30);
      expect(text).not.toContain(part);
    }
  });
});

describe("what proxies had at one revision and have at another", () => {
  const between = (query: string, token?: string): Promise<Answer> =>
    asked.call("GET", `${meshApi}/diff/effective?${query}`, undefined, token);
  const shown = ({ body }: Answer): unknown[] => body.workloads.map(({ name }: { name: string }) => name);

  test("is the same as a plan of what was committed between, either way, and of one proxy alone", async () => {
    const first = await asked.revision();
    const plan = await planOf({ objects: [split(60), other.secret], traffic: [] });
    const second = await asked.apply(split(60), other.secret);
    const third = await asked.apply(split(0), key.secret);
    const forth = await between(`from=${first}&to=${second}`);
    expect([forth.status, shown(forth)]).toEqual([200, ["default/web-1", "weft-system/edge"]]);
    const { changes, touched, unaffected } = plan;
    expect(forth.body).toMatchObject({ from: first, to: second, touched, unaffected, changes });
    const back = await between(`from=${second}`);
    expect([back.body.to, shown(back)]).toEqual([third, shown(forth)]);
    expect((await between(`from=${third}&to=${second}`)).body.changes).toEqual(changes);
    expect(shown(await between(`from=${first}&to=${third}`))).toEqual([]);
    expect(shown(await between(`from=${first}&to=${second}&workload=default/web-1`))).toEqual([
      "default/web-1",
    ]);
    for (const part of [...key.parts, ...other.parts]) expect(forth.text + back.text).not.toContain(part);
    // The next plan is of now again.
    expect((await planOf({ objects: [split(0), key.secret] })).touched).toBe(0);
  });

  test("knows objects that are gone by now, and those that are new", async () => {
    const first = await asked.revision();
    const second = await asked.apply(denial);
    await asked.call("DELETE", `${meshApi}/namespaces/default/authorizationpolicies/nobody`);
    const there = await between(`from=${first}&to=${second}`);
    expect([shown(there), there.body.changes[0].outcome]).toEqual([["default/reviews-1"], "changed"]);
    expect(shown(await between(`from=${second}`))).toEqual(["default/reviews-1"]);
    expect(shown(await between(`from=${first}`))).toEqual([]);
  });

  test("takes the right to plans beside that to the history", async () => {
    await asked.apply(
      ...rights("eve", { verbs: ["get"], apiGroups: ["weft.dev"], resources: ["mesh/history"] }),
    );
    for (const token of [people.ann, people.bob, people.eve])
      expect((await between("from=1", token)).status).toBe(403);
    const plans = { verbs: ["create"], apiGroups: ["weft.dev"], resources: ["plans"] };
    await asked.apply(...rights("eve", plans, "more"));
    expect((await between("from=1", people.eve)).status).toBe(200);
  });

  test.each<[string, number, string]>([
    ["", 400, "from is required"],
    ["from=x", 400, "from"],
    ["from=1&to=99999", 404, "there is no revision 99999 yet"],
    ["from=1&workload=default/lost", 404, "there is no proxy of default/lost"],
    ["from=1&workload=", 400, "workload"],
  ])("of ?%s there is none", async (query, status, words) => {
    const answer = await between(query);
    expect([answer.status, answer.body.message]).toEqual([status, expect.stringContaining(words)]);
  });
});

describe("who may plan", () => {
  test("whoever may create plans, and nobody else", async () => {
    const change = { objects: [split(10)] };
    expect((await ask(change, people.ann)).status).toBe(200);
    const bob = await ask(change, people.bob);
    expect([bob.status, bob.body.message]).toEqual([403, expect.stringContaining("plans")]);
    expect((await ask(change, "")).status).toBe(401);
    expect((await ask(change, "nobody's")).status).toBe(401);
  });
});

describe("what is no plan", () => {
  const unknownField = { ...split(1), spec: { ...split(1).spec, hostname: ["a"] } };
  const request = { from: { workload: "default/web-1" }, url: "http://reviews:9080/" };
  test.each<[string, unknown, string]>([
    ["an unknown field of an object", { objects: [split(1), unknownField] }, "objects[1].spec.hostname"],
    ["an object of no kind", { objects: [{ apiVersion: "v1", kind: "Thing" }] }, "objects[0].kind"],
    ["no object", { objects: ["text"] }, "objects[0]"],
    ["a deletion of no kind", { deletions: [{ kind: "Thing", name: "a" }] }, "deletions[0].kind"],
    ["a request without a destination", { traffic: [{ from: {} }] }, "traffic[0].url"],
    ["a field that it does not have", { object: [] }, "object"],
    [
      "too many requests",
      { traffic: Array.from({ length: maxPlannedRequests + 1 }, () => request) },
      "traffic",
    ],
  ])("%s is refused with its place", async (_, body, place) => {
    const { status, body: answer } = await ask(body);
    const fields = answer.details?.causes?.map(({ field }: { field: string }) => field);
    expect([status, fields]).toEqual([422, expect.arrayContaining([place])]);
  });

  test("a body that is no JSON, and another method", async () => {
    expect((await ask("{objects")).status).toBe(400);
    expect((await asked.call("GET", path)).status).toBe(405);
  });

  test("a request that cannot be one says so, and the next plan is made all the same", async () => {
    const { status, body } = await ask({
      objects: [split(3)],
      traffic: [{ from: {}, url: "http://reviews/" }],
    });
    expect([status, body.requests, body.flips]).toEqual([200, 0, []]);
    expect((await planOf({ objects: [split(3)] })).touched).toBe(1);
  });
});

describe("an apply that may touch only so much", () => {
  const write = (objects: readonly object[], maxBlastRadius: object, more: object = {}): Promise<Answer> =>
    asked.call("POST", `${meshApi}/transactions`, { objects, maxBlastRadius, ...more });
  const weight = async (): Promise<unknown> => {
    const route = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/split";
    return (await asked.call("GET", route)).body.spec.rules[0].backendRefs[1].weight;
  };

  test.each<[string, object]>([
    ["a number", { limit: 0 }],
    ["a share, rounded down", { limit: 24, isPercent: true }],
  ])("is refused over %s, with who it would touch, and nothing is written", async (_, radius) => {
    const before = await asked.revision();
    const { status, body } = await write([split(20), service("more")], radius);
    expect(status).toBe(409);
    expect(body.message).toContain(
      "touches 1 of 4 proxies, and at most 0 were allowed: sidecar default/web-1",
    );
    expect(body.details.causes).toEqual([
      expect.objectContaining({ field: "maxBlastRadius", message: "sidecar default/web-1" }),
    ]);
    expect([await asked.revision(), await weight()]).toEqual([before, 0]);
    expect((await asked.call("GET", "/api/v1/namespaces/default/services/more")).status).toBe(404);
  });

  test("is made within it", async () => {
    const before = await asked.revision();
    expect((await write([split(20)], { limit: 25, isPercent: true })).body.revision).toBe(before + 1);
    expect((await write([split(0)], { limit: 1 })).body.revision).toBe(before + 2);
    expect(await weight()).toBe(0);
  });

  test("that touches nobody is made with none allowed", async () => {
    expect((await write([service("unused")], { limit: 0 })).status).toBe(200);
  });

  test("needs the right to plan, which the right to write does not bring", async () => {
    const rule = { verbs: ["*"], apiGroups: ["gateway.networking.k8s.io"], resources: ["httproutes"] };
    await asked.apply({
      ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "bob-role" } },
      rules: [rule],
    });
    const body = { objects: [split(30)], maxBlastRadius: { limit: 100 } };
    const refused = await asked.call("POST", `${meshApi}/transactions`, body, people.bob);
    expect([refused.status, await weight()]).toEqual([403, 0]);
  });

  test.each<[string, unknown, string]>([
    ["a share above all", { limit: 101, isPercent: true }, "maxBlastRadius.limit"],
    ["a negative number", { limit: -1 }, "maxBlastRadius.limit"],
    ["a text", "10%", "maxBlastRadius"],
  ])("%s is refused with its place", async (_, radius, place) => {
    const { status, body } = await asked.call("POST", `${meshApi}/transactions`, {
      objects: [split(1)],
      maxBlastRadius: radius,
    });
    expect([status, body.details?.causes?.[0]?.field]).toEqual([422, place]);
    expect(await weight()).toBe(0);
  });
});
