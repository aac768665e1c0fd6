/** HTTPRoutes: the defaults of Gateway API, and rules, matches and filters that are refused. */
import { describe, expect, test } from "bun:test";
import { issuesOf, parsedAs } from "./testing/parsing.ts";

function route(spec: unknown): unknown {
  return { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", metadata: { name: "r" }, spec };
}
const rule = (fields: unknown): unknown => route({ rules: [fields] });
const path = (type: string, value: string): unknown => rule({ matches: [{ path: { type, value } }] });

describe("HTTPRoute", () => {
  test("fills in the defaults of Gateway API at every depth", () => {
    const { spec } = parsedAs(
      "HTTPRoute",
      route({
        parentRefs: [{ name: "gw" }],
        rules: [
          { matches: [{ headers: [{ name: "a", value: "b" }] }], backendRefs: [{ name: "s", port: 80 }] },
          { filters: [{ type: "RequestRedirect", requestRedirect: {} }] },
        ],
      }),
    );
    expect(spec).toEqual({
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "gw" }],
      rules: [
        {
          matches: [
            { path: { type: "PathPrefix", value: "/" }, headers: [{ name: "a", type: "Exact", value: "b" }] },
          ],
          backendRefs: [{ group: "", kind: "Service", name: "s", port: 80, weight: 1 }],
        },
        {
          matches: [{ path: { type: "PathPrefix", value: "/" } }],
          filters: [{ type: "RequestRedirect", requestRedirect: { statusCode: 302 } }],
        },
      ],
    });
  });

  test("without rules matches everything", () => {
    expect(parsedAs("HTTPRoute", route({})).spec.rules).toEqual([
      { matches: [{ path: { type: "PathPrefix", value: "/" } }] },
    ]);
  });

  test.each([
    [
      path("PathPrefix", "a"),
      "spec.rules[0].matches[0].path.value: must be an absolute path that starts with /",
    ],
    [path("Exact", "/a//b"), "spec.rules[0].matches[0].path.value: must not contain '//'"],
    [path("Exact", "/a/../b"), "spec.rules[0].matches[0].path.value: must not contain '/../'"],
    [path("Exact", "/a%2fb"), "spec.rules[0].matches[0].path.value: must not contain '%2f'"],
    [path("PathPrefix", "/a/.."), "spec.rules[0].matches[0].path.value: must not end with '/..'"],
    [
      path("PathPrefix", "/a b"),
      "spec.rules[0].matches[0].path.value: must only contain valid path characters",
    ],
    [rule({ backendRefs: [{ name: "s" }] }), "spec.rules[0].backendRefs[0].port: is required for a Service"],
    [
      rule({ timeouts: { request: "1s", backendRequest: "1001ms" } }),
      "spec.rules[0].timeouts.backendRequest: cannot be longer than the request timeout",
    ],
    [
      rule({ timeouts: { request: "1.5s" } }),
      "spec.rules[0].timeouts.request: must be a duration such as 1h, 30s or 1m500ms",
    ],
    [
      rule({
        filters: [{ type: "RequestRedirect", requestRedirect: {} }],
        backendRefs: [{ name: "s", port: 1 }],
      }),
      "spec.rules[0].backendRefs: RequestRedirect filter must not be used together with backendRefs",
    ],
    [
      rule({ filters: [{ type: "RequestHeaderModifier" }] }),
      "spec.rules[0].filters[0].requestHeaderModifier: is required where type is RequestHeaderModifier",
    ],
    [
      rule({ filters: [{ type: "RequestHeaderModifier", requestHeaderModifier: {}, cors: {} }] }),
      "spec.rules[0].filters[0].cors: must be absent where type is RequestHeaderModifier",
    ],
    [
      rule({
        filters: [
          {
            type: "RequestHeaderModifier",
            requestHeaderModifier: {
              set: [
                { name: "A", value: "1" },
                { name: "a", value: "2" },
              ],
            },
          },
        ],
      }),
      "spec.rules[0].filters[0].requestHeaderModifier.set[1].name: a is listed twice",
    ],
    [
      rule({
        filters: [
          {
            type: "URLRewrite",
            urlRewrite: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/" } },
          },
        ],
        matches: [{}, {}],
      }),
      "spec.rules[0].filters[0].urlRewrite.path: replacePrefixMatch needs exactly one match in the rule, of type PathPrefix",
    ],
    [
      rule({
        filters: [
          { type: "URLRewrite", urlRewrite: { path: { type: "ReplaceFullPath", replacePrefixMatch: "/" } } },
        ],
      }),
      "spec.rules[0].filters[0].urlRewrite.path.replaceFullPath: is required where type is ReplaceFullPath",
    ],
    [
      rule({ sessionPersistence: { type: "Header", cookieConfig: {} } }),
      "spec.rules[0].sessionPersistence.cookieConfig: must be absent where type is not Cookie",
    ],
    [
      rule({ sessionPersistence: { cookieConfig: { lifetimeType: "Permanent" } } }),
      "spec.rules[0].sessionPersistence.absoluteTimeout: is required where cookieConfig.lifetimeType is Permanent",
    ],
    [
      rule({
        filters: [
          {
            type: "ExternalAuth",
            externalAuth: { protocol: "HTTP", backendRef: { name: "auth", port: 80 }, grpc: {} },
          },
        ],
      }),
      "spec.rules[0].filters[0].externalAuth.http: is required where protocol is HTTP",
    ],
    [
      rule({
        filters: [
          {
            type: "ExternalAuth",
            externalAuth: { protocol: "GRPC", backendRef: { name: "auth" }, grpc: {} },
          },
        ],
      }),
      "spec.rules[0].filters[0].externalAuth.backendRef.port: is required for a Service",
    ],
    [
      rule({ filters: [{ type: "ExternalAuth" }] }),
      "spec.rules[0].filters[0].externalAuth: is required where type is ExternalAuth",
    ],
    [
      rule({
        filters: [
          {
            type: "RequestMirror",
            requestMirror: { backendRef: { name: "s", port: 1 }, percent: 1, fraction: { numerator: 1 } },
          },
        ],
      }),
      "spec.rules[0].filters[0].requestMirror: only one of percent and fraction may be given",
    ],
    [route({ rules: [{ name: "a" }, { name: "a" }] }), "spec.rules[1].name: another rule is named a"],
    [
      route({ parentRefs: [{ name: "g" }, { name: "g" }] }),
      "spec.parentRefs[1].sectionName: must be unique where a parent is referred to twice",
    ],
    [
      route({ parentRefs: [{ name: "g", sectionName: "x" }, { name: "g" }] }),
      "spec.parentRefs[1].sectionName: must be given in every reference to a parent that is referred to twice",
    ],
    [
      route({
        rules: Array.from({ length: 3 }, () => ({ matches: Array.from({ length: 43 }, () => ({})) })),
      }),
      "spec.rules: must not have more than 128 matches in all rules together",
    ],
    [route({ rules: [] }), "spec.rules: must have at least 1 item"],
    [
      route({ hostnames: ["Shop.example.com"] }),
      "spec.hostnames[0]: must be a lower-case host name such as shop.example.com or *.example.com",
    ],
  ])("refuses %j", (input, issue) => {
    expect(issuesOf(input)).toContain(issue);
  });

  test("accepts what weft does not serve yet: that is said in its status", () => {
    const mirror = { type: "RequestMirror", requestMirror: { backendRef: { name: "s", port: 1 } } };
    const cors = { type: "CORS", cors: { allowOrigins: ["https://shop.example.com"] } };
    const externalAuth = {
      protocol: "HTTP",
      backendRef: { name: "auth", port: 80 },
      http: { path: "/check", allowedHeaders: ["x-a"], allowedResponseHeaders: ["x-b"] },
      forwardBody: { maxSize: 1024 },
    };
    const auth = { type: "ExternalAuth", externalAuth };
    expect(issuesOf(rule({ filters: [mirror, cors, auth], backendRefs: [{ name: "s", port: 1 }] }))).toEqual(
      [],
    );
    expect(issuesOf(path("RegularExpression", "/(a|b)+"))).toEqual([]);
  });
});
