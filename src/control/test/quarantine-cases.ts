/** For each kind that is compiled: an object that can be used, one that cannot, and what is then said of it. Beside them what must not suffer. */
import type { KindName } from "../../api/index.ts";
import { publicCertificate } from "./public-certificate.ts";

const group = "gateway.networking.k8s.io";

const object = (apiVersion: string, kind: KindName, name: string, rest: object): object => ({
  apiVersion,
  kind,
  metadata: {
    name,
    ...(["MeshConfig", "GatewayClass"].includes(kind) ? {} : { namespace: "default" }),
    generation: 1,
  },
  ...rest,
});
const own = (kind: KindName, spec: object, name = "one") => object("weft.dev/v1alpha1", kind, name, { spec });
const standard = (kind: KindName, spec: object, name = "one") => object(`${group}/v1`, kind, name, { spec });
const from = { namespaces: { from: "All" } };
const shopPair = publicCertificate("shop.example.com");
const web = { group: "", kind: "Service", name: "web" };
const passthrough = { name: "tls", port: 8443, protocol: "TLS", tls: { mode: "Passthrough" } };
const secret = (name: string, pair: { readonly certChainPem: string; readonly privateKeyPem: string }) =>
  object("v1", "Secret", name, {
    type: "kubernetes.io/tls",
    data: { "tls.crt": btoa(pair.certChainPem), "tls.key": btoa(pair.privateKeyPem) },
  });

export const baseObjects: readonly object[] = [
  object("v1", "Service", "web", {
    spec: {
      selector: { app: "web" },
      ports: [
        { name: "a", port: 80 },
        { name: "b", port: 81 },
        { name: "c", port: 82, protocol: "UDP" },
      ],
      clusterIP: "240.240.0.7",
    },
  }),
  standard(
    "Gateway",
    {
      gatewayClassName: "weft",
      allowedListeners: from,
      listeners: [
        { name: "http", port: 80, protocol: "HTTP" },
        { name: "tcp", port: 9000, protocol: "TCP" },
        { name: "udp", port: 9001, protocol: "UDP" },
        passthrough,
      ],
    },
    "edge",
  ),
  {
    ...own(
      "MeshWorkload",
      { addresses: ["10.77.0.1"], ports: [{ port: 80, name: "main", protocol: "http" }] },
      "web-1",
    ),
    metadata: { name: "web-1", namespace: "default", labels: { app: "web" } },
  },
  secret("pair", shopPair),
  object("v1", "ConfigMap", "anchors", { data: { "ca.crt": shopPair.certChainPem } }),
];

/** What somebody else changes in the same commit: one in the mesh and one at its edge. */
export function bystanders(value: string): object[] {
  const set = [{ name: "x-a", value }];
  const parents = { mesh: { ...web, port: 80 }, edge: { name: "edge", sectionName: "http" } };
  return Object.entries(parents).map(([name, parent]) =>
    standard(
      "HTTPRoute",
      {
        parentRefs: [parent],
        rules: [
          {
            filters: [{ type: "RequestHeaderModifier", requestHeaderModifier: { set } }],
            backendRefs: [{ name: "web", port: 80 }],
          },
        ],
      },
      `fine-${name}`,
    ),
  );
}

const backends = (name: string) => [{ backendRefs: [{ name, port: 81 }] }];
const datagrams = (port: number) => [{ backendRefs: [{ name: "web", port }] }];
const atPort = { ...web, port: 81 };
const at = (sectionName: string) => ({ name: "edge", sectionName });
const pathRule = (type: string, value: string) => ({
  matches: [{ path: { type, value } }],
  ...backends("web")[0],
});
const grpcRule = (service: string) => ({ matches: [{ method: { type: "RegularExpression", service } }] });
const limit = (when: string) => ({
  targetRefs: [web],
  limits: [{ name: "a", requests: 1, match: { when: [when] } }],
});
const filter = (text: string) => ({ accessLog: { filter: text } });
const validation = (name: string) => ({
  hostname: "web",
  caCertificateRefs: [{ group: "", kind: "ConfigMap", name }],
});
const listener = (name: string) => ({
  name: "s",
  port: 4443,
  protocol: "HTTPS",
  tls: { certificateRefs: [{ name }] },
});

interface QuarantineCase {
  readonly good: object;
  readonly bad: object;
  /** In its own status, or in that of whoever needs it. */
  readonly says: string;
  readonly asks?: readonly [KindName, string];
  readonly isQuarantined: boolean;
}

export const quarantineCases: Partial<Record<KindName, QuarantineCase>> = {
  HTTPRoute: {
    good: standard("HTTPRoute", { parentRefs: [atPort], rules: [pathRule("PathPrefix", "/a")] }),
    bad: standard("HTTPRoute", { parentRefs: [atPort], rules: [pathRule("RegularExpression", "/(?=x")] }),
    says: "Accepted UnsupportedValue: spec.rules[0].matches[0].path.value",
    isQuarantined: true,
  },
  GRPCRoute: {
    good: standard("GRPCRoute", { parentRefs: [atPort], rules: [grpcRule("a.*")] }),
    bad: standard("GRPCRoute", { parentRefs: [atPort], rules: [grpcRule("(?=a")] }),
    says: "Accepted UnsupportedValue: spec.rules[0].matches[0].method.service",
    isQuarantined: true,
  },
  TLSRoute: {
    good: standard("TLSRoute", {
      parentRefs: [at("tls")],
      hostnames: ["a.example.com"],
      rules: backends("web"),
    }),
    bad: standard("TLSRoute", {
      parentRefs: [at("tls")],
      hostnames: ["a.example.com"],
      rules: backends("no"),
    }),
    says: "ResolvedRefs BackendNotFound: spec.rules[0].backendRefs[0]",
    isQuarantined: false,
  },
  TCPRoute: {
    good: standard("TCPRoute", { parentRefs: [at("tcp")], rules: backends("web") }),
    bad: standard("TCPRoute", { parentRefs: [at("tcp")], rules: backends("no") }),
    says: "ResolvedRefs BackendNotFound: spec.rules[0].backendRefs[0]",
    isQuarantined: false,
  },
  UDPRoute: {
    good: standard("UDPRoute", { parentRefs: [at("udp")], rules: datagrams(82) }),
    bad: standard("UDPRoute", { parentRefs: [at("udp")], rules: datagrams(83) }),
    says: "ResolvedRefs BackendNotFound: spec.rules[0].backendRefs[0]",
    isQuarantined: false,
  },
  GatewayClass: {
    good: standard("GatewayClass", { controllerName: "weft.dev/gateway-controller" }),
    bad: standard("GatewayClass", {
      controllerName: "weft.dev/gateway-controller",
      parametersRef: { group: "x", kind: "Y", name: "z" },
    }),
    says: "Accepted InvalidParameters: spec.parametersRef",
    isQuarantined: false,
  },
  Gateway: {
    good: standard("Gateway", { gatewayClassName: "weft", listeners: [listener("pair")] }),
    bad: standard("Gateway", { gatewayClassName: "weft", listeners: [listener("no")] }),
    says: "Programmed Invalid: no listener can be served",
    isQuarantined: false,
  },
  ListenerSet: {
    good: standard("ListenerSet", {
      parentRef: { name: "edge" },
      listeners: [{ name: "more", port: 82, protocol: "HTTP" }],
    }),
    bad: standard("ListenerSet", {
      parentRef: { name: "edge" },
      listeners: [{ name: "more", port: 80, protocol: "HTTP" }],
    }),
    says: "Accepted ListenersNotValid: ",
    isQuarantined: false,
  },
  Secret: {
    good: secret("pair", shopPair),
    bad: secret("pair", { certChainPem: "no", privateKeyPem: "no" }),
    says: "Programmed Invalid: no listener can be served",
    asks: ["Gateway", "secure"],
    isQuarantined: false,
  },
  ConfigMap: {
    good: object("v1", "ConfigMap", "anchors", { data: { "ca.crt": shopPair.certChainPem } }),
    bad: object("v1", "ConfigMap", "anchors", { data: { "ca.crt": "no" } }),
    says: "Accepted NoValidCACertificate: spec.validation.caCertificateRefs[0]",
    asks: ["BackendTLSPolicy", "anchored"],
    isQuarantined: false,
  },
  BackendTLSPolicy: {
    good: standard("BackendTLSPolicy", { targetRefs: [web], validation: validation("anchors") }),
    bad: standard("BackendTLSPolicy", { targetRefs: [web], validation: validation("no") }),
    says: "Accepted NoValidCACertificate: spec.validation.caCertificateRefs[0]",
    isQuarantined: false,
  },
  ExternalService: {
    good: own("ExternalService", {
      hosts: ["a.example.com"],
      ports: [{ port: 443, protocol: "TLS" }],
    }),
    bad: own("ExternalService", {
      hosts: ["a.example.com"],
      ports: [{ port: 443, protocol: "HTTP" }],
      tls: { caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "no" }] },
    }),
    says: "ResolvedRefs InvalidCACertificateRef: ",
    isQuarantined: false,
  },
  TrafficPolicy: {
    good: own("TrafficPolicy", { targetRefs: [web], timeouts: { request: "1s" } }),
    bad: own("TrafficPolicy", { targetRefs: [{ ...web, name: "no" }], timeouts: { request: "1s" } }),
    says: "Accepted TargetNotFound: ",
    isQuarantined: false,
  },
  FaultPolicy: {
    good: own("FaultPolicy", {
      targetRefs: [web],
      faults: [{ expiresAt: "2030-01-01T00:00:00Z", delay: "1s" }],
    }),
    bad: own("FaultPolicy", {
      targetRefs: [web],
      faults: [
        {
          expiresAt: "2030-01-01T00:00:00Z",
          delay: "1s",
          matches: [pathRule("RegularExpression", "/(?=x").matches[0]],
        },
      ],
    }),
    says: "Accepted Invalid: spec.faults[0].matches[0]",
    isQuarantined: true,
  },
  AuthenticationPolicy: {
    good: own("AuthenticationPolicy", { targetRefs: [web], mtls: { mode: "Strict" } }),
    bad: own("AuthenticationPolicy", { targetRefs: [{ ...web, name: "no" }], mtls: { mode: "Strict" } }),
    says: "Accepted TargetNotFound: ",
    isQuarantined: false,
  },
  AuthorizationPolicy: {
    good: own("AuthorizationPolicy", {
      targetRefs: [web],
      action: "Deny",
      rules: [{ when: ['request.path == "/a"'] }],
    }),
    bad: own("AuthorizationPolicy", { targetRefs: [web], action: "Deny", rules: [{ when: ["((("] }] }),
    says: "Accepted Invalid: spec.rules[0].when[0]",
    isQuarantined: true,
  },
  RateLimitPolicy: {
    good: own("RateLimitPolicy", limit('request.method == "GET"')),
    bad: own("RateLimitPolicy", limit("(((")),
    says: "Accepted Invalid: spec.limits[0].match.when[0]",
    isQuarantined: true,
  },
  TelemetryPolicy: {
    good: own("TelemetryPolicy", { targetRefs: [web], ...filter('request.method == "GET"') }),
    bad: own("TelemetryPolicy", { targetRefs: [web], ...filter("(((") }),
    says: "Accepted Invalid: spec.accessLog.filter",
    isQuarantined: true,
  },
  MeshConfig: {
    good: own("MeshConfig", { telemetry: filter('request.method == "GET"') }, "mesh"),
    bad: own("MeshConfig", { telemetry: filter("(((") }, "mesh"),
    says: "Accepted Invalid: spec.telemetry.accessLog.filter",
    isQuarantined: true,
  },
};

/** Whoever needs what another kind is told about. */
export const referrers: readonly object[] = [
  standard("Gateway", { gatewayClassName: "weft", listeners: [listener("pair")] }, "secure"),
  standard("BackendTLSPolicy", { targetRefs: [web], validation: validation("anchors") }, "anchored"),
];
