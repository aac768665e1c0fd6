/**
 * AuthorizationPolicies at the bench's gateway. Of all of them ten are about it: they are tried to their end by each request, and the
 * last of them lets it in. The others are about other workloads.
 */
const applying = 10;

export function weftAuthorization(count: number): object[] {
  return Array.from({ length: count }, (_, index) => (index < applying ? own(index) : others(index)));
}

function own(index: number): object {
  const isLast = index === applying - 1;
  const rule = isLast
    ? { to: [{ methods: ["GET"], paths: ["/*"] }] }
    : { to: [{ methods: ["DELETE"], paths: [`/admin-${index}/*`] }] };
  return policy(index, {
    targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "bench" }],
    action: isLast ? "Allow" : "Deny",
    rules: [rule],
  });
}

function others(index: number): object {
  return policy(index, {
    selector: { matchLabels: { app: `other-${index}` } },
    action: "Deny",
    rules: [{ to: [{ paths: [`/other-${index}/*`] }] }],
  });
}

function policy(index: number, spec: object): object {
  const metadata = { name: `bench-${index}`, namespace: "default" };
  return { apiVersion: "weft.dev/v1alpha1", kind: "AuthorizationPolicy", metadata, spec };
}
