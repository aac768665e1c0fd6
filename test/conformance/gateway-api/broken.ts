/** Objects that break one rule each: what random changes seldom find. */

const service = { name: "web", port: 80 };
const edits = { set: [{ name: "x-a", value: "1" }] };
const match = { headers: [{ name: "h", value: "v" }] };
const manyMatches = [64, 64, 1].map((count) => ({ matches: Array.from({ length: count }, () => match) }));

function route(rule: object): object {
  return { rules: [rule] };
}

function path(value: string, type = "PathPrefix"): object {
  return route({ matches: [{ path: { type, value } }], backendRefs: [service] });
}

function filters(...list: object[]): object {
  return route({ filters: list });
}

const redirectTo = { type: "ReplacePrefixMatch", replacePrefixMatch: "/a" };
const redirect = { type: "RequestRedirect", requestRedirect: { scheme: "https" } };
const rewrite = { type: "URLRewrite", urlRewrite: { hostname: "a.org" } };
const request = { type: "RequestHeaderModifier", requestHeaderModifier: edits };
const response = { type: "ResponseHeaderModifier", responseHeaderModifier: edits };

function cors(settings: object): object {
  return filters({ type: "CORS", cors: settings });
}

/** In the filters of a backend, with a match that is no prefix. */
function backendFilter(filter: object): object {
  const matches = [{ path: { type: "Exact", value: "/a" } }];
  return route({ matches, backendRefs: [{ ...service, filters: [filter] }] });
}

function call(method: object): object {
  return route({ matches: [{ method }] });
}

const extension = { group: "example.com", kind: "Filter", name: "f" };
const fields: Readonly<Record<string, object>> = {
  RequestHeaderModifier: { requestHeaderModifier: edits },
  ResponseHeaderModifier: { responseHeaderModifier: edits },
  RequestMirror: { requestMirror: { backendRef: service } },
  RequestRedirect: { requestRedirect: {} },
  URLRewrite: { urlRewrite: {} },
  CORS: { cors: {} },
};

/** Filters without the field of their type, and with another's. */
function wrongFields(types: readonly string[]): object[] {
  return types.flatMap((type) => [
    filters({ type }),
    filters({ type: "ExtensionRef", extensionRef: extension, ...fields[type] }),
  ]);
}

const brokenSessions = [
  route({ sessionPersistence: { type: "Header", cookieConfig: {} } }),
  route({ sessionPersistence: { cookieConfig: { lifetimeType: "Permanent" } } }),
];

const listener = { name: "a", port: 80, protocol: "HTTP" };

function gateway(...listeners: object[]): object {
  return { gatewayClassName: "weft", listeners };
}

const listenerSets = [
  [listener, { ...listener, port: 81 }],
  [listener, { ...listener, name: "b" }],
];

export const broken: Readonly<Record<string, readonly object[]>> = {
  HTTPRoute: [
    { rules: manyMatches },
    ...["a", "/a//b", "/a/./b", "/a/../b", "/a%2fb", "/a%2Fb", "/a#b", "/a/..", "/a/.", "/a?b"].map((each) =>
      path(each),
    ),
    path("/a//b", "Exact"),
    filters(request, request),
    filters(response, response),
    ...wrongFields(Object.keys(fields)),
    filters({ type: "ExtensionRef" }),
    filters(redirect, redirect),
    filters(rewrite, rewrite),
    filters(redirect, rewrite),
    filters({
      type: "RequestMirror",
      requestMirror: { backendRef: service, percent: 1, fraction: { numerator: 1 } },
    }),
    filters({
      type: "ExternalAuth",
      externalAuth: { backendRef: service, protocol: "GRPC", grpc: {}, http: {} },
    }),
    filters({
      type: "ExternalAuth",
      externalAuth: { backendRef: service, protocol: "HTTP", grpc: {}, http: {} },
    }),
    filters({ type: "CORS", cors: {} }, { type: "CORS", cors: {} }),
    cors({ allowOrigins: ["*", "https://a.org"] }),
    cors({ allowMethods: ["*", "GET"] }),
    cors({ allowHeaders: ["*", "x-a"] }),
    route({ filters: [redirect], backendRefs: [service] }),
    backendFilter({ type: "RequestRedirect", requestRedirect: { path: redirectTo } }),
    backendFilter({ type: "URLRewrite", urlRewrite: { path: redirectTo } }),
    route({ timeouts: { request: "1s", backendRequest: "2s" } }),
    ...brokenSessions,
    { parentRefs: [{ name: "a" }, { name: "a", port: 80 }] },
    {
      parentRefs: [
        { name: "a", port: 80 },
        { name: "a", port: 80 },
      ],
    },
  ],
  GRPCRoute: [
    { rules: manyMatches },
    call({}),
    call({ service: "a/b" }),
    call({ method: "a.b" }),
    filters({
      type: "RequestMirror",
      requestMirror: { backendRef: service, percent: 1, fraction: { numerator: 1 } },
    }),
    filters(request, request),
    filters(response, response),
    ...wrongFields(["RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror"]),
    filters({ type: "ExtensionRef" }),
    ...brokenSessions,
    { rules: [{ name: "a" }, { name: "a" }] },
  ],
  TLSRoute: [{ hostnames: ["10.0.0.1"], rules: [{ backendRefs: [service] }] }],
  Gateway: [
    ...listenerSets.map((listeners) => gateway(...listeners)),
    {
      ...gateway(listener),
      addresses: Array.from({ length: 2 }, () => ({ type: "Hostname", value: "a.org" })),
    },
    { ...gateway(listener), addresses: Array.from({ length: 2 }, () => ({ value: "10.0.0.1" })) },
    ...["IPAddress", "Hostname"].map((type) => ({ ...gateway(listener), addresses: [{ type, value: "" }] })),
  ],
  ListenerSet: listenerSets.map((listeners) => ({ parentRef: { name: "edge" }, listeners })),
};
