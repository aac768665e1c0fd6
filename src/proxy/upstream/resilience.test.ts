/** A service's endpoints misbehave under steady load; balancer and outlier detection answer. In virtual time, seeded. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { VirtualClock } from "../../kernel/index.ts";
import {
  ClusterSchema,
  type Endpoint,
  EndpointSchema,
  Health,
  MeshSchema,
  OutlierDetectionSchema,
  Tunnel,
} from "../../model/index.ts";
import { defaultCodecs } from "../testing/default-codecs.ts";
import { fakeSnapshot } from "../testing/fake-agent.ts";
import type { UpstreamEndpoint } from "./endpoint.ts";
import { HopDialer } from "./hop.ts";
import { Upstreams } from "./upstreams.ts";

const key = "default/echo:80";

interface Behaviour {
  readonly latencyMs: number;
  /** Of its answers. */
  readonly failing: number;
}

const good: Behaviour = { latencyMs: 5, failing: 0 };

function seeded(seed = 7): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function endpointOf(name: string): Endpoint {
  return create(EndpointSchema, {
    cluster: key,
    workload: `default/${name}`,
    address: "10.77.0.2",
    port: 8080,
    tunnel: Tunnel.NONE,
    weight: 1,
    health: Health.HEALTHY,
  });
}

/** 500 requests in a second, evenly. */
const stepMs = 2;

class Service {
  readonly behaviour = new Map<string, Behaviour>();
  readonly ejections: { readonly workload: string; readonly atMs: number; readonly forMs: number }[] = [];
  served = new Map<string, number>();
  failures = 0;
  requests = 0;
  mostEjected = 0;
  nowMs = 0;
  readonly #clock = new VirtualClock(0);
  readonly #upstreams: Upstreams;
  readonly #random = seeded();
  readonly #model;

  constructor(names: readonly string[], outlier?: MessageInitShape<typeof OutlierDetectionSchema>) {
    const dialer = new HopDialer({
      identity: () => ({ certChainPem: "", privateKeyPem: "", trustRootsPem: "" }),
      sourceWorkload: "default/web",
      mark: undefined,
      limits: defaultCodecs(),
    });
    const listener = {
      forCluster: () => ({
        onEjected: ({ workload }: { workload: string }, _reason: string, forUs: number) =>
          void this.ejections.push({ workload, atMs: this.nowMs, forMs: forUs / 1_000 }),
        onEjectionPrevented() {},
        onProbed() {},
        onHealthChanged() {},
      }),
    };
    this.#upstreams = new Upstreams(dialer, this.#clock, "client", { listener, random: this.#random });
    this.#model = create(ClusterSchema, {
      namespace: "default",
      service: "echo",
      port: 80,
      ...(outlier === undefined ? {} : { outlier: create(OutlierDetectionSchema, outlier) }),
    });
    this.scale(names);
  }

  scale(names: readonly string[]): void {
    const mesh = create(MeshSchema, {});
    const endpoints = names.map(endpointOf);
    this.#upstreams.applySnapshot(fakeSnapshot({ mesh, clusters: [this.#model], endpoints }));
  }

  run(seconds: number): this {
    this.served = new Map();
    this.failures = 0;
    this.requests = 0;
    const endMs = this.nowMs + seconds * 1_000;
    while (this.nowMs < endMs) {
      this.#request();
      this.#clock.advance(stepMs);
      this.nowMs += stepMs;
      if (this.nowMs % 1_000 === 0) this.#sweep();
    }
    return this;
  }

  share(name: string): number {
    return (this.served.get(`default/${name}`) ?? 0) / this.requests;
  }

  get failureShare(): number {
    return this.failures / this.requests;
  }

  #sweep(): void {
    this.#upstreams.sweep();
    const nowUs = this.#clock.monotonicUs();
    let ejected = 0;
    for (const endpoint of this.#upstreams.endpoints()) if (endpoint.ejectedUntilUs > nowUs) ejected++;
    this.mostEjected = Math.max(this.mostEjected, ejected);
  }

  #request(): void {
    const picker = this.#upstreams.cluster(key)?.picker;
    const endpoint = picker?.pick(this.#clock.monotonicUs(), this.#random);
    if (endpoint === undefined) throw new Error("nobody");
    this.requests++;
    this.served.set(endpoint.workload, (this.served.get(endpoint.workload) ?? 0) + 1);
    endpoint.inFlight++;
    const { latencyMs, failing } = this.behaviour.get(endpoint.workload) ?? good;
    const isFailure = this.#random() < failing;
    this.#clock.after(latencyMs, () => this.#answer(endpoint, latencyMs, isFailure));
  }

  #answer(endpoint: UpstreamEndpoint, latencyMs: number, isFailure: boolean): void {
    const nowUs = this.#clock.monotonicUs();
    endpoint.inFlight--;
    endpoint.recordLatency(latencyMs * 1_000, nowUs);
    endpoint.recordStatus(isFailure ? 503 : 200, nowUs);
    if (isFailure) this.failures++;
  }
}

const five = ["a", "b", "c", "d", "e"];

describe("under load", () => {
  test("an endpoint that is ten times slower gets little", () => {
    const service = new Service(five);
    service.behaviour.set("default/a", { latencyMs: 50, failing: 0 });
    service.run(5);
    expect(service.run(20).share("a")).toBeLessThan(0.05);
    expect(service.ejections).toEqual([]);
  });

  test("one that fails everything, and fast, is out after five requests, and callers see little of it", () => {
    const service = new Service(five);
    service.behaviour.set("default/a", { latencyMs: 1, failing: 1 });
    service.run(30);
    expect(service.failureShare).toBeLessThan(0.002);
    expect(service.ejections.length).toBeGreaterThan(0);
    expect(new Set(service.ejections.map(({ workload }) => workload))).toEqual(new Set(["default/a"]));
  });

  test("without detection too it is not taken for the fastest: it gets less than its share", () => {
    const service = new Service(five, { maxEjectedPercent: 50 });
    service.behaviour.set("default/a", { latencyMs: 1, failing: 1 });
    expect(service.run(30).failureShare).toBeLessThan(0.05);
  });

  test("one that fails half of its requests goes by its success rate", () => {
    const service = new Service(five, { successRateDeviationHundredths: 190 });
    service.behaviour.set("default/a", { latencyMs: 5, failing: 0.5 });
    service.run(11);
    expect(service.ejections.map(({ workload }) => workload)).toEqual(["default/a"]);
    expect(service.run(20).failures).toBe(0);
  });

  test("one that fails half of its requests is found by rows of five too, later", () => {
    const service = new Service(five);
    service.behaviour.set("default/a", { latencyMs: 5, failing: 0.5 });
    service.run(10);
    expect(service.run(20).failures).toBe(0);
  });

  test("one that has recovered gets its share back", () => {
    const service = new Service(five);
    service.behaviour.set("default/a", { latencyMs: 5, failing: 1 });
    service.run(10);
    service.behaviour.delete("default/a");
    service.run(30);
    const after = service.run(20);
    expect(after.share("a")).toBeGreaterThan(0.15);
    expect(after.failures).toBe(0);
  });

  test("one that flaps is out for longer each time", () => {
    const service = new Service(five, {
      consecutiveGatewayErrors: 5,
      baseEjectionMs: 5_000,
      maxEjectionMs: 20_000,
    });
    for (let i = 0; i < 120; i++) {
      service.behaviour.set("default/a", { latencyMs: 5, failing: i % 2 });
      service.run(1);
    }
    const times = service.ejections.map(({ forMs }) => forMs);
    expect(times.slice(0, 3)).toEqual([5_000, 10_000, 15_000]);
    expect(Math.max(...times)).toBe(20_000);
    expect(times.length).toBeLessThan(12);
  });

  test.each([
    [undefined, 5, 2],
    [10, 5, 1],
    [34, 3, 1],
    [100, 5, 5],
  ])("never more than the maximum (%p %%) of %i is out, though all fail: %i", (percent, count, most) => {
    const service = new Service(five.slice(0, count), {
      consecutiveGatewayErrors: 5,
      ...(percent === undefined ? {} : { maxEjectedPercent: percent }),
    });
    for (const name of five) service.behaviour.set(`default/${name}`, { latencyMs: 5, failing: 1 });
    service.run(60);
    expect(service.mostEjected).toBe(most);
    expect(service.requests).toBe(30_000);
  });

  test("joins and leaves keep what is known of the others", () => {
    const service = new Service(five);
    service.behaviour.set("default/a", { latencyMs: 5, failing: 1 });
    service.run(5);
    service.scale(["a", "c", "d", "e", "f"]);
    const after = service.run(10);
    expect(after.failures).toBe(0);
    expect(after.share("f")).toBeGreaterThan(0.15);
    expect(after.served.has("default/b")).toBe(false);
  });
});
