/** Random policies beside routes: how requests are carried, trouble on purpose, who may do what, and who may refer to whom. */
import { pick, type Random } from "../authorization/random.ts";
import type {
  AccessRule,
  Applied,
  AuthorizationPolicy,
  Fault,
  FaultPolicy,
  MeshConfig,
  OperationPatterns,
  ReferenceGrant,
  Route,
  TargetRef,
  TrafficPolicy,
} from "./applied.ts";
import { chance, headerNames, hosts, methods, segments, several, values } from "./random-routes.ts";
import { type World } from "./world.ts";

const group = "weft.dev";
const api = "gateway.networking.k8s.io";
const times = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"] as const;

export function randomPolicies(random: Random, routes: readonly Route[], world: World): Applied[] {
  return [
    ...several(random, 0, 4, () => undefined).map((_, index) => trafficPolicy(random, routes, `t${index}`)),
    ...(chance(random, 0.4) ? several(random, 1, 2, () => undefined) : []).map((_, index) =>
      faultPolicy(random, routes, `f${index}`),
    ),
    ...(chance(random, 0.6) ? several(random, 1, 4, () => undefined) : []).map((_, index) =>
      authorizationPolicy(random, routes, `z${index}`, world),
    ),
    ...(chance(random, 0.15) ? [oneEndpointOnly(random)] : []),
    ...(chance(random, 0.6) ? [grant(random)] : []),
    meshConfig(random),
  ];
}

interface Aimed {
  readonly namespace: string;
  readonly targetRefs: readonly TargetRef[];
}

/** Policies of traffic are aimed at Services, those of security at doors. */
function aim(random: Random, routes: readonly Route[], isSecurity: boolean): Aimed {
  const what = random();
  if (what < 0.12) {
    return { namespace: "weft-system", targetRefs: [{ group, kind: "MeshConfig", name: "mesh" }] };
  }
  const namespace = pick(random, ["shop", "shop", "data"]);
  if (what < 0.25) return { namespace, targetRefs: [{ group: "", kind: "Namespace", name: namespace }] };
  const route = routes[Math.floor(random() * routes.length)];
  if (what < 0.6 && route !== undefined) {
    const { kind, metadata, spec } = route;
    const names = (spec.rules ?? []).flatMap(({ name }) => name ?? []);
    const section = names[0] !== undefined && chance(random, 0.5) ? { sectionName: names[0] } : {};
    return {
      namespace: metadata.namespace ?? "",
      targetRefs: [{ group: api, kind, name: metadata.name, ...section }],
    };
  }
  if (isSecurity && what < 0.75) {
    const section = chance(random, 0.5) ? { sectionName: pick(random, ["any", "shop", "admin"]) } : {};
    return { namespace: "shop", targetRefs: [{ group: api, kind: "Gateway", name: "door", ...section }] };
  }
  const name =
    namespace === "shop" ? pick(random, ["front", "one", "two", "none"]) : pick(random, ["three", "four"]);
  const section = chance(random, 0.3) ? { sectionName: pick(random, ["http", "grpc"]) } : {};
  return { namespace, targetRefs: [{ group: "", kind: "Service", name, ...section }] };
}

function trafficPolicy(random: Random, routes: readonly Route[], name: string): TrafficPolicy {
  const { namespace, targetRefs } = aim(random, routes, false);
  const said = pick<Pick<TrafficPolicy["spec"], "timeouts" | "retries">>(random, [
    { timeouts: { request: pick(random, ["40s", "50s"]) } },
    { timeouts: { try: "35s", streamIdle: "2m" }, retries: { attempts: 4 } },
    { retries: { on: pick(random, [["5xx"], [500, "reset"], ["gateway-error"]]) } },
    { retries: { grpcOn: ["unavailable"], attempts: 0 } },
    { timeouts: { request: "0s" }, retries: { unsafeMethods: chance(random, 0.5) } },
  ]);
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "TrafficPolicy",
    metadata: { name, namespace, creationTimestamp: pick(random, times) },
    spec: { targetRefs, ...said },
  };
}

function faultPolicy(random: Random, routes: readonly Route[], name: string): FaultPolicy {
  const { namespace, targetRefs } = aim(random, routes, false);
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "FaultPolicy",
    metadata: { name, namespace, creationTimestamp: pick(random, times) },
    spec: { targetRefs, faults: several(random, 1, 2, () => randomFault(random)) },
  };
}

function randomFault(random: Random): Fault {
  return {
    ...(chance(random, 0.7) ? { percentage: pick(random, [0, 25, 50, 99.9999]) } : {}),
    ...(chance(random, 0.5)
      ? {
          matches: [
            {
              path: { type: pick(random, ["PathPrefix", "Exact"]), value: `/${pick(random, segments)}` },
              ...(chance(random, 0.3) ? { method: pick(random, methods) } : {}),
            },
          ],
        }
      : {}),
    ...(chance(random, 0.2) ? { optInHeader: pick(random, headerNames) } : {}),
    expiresAt: chance(random, 0.1) ? "2020-01-01T00:00:00Z" : "2099-01-01T00:00:00Z",
    ...pick<Partial<Fault>>(random, [
      { delay: "1ms" },
      { abort: { httpStatus: pick(random, [400, 418, 503]) } },
      { abort: { grpcStatus: pick(random, ["unavailable", "aborted", "not-found"]) } },
    ]),
  };
}

function authorizationPolicy(
  random: Random,
  routes: readonly Route[],
  name: string,
  world: World,
): AuthorizationPolicy {
  const bySelector = chance(random, 0.3);
  const { namespace, targetRefs } = aim(random, routes, true);
  const place = bySelector
    ? {
        selector: {
          matchLabels: pick<Record<string, string>>(random, [
            { tier: "server" },
            { app: "w1" },
            { app: "w2", tier: "server" },
            { version: "a" },
            { app: "w1", version: "b" },
            { version: "b" },
          ]),
        },
      }
    : { targetRefs };
  const action = pick(random, ["Allow", "Deny", "Deny", "Audit"] as const);
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "AuthorizationPolicy",
    metadata: { name, namespace: bySelector ? pick(random, ["shop", "data"]) : namespace },
    spec: {
      ...place,
      action,
      ...(chance(random, 0.1) ? { mode: "DryRun" as const } : {}),
      // An Allow of one caller alone would refuse nearly everything.
      rules: several(random, action === "Allow" ? 2 : 1, action === "Allow" ? 4 : 2, () =>
        action === "Allow" && chance(random, 0.4) ? {} : randomAccess(random, world),
      ),
    },
  };
}

/** What the others behind the same Services do not ask for. */
function oneEndpointOnly(random: Random): AuthorizationPolicy {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "AuthorizationPolicy",
    metadata: { name: "one", namespace: "shop" },
    spec: {
      selector: { matchLabels: { version: pick(random, ["a", "b"]) } },
      action: "Deny",
      rules: [chance(random, 0.5) ? {} : { to: [{ methods: [pick(random, methods)] }] }],
    },
  };
}

function randomAccess(random: Random, world: World): AccessRule {
  const from = pick<Record<string, string[]>>(random, [
    { identities: ["ns/shop/sa/web"] },
    { notIdentities: ["ns/data/*"] },
    { namespaces: ["data"] },
    { notNamespaces: ["shop"] },
    { serviceAccounts: ["weft-system/gateway", "data/batch"] },
    { identities: ["*"] },
  ]);
  return {
    ...(chance(random, 0.5) ? { from: [from] } : {}),
    ...(chance(random, 0.7) ? { to: several(random, 1, 2, () => randomOperation(random, world)) } : {}),
  };
}

function randomOperation(random: Random, world: World): OperationPatterns {
  return pick<OperationPatterns>(random, [
    { methods: [pick(random, methods)] },
    { notMethods: ["GET"] },
    { paths: [pick(random, ["/a", "/a/*", "/a/{*}", "/{**}", "/whole*", "*b", "/new/{**}"])] },
    { notPaths: ["/a", "/b/*"] },
    { hosts: [pick(random, [...hosts, "*.shop.test", "new.test"])] },
    { ports: [world["shop/one"][0]?.http ?? 0, 8_081, world["data/three"][0]?.grpc ?? 0] },
    { headers: [{ name: pick(random, headerNames), value: pick(random, [...values, "*"]) }] },
    { notHeaders: [{ name: pick(random, headerNames), value: pick(random, values) }], methods: ["POST"] },
  ]);
}

function grant(random: Random): ReferenceGrant {
  const namespace = pick(random, ["shop", "data"]);
  return {
    apiVersion: `${api}/v1`,
    kind: "ReferenceGrant",
    metadata: { name: "g", namespace },
    spec: {
      from: [
        {
          group: api,
          kind: pick(random, ["HTTPRoute", "HTTPRoute", "GRPCRoute"]),
          namespace: namespace === "shop" ? "data" : "shop",
        },
      ],
      to: [
        {
          group: "",
          kind: "Service",
          ...(chance(random, 0.3) ? { name: pick(random, ["one", "three"]) } : {}),
        },
      ],
    },
  };
}

/** Always there: who may be let in by default is otherwise whatever stood there before. */
function meshConfig(random: Random): MeshConfig {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshConfig",
    metadata: { name: "mesh" },
    spec: {
      security: {
        defaultAuthorization: chance(random, 0.08) ? "Deny" : "Allow",
        authorizationLevels: chance(random, 0.1) ? "Unite" : "Tighten",
      },
    },
  };
}
