/** What a change recomputes, and what becomes of a route that cannot be compiled. */
import { describe, expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { keyOf, type Stored } from "../api/index.ts";
import { OutboundSchema } from "../model/index.ts";
import { type CompileOutput, Compiler } from "./compiler.ts";
import type { ResourceName } from "./resource.ts";
import type { StatusUpdate } from "./status.ts";
import { stored, trust } from "./test/objects.ts";
import { TestRegistry } from "./test/test-registry.ts";

const service = (name: string, port = 80): Stored =>
  stored({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: {
      selector: { app: name },
      clusterIPs: [`240.240.0.${name.length}`],
      ports: [{ port, name: "http" }],
    },
  });

const workload = (name: string, app: string, last: number): Stored =>
  stored({
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshWorkload",
    metadata: { name, labels: { app } },
    spec: { addresses: [`10.77.0.${last}`], ports: [{ port: 80 }] },
  });

function route(name: string, rule: object, generation = 1, parent = "web"): Stored {
  return stored(
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name },
      spec: { parentRefs: [{ group: "", kind: "Service", name: parent }], rules: [rule] },
    },
    generation,
  );
}

class Mesh {
  readonly registry = new TestRegistry();
  readonly compiler = new Compiler({ ...trust, registry: this.registry });
  #objects: readonly Stored[] = [];

  add(...objects: Stored[]) {
    const names = new Set(objects.map((object) => JSON.stringify(keyOf(object))));
    this.#objects = [
      ...this.#objects.filter((object) => !names.has(JSON.stringify(keyOf(object)))),
      ...objects,
    ];
    return this.compiler.apply({ upserted: objects, registry: this.registry.replace(this.#objects) });
  }

  remove(object: Stored) {
    const key = keyOf(object);
    this.#objects = this.#objects.filter((entry) => JSON.stringify(keyOf(entry)) !== JSON.stringify(key));
    return this.compiler.apply({ removed: [key], registry: this.registry.replace(this.#objects) });
  }
}

const outbound: ResourceName = { kind: "Outbound", key: "default/web:80@default" };

function rulesOf(mesh: Mesh): number {
  const resource = mesh.compiler.get(outbound);
  if (resource === undefined) throw new Error("no outbound");
  return fromBinary(OutboundSchema, resource.bytes).http?.rules.length ?? 0;
}

function accepted(statuses: readonly StatusUpdate[], name: string): string | undefined {
  const status = statuses.find((update) => update.name === name)?.status;
  const condition = status?.kind === "route" ? status.parents[0]?.conditions[0] : undefined;
  return condition && `${condition.type}=${condition.status} ${condition.reason}`;
}

describe("a route that cannot compile", () => {
  const good = { matches: [{ path: { value: "/good" } }], backendRefs: [{ name: "web", port: 80 }] };
  const bad = { ...good, matches: [{ path: { type: "RegularExpression", value: "/(?=look)" } }] };

  test("keeps its last good output and says so", () => {
    const mesh = new Mesh();
    mesh.add(service("web"), route("r", good));
    const before = mesh.compiler.get(outbound)?.version;
    const output = mesh.add(route("r", bad, 2));
    expect(output.upserted).toEqual([]);
    expect(mesh.compiler.get(outbound)?.version).toBe(before);
    expect(accepted(output.statuses, "r")).toBe("Accepted=False UnsupportedValue");
  });

  test("goes live again once it is mended", () => {
    const mesh = new Mesh();
    mesh.add(service("web"), route("r", good));
    mesh.compiler.get(outbound);
    mesh.add(route("r", bad, 2));
    const mended = { ...good, matches: [{ path: { value: "/mended" } }] };
    const output = mesh.add(route("r", mended, 3));
    expect(output.upserted.map((resource) => resource.key)).toEqual([outbound.key]);
    expect(accepted(output.statuses, "r")).toBe("Accepted=True Accepted");
  });

  test("does not hold up the others", () => {
    const mesh = new Mesh();
    mesh.add(service("web"), route("bad", bad), route("fine", good));
    expect(rulesOf(mesh)).toBe(1);
  });

  test("goes when it is deleted", () => {
    const mesh = new Mesh();
    mesh.add(service("web"), route("r", good));
    mesh.add(route("r", bad, 2));
    mesh.remove(route("r", bad, 2));
    expect(rulesOf(mesh)).toBe(0);
  });

  test.each(["a\r\nx: 1", "tab at the end\t", "\u0000"])("a header value such as %j is refused", (value) => {
    const mesh = new Mesh();
    const set = [{ name: "x", value: "fine" }];
    const modifier = { type: "RequestHeaderModifier", requestHeaderModifier: { set } };
    const parsed = route("r", { ...good, filters: [modifier] });
    if (parsed.kind !== "HTTPRoute") throw new Error("no HTTPRoute");
    // As an older version may have stored it: today it is refused when it is written.
    const rules = parsed.spec.rules.map((rule) => ({
      ...rule,
      filters: (rule.filters ?? []).map((filter) => ({
        ...filter,
        requestHeaderModifier: { set: [{ name: "x", value }] },
      })),
    }));
    const older = { ...parsed, spec: { ...parsed.spec, rules } };
    const output = mesh.add(service("web"), older);
    expect(accepted(output.statuses, "r")).toBe("Accepted=False UnsupportedValue");
    expect(rulesOf(mesh)).toBe(0);
  });
});

describe("what a change recomputes", () => {
  test("nothing that nobody asked for", () => {
    const mesh = new Mesh();
    expect(mesh.add(service("web"), workload("web-1", "web", 1)).upserted).toEqual([]);
  });

  test("one endpoint where one workload came", () => {
    const mesh = new Mesh();
    mesh.add(service("web"), workload("web-1", "web", 1));
    mesh.compiler.get(outbound);
    mesh.compiler.get({ kind: "Cluster", key: "default/web:80" });
    mesh.compiler.get({ kind: "Endpoint", key: "default/web:80/default/web-1" });
    mesh.compiler.members("default/web:80");
    const output = mesh.add(workload("web-2", "web", 2));
    expect(output.upserted).toEqual([]);
    expect(output.memberships).toEqual(["default/web:80"]);
    expect(mesh.compiler.members("default/web:80")).toEqual([
      "default/web:80/default/web-1",
      "default/web:80/default/web-2",
    ]);
  });

  test("a name that was asked for before it existed", () => {
    const mesh = new Mesh();
    expect(mesh.compiler.get(outbound)).toBeUndefined();
    expect(mesh.add(service("web")).upserted.map((resource) => resource.key)).toEqual([outbound.key]);
    expect(mesh.remove(service("web")).removed).toEqual([outbound]);
  });

  test("nothing after it was forgotten", () => {
    const mesh = new Mesh();
    mesh.compiler.get(outbound);
    mesh.compiler.forget(outbound);
    expect(mesh.add(service("web")).upserted).toEqual([]);
  });

  test("a backend that appears resolves the reference without the route being written", () => {
    const mesh = new Mesh();
    const rule = { backendRefs: [{ name: "late", port: 80 }] };
    mesh.add(service("web"), route("r", rule));
    mesh.compiler.get(outbound);
    const output = mesh.add(service("late"));
    expect(output.upserted.map((resource) => resource.key)).toEqual([outbound.key]);
    expect(output.upserted[0]?.closure.clusters).toEqual(["default/late:80", "default/web:80"]);
    expect(output.statuses.map((update) => update.name)).toEqual(["r"]);
  });

  test("a status only where something in it changed", () => {
    const mesh = new Mesh();
    const rule = { backendRefs: [{ name: "web", port: 80 }] };
    mesh.add(service("web"), route("r", rule));
    expect(mesh.add(route("r", rule)).statuses).toEqual([]);
    expect(mesh.add(route("r", rule, 2)).statuses).toHaveLength(1);
  });

  test("nothing where only a status was written", () => {
    const mesh = new Mesh();
    const written = route("r", { backendRefs: [{ name: "web", port: 80 }] });
    mesh.add(service("web"), written);
    mesh.compiler.get(outbound);
    expect(mesh.add({ ...written })).toMatchObject({ upserted: [], statuses: [] });
  });
});

test("a defect in one computation leaves the others and the last good output alone", () => {
  const mesh = new Mesh();
  const rule = { backendRefs: [{ name: "web", port: 80 }] };
  mesh.add(service("web"), route("r", rule));
  const before = mesh.compiler.get(outbound)?.version;
  const views = mesh.registry.service.bind(mesh.registry);
  mesh.registry.service = (path) => {
    if (path === "default/web") throw new Error("broken view");
    return views(path);
  };
  const output = mesh.add(service("web", 81), service("fine"), route("other", rule, 1, "fine"));
  expect(output.defects.join()).toContain("broken view");
  expect(mesh.compiler.get(outbound)?.version).toBe(before ?? "");
  expect(accepted(output.statuses, "r")).toBe("Accepted=False UnsupportedValue");
});

test("equal content has an equal version, in whatever order it came", () => {
  const first = new Mesh();
  first.add(service("web"), service("late"), route("r1", {}), route("r2", {}));
  const second = new Mesh();
  second.add(route("r2", {}));
  second.add(service("late"));
  second.add(route("r1", {}), service("web"));
  const version = first.compiler.get(outbound)?.version;
  expect(version).toMatch(/^[0-9a-f]{32}$/);
  expect(second.compiler.get(outbound)?.version).toBe(version ?? "");
});

describe("an endpoint that changes", () => {
  /** Counts what is read of services' endpoints while something is compiled. */
  class CountingRegistry extends TestRegistry {
    readonly one: string[] = [];
    readonly all: string[] = [];
    isCounting = false;

    override endpoint(...of: Parameters<TestRegistry["endpoint"]>) {
      if (this.isCounting) this.one.push(of[2]);
      return this.#uncounted(() => super.endpoint(...of));
    }

    override endpoints(...of: Parameters<TestRegistry["endpoints"]>) {
      const [path] = of;
      if (this.isCounting) this.all.push(path);
      return super.endpoints(...of);
    }

    /** What the test's registry reads itself does not count. */
    #uncounted<T>(read: () => T): T {
      const before = this.isCounting;
      this.isCounting = false;
      const result = read();
      this.isCounting = before;
      return result;
    }
  }

  function counted(registry: CountingRegistry, compile: () => CompileOutput) {
    registry.isCounting = true;
    const { upserted, removed, memberships } = compile();
    registry.isCounting = false;
    return {
      ...{ one: registry.one.splice(0), all: registry.all.splice(0), memberships },
      changed: [...upserted, ...removed].map(({ key }) => key),
    };
  }

  const cluster = "default/web:80";
  const replicas = Array.from({ length: 50 }, (_, index) => workload(`w${index}`, "web", index + 1));

  /** All endpoints of a service are asked for, and its members. */
  function busy() {
    const registry = new CountingRegistry();
    const compiler = new Compiler({ ...trust, registry });
    const objects = [service("web"), service("elsewhere"), ...replicas, workload("e", "elsewhere", 100)];
    compiler.apply({ upserted: objects, registry: registry.replace(objects) });
    for (const name of [cluster, "default/elsewhere:80"])
      for (const key of compiler.members(name)) compiler.get({ kind: "Endpoint", key });
    const change = (next: Stored[]) => {
      const told = registry.replace(next);
      return counted(registry, () => compiler.apply({ registry: told }));
    };
    return { objects, change };
  }

  test("is compiled alone, whatever its service has besides", () => {
    const { objects, change } = busy();
    const moved = objects.map((object) =>
      object.metadata.name === "w7" ? workload("w7", "web", 201) : object,
    );
    expect(change(moved)).toEqual({
      one: ["default/w7"],
      all: [],
      memberships: [],
      changed: [`${cluster}/default/w7`],
    });
  });

  test("is compiled alone with the list of members where it joins or leaves", () => {
    const { objects, change } = busy();
    const joined = [...objects, workload("new", "web", 202)];
    expect(change(joined)).toMatchObject({ one: [], memberships: [cluster], changed: [] });
    const without = joined.filter(({ metadata }) => metadata.name !== "w3");
    expect(change(without)).toMatchObject({
      memberships: [cluster],
      changed: [`${cluster}/default/w3`],
    });
  });
});
