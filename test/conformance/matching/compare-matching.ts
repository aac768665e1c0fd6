/** Random routes through the compiler and the route table of proxies, compared with the text of HTTPRoute. */
import { fromBinary } from "@bufbuild/protobuf";
import { Compiler } from "../../../src/compile/compiler.ts";
import { stored, trust } from "../../../src/compile/test/objects.ts";
import { TestRegistry } from "../../../src/compile/test/test-registry.ts";
import { RouteTable } from "../../../src/decide/index.ts";
import { seededRandom } from "../../../src/decide/test/random-routing.ts";
import { GatewaySchema } from "../../../src/model/index.ts";
import { ruleByTheText } from "./by-the-text.ts";
import { type HttpRoute, randomRoutes, randomView } from "./random-routes.ts";

export interface Comparison {
  readonly pairs: number;
  readonly matched: number;
  readonly missed: number;
  /** The first pair on which the two do not agree. */
  readonly difference: string | undefined;
}

/** Of so many requests each set of routes is asked. */
const requestsOfRoutes = 250;

export function compareMatching(pairs: number, seed: number): Comparison {
  const random = seededRandom(seed);
  let matched = 0;
  let done = 0;
  while (done < pairs) {
    const routes = randomRoutes(random);
    const table = tableOf(routes);
    for (let i = 0; i < requestsOfRoutes && done < pairs; i++, done++) {
      const view = randomView(random);
      const rule = table.match(view);
      const found = rule && `${rule.route} ${rule.section}`;
      const expected = ruleByTheText(routes, view);
      if (found !== expected) {
        const request = { method: view.method, path: view.path, query: view.query };
        const headers = ["x", "y", "version"].map((name) => `${name}: ${view.header(name)}`);
        const specs = routes.map(({ metadata, spec }) => ({ metadata, spec }));
        const difference = JSON.stringify({ request, headers, found, expected, specs }, undefined, 1);
        return { pairs: done, matched, missed: done - matched, difference };
      }
      if (expected !== undefined) matched++;
    }
  }
  return { pairs: done, matched, missed: done - matched, difference: undefined };
}

function tableOf(routes: readonly HttpRoute[]): RouteTable {
  const registry = new TestRegistry();
  const compiler = new Compiler({ ...trust, registry });
  const objects = [...gateway, ...routes];
  compiler.apply({ upserted: objects, registry: registry.replace(objects) });
  const resource = compiler.get({ kind: "Gateway", key: "default/edge" });
  if (resource === undefined) throw new Error("the gateway is not compiled");
  const http = fromBinary(GatewaySchema, resource.bytes).listeners[0]?.virtualHosts[0]?.http;
  if (http === undefined) throw new Error("the gateway has no routes");
  return RouteTable.prepare(http);
}

const gateway = [
  stored({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "GatewayClass",
    metadata: { name: "weft" },
    spec: { controllerName: "weft.dev/gateway-controller" },
  }),
  stored({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "edge", namespace: "default" },
    spec: {
      gatewayClassName: "weft",
      listeners: [
        { name: "http", port: 80, protocol: "HTTP", allowedRoutes: { namespaces: { from: "All" } } },
      ],
    },
  }),
];
