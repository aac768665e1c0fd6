/** Random histories: whatever happened in whatever order, a proxy that answers ends with exactly what it asked for. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { VirtualClock } from "../kernel/index.ts";
import type { ResourceKind } from "./resource-source.ts";
import { SubscriptionCore } from "./subscription-core.ts";
import { FakeProxy, FakeSource, proxyIdentity } from "./testing.ts";

const outbounds = ["o1", "o2", "o3"];
const names = ["n1", "n2"];
const clusters = ["c1", "c2", "c3"];
const endpoints = clusters.flatMap((cluster) => [`${cluster}#a`, `${cluster}#b`]);

const certificates = ["k1", "k2"];

const pick = (values: readonly string[]) => fc.constantFrom(...values);
const version = fc.constantFrom("x", "y", "z");
const step = fc.oneof(
  fc.record({
    do: fc.constant("put outbound"),
    key: pick(outbounds),
    version,
    to: fc.subarray(clusters),
    shows: fc.subarray(certificates),
  }),
  fc.record({ do: fc.constant("put certificate"), key: pick(certificates), version }),
  fc.record({ do: fc.constant("remove certificate"), key: pick(certificates) }),
  fc.record({ do: fc.constant("put name"), key: pick(names), version }),
  fc.record({ do: fc.constant("put cluster"), key: pick(clusters), version }),
  fc.record({ do: fc.constant("put endpoint"), key: pick(endpoints), version }),
  fc.record({ do: fc.constant("remove outbound"), key: pick(outbounds) }),
  fc.record({ do: fc.constant("remove name"), key: pick(names) }),
  fc.record({ do: fc.constant("remove cluster"), key: pick(clusters) }),
  fc.record({ do: fc.constant("remove endpoint"), key: pick(endpoints) }),
  fc.record({ do: fc.constant("publish") }),
  fc.record({ do: fc.constant("commit") }),
  fc.record({ do: fc.constant("subscribe outbound"), key: pick(outbounds) }),
  fc.record({ do: fc.constant("unsubscribe outbound"), key: pick(outbounds) }),
  fc.record({ do: fc.constant("subscribe name"), key: pick(names) }),
  fc.record({ do: fc.constant("unsubscribe name"), key: pick(names) }),
  fc.record({ do: fc.constant("acknowledge") }),
  fc.record({ do: fc.constant("acknowledge") }),
  fc.record({ do: fc.constant("reject") }),
  fc.record({ do: fc.constant("reconnect") }),
);

interface Step {
  readonly do: string;
  readonly key?: string;
  readonly version?: string;
  readonly to?: readonly string[];
  readonly shows?: readonly string[];
}

const kinds: Record<string, ResourceKind> = {
  outbound: "Outbound",
  name: "Name",
  cluster: "Cluster",
  endpoint: "Endpoint",
  certificate: "Certificate",
};

class World {
  readonly source = new FakeSource().put("Mesh", "mesh", "m");
  readonly core = new SubscriptionCore(this.source, new VirtualClock());
  readonly asked = new Set<string>();
  #edits = 0;
  proxy: FakeProxy;

  constructor() {
    this.proxy = new FakeProxy(this.core, proxyIdentity("web"));
    this.proxy.subscriber.flush();
  }

  readonly isAsked = (id: string): boolean => this.asked.has(id) || !/^(Outbound|Name) /.test(id);

  take({ do: action, key = "", version: text = "", to = [], shows = [] }: Step): void {
    const [verb = "", noun = ""] = action.split(" ");
    const kind = kinds[noun] ?? "Name";
    switch (verb) {
      case "put":
        // A version is a hash of the content, the closure included.
        this.source.put(kind, key, kind === "Outbound" ? `${text}(${to.join()}|${shows.join()})` : text, {
          clusters: to,
          certificates: shows,
        });
        this.#edits++;
        return;
      case "remove":
        this.source.remove(kind, key);
        this.#edits++;
        return;
      case "publish":
        return this.#publish(() => this.source.publish());
      case "commit":
        return this.#publish(() => this.source.commit());
      case "acknowledge":
        return void this.proxy.acknowledge(this.isAsked);
      case "reject":
        // The proxy has none of it, and will take it when it comes again.
        return void this.proxy.reject();
      case "reconnect":
        return this.#reconnect();
    }
    if (kind !== "Outbound" && kind !== "Name") return;
    if (verb === "subscribe") {
      this.asked.add(`${kind} ${key}`);
      this.proxy.subscribe(kind, key);
    } else {
      this.asked.delete(`${kind} ${key}`);
      this.proxy.unsubscribe(kind, key);
    }
  }

  /** The source must not be read between an edit and its notice. */
  #publish(run: () => void): void {
    run();
    this.#edits = 0;
  }

  flushEdits(): void {
    if (this.#edits > 0) this.#publish(() => this.source.publish());
  }

  #reconnect(): void {
    this.core.closeSubscriber(this.proxy.subscriber);
    const { state } = this.proxy;
    for (const [id, text] of state) if (text === "") state.delete(id);
    this.proxy = new FakeProxy(this.core, proxyIdentity("web"), state);
    const { subscriber } = this.proxy;
    for (const [id, text] of state) {
      const [kind = "", key = ""] = id.split(" ");
      const known = [...Object.values(kinds), "Mesh" as const].find((candidate) => candidate === kind);
      if (known !== undefined) subscriber.resume(known, { [key]: text });
    }
    for (const kind of ["Outbound", "Name"] as const) {
      const keys = [...this.asked]
        .filter((id) => id.startsWith(`${kind} `))
        .map((id) => id.slice(kind.length + 1));
      subscriber.subscribe(kind, keys);
    }
    subscriber.flush();
  }

  /** What the proxy must have. */
  expected(): Map<string, string> {
    const state = new Map([["Mesh mesh", "m"]]);
    for (const id of this.asked) {
      const [kind, key = ""] = id.split(" ");
      const resource = this.source.peek(kind === "Outbound" ? "Outbound" : "Name", key);
      state.set(id, resource?.version ?? "");
      for (const certificate of resource?.closure.certificates ?? []) {
        const found = this.source.peek("Certificate", certificate);
        if (found !== undefined) state.set(`Certificate ${certificate}`, found.version);
      }
      for (const cluster of resource?.closure.clusters ?? []) {
        const found = this.source.peek("Cluster", cluster);
        if (found !== undefined) state.set(`Cluster ${cluster}`, found.version);
        for (const member of this.source.peekMembers(cluster)) {
          state.set(`Endpoint ${member}`, this.source.peek("Endpoint", member)?.version ?? "");
        }
      }
    }
    return state;
  }
}

function sorted(map: Map<string, string>): [string, string][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

test("a proxy that answers ends with exactly what it asked for, in its newest version", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const world = new World();
      let hasRejected = false;
      for (const one of steps) {
        const isEdit = one.do.startsWith("put") || one.do.startsWith("remove");
        if (!isEdit && one.do !== "publish" && one.do !== "commit") world.flushEdits();
        if (one.do === "reject" && world.proxy.staged !== undefined) hasRejected = true;
        world.take(one);
      }
      world.flushEdits();
      world.proxy.settle(world.isAsked);
      // What was rejected is only sent again when it differs, or on a new stream.
      if (hasRejected) {
        world.take({ do: "reconnect" });
        world.proxy.settle(world.isAsked);
      }
      expect(sorted(world.proxy.state)).toEqual(sorted(world.expected()));
      expect(world.proxy.subscriber.revision).toBe(world.source.revision);
      world.core.closeSubscriber(world.proxy.subscriber);
      expect([...world.source.tracked]).toEqual([]);
    }),
    { numRuns: 1500 },
  );
});

test("a proxy that rejects everything is soon left in peace", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const world = new World();
      for (const one of steps) {
        const isEdit = one.do.startsWith("put") || one.do.startsWith("remove");
        if (!isEdit && one.do !== "publish" && one.do !== "commit") world.flushEdits();
        world.take(one);
      }
      world.flushEdits();
      for (let rejections = 0; world.proxy.staged !== undefined; rejections++) {
        expect(rejections).toBeLessThan(8);
        world.proxy.reject();
      }
    }),
    { numRuns: 500 },
  );
});
