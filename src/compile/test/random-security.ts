/** Random policies of security and rate for a random mesh, and what MeshConfig says of both. */

type Random = () => number;
type Kind = "AuthorizationPolicy" | "AuthenticationPolicy" | "RateLimitPolicy";
type Choices = readonly [string, ...string[]];

export const keySetUris = ["https://a.example/keys", "https://b.example/keys"] as const;

function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[Math.floor(random() * items.length)] ?? items[0];
}

interface Names {
  readonly services: Choices;
  readonly routes: Choices;
}

export function meshSecurity(random: Random): object {
  return {
    security: {
      defaultAuthorization: pick(random, ["Allow", "Allow", "Deny"]),
      authorizationLevels: pick(random, ["Tighten", "Unite"]),
      namespacesMayLoosen: random() < 0.3,
      explainDenials: random() < 0.3,
      minPeerTls: pick(random, ["1.3", "1.2"]),
      trustDomainAliases: random() < 0.3 ? ["old.weft"] : [],
    },
    ...(random() < 0.5
      ? {
          rateLimits: {
            redis: {
              backendRef: { name: "a", namespace: "red", port: 80 },
              ...(random() < 0.5 ? { secretRef: { name: "s1", namespace: "red" } } : {}),
            },
          },
        }
      : {}),
  };
}

export function securityPolicy(random: Random, namespace: string, names: Names): object {
  const kind = pick<Kind>(random, ["AuthorizationPolicy", "AuthenticationPolicy", "RateLimitPolicy"]);
  const isForMesh = random() < 0.15;
  const aim = isForMesh
    ? { targetRefs: [{ kind: "MeshConfig", name: "mesh" }] }
    : aimOf(random, namespace, names);
  const isOutside = JSON.stringify(aim).includes("Gateway") || JSON.stringify(aim).includes("Route");
  const contents: Record<Kind, (random: Random) => object> = {
    AuthorizationPolicy: authorization,
    AuthenticationPolicy: (each: Random) => authentication(each, isOutside),
    RateLimitPolicy: rateLimit,
  };
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind,
    metadata: {
      name: pick(random, ["q1", "q2", "q3"]),
      namespace: isForMesh ? "weft-system" : namespace,
      creationTimestamp: `2026-01-0${1 + Math.floor(random() * 3)}T00:00:00Z`,
    },
    spec: { ...aim, ...contents[kind](random) },
  };
}

function aimOf(random: Random, namespace: string, { services, routes }: Names): object {
  if (random() < 0.2) {
    const version = random() < 0.5 ? { version: pick(random, ["v1", "v2"]) } : {};
    return { selector: { matchLabels: { app: pick(random, ["x", "y"]), ...version } } };
  }
  const target = pick<object>(random, [
    { kind: "Namespace", name: namespace },
    { kind: "Service", name: pick(random, services) },
    { kind: "Service", name: pick(random, services), sectionName: pick(random, ["http-80", "tcp-81"]) },
    { kind: "Gateway", name: "edge" },
    { kind: "Gateway", name: "edge", sectionName: pick(random, ["one", "three"]) },
    { kind: "HTTPRoute", name: pick(random, routes) },
    { kind: "HTTPRoute", name: pick(random, routes), sectionName: "first" },
    { kind: "GRPCRoute", name: pick(random, routes) },
  ]);
  return { targetRefs: [target] };
}

function authorization(random: Random): object {
  const action = pick(random, ["Allow", "Allow", "Deny", "Audit", "Custom"]);
  const backendRef = { name: pick(random, ["a", "b"]), namespace: pick(random, ["red", "blue"]), port: 80 };
  return {
    action,
    mode: random() < 0.2 ? "DryRun" : "Enforce",
    rules: [
      {
        from: [{ namespaces: [pick(random, ["red", "blue"])] }],
        ...(random() < 0.5 ? { to: [{ paths: ["/a/*"] }] } : {}),
        ...(random() < 0.3 ? { when: ['request.headers["x"] == "1"'] } : {}),
      },
    ],
    ...(action === "Custom" ? { custom: { protocol: pick(random, ["GRPC", "HTTP"]), backendRef } } : {}),
  };
}

function authentication(random: Random, isOutside: boolean): object {
  const mode = pick(random, ["Strict", "Permissive", "Disabled", "Disabled"]);
  const provider = {
    name: "p",
    issuer: pick(random, ["https://a.example", "https://b.example"]),
    jwksUri: pick(random, keySetUris),
  };
  const jwt = { required: random() < 0.5, providers: [provider] };
  if (isOutside || random() < 0.4) return { jwt };
  return { mtls: { mode }, ...(random() < 0.3 ? { jwt } : {}) };
}

function rateLimit(random: Random): object {
  const scope = pick(random, ["Local", "Global"]);
  const keys = pick<object>(random, [{ sourceIdentity: true }, { header: "x" }, { claim: ["sub"] }]);
  return { limits: [{ requests: 1 + Math.floor(random() * 9), keys: [keys], scope }] };
}
