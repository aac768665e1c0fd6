/** Policies of security and rate as the compiler keeps them up to date: where they apply, whom a change concerns, what is said. */
import { describe, expect, test } from "bun:test";
import { MtlsMode } from "../../model/index.ts";
import { stored } from "../test/objects.ts";
import { meshConfig, ofSystem, policy, service, targets, TestMesh, wholeMesh, workload } from "./testing.ts";

const web = service("web", [
  { name: "http", port: 80, targetPort: 8080 },
  { name: "tcp", port: 81, targetPort: 9090 },
]);
const secondDoor = service("second-door", [{ name: "http", port: 80, targetPort: 8080 }]);
const web1 = workload("web-1", { app: "web", tier: "edge" }, [8080, 7070]);
const cart1 = workload("cart-10", { app: "cart" }, [8080]);

const all = { rules: [{}] };
const authz = (name: string, spec: object, written = {}) =>
  policy("AuthorizationPolicy", name, spec, written);
const authn = (name: string, spec: object, written = {}) =>
  policy("AuthenticationPolicy", name, spec, written);

function mesh(...more: Parameters<TestMesh["add"]>): TestMesh {
  return new TestMesh(web, secondDoor, web1, cart1, ...more);
}

describe("where a policy applies", () => {
  test.each<[string, object, object, Record<number, string[]>]>([
    ["the mesh", wholeMesh, ofSystem, { 8080: ["1 p"], 9090: ["1 p"], 7070: ["1 p"] }],
    ["the namespace", targets("Namespace", "shop"), {}, { 8080: ["2 p"], 9090: ["2 p"], 7070: ["2 p"] }],
    [
      "another namespace",
      targets("Namespace", "far"),
      { namespace: "far" },
      { 8080: [], 9090: [], 7070: [] },
    ],
    ["a Service", targets("Service", "web"), {}, { 8080: ["3 p"], 9090: ["3 p"], 7070: [] }],
    ["a Service's port", targets("Service", "web", "http"), {}, { 8080: ["3 p"], 9090: [], 7070: [] }],
    [
      "labels",
      { selector: { matchLabels: { tier: "edge", app: "web" } } },
      {},
      { 8080: ["3 p"], 9090: ["3 p"], 7070: ["3 p"] },
    ],
    [
      "labels of which one is another's",
      { selector: { matchLabels: { app: "web", tier: "inner" } } },
      {},
      { 8080: [], 9090: [], 7070: [] },
    ],
    [
      "labels in another namespace",
      { selector: { matchLabels: { app: "web" } } },
      { namespace: "far" },
      { 8080: [], 9090: [], 7070: [] },
    ],
  ])("%s", (_name, aim, written, expected) => {
    const subject = mesh(authz("p", { ...aim, ...all }, written));
    for (const [port, policies] of Object.entries(expected)) {
      expect([port, subject.policiesAt(Number(port))]).toEqual([port, policies]);
    }
  });

  test("a second Service on the same port is no way around a policy of the first", () => {
    const subject = mesh(authz("p", { ...targets("Service", "second-door"), ...all }));
    expect(subject.policiesAt(8080)).toEqual(["3 p"]);
    expect(subject.inbound().ports.find(({ port }) => port === 8080)?.services).toEqual([
      "shop/second-door",
      "shop/web",
    ]);
  });

  test("policies are sorted by level and then by name, and ports that ask the same share it", () => {
    const subject = mesh(
      authz("z", { ...targets("Namespace", "shop"), ...all }),
      authz("b", { selector: { matchLabels: { app: "web" } }, ...all }),
      authz("a", { selector: { matchLabels: { app: "web" } }, ...all }),
      authz("m", { ...wholeMesh, ...all }, ofSystem),
    );
    expect(subject.policiesAt(8080)).toEqual(["1 m", "2 z", "3 a", "3 b"]);
    expect(subject.inbound().admissions).toHaveLength(1);
  });

  test("without policies nothing is asked, unless the mesh denies by default", () => {
    const subject = mesh();
    expect(subject.inbound().admissions).toEqual([]);
    subject.add(meshConfig({ security: { defaultAuthorization: "Deny", authorizationLevels: "Unite" } }));
    expect(subject.admission(8080)?.authorization).toMatchObject({
      policies: [],
      defaultDeny: true,
      unitesLevels: true,
    });
  });
});

describe("what a policy costs elsewhere", () => {
  test("a thousand policies for others leave a workload's bytes as they were, and are not looked at", () => {
    const subject = mesh(authz("own", { ...targets("Service", "web"), ...all }));
    const before = subject.inbound();
    const others = Array.from({ length: 1000 }, (_, index) => {
      const aims = [
        { selector: { matchLabels: { app: `app-${index}` } } },
        targets("Service", `service-${index}`),
        targets("HTTPRoute", `route-${index}`),
      ];
      return authz(`p${index}`, { ...aims[index % aims.length], ...all });
    });
    const output = subject.add(...others);
    expect(output.upserted).toEqual([]);
    expect(subject.inbound().version).toBe(before.version);
    expect(subject.compiler.statuses().length).toBeGreaterThan(1000);
  });

  test("a change concerns those that it is for, before and after", () => {
    const subject = mesh();
    subject.inbound();
    subject.inbound("shop/cart-10");
    const keys = (output: ReturnType<TestMesh["add"]>) => output.upserted.map(({ key }) => key);
    const ofWeb = { selector: { matchLabels: { app: "web" } } };
    expect(keys(subject.add(authz("p", { ...ofWeb, ...all })))).toEqual(["shop/web-1"]);
    const ofCart = { selector: { matchLabels: { app: "cart" } } };
    const moved = authz("p", { ...ofCart, ...all }, { generation: 2 });
    expect(keys(subject.add(moved))).toEqual(["shop/cart-10", "shop/web-1"]);
    expect(keys(subject.remove(moved))).toEqual(["shop/cart-10"]);
    expect(subject.inbound().admissions).toEqual([]);
  });

  test("a field of MeshConfig that has nothing to do with security concerns no workload", () => {
    const subject = mesh(meshConfig({}));
    subject.inbound();
    subject.compiler.get({ kind: "Mesh", key: "mesh" });
    const output = subject.add(meshConfig({ accessLog: false }, 2));
    expect(output.upserted.map(({ key }) => key)).toEqual(["mesh"]);
  });
});

describe("a policy that cannot be compiled", () => {
  test("keeps its last good output and says what is wrong, and where", () => {
    const when = (text: string) => ({
      ...targets("Service", "web"),
      action: "Deny",
      rules: [{ when: [text] }],
    });
    const subject = mesh(authz("p", when("connection.tls")));
    const before = subject.inbound().version;
    subject.add(authz("p", when("connection.tsl"), { generation: 2 }));
    expect(subject.inbound().version).toBe(before);
    expect(subject.conditions("p")).toEqual([
      "Accepted=False Invalid: spec.rules[0].when[0]: at character 11: connection.tsl is no attribute; see docs/reference/authorization.md; the last version that could be compiled stays in force",
    ]);
    subject.add(authz("p", when("!connection.tls"), { generation: 3 }));
    expect(subject.inbound().version).not.toBe(before);
  });
});

describe("a policy of which no version could be compiled fails closed", () => {
  const broken = { when: ["connection.tsl"], to: [{ methods: ["GET"] }] };

  test("a rule that allows is left out, so that it allows nothing", () => {
    const subject = mesh(authz("p", { ...targets("Service", "web"), rules: [{ name: "fine" }, broken] }));
    expect(subject.admission(8080)?.authorization?.policies[0]?.rules.map(({ name }) => name)).toEqual([
      "fine",
    ]);
    expect(subject.conditions("p")[0]).toContain("Accepted=False Invalid: spec.rules[1].when[0]");
    expect(subject.conditions("p")[0]).toContain("no version of it could be");
  });

  test("a rule that denies does so whatever its condition is", () => {
    const subject = mesh(authz("p", { ...targets("Service", "web"), action: "Deny", rules: [broken] }));
    expect(subject.admission(8080)?.authorization?.policies[0]?.rules).toMatchObject([
      { to: [{ methods: ["GET"] }], when: [] },
    ]);
    const mended = { ...broken, when: ["connection.tls"] };
    subject.add(
      authz("p", { ...targets("Service", "web"), action: "Deny", rules: [mended] }, { generation: 2 }),
    );
    expect(subject.admission(8080)?.authorization?.policies[0]?.rules[0]?.when).toHaveLength(1);
    subject.add(
      authz("p", { ...targets("Service", "web"), action: "Deny", rules: [broken] }, { generation: 3 }),
    );
    expect(subject.admission(8080)?.authorization?.policies[0]?.rules[0]?.when).toHaveLength(1);
    expect(subject.conditions("p")[0]).toContain("the last version that could be compiled stays in force");
  });
});

describe("modes of mTLS", () => {
  const { UNSPECIFIED: unsaid, STRICT: strict, PERMISSIVE: permissive, DISABLED: disabled } = MtlsMode;
  const mode = (value: string) => ({ mtls: { mode: value } });
  const modes = (subject: TestMesh) => {
    const { mtls, ports } = subject.inbound();
    return [mtls, ...ports.map((port) => port.mtls)];
  };

  test.each<[string, string[], boolean, MtlsMode[]]>([
    ["strict is what nobody says", [], false, [strict, unsaid, unsaid, unsaid]],
    [
      "the mesh takes the place of the default",
      ["mesh Permissive"],
      false,
      [permissive, unsaid, unsaid, unsaid],
    ],
    [
      "a namespace cannot loosen the default",
      ["namespace Permissive"],
      false,
      [strict, unsaid, unsaid, unsaid],
    ],
    [
      "unless the mesh says that it may",
      ["namespace Permissive"],
      true,
      [permissive, unsaid, unsaid, unsaid],
    ],
    [
      "a namespace tightens",
      ["mesh Disabled", "namespace Permissive"],
      false,
      [permissive, unsaid, unsaid, unsaid],
    ],
    [
      "a Service tightens its ports",
      ["mesh Permissive", "service Strict"],
      false,
      [permissive, unsaid, strict, strict],
    ],
    [
      "a Service's port tightens",
      ["mesh Permissive", "port Strict"],
      false,
      [permissive, unsaid, strict, unsaid],
    ],
    [
      "the nearest wins where it may loosen",
      ["mesh Strict", "service Disabled"],
      true,
      [strict, unsaid, disabled, disabled],
    ],
    [
      "a port is nearer than its Service",
      ["service Disabled", "port Permissive"],
      true,
      [strict, unsaid, permissive, disabled],
    ],
  ])("%s", (_name, said, mayLoosen, expected) => {
    const aims: Record<string, [object, object]> = {
      mesh: [wholeMesh, ofSystem],
      namespace: [targets("Namespace", "shop"), {}],
      service: [targets("Service", "web"), {}],
      port: [targets("Service", "web", "http"), {}],
    };
    const policies = said.map((each) => {
      const [level = "", value = ""] = each.split(" ");
      const [aim, written] = aims[level] ?? [{}, {}];
      return authn(level, { ...aim, ...mode(value) }, written);
    });
    const subject = mesh(meshConfig({ security: { namespacesMayLoosen: mayLoosen } }), ...policies);
    expect(subject.inbound().ports.map(({ port }) => port)).toEqual([7070, 8080, 9090]);
    expect(modes(subject)).toEqual(expected);
  });

  test("of two at one target the tighter holds, and the other's status says so", () => {
    const subject = mesh(
      authn("loose", { ...wholeMesh, ...mode("Disabled") }, ofSystem),
      authn("tight", { ...wholeMesh, ...mode("Permissive") }, ofSystem),
    );
    expect(modes(subject)[0]).toBe(permissive);
    expect(subject.conditions("loose")).toEqual([
      "Accepted=False Conflicted: mtls.mode Disabled has no effect: AuthenticationPolicy weft-system/tight says Permissive",
    ]);
    expect(subject.conditions("tight")).toEqual(["Accepted=True Accepted: "]);
  });

  test("what is too loose says whose word stands", () => {
    const subject = mesh(authn("p", { ...targets("Service", "web"), ...mode("Permissive") }));
    expect(subject.conditions("p")).toEqual([
      "Accepted=False Conflicted: mtls.mode Permissive has no effect: the mesh's default says Strict",
    ]);
  });
});

describe("tokens", () => {
  const provider = (name: string, issuer = `https://${name}.example`) => ({
    name,
    issuer,
    jwksUri: `https://${name}.example/keys`,
  });
  const jwt = (required: boolean, ...providers: object[]) => ({ jwt: { required, providers } });

  test("keys that were fetched are compiled, and a workload without the issuer is not concerned", () => {
    const subject = mesh(
      authn("p", { selector: { matchLabels: { app: "web" } }, ...jwt(false, provider("a")) }),
    );
    subject.inbound("shop/cart-10");
    expect([...subject.compiler.wantedJwks]).toEqual(["https://a.example/keys"]);
    expect(subject.admission(8080)?.jwt?.providers[0]?.jwks).toBe("");
    expect(subject.conditions("p")[1]).toBe(
      "ResolvedRefs=False KeysNotFetched: keys of a are not fetched yet: its tokens are refused",
    );
    const uri = "https://a.example/keys";
    const output = subject.compiler.apply({ keySets: [{ uri, document: '{"keys":[]}', error: undefined }] });
    expect(output.upserted.map(({ key }) => key)).toEqual(["shop/web-1"]);
    expect(subject.admission(8080)?.jwt?.providers[0]?.jwks).toBe('{"keys":[]}');
    subject.compiler.apply({ keySets: [{ uri, document: undefined, error: "connection refused" }] });
    expect(subject.admission(8080)?.jwt?.providers[0]?.jwks).toBe("");
    expect(subject.conditions("p")[1]).toContain("keys of a: connection refused; its tokens are refused");
  });

  test("the set of wanted addresses changes with the policies, and says so", () => {
    const subject = mesh();
    const first = authn("p", { ...targets("Service", "web"), ...jwt(false, provider("a")) });
    expect(subject.add(first).wantedJwksChanged).toBe(true);
    expect(subject.add(authz("q", { ...targets("Service", "web"), ...all })).wantedJwksChanged).toBe(false);
    const second = authn("r", { ...targets("Service", "web"), ...jwt(false, provider("a")) });
    expect(subject.add(second).wantedJwksChanged).toBe(false);
    expect(subject.remove(first).wantedJwksChanged).toBe(false);
    expect(subject.remove(second).wantedJwksChanged).toBe(true);
    expect([...subject.compiler.wantedJwks]).toEqual([]);
  });

  test("a namespace can neither change an issuer's keys nor add one where tokens are required", () => {
    const issuers = (subject: TestMesh) =>
      subject.admission(8080)?.jwt?.providers.map(({ source, name }) => `${source?.name} ${name}`);
    const own = authn("own", {
      ...targets("Namespace", "shop"),
      ...jwt(false, provider("evil", "https://a.example"), provider("b")),
    });
    const loose = mesh(authn("m", { ...wholeMesh, ...jwt(false, provider("a")) }, ofSystem), own);
    expect(issuers(loose)).toEqual(["m a", "own b"]);
    const strict = mesh(authn("m", { ...wholeMesh, ...jwt(true, provider("a")) }, ofSystem), own);
    expect(issuers(strict)).toEqual(["m a"]);
    expect(strict.conditions("own")[0]).toStartWith(
      "Accepted=False Conflicted: jwt provider evil has no effect: AuthenticationPolicy weft-system/m decides",
    );
    strict.add(meshConfig({ security: { namespacesMayLoosen: true } }));
    expect(issuers(strict)).toEqual(["own evil", "own b"]);
    expect(strict.admission(8080)?.jwt).toMatchObject({ required: true, requiredBy: { name: "m" } });
  });
});

describe("limits over Redis", () => {
  const limit = policy("RateLimitPolicy", "p", {
    ...targets("Service", "web", "http"),
    limits: [{ requests: 1, scope: "Global" }],
  });
  const redis = stored({
    apiVersion: "weft.dev/v1alpha1",
    kind: "ExternalService",
    metadata: { name: "redis", namespace: "weft-system" },
    spec: { hosts: ["redis.example"], ports: [{ port: 6379, protocol: "TCP" }], resolution: "DNS" },
  });
  const secret = stored({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "redis", namespace: "weft-system" },
    stringData: { password: "s3cret" },
  });
  const backendRef = { group: "weft.dev", kind: "ExternalService", name: "redis", port: 6379 };
  const config = meshConfig({ rateLimits: { redis: { backendRef, secretRef: { name: "redis" } } } });

  test("are local, and say so, as long as there is none", () => {
    const subject = mesh(limit);
    expect(subject.admission(8080)?.rateLimits[0]?.store?.unresolved).toContain("redis is not set");
    expect(subject.conditions("p")[1]).toBe(
      "ResolvedRefs=False BackendNotFound: limits of scope Global are local: MeshConfig.spec.rateLimits.redis is not set",
    );
    subject.add(config, redis);
    expect(subject.admission(8080)?.rateLimits[0]?.store?.unresolved).toContain("Secret weft-system/redis");
    expect(subject.inbound().closure.clusters).toEqual([]);
    subject.add(secret);
    expect(subject.admission(8080)?.rateLimits[0]?.store).toMatchObject({
      unresolved: "",
      cluster: "weft-system/redis:6379",
      password: "s3cret",
    });
    expect(subject.inbound().closure.clusters).toEqual(["weft-system/redis:6379"]);
    expect(subject.conditions("p")[1]).toBe("ResolvedRefs=True ResolvedRefs: ");
  });

  test("the password is in nothing that has no use for it", () => {
    const subject = mesh(limit, config, redis, secret);
    const holds = (bytes: Uint8Array) => Buffer.from(bytes).includes("s3cret");
    expect(
      holds(subject.compiler.get({ kind: "Inbound", key: "shop/web-1" })?.bytes ?? new Uint8Array()),
    ).toBe(true);
    for (const name of [
      { kind: "Inbound", key: "shop/cart-10" },
      { kind: "Mesh", key: "mesh" },
      { kind: "Cluster", key: "weft-system/redis:6379" },
    ] as const) {
      const bytes = subject.compiler.get(name)?.bytes;
      expect([name.key, bytes !== undefined, bytes !== undefined && holds(bytes)]).toEqual([
        name.key,
        true,
        false,
      ]);
    }
    expect(JSON.stringify(subject.compiler.statuses())).not.toContain("s3cret");
  });
});
