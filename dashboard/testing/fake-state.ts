/** The API's documents about configuration and proxies, made from a fake mesh. */
import type {
  CertificatesStatus,
  FindingsDocument,
  HistoryEntry,
  MeshStatus,
  ResourceObject,
} from "../src/api/documents.ts";
import { noise } from "./fake-figures.ts";
import { type FakeMesh, idOf } from "./fake-mesh.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const revision = 148;

export function statusOf(mesh: FakeMesh, startMs: number): MeshStatus {
  const proxies = mesh.services
    .filter(({ kind }) => kind === "service" || kind === "gateway")
    .flatMap((service) =>
      Array.from({ length: service.workloads }, (_, index) => {
        const workload = `${idOf(service)}-${index + 1}`;
        const isDead = index >= service.ready;
        const isBehind = noise(workload, 3) < 0.01;
        return {
          id: `${workload}~${index}`,
          role: service.kind === "gateway" ? ("gateway" as const) : ("sidecar" as const),
          workload,
          identity: `spiffe://${mesh.trustDomain}/ns/${service.namespace}/sa/${service.name}`,
          connected: !isDead,
          revision: isDead ? revision - 9 : isBehind ? revision - 1 : revision,
          version: "0.1.0",
          address: `10.42.${index}.${10 + (service.name.length % 200)}`,
          subscriptions: 6 + service.name.length,
          ...(workload === "payments/checkout-3"
            ? {
                rejections: [
                  {
                    resource: "listener payments/checkout:9080",
                    message: "certificate and key do not match",
                  },
                ],
              }
            : {}),
        };
      }),
    );
  return {
    revision,
    sequence: revision * 3,
    compiledRevision: revision,
    trustDomain: mesh.trustDomain,
    version: "0.1.0",
    startTimeMs: startMs - 37 * hourMs,
    isLivenessFrozen: false,
    proxies,
  };
}

export function certificatesOf(mesh: FakeMesh, startMs: number): CertificatesStatus {
  const root = "9f2c64d1a0be4c7788f1d2a4b6c8e0f19f2c64d1a0be4c7788f1d2a4b6c8e0f1";
  const certificates = statusOf(mesh, startMs).proxies.map(({ workload, identity, connected }, index) => {
    const used = connected ? 0.02 + noise(workload, 1) * 0.5 : 0.93;
    return {
      workload,
      identity,
      serial: (BigInt(index + 1) * 0x9e3779b97f4a7c15n).toString(16).slice(-16).padStart(16, "0"),
      issuer: "5d41402abc4b2a76b9719d911017c592",
      root,
      notBeforeMs: Math.round(startMs - used * 24 * hourMs),
      notAfterMs: Math.round(startMs + (1 - used) * 24 * hourMs),
      inUse: connected,
    };
  });
  const authority = { trusted: true, notAfterMs: startMs + 3_400 * 24 * hourMs };
  return {
    authorities: [
      {
        kind: "root",
        subject: `weft root ${mesh.trustDomain}`,
        fingerprint: root,
        issuing: false,
        ...authority,
      },
      {
        kind: "intermediate",
        subject: `weft issuing 2 ${mesh.trustDomain}`,
        fingerprint: root.split("").toReversed().join(""),
        issuing: true,
        ...authority,
        notAfterMs: startMs + 300 * 24 * hourMs,
      },
    ],
    certificates,
    revoked: [
      {
        workload: "shop/reviews-9",
        identity: `spiffe://${mesh.trustDomain}/ns/shop/sa/reviews`,
        serial: "c0ffee0123456789",
        reason: "the machine was lost",
        revokedMs: startMs - 5 * hourMs,
        notAfterMs: startMs + 9 * hourMs,
      },
    ],
  };
}

const commits = [
  ["mira", "Send a tenth of checkout to v13", [["HTTPRoute", "payments", "checkout"]], 6.4],
  [
    "ci/deploy",
    "shop: catalog v3",
    [
      ["Service", "shop", "catalog"],
      ["HTTPRoute", "shop", "catalog"],
    ],
    24,
  ],
  ["jonas", "Retry only what is safe to repeat", [["TrafficPolicy", "payments", "checkout-retries"]], 51],
  ["mira", "", [["AuthorizationPolicy", "payments", "ledger-callers"]], 130],
  ["ci/deploy", "warehouse: stock v5", [["Service", "warehouse", "stock"]], 400],
  [
    "anna",
    "Nobody but the gateway reaches the frontend",
    [["AuthorizationPolicy", "shop", "frontend-callers"]],
    1_300,
  ],
  [
    "jonas",
    "Remove the old recommendations",
    [
      ["Service", "shop", "recommendations"],
      ["HTTPRoute", "shop", "recommendations"],
    ],
    2_900,
  ],
] as const;

export function historyOf(startMs: number, limit: number): readonly HistoryEntry[] {
  return commits.slice(0, limit).map(([author, message, objects, minutesAgo], index) => ({
    revision: revision - index,
    timeMs: startMs - minutesAgo * minuteMs,
    author,
    message,
    changes: objects.map(([kind, namespace, name]) => ({
      kind,
      namespace,
      name,
      outcome: message.startsWith("Remove")
        ? ("deleted" as const)
        : index % 4 === 3
          ? ("created" as const)
          : ("configured" as const),
    })),
  }));
}

export function findingsOf(mesh: FakeMesh): FindingsDocument {
  const failing = mesh.calls.filter(({ errorShare }) => errorShare > 0.05).slice(0, 3);
  const open = mesh.calls.filter(({ isMutualTls, from }) => !isMutualTls && from !== "").slice(0, 3);
  const about = (id: string): { kind: string; namespace: string; name: string } => {
    const [namespace = "", ...rest] = id.split("/");
    return { kind: "Service", namespace, name: rest.join("/") };
  };
  return {
    items: [
      ...failing.map(({ to, errorShare }) => ({
        code: "failing-service",
        level: "bad" as const,
        message: `${to} fails ${(errorShare * 100).toFixed(1)} % of its requests`,
        fix: "compare its versions: most failures come from the newest one",
        about: about(to),
      })),
      ...open.map(({ from, to }) => ({
        code: "plaintext-caller",
        level: "note" as const,
        message: `${from} reaches ${to} in plaintext`,
        fix: "start a proxy beside it, or allow it by name before mTLS becomes strict",
        about: about(to),
      })),
      {
        code: "unused-route",
        level: "note",
        message: "rule beta-testers of HTTPRoute shop/reviews was not used in the last hour",
        fix: "take it out, or see whether its header is still sent",
        about: { kind: "HTTPRoute", namespace: "shop", name: "reviews" },
      },
      {
        code: "certificate-near-expiry",
        level: "ok",
        message: "every certificate has more than a fifth of its life left",
        fix: "",
      },
    ],
  };
}

export function objectsOf(mesh: FakeMesh, kind: string, startMs: number): readonly ResourceObject[] {
  const split = mesh.services.filter(({ versions }) => versions.length > 1);
  const made = new Date(startMs - 50 * hourMs).toISOString();
  const since = new Date(startMs - 49 * hourMs).toISOString();
  const condition = (type: string, isGood: boolean, message = "") =>
    ({
      type,
      status: isGood ? "True" : "False",
      reason: isGood ? type : "BackendNotFound",
      message,
      lastTransitionTime: since,
      observedGeneration: 3,
    }) as const;
  if (kind === "HTTPRoute") {
    return split.map(({ namespace, name, versions }, index) => {
      const parentRef = { kind: "Service", name, port: 9080 };
      const isBroken = index === 1;
      return {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind,
        metadata: { namespace, name, generation: 3, creationTimestamp: made },
        spec: {
          parentRefs: [parentRef],
          rules: [
            {
              name: "canary",
              backendRefs: versions.map((version, each) => ({
                name: `${name}-${version}`,
                port: 9080,
                weight: each === 0 ? 90 : 10,
              })),
              timeouts: { request: "3s" },
            },
          ],
        },
        status: {
          parents: [
            {
              parentRef,
              conditions: [
                condition("Accepted", true),
                condition("ResolvedRefs", !isBroken, isBroken ? `Service "${name}-v14" is not there` : ""),
              ],
            },
          ],
        },
      };
    });
  }
  if (kind !== "AuthorizationPolicy") return [];
  return mesh.services.slice(0, 40).map(({ namespace, name }) => ({
    apiVersion: "weft.dev/v1alpha1",
    kind,
    metadata: { namespace, name: `${name}-callers`.slice(0, 300), generation: 3, creationTimestamp: made },
    spec: {
      targetRefs: [{ kind: "Service", name }],
      action: "ALLOW",
      rules: [{ from: [{ namespaces: [namespace, "edge"] }], to: [{ methods: ["GET", "POST"] }] }],
    },
    status: {
      ancestors: [{ ancestorRef: { kind: "Service", name }, conditions: [condition("Accepted", true)] }],
    },
  }));
}
