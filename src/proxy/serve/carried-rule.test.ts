/** What is kept with a rule stays what its look-ups would find: across changes of its cluster, of its backends and of who asks. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type PreparedRule, requestDefaults, RouteTable } from "../../decide/index.ts";
import { HttpRoutingSchema, type HttpRuleSchema } from "../../model/index.ts";
import { RuleHits } from "../telemetry/index.ts";
import { OrderedPicker, type UpstreamCluster } from "../upstream/index.ts";
import { type CarriedContext, CarriedRule } from "./carried-rule.ts";

const source = { kind: "HTTPRoute", namespace: "shop", name: "web", section: "rules[0]" };

function ruleTo(...backends: NonNullable<MessageInitShape<typeof HttpRuleSchema>["backends"]>): PreparedRule {
  const routing = create(HttpRoutingSchema, { entries: [{ rule: 0 }], rules: [{ source, backends }] });
  const view = { method: "GET", path: "/", query: "", header: () => undefined };
  const rule = RouteTable.prepare(routing).match(view);
  if (rule === undefined) throw new Error("the rule takes nothing");
  return rule;
}

function clusterOf(key: string): UpstreamCluster {
  return {
    key,
    service: "shop/web",
    port: 80,
    picker: new OrderedPicker([]),
    faults: undefined,
    requests: requestDefaults.gateway,
    retryBudget: undefined,
    versionFor: () => 1,
  };
}

class Scene implements CarriedContext {
  readonly ruleHits = new RuleHits();
  readonly known = new Map<string, UpstreamCluster>();
  readonly upstreams = { cluster: (key: string) => this.known.get(key) };

  constructor(...keys: readonly string[]) {
    for (const key of keys) this.renew(key);
  }

  renew(key: string): UpstreamCluster {
    const cluster = clusterOf(key);
    this.known.set(key, cluster);
    return cluster;
  }

  get hits(): number[] {
    return [...this.ruleHits.samples()].map(({ value }) => value);
  }
}

describe("what is carried for a rule", () => {
  test("the only backend's destination is the same until its cluster is another, and there is none while that is unknown", () => {
    const scene = new Scene("shop/web:80");
    const rule = ruleTo({ cluster: "shop/web:80", weight: 1 });
    const [backend] = rule.backends;
    if (backend === undefined) throw new Error("the rule has no backend");
    const carried = CarriedRule.of(scene, rule);
    expect(carried.only).toBeUndefined();
    const first = carried.destination(backend);
    expect(CarriedRule.of(scene, rule).only === first).toBe(true);
    const renewed = scene.renew("shop/web:80");
    expect(carried.only).toBeUndefined();
    expect(carried.destination(backend)).toMatchObject({
      cluster: renewed,
      route: "shop/web",
      rule: "rules[0]",
    });
    expect(carried.only?.cluster).toBe(renewed);
    scene.known.clear();
    expect(carried.only).toBeUndefined();
    expect(carried.destination(backend)).toMatchObject({ reason: "no_endpoint" });
  });

  test("of several backends each keeps its own, and none is the only one", () => {
    const scene = new Scene("shop/a:80", "shop/b:80");
    const rule = ruleTo({ cluster: "shop/a:80", weight: 1 }, { cluster: "shop/b:80", weight: 1 });
    const carried = CarriedRule.of(scene, rule);
    const destinations = rule.backends.map((backend) => carried.destination(backend));
    expect(destinations).toMatchObject([
      { cluster: { key: "shop/a:80" } },
      { cluster: { key: "shop/b:80" } },
    ]);
    for (const [index, backend] of rule.backends.entries())
      expect(carried.destination(backend) === destinations[index]).toBe(true);
    expect(carried.only).toBeUndefined();
  });

  test("a backend that changes each request, or leads nowhere, is never the only one", () => {
    const scene = new Scene("shop/web:80");
    for (const rule of [
      ruleTo({ cluster: "shop/web:80", weight: 1, rewrite: { hostname: "other" } }),
      ruleTo({ weight: 1, unresolved: "no such Service" }),
    ]) {
      const carried = CarriedRule.of(scene, rule);
      for (const backend of rule.backends) carried.destination(backend);
      expect(carried.only).toBeUndefined();
    }
  });

  test("two proxies that serve one rule share neither destinations nor counts", () => {
    const rule = ruleTo({ cluster: "shop/web:80", weight: 1 });
    const scenes = [new Scene("shop/web:80"), new Scene("shop/web:80")];
    for (let i = 0; i < 3; i++) {
      for (const scene of scenes) {
        const carried = CarriedRule.of(scene, rule);
        carried.hits.value++;
        for (const backend of rule.backends)
          expect(carried.destination(backend)).toMatchObject({ cluster: scene.known.get("shop/web:80") });
      }
    }
    expect(scenes.map(({ hits }) => hits)).toEqual([[3], [3]]);
  });
});
