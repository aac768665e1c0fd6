/** The answer of a control plane that is asked to explain: two hops through the shop, with names as the mesh has them. */
import type { Explanation } from "../../src/api/index.ts";
import type { FakeMesh } from "./fake-mesh.ts";

export function explanationOf(mesh: FakeMesh, url: string): Explanation {
  const [from, to] = mesh.services.map(({ namespace, name }) => ({
    namespace,
    name,
    path: `${namespace}/${name}`,
  }));
  if (from === undefined || to === undefined) throw new Error("a mesh of two services at least");
  const rule = { kind: "HTTPRoute", namespace: to.namespace, name: to.name, section: "testers", revision: 7 };
  const policy = {
    kind: "AuthorizationPolicy",
    namespace: to.namespace,
    name: `only-${from.name}`,
    section: "",
  };
  const forwarded = { verdict: "forwarded" as const };
  return {
    requestId: "00000000-0000-4000-8000-000000000000",
    request: { from: { workload: from.path }, url },
    revision: 9,
    outcome: forwarded,
    hops: [
      {
        ...hopOf(from.path, "outbound"),
        listener: {
          text: `10.96.0.3:80, Service ${to.path}`,
          address: "10.96.0.3",
          port: 80,
          name: "",
          hostname: "",
        },
        route: {
          source: rule,
          matched: "path prefix /, header x-tester = yes",
          others: [
            { source: { ...rule, section: "rules[1]" }, matched: "path prefix /admin", why: "the path is /" },
          ],
          othersOmitted: 0,
        },
        settings: [
          { field: "requestTimeoutMs", value: "5000", origin: rule },
          { field: "retry.maxRetries", value: "2" },
        ],
        requestEdits: [{ operation: "set", name: "x-variant", value: "next" }],
        backends: [backendOf(`${to.path}:80`, 0.9, true), backendOf(`${to.path}-next:80`, 0.1, false)],
        sent: { method: "GET", url, headers: [] },
      },
      {
        ...hopOf(`${to.path}-1`, "inbound"),
        listener: { text: "port 8080 of the application", address: "", port: 8_080, name: "", hostname: "" },
        admission: [
          {
            source: policy,
            action: "allow",
            level: "workload",
            isDryRun: false,
            isMatch: true,
            rule: "callers",
          },
        ],
        sent: { method: "GET", url, headers: [] },
      },
    ],
    notes: ["Which endpoint takes it only the moment knows."],
  };
}

function hopOf(name: string, direction: "outbound" | "inbound"): Explanation["hops"][number] {
  return {
    proxy: { role: "sidecar", direction, name, identity: "" },
    also: [],
    listener: { text: "", address: "", port: 0, name: "", hostname: "" },
    protocol: "http",
    admission: [],
    limits: [],
    faults: [],
    settings: [],
    requestEdits: [],
    responseEdits: [],
    mirrors: [],
    backends: [],
    outcome: { verdict: "forwarded" },
    notes: [],
  };
}

function backendOf(cluster: string, share: number, chosen: boolean) {
  return { cluster, weight: share * 100, share, chosen, endpoints: [], endpointsOmitted: 0 };
}
