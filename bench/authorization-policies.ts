/**
 * The doors of the scenario `authorization`. Of a thousand AuthorizationPolicies ten are about the second door's route: they are tried
 * to their end by each request, and the last of them lets it in. The others are about other workloads.
 */
import type { Door } from "./peers/weft-doors.ts";

const applying = 10;
const route = "authorized";

export const authorizationDoors: readonly Door[] = [
  { name: "plain", objects: [] },
  {
    name: route,
    objects: Array.from({ length: 1_000 }, (_, index) => (index < applying ? own(index) : others(index))),
  },
];

function own(index: number): object {
  const isLast = index === applying - 1;
  const rule = isLast
    ? { to: [{ methods: ["GET"], paths: ["/*"] }] }
    : { to: [{ paths: [`/admin-${index}/*`] }] };
  return policy(index, {
    targetRefs: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: route }],
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
