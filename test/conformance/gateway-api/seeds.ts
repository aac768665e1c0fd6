/** Valid objects of each kind, with every feature in one of them: what the corpus is grown from. */

const service = { name: "web", port: 80 };
const secret = { name: "shop" };
const edits = {
  set: [
    { name: "x-a", value: "1" },
    { name: "x-b", value: "two words" },
  ],
  add: [{ name: "x-c", value: "3" }],
  remove: ["x-d", "x-e"],
};
const parents = [
  { name: "edge", sectionName: "one" },
  { name: "edge", sectionName: "two" },
  { group: "", kind: "Service", name: "web", namespace: "shop", port: 80 },
];
const session = {
  sessionName: "s",
  type: "Cookie",
  absoluteTimeout: "1h",
  cookieConfig: { lifetimeType: "Permanent" },
};

const httpRules = [
  {
    name: "edits",
    matches: [
      {
        path: { type: "PathPrefix", value: "/a" },
        method: "GET",
        headers: [
          { name: "x-version", value: "2" },
          { type: "RegularExpression", name: "x-user", value: "a.*" },
        ],
        queryParams: [{ name: "q", value: "1" }],
      },
      { path: { type: "Exact", value: "/b" } },
    ],
    filters: [
      { type: "RequestHeaderModifier", requestHeaderModifier: edits },
      { type: "ResponseHeaderModifier", responseHeaderModifier: edits },
      { type: "RequestMirror", requestMirror: { backendRef: service, percent: 10 } },
      {
        type: "RequestMirror",
        requestMirror: { backendRef: service, fraction: { numerator: 1, denominator: 3 } },
      },
      {
        type: "CORS",
        cors: {
          allowOrigins: ["https://a.example.com", "https://*.example.org"],
          allowCredentials: true,
          allowMethods: ["GET", "POST"],
          allowHeaders: ["x-a"],
          exposeHeaders: ["x-b"],
          maxAge: 60,
        },
      },
      {
        type: "ExternalAuth",
        externalAuth: {
          protocol: "HTTP",
          backendRef: service,
          http: { path: "/auth", allowedHeaders: ["x-a"], allowedResponseHeaders: ["x-b"] },
          forwardBody: { maxSize: 1024 },
        },
      },
      { type: "ExtensionRef", extensionRef: { group: "example.com", kind: "Filter", name: "f" } },
    ],
    backendRefs: [
      service,
      {
        ...service,
        weight: 3,
        filters: [{ type: "RequestHeaderModifier", requestHeaderModifier: edits }],
      },
    ],
    timeouts: { request: "10s", backendRequest: "2s" },
    retry: { attempts: 2, backoff: "100ms", codes: [500, 503] },
    sessionPersistence: session,
  },
  {
    name: "redirect",
    matches: [{ path: { type: "PathPrefix", value: "/old" } }],
    filters: [
      {
        type: "RequestRedirect",
        requestRedirect: {
          scheme: "https",
          hostname: "a.example.com",
          path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/new" },
          port: 8443,
          statusCode: 301,
        },
      },
    ],
  },
  {
    matches: [{ path: { type: "PathPrefix", value: "/v1" } }],
    filters: [
      {
        type: "URLRewrite",
        urlRewrite: {
          hostname: "b.example.com",
          path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/" },
        },
      },
    ],
    backendRefs: [service],
  },
  {
    matches: [{ path: { type: "PathPrefix", value: "/v2" } }],
    backendRefs: [
      {
        ...service,
        filters: [
          {
            type: "URLRewrite",
            urlRewrite: { path: { type: "ReplaceFullPath", replaceFullPath: "/whole" } },
          },
        ],
      },
    ],
  },
];

const grpcRules = [
  {
    name: "one",
    matches: [
      { method: { service: "shop.Cart", method: "Add" }, headers: [{ name: "x-version", value: "2" }] },
      { method: { type: "RegularExpression", service: "shop\\..*" } },
    ],
    filters: [
      { type: "RequestHeaderModifier", requestHeaderModifier: edits },
      { type: "ResponseHeaderModifier", responseHeaderModifier: edits },
      { type: "RequestMirror", requestMirror: { backendRef: service } },
    ],
    backendRefs: [{ ...service, weight: 2, filters: [] }],
    sessionPersistence: session,
  },
  { name: "two", backendRefs: [service] },
];

const allowedRoutes = {
  namespaces: { from: "Selector", selector: { matchLabels: { team: "a" } } },
  kinds: [{ kind: "HTTPRoute" }],
};
const terminate = { mode: "Terminate", certificateRefs: [secret, { ...secret, namespace: "certs" }] };
const listeners = [
  { name: "http", port: 80, protocol: "HTTP", hostname: "a.example.com", allowedRoutes },
  { name: "https", port: 443, protocol: "HTTPS", hostname: "*.example.com", tls: terminate },
  { name: "tls", port: 443, protocol: "TLS", hostname: "b.example.org", tls: { mode: "Passthrough" } },
  { name: "tcp", port: 5432, protocol: "TCP" },
];

const connectionRules = [{ name: "all", backendRefs: [service, { ...service, weight: 0 }] }];

/** By kind the specs. */
export const seeds: Readonly<Record<string, readonly object[]>> = {
  HTTPRoute: [
    { parentRefs: parents, hostnames: ["a.example.com", "*.example.org"], rules: httpRules },
    { parentRefs: [{ name: "edge" }], rules: httpRules.slice(1) },
    {},
  ],
  GRPCRoute: [
    { parentRefs: parents, hostnames: ["a.example.com"], rules: grpcRules },
    { rules: [{ backendRefs: [service] }] },
  ],
  TLSRoute: [{ parentRefs: parents, hostnames: ["a.example.com", "*.example.org"], rules: connectionRules }],
  TCPRoute: [{ parentRefs: parents, rules: connectionRules }],
  // No Service takes datagrams through a route.
  UDPRoute: [{ parentRefs: parents.slice(0, 2), rules: connectionRules }],
  Gateway: [
    {
      gatewayClassName: "weft",
      listeners,
      addresses: [
        { type: "IPAddress", value: "10.0.0.1" },
        { type: "Hostname", value: "a.example.com" },
      ],
      infrastructure: { labels: { "example.com/a": "b" }, annotations: { c: "d" } },
    },
    { gatewayClassName: "weft", listeners: listeners.slice(0, 1) },
  ],
  GatewayClass: [{ controllerName: "example.com/controller", description: "a class" }],
  ListenerSet: [{ parentRef: { name: "edge" }, listeners }],
  ReferenceGrant: [
    {
      from: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "a" }],
      to: [
        { group: "", kind: "Service" },
        { group: "", kind: "Secret", name: "shop" },
      ],
    },
  ],
  BackendTLSPolicy: [
    {
      targetRefs: [
        { group: "", kind: "Service", name: "web", sectionName: "https" },
        { group: "", kind: "Service", name: "web", sectionName: "other" },
      ],
      validation: {
        hostname: "a.example.com",
        caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "ca" }],
        subjectAltNames: [
          { type: "Hostname", hostname: "b.example.com" },
          { type: "URI", uri: "spiffe://example.com/a" },
        ],
      },
      options: { "example.com/option": "value" },
    },
    {
      targetRefs: [{ group: "", kind: "Service", name: "web" }],
      validation: { hostname: "a.example.com", wellKnownCACertificates: "System" },
    },
  ],
};
