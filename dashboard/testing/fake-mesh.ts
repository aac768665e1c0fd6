/** Meshes that are not there: their services and calls as data, from which the fake API makes its documents. */
export interface FakeService {
  readonly namespace: string;
  readonly name: string;
  readonly kind: "service" | "gateway" | "external" | "unknown";
  readonly versions: readonly string[];
  readonly workloads: number;
  readonly ready: number;
}

export interface FakeCall {
  readonly from: string;
  readonly to: string;
  readonly perSecond: number;
  readonly errorShare: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly isMutualTls: boolean;
}

export interface FakeMesh {
  readonly trustDomain: string;
  readonly services: readonly FakeService[];
  readonly calls: readonly FakeCall[];
}

export function idOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

function service(namespace: string, name: string, more: Partial<FakeService> = {}): FakeService {
  const workloads = more.workloads ?? 2;
  return {
    namespace,
    name,
    kind: "service",
    versions: ["v1"],
    workloads,
    ready: more.ready ?? workloads,
    ...more,
  };
}

function call(from: string, to: string, perSecond: number, more: Partial<FakeCall> = {}): FakeCall {
  return { from, to, perSecond, errorShare: 0.0002, p50Ms: 8, p99Ms: 34, isMutualTls: true, ...more };
}

/** A shop of ten services, one of which fails now and then since a change. */
export function shopMesh(): FakeMesh {
  return {
    trustDomain: "shop.weft.local",
    services: [
      service("edge", "gateway", { kind: "gateway", versions: [""], workloads: 2 }),
      service("shop", "frontend", { workloads: 3, versions: ["v7"] }),
      service("shop", "catalog", { workloads: 3, versions: ["v3"] }),
      service("shop", "reviews", { workloads: 4, versions: ["v1", "v2"] }),
      service("shop", "ratings", { workloads: 2, versions: ["v1"] }),
      service("shop", "cart", { workloads: 2, versions: ["v4"] }),
      service("payments", "checkout", { workloads: 3, versions: ["v12", "v13"] }),
      service("payments", "ledger", { workloads: 3, ready: 2, versions: ["v2"] }),
      service("warehouse", "stock", { workloads: 2, versions: ["v5"] }),
      service("warehouse", "shipping", { workloads: 1, versions: ["v1"] }),
      service("payments", "card-provider", { kind: "external", workloads: 1, versions: [""] }),
    ],
    calls: [
      call("", "edge/gateway", 212, { isMutualTls: false, p50Ms: 24, p99Ms: 180 }),
      call("edge/gateway", "shop/frontend", 212, { p50Ms: 22, p99Ms: 172, errorShare: 0.0008 }),
      call("shop/frontend", "shop/catalog", 168, { p50Ms: 6, p99Ms: 28 }),
      call("shop/frontend", "shop/reviews", 96, { p50Ms: 11, p99Ms: 88, errorShare: 0.0006 }),
      call("shop/frontend", "shop/cart", 41, { p50Ms: 9, p99Ms: 46 }),
      call("shop/reviews", "shop/ratings", 52, { p50Ms: 4, p99Ms: 19 }),
      call("shop/cart", "payments/checkout", 11.4, { p50Ms: 38, p99Ms: 410, errorShare: 0.071 }),
      call("payments/checkout", "payments/ledger", 10.8, { p50Ms: 14, p99Ms: 120, errorShare: 0.004 }),
      call("payments/checkout", "payments/card-provider", 10.9, {
        p50Ms: 31,
        p99Ms: 240,
        isMutualTls: false,
      }),
      call("payments/checkout", "warehouse/shipping", 9.8, { p50Ms: 12, p99Ms: 66 }),
      call("shop/catalog", "warehouse/stock", 74, { p50Ms: 3, p99Ms: 12 }),
      call("warehouse/shipping", "warehouse/stock", 9.8, { p50Ms: 3, p99Ms: 14 }),
    ],
  };
}

const teams = [
  "accounts",
  "ads",
  "billing",
  "catalog",
  "chat",
  "content",
  "delivery",
  "fraud",
  "identity",
  "inventory",
]
  .concat([
    "loyalty",
    "mail",
    "maps",
    "media",
    "orders",
    "partners",
    "payments",
    "pricing",
    "profile",
    "search",
  ])
  .concat(["session", "stats", "support", "tax", "web"]);
const parts = [
  "api",
  "worker",
  "store",
  "cache",
  "index",
  "events",
  "rules",
  "sync",
  "export",
  "audit",
  "batch",
  "feed",
];

/** 300 services in 25 namespaces, ten workloads each. The same each time. */
export function largeMesh(): FakeMesh {
  const random = randomFrom(7);
  const services = teams.flatMap((team) =>
    parts.map((part, index) =>
      service(team, part, {
        workloads: 10,
        ready: random() < 0.03 ? 7 : 10,
        versions: index % 5 === 0 ? ["v1", "v2"] : ["v1"],
      }),
    ),
  );
  const calls = [call("", "web/api", 4200, { isMutualTls: false, p50Ms: 31, p99Ms: 320 })];
  const add = (from: string, to: string, perSecond: number): void => {
    const fails = random();
    calls.push(
      call(from, to, perSecond, {
        p50Ms: 2 + random() * 30,
        p99Ms: 20 + random() * 300,
        errorShare: fails < 0.012 ? 0.05 + random() * 0.1 : fails < 0.06 ? 0.002 + random() * 0.01 : 0,
        isMutualTls: random() > 0.01,
      }),
    );
  };
  for (const [index, team] of teams.entries()) {
    for (const [place, part] of parts.entries()) {
      if (place > 0)
        add(
          `${team}/${parts[Math.floor(random() * Math.min(place, 4))] ?? "api"}`,
          `${team}/${part}`,
          20 + random() * 900,
        );
    }
    // Teams in four tiers, of which each calls the next one; the web calls the first.
    const tier = index % 4;
    const others = tier === 3 ? 0 : 1 + Math.floor(random() * 2);
    for (let each = 0; each < others; each++) {
      const other = teams[(Math.floor(random() * 6) * 4 + tier + 1) % 24] ?? "web";
      add(`${team}/${parts[Math.floor(random() * 3)] ?? "api"}`, `${other}/api`, 30 + random() * 1200);
    }
    if (tier === 0 && team !== "web") add("web/api", `${team}/api`, 100 + random() * 1500);
  }
  return { trustDomain: "large.weft.local", services, calls };
}

const hostile = {
  html: '<img src=x onerror="document.title=1"><script>document.body.dataset.hacked=1</script>',
  long: "a-service-whose-name-was-made-by-a-program-that-knew-no-bounds-and-went-on-and-on-until-somebody-stopped-it".repeat(
    3,
  ),
  rtl: "\u202Eetirw ot erus\u202C خدمة-الدفع",
};

/** Names that try to be markup, to be too long, to turn the page around. */
export function hostileMesh(): FakeMesh {
  const names = [hostile.html, hostile.long, hostile.rtl, "${constructor}", "__proto__"];
  return {
    trustDomain: hostile.html,
    services: names.map((name) => service("shop", name, { versions: [hostile.html, "v2"] })),
    calls: names.map((name, index) =>
      call(`shop/${name}`, `shop/${names[(index + 1) % names.length] ?? ""}`, 5),
    ),
  };
}

/** Numerical Recipes' generator: the same meshes on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
