/** Findings: each is found where its cause is, names what it is about, and is gone with the cause. */
import { describe, expect, test } from "bun:test";
import type { CertificatesStatus, ProxyStatus } from "../../../api/index.ts";
import { meshStatus, noCertificates, ObservedMesh } from "../testing.ts";
import { type FindingCode, findingKinds } from "./finding.ts";
import { findings } from "./findings.ts";

function codes(mesh: ObservedMesh, namespace?: string): string[] {
  return findings(mesh.parts, namespace)
    .filter(({ level }) => level !== "ok")
    .map(({ code }) => code);
}

function messages(mesh: ObservedMesh, code: FindingCode, namespace?: string): string[] {
  return findings(mesh.parts, namespace)
    .filter((each) => each.code === code)
    .map(({ message }) => message);
}

/** Ordinary traffic of a shop, in steps of five seconds as proxies report. */
function traffic(mesh: ObservedMesh, seconds: number, slowMs: Partial<Record<string, number>> = {}): void {
  for (let second = 0; second < seconds; second += 5) {
    for (const to of ["shop/cart-1", "shop/cart-2", "shop/cart-3"]) {
      const ms = slowMs[to];
      mesh.call({ from: "shop/web-1", to, count: 10, ...(ms === undefined ? {} : { ms }) });
    }
    mesh.clock.advance(5_000);
  }
}

function shop(parts = {}): ObservedMesh {
  const mesh = new ObservedMesh(parts);
  mesh.service("shop/web", 1);
  mesh.service("shop/cart", 3);
  return mesh;
}

test("a mesh that is well has no findings", () => {
  const mesh = shop();
  traffic(mesh, 900);
  expect(codes(mesh)).toEqual([]);
});

test("every kind says its cause, and what to do where something is to be done", () => {
  for (const [code, { cause, fix }] of Object.entries(findingKinds)) {
    expect(cause).toMatch(/\.$/);
    if (code !== "proxies-current") expect(fix.length).toBeGreaterThan(10);
  }
});

describe("slow", () => {
  test("one endpoint of three is named within 30 s, and no other", () => {
    const mesh = shop();
    traffic(mesh, 300);
    traffic(mesh, 25, { "shop/cart-2": 300 });
    expect(messages(mesh, "slow-endpoint")).toEqual([
      expect.stringMatching(
        /^shop\/cart-2 of shop\/cart is slow: p50 is 3\d\d ms, that of its siblings 5\.\d ms$/,
      ),
    ]);
    traffic(mesh, 60);
    expect(codes(mesh)).toEqual([]);
  });

  test("one pause of an endpoint is not slowness, a slow hundredth that stays is", () => {
    const mesh = shop();
    traffic(mesh, 300);
    const slowHundredth = (): void => mesh.call({ from: "shop/web-1", to: "shop/cart-2", count: 6, ms: 300 });
    const busier = (): void => {
      for (const to of ["shop/cart-1", "shop/cart-2", "shop/cart-3"])
        mesh.call({ from: "shop/web-1", to, count: 100 });
    };
    const spell = (seconds: number, pauses: readonly number[]): string[] => {
      const found = new Set<string>();
      for (let second = 0; second < seconds; second += 5) {
        busier();
        if (pauses.includes(second)) slowHundredth();
        traffic(mesh, 5);
        for (const code of codes(mesh)) found.add(code);
      }
      return [...found];
    };
    expect(spell(60, [10])).toEqual([]);
    expect(spell(60, [0, 5, 10, 15, 20, 25, 30, 35, 40])).toContain("slow-endpoint");
  });

  test("one that balancers keep away from is named by the few answers that it has, if each is slow", () => {
    const mesh = shop();
    const avoiding = (seconds: number, ms: number): void => {
      for (let second = 0; second < seconds; second += 5) {
        for (const to of ["shop/cart-1", "shop/cart-3"]) mesh.call({ from: "shop/web-1", to, count: 10 });
        if (second % 10 === 0) mesh.call({ from: "shop/web-1", to: "shop/cart-2", count: 1, ms });
        mesh.clock.advance(5_000);
      }
    };
    traffic(mesh, 300);
    avoiding(25, 300);
    expect(messages(mesh, "slow-endpoint")).toEqual([
      expect.stringMatching(
        /^shop\/cart-2 of shop\/cart is slow: p50 is 3\d\d ms, that of its siblings 5\.\d ms; balancers keep away from it$/,
      ),
    ]);
    avoiding(10, 5);
    expect(codes(mesh)).toEqual([]);
  });

  test("a service with all of its endpoints is told by its own past", () => {
    const mesh = shop();
    traffic(mesh, 300);
    traffic(mesh, 30, { "shop/cart-1": 100, "shop/cart-2": 100, "shop/cart-3": 100 });
    expect(codes(mesh)).toEqual(["slow-service"]);
    expect(messages(mesh, "slow-service")[0]).toMatch(
      /^service shop\/cart is slow: p50 is \d+ ms, before 5\.\d ms$/,
    );
  });

  test("a route is told apart from the others of its service", () => {
    const mesh = shop();
    const both = (ms: number): void => {
      for (const [route, duration, count] of [
        ["shop/slow", ms, 10],
        ["shop/other", 5, 100],
      ] as const) {
        mesh.call({ from: "shop/web-1", to: "shop/cart-1", count, ms: duration, more: { route } });
      }
      mesh.clock.advance(5_000);
    };
    for (let step = 0; step < 60; step++) both(5);
    for (let step = 0; step < 6; step++) both(400);
    expect(messages(mesh, "slow-route")).toEqual([expect.stringContaining("route shop/slow is slow")]);
  });
});

describe("failing", () => {
  const failed = { responseClass: "5xx", responseCode: 503, reason: "upstream_reset" };

  test("an endpoint that fails more than its siblings, and its service", () => {
    const mesh = shop();
    traffic(mesh, 300);
    for (let step = 0; step < 5; step++) {
      traffic(mesh, 5);
      mesh.call({ from: "shop/web-1", to: "shop/cart-3", count: 9, more: failed });
    }
    expect(codes(mesh)).toEqual(["failing-endpoint", "failing-service"]);
    expect(messages(mesh, "failing-endpoint")[0]).toMatch(
      /^shop\/cart-3 of shop\/cart fails \d\d\.\d % of its requests, its siblings 0\.0 %$/,
    );
  });

  test("a service that always fails so much is not told again and again", () => {
    const mesh = shop();
    for (let step = 0; step < 60; step++) {
      traffic(mesh, 5);
      for (const to of ["shop/cart-1", "shop/cart-2", "shop/cart-3"]) {
        mesh.call({ from: "shop/web-1", to, count: 1, more: failed });
      }
    }
    expect(codes(mesh)).toEqual([]);
  });
});

test("one endpoint that gets more than its share", () => {
  const mesh = shop();
  for (let step = 0; step < 12; step++) {
    traffic(mesh, 5);
    mesh.call({ from: "shop/web-1", to: "shop/cart-1", count: 100 });
  }
  expect(messages(mesh, "skewed-endpoints")).toEqual([
    expect.stringMatching(/^shop\/cart-1 gets 8\d\.\d % of the requests of shop\/cart, with 3 endpoints$/),
  ]);
});

test("more tries than requests", () => {
  const mesh = shop();
  traffic(mesh, 60);
  const count = (name: string, count: bigint): void =>
    mesh.report("shop/web-1", { counters: [{ name, labels: {}, count }] });
  // As many go to its own application: no request was tried twice.
  count("weft_upstream_tries_total", 720n);
  expect(codes(mesh)).toEqual([]);
  count("weft_retries_total", 150n);
  count("weft_hedges_total", 30n);
  expect(messages(mesh, "retry-amplification")).toEqual([
    "proxies of shop/web made 1.5 tries for each request: 540 for 360",
  ]);
  count("weft_retries_total", 300n);
  expect(findings(mesh.parts, undefined)[0]).toMatchObject({ code: "retry-amplification", level: "bad" });
});

describe("unused", () => {
  const route = (name: string) => ({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { namespace: "shop", name },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name: "cart" }],
      rules: [{ backendRefs: [{ name: "cart", port: 80 }] }],
    },
  });
  const policy = (name: string) => ({
    apiVersion: "weft.dev/v1alpha1",
    kind: "AuthorizationPolicy",
    metadata: { namespace: "shop", name },
    spec: { targetRefs: [{ group: "", kind: "Service", name: "cart" }], action: "Deny", rules: [{}] },
  });

  test("routes and policies that matched nothing while their service had traffic", () => {
    const mesh = shop();
    mesh.apply(route("used"), route("unused"), policy("used"), policy("unused"));
    for (let minute = 0; minute < 15; minute++) {
      traffic(mesh, 60);
      mesh.report("shop/web-1", {
        ruleHits: [{ kind: "HTTPRoute", route: "shop/used", rule: "0", count: 1n }],
      });
      mesh.report("shop/cart-1", {
        policies: [{ policy: "AuthorizationPolicy shop/used", rule: "0", verdict: "denied", count: 1n }],
      });
    }
    mesh.apply(route("new"));
    expect(codes(mesh)).toEqual(["unused-route", "unused-policy"]);
    expect(messages(mesh, "unused-route")).toEqual([
      "HTTPRoute shop/unused took no request in 15 minutes, while shop/cart had 5400",
    ]);
    expect(messages(mesh, "unused-policy")[0]).toStartWith("AuthorizationPolicy shop/unused matched nothing");
    expect(codes(mesh, "other")).toEqual([]);
  });

  test("nothing is said of a service without traffic, or of a short time", () => {
    const mesh = shop();
    mesh.apply(route("unused"));
    mesh.clock.advance(3_000_000);
    expect(codes(mesh)).toEqual([]);
    const young = shop();
    young.apply(route("unused"));
    traffic(young, 300);
    expect(codes(young)).toEqual([]);
  });
});

describe("the mesh itself", () => {
  const proxy = (id: string, revision: number, more: Partial<ProxyStatus> = {}): ProxyStatus => {
    return { id, role: "sidecar", workload: id, identity: "", connected: true, revision, ...more };
  };

  test("proxies that are behind, refuse, or are away", () => {
    const refused = proxy("shop/a", 3, { rejections: [{ resource: "x/y", message: "cannot" }] });
    const mesh = new ObservedMesh({
      meshStatus: () => meshStatus([refused, proxy("shop/b", 4), proxy("shop/c", 1, { connected: false })]),
    });
    const all = findings(mesh.parts, "elsewhere").map(({ level, message }) => `${level} ${message}`);
    expect(all).toEqual([
      "bad shop/a refuses x/y, and keeps what it had: cannot",
      "bad shop/a runs revision 3, the newest is 4",
      "note 1 of 2 connected proxies run revision 4",
      "note shop/c is not connected",
    ]);
  });

  test("certificates whose life is nearly over", () => {
    const nowMs = 1_700_000_000_000;
    const certificate = (workload: string, lived: number): CertificatesStatus["certificates"][number] => ({
      ...{ workload, identity: "", serial: "", issuer: "", root: "", inUse: true },
      notBeforeMs: nowMs - lived * 1_000,
      notAfterMs: nowMs + (100 - lived) * 1_000,
    });
    const mesh = new ObservedMesh({
      certificates: () => ({
        ...noCertificates,
        certificates: [certificate("shop/late", 80), certificate("shop/fresh", 20)],
      }),
    });
    expect(messages(mesh, "certificate-near-expiry")).toEqual([
      expect.stringMatching(/^shop\/late shows a certificate that ends at .*; 80 % of its life is over$/),
    ]);
  });

  test("who came in plaintext, by the workload at the address where there is one", () => {
    const mesh = shop();
    const [address = ""] = mesh.registry.workload("shop/web-1")?.addresses ?? [];
    const plaintextCallers = [
      { address, port: 8080, count: 3n },
      { address: "192.0.2.7", port: 8080, count: 1n },
    ];
    mesh.report("shop/cart-1", { plaintextCallers });
    mesh.report("other/echo-1", { plaintextCallers: [{ address: "192.0.2.8", port: 80, count: 1n }] });
    mesh.clock.advance(7_000);
    expect(messages(mesh, "plaintext-caller", "shop")).toEqual([
      "192.0.2.7 came in plaintext to shop/cart-1 port 8080 (1 connection, last 7s ago): strict mTLS cuts it off",
      `shop/web-1 (${address}) came in plaintext to shop/cart-1 port 8080 (3 connections, last 7s ago): strict mTLS cuts it off`,
    ]);
  });

  test("tables of label sets that are nearly full, and what was dropped or refused", () => {
    const mesh = shop();
    mesh.report("shop/web-1", { series: 1_700, maxSeries: 2_000 });
    mesh.report("shop/cart-1", { series: 2_000, maxSeries: 2_000, droppedSeries: 12n });
    const labels = { signal: "traces", reason: "queue_full" };
    mesh.report("shop/cart-2", { counters: [{ name: "weft_telemetry_dropped_total", labels, count: 4n }] });
    mesh.report("shop/cart-3", { edges: [{ protocol: "smoke" }] });
    expect(messages(mesh, "cardinality-near-budget")).toEqual(["shop/web-1 uses 1700 of 2000 label sets"]);
    expect(messages(mesh, "telemetry-dropped")).toEqual([
      "shop/cart-1 counted 12 label sets together, since they did not fit its table",
      "proxies of shop/cart dropped 4 times: weft_telemetry_dropped_total (reason=queue_full,signal=traces)",
    ]);
    expect(messages(mesh, "telemetry-refused")).toHaveLength(1);
  });
});
