/** BackendTLSPolicies: which one holds for a port, what it compiles to, and what its status says. */
import { describe, expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import type { Stored } from "../api/index.ts";
import { ClusterSchema, type UpstreamTls } from "../model/index.ts";
import { Compiler } from "./compiler.ts";
import type { StatusUpdate } from "./status.ts";
import { shopPair } from "./test/certificates.ts";
import { stored, trust } from "./test/objects.ts";
import { TestRegistry } from "./test/test-registry.ts";

const shop = service("shop", [
  { name: "https-1", port: 443 },
  { name: "https-2", port: 8443 },
]);

function service(name: string, ports: object[]): object {
  const clusterIPs = ["240.240.0.1"];
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { clusterIPs, ports } };
}

function configMap(name: string, data: object): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data };
}

const ca = configMap("ca", { "ca.crt": shopPair.certificate });

interface PolicyParts {
  readonly target?: object;
  readonly validation?: object;
  readonly created?: string;
}

function policy(name: string, { target, validation, created = "2026-01-01" }: PolicyParts = {}): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "BackendTLSPolicy",
    metadata: { name, creationTimestamp: `${created}T00:00:00Z` },
    spec: {
      targetRefs: [{ group: "", kind: "Service", name: "shop", ...target }],
      validation: { hostname: "shop.example.com", caCertificateRefs: [reference("ca")], ...validation },
    },
  };
}

function reference(name: string, kind = "ConfigMap"): object {
  return { group: "", kind, name };
}

class Mesh {
  readonly #registry = new TestRegistry();
  readonly #compiler = new Compiler({ ...trust, registry: this.#registry });
  readonly #statuses = new Map<string, StatusUpdate>();

  constructor(...inputs: object[]) {
    this.add(...inputs);
  }

  #objects: Stored[] = [];

  add(...inputs: object[]): void {
    const objects = inputs.map((input) => stored(input));
    this.#objects.push(...objects);
    const registry = this.#registry.replace(this.#objects);
    for (const status of this.#compiler.apply({ upserted: objects, registry }).statuses) {
      this.#statuses.set(`${status.kind} ${status.name}`, status);
    }
  }

  remove(name: string): void {
    const key = { kind: "BackendTLSPolicy" as const, namespace: "default", name };
    for (const status of this.#compiler.apply({ removed: [key] }).statuses)
      this.#statuses.set(`${status.kind} ${status.name}`, status);
  }

  tls(port = 443): UpstreamTls | undefined {
    const resource = this.#compiler.get({ kind: "Cluster", key: `default/shop:${port}` });
    if (resource === undefined) throw new Error("no cluster");
    return fromBinary(ClusterSchema, resource.bytes).tls;
  }

  /** "Gateway edge: Accepted=True Accepted". */
  said(name: string): string[] {
    const status = this.#statuses.get(`BackendTLSPolicy ${name}`)?.status;
    if (status?.kind !== "policy") throw new Error(`no status of ${name}`);
    return status.ancestors.flatMap(({ ancestorRef, conditions }) =>
      conditions.map(
        ({ type, status: holds, reason }) =>
          `${String(ancestorRef["kind"])} ${String(ancestorRef["name"])}: ${type}=${holds} ${reason}`,
      ),
    );
  }
}

const wellAtShop = ["Service shop: Accepted=True Accepted", "Service shop: ResolvedRefs=True ResolvedRefs"];

describe("a policy", () => {
  test("says what the certificates of its Service's endpoints must prove", () => {
    const subjectAltNames = [
      { type: "Hostname", hostname: "a.example.com" },
      { type: "URI", uri: "spiffe://other.org/shop" },
    ];
    const mesh = new Mesh(shop, ca, policy("p", { validation: { subjectAltNames } }));
    expect(mesh.tls()).toMatchObject({
      source: { kind: "BackendTLSPolicy", namespace: "default", name: "p" },
      hostname: "shop.example.com",
      caPem: shopPair.certificate,
      systemRoots: false,
      invalid: "",
      subjectAltNames: [
        { name: { case: "dns", value: "a.example.com" } },
        { name: { case: "uri", value: "spiffe://other.org/shop" } },
      ],
    });
    expect(mesh.said("p")).toEqual(wellAtShop);
  });

  test("may trust what the machine trusts", () => {
    const mesh = new Mesh(
      shop,
      policy("p", { validation: { caCertificateRefs: undefined, wellKnownCACertificates: "System" } }),
    );
    expect(mesh.tls()).toMatchObject({ systemRoots: true, caPem: "", invalid: "" });
    expect(mesh.said("p")).toEqual(wellAtShop);
  });

  test("comes and goes", () => {
    const mesh = new Mesh(shop, ca);
    expect(mesh.tls()).toBeUndefined();
    mesh.add(policy("p"));
    expect(mesh.tls()?.hostname).toBe("shop.example.com");
    mesh.remove("p");
    expect(mesh.tls()).toBeUndefined();
  });

  test("for a port goes before one for the Service, and neither is in conflict", () => {
    const all = policy("all", { validation: { hostname: "all.example.com" } });
    const one = policy("one", { target: { sectionName: "https-1" }, created: "2026-02-01" });
    const mesh = new Mesh(shop, ca, all, one);
    expect([mesh.tls(443)?.hostname, mesh.tls(8443)?.hostname]).toEqual([
      "shop.example.com",
      "all.example.com",
    ]);
    expect([mesh.said("all"), mesh.said("one")]).toEqual([wellAtShop, wellAtShop]);
  });

  test("that is younger than another of the same target is in conflict, until that one goes", () => {
    const young = { created: "2026-02-01", validation: { hostname: "young.example.com" } };
    const mesh = new Mesh(shop, ca, policy("old"), policy("young", young));
    expect(mesh.tls()?.hostname).toBe("shop.example.com");
    expect(mesh.said("young")[0]).toBe("Service shop: Accepted=False Conflicted");
    mesh.remove("old");
    expect(mesh.tls()?.hostname).toBe("young.example.com");
    expect(mesh.said("young")).toEqual(wellAtShop);
  });

  test("of the same age goes by its name", () => {
    const mesh = new Mesh(shop, ca, policy("b"), policy("a", { validation: { hostname: "a.example.com" } }));
    expect(mesh.tls()?.hostname).toBe("a.example.com");
  });
});

describe("a reference that leads nowhere", () => {
  test.each([
    ["no ConfigMap", [reference("gone")], "InvalidCACertificateRef", "ConfigMap default/gone does not exist"],
    [
      "no ca.crt",
      [reference("empty")],
      "InvalidCACertificateRef",
      "ConfigMap default/empty has no key ca.crt",
    ],
    ["another kind", [reference("ca", "Secret")], "InvalidKind", "Secret ca is no ConfigMap"],
  ])("%s: every connection is refused", (_what, caCertificateRefs, reason, message) => {
    const mesh = new Mesh(
      shop,
      ca,
      configMap("empty", {}),
      policy("p", { validation: { caCertificateRefs } }),
    );
    expect(mesh.tls()?.invalid).toBe(
      `BackendTLSPolicy default/p: spec.validation.caCertificateRefs[0]: ${message}`,
    );
    expect(mesh.said("p")).toEqual([
      "Service shop: Accepted=False NoValidCACertificate",
      `Service shop: ResolvedRefs=False ${reason}`,
    ]);
  });

  test("beside one that does is told, and connections go on with that", () => {
    const caCertificateRefs = [reference("gone"), reference("ca")];
    const mesh = new Mesh(shop, ca, policy("p", { validation: { caCertificateRefs } }));
    expect(mesh.tls()).toMatchObject({ caPem: shopPair.certificate, invalid: "" });
    expect(mesh.said("p")).toEqual([
      "Service shop: Accepted=True Accepted",
      "Service shop: ResolvedRefs=False InvalidCACertificateRef",
    ]);
  });

  test("is followed as soon as the ConfigMap is there", () => {
    const mesh = new Mesh(shop, policy("p"));
    expect(mesh.tls()?.invalid).not.toBe("");
    mesh.add(ca);
    expect(mesh.tls()?.invalid).toBe("");
    expect(mesh.said("p")).toEqual(wellAtShop);
  });
});

test.each([
  ["a Service that is not there", { name: "gone" }, "TargetNotFound"],
  ["a port that is not there", { sectionName: "http" }, "TargetNotFound"],
  ["another kind", { group: "example.com", kind: "Bucket" }, "Invalid"],
])("%s as target is told", (_what, target, reason) => {
  const mesh = new Mesh(shop, ca, policy("p", { target }));
  expect(mesh.said("p")[0]).toEndWith(`Accepted=False ${reason}`);
  expect(mesh.tls()).toBeUndefined();
});

test("authorities that nobody knows refuse every connection", () => {
  const validation = { caCertificateRefs: undefined, wellKnownCACertificates: "example.com/roots" };
  const mesh = new Mesh(shop, policy("p", { validation }));
  expect(mesh.said("p")[0]).toBe("Service shop: Accepted=False Invalid");
  expect(mesh.tls()?.invalid).toContain("example.com/roots is not known");
});

test("the Gateways whose routes send to the Service are its ancestors", () => {
  const mesh = new Mesh(shop, ca, policy("p"), ...gatewayWith("HTTPRoute"));
  expect(mesh.said("p")).toEqual([
    "Gateway edge: Accepted=True Accepted",
    "Gateway edge: ResolvedRefs=True ResolvedRefs",
    ...wellAtShop,
  ]);
});

function gatewayWith(kind: string, backend = { name: "shop", port: 443 }): object[] {
  const gateway = "gateway.networking.k8s.io/v1";
  const controllerName = "weft.dev/gateway-controller";
  const listeners = [{ name: "http", port: 80, protocol: "HTTP" }];
  return [
    { apiVersion: gateway, kind: "GatewayClass", metadata: { name: "weft" }, spec: { controllerName } },
    {
      apiVersion: gateway,
      kind: "Gateway",
      metadata: { name: "edge" },
      spec: { gatewayClassName: "weft", listeners },
    },
    {
      apiVersion: gateway,
      kind,
      metadata: { name: "to-shop" },
      spec: { parentRefs: [{ name: "edge" }], rules: [{ backendRefs: [backend] }] },
    },
  ];
}

describe("a backend whose appProtocol is nothing that its route sends", () => {
  const ports = [
    { name: "db", port: 1, appProtocol: "postgres" },
    { name: "wss", port: 2, appProtocol: "kubernetes.io/wss" },
    { name: "ws", port: 3, appProtocol: "kubernetes.io/ws" },
    { name: "h2c", port: 4, appProtocol: "kubernetes.io/h2c" },
    { name: "tcp-by-name-only", port: 5 },
  ];

  test.each([
    ["HTTPRoute", 1, "UnsupportedProtocol"],
    ["HTTPRoute", 2, "UnsupportedProtocol"],
    ["HTTPRoute", 3, "ResolvedRefs"],
    ["HTTPRoute", 4, "ResolvedRefs"],
    ["HTTPRoute", 5, "ResolvedRefs"],
    ["GRPCRoute", 3, "UnsupportedProtocol"],
    ["GRPCRoute", 4, "ResolvedRefs"],
  ])("%s to port %d: %s", (kind, port, reason) => {
    expect(resolutionOf(kind, port, service("shop", ports))).toBe(reason);
  });

  test("is sent to over TLS where a policy says how", () => {
    expect(resolutionOf("HTTPRoute", 2, service("shop", ports), ca, policy("p"))).toBe("ResolvedRefs");
  });

  function resolutionOf(kind: string, port: number, ...inputs: object[]): string | undefined {
    const registry = new TestRegistry();
    const compiler = new Compiler({ ...trust, registry });
    const objects = [...inputs, ...gatewayWith(kind, { name: "shop", port })].map((input) => stored(input));
    const { statuses } = compiler.apply({ upserted: objects, registry: registry.replace(objects) });
    const status = statuses.find((each) => each.kind === kind)?.status;
    if (status?.kind !== "route") throw new Error("no status of the route");
    return status.parents[0]?.conditions.find(({ type }) => type === "ResolvedRefs")?.reason;
  }
});
