/** What the conformance profiles of Gateway API v1.6 name. `experimental`: features of the experimental channel. */
export interface FeatureGroup {
  readonly group: string;
  readonly core: readonly string[];
  readonly extended: readonly string[];
}

export const experimental: ReadonlySet<string> = new Set([
  "HTTPRouteDestinationPortMatching",
  "HTTPRouteExternalAuth",
  "HTTPRouteRetry",
  "HTTPRouteRetryBackendTimeout",
  "HTTPRouteRetryConnectionError",
  "TLSRouteModeMixed",
]);

export const featureGroups: readonly FeatureGroup[] = [
  {
    group: "Gateway",
    core: ["Gateway", "ReferenceGrant"],
    extended: [
      "GatewayPort8080",
      "GatewayStaticAddresses",
      "GatewayHTTPListenerIsolation",
      "GatewayInfrastructurePropagation",
      "GatewayAddressEmpty",
      "ListenerSet",
      "GatewayHTTPSListenerDetectMisdirectedRequests",
      "GatewayFrontendClientCertificateValidation",
      "GatewayFrontendClientCertificateValidationInsecureFallback",
    ],
  },
  {
    group: "HTTPRoute",
    core: ["HTTPRoute"],
    extended: [
      "HTTPRouteDestinationPortMatching",
      "HTTPRouteBackendRequestHeaderModification",
      "HTTPRouteQueryParamMatching",
      "HTTPRouteMethodMatching",
      "HTTPRouteResponseHeaderModification",
      "HTTPRoutePortRedirect",
      "HTTPRouteSchemeRedirect",
      "HTTPRoutePathRedirect",
      "HTTPRouteHostRewrite",
      "HTTPRoutePathRewrite",
      "HTTPRouteRequestMirror",
      "HTTPRouteRequestMultipleMirrors",
      "HTTPRouteRequestPercentageMirror",
      "HTTPRouteRequestTimeout",
      "HTTPRouteBackendTimeout",
      "HTTPRouteParentRefPort",
      "HTTPRouteBackendProtocolH2C",
      "HTTPRouteBackendProtocolWebSocket",
      "HTTPRouteNamedRouteRule",
      "HTTPRouteCORS",
      "HTTPRouteExternalAuth",
      "HTTPRoute303RedirectStatusCode",
      "HTTPRoute307RedirectStatusCode",
      "HTTPRoute308RedirectStatusCode",
      "HTTPRouteRetry",
      "HTTPRouteRetryBackendTimeout",
      "HTTPRouteRetryConnectionError",
    ],
  },
  { group: "GRPCRoute", core: ["GRPCRoute"], extended: ["GRPCRouteNamedRouteRule"] },
  { group: "TLSRoute", core: ["TLSRoute"], extended: ["TLSRouteModeTerminate", "TLSRouteModeMixed"] },
  { group: "TCPRoute", core: ["TCPRoute"], extended: [] },
  { group: "UDPRoute", core: ["UDPRoute"], extended: [] },
  {
    group: "BackendTLSPolicy",
    core: [],
    extended: ["BackendTLSPolicy", "BackendTLSPolicySANValidation"],
  },
  {
    group: "Mesh",
    core: ["Mesh"],
    extended: [
      "MeshClusterIPMatching",
      "MeshConsumerRoute",
      "MeshHTTPRouteRewritePath",
      "MeshHTTPRouteSchemeRedirect",
      "MeshHTTPRouteRedirectPort",
      "MeshHTTPRouteRedirectPath",
      "MeshHTTPRouteBackendRequestHeaderModification",
      "MeshHTTPRouteQueryParamMatching",
      "MeshHTTPRouteNamedRouteRule",
    ],
  },
];

/** What weft's own resources add; scenarios may name any of them. */
export const ownFeatures: readonly string[] = [
  "TrafficPolicyRetries",
  "TrafficPolicyTimeouts",
  "TrafficPolicyBalancing",
  "TrafficPolicyLocality",
  "TrafficPolicySlowStart",
  "TrafficPolicyConnections",
  "TrafficPolicyOutlierDetection",
  "TrafficPolicyHealthCheck",
  "TrafficPolicyAdaptiveConcurrency",
  "TrafficPolicySessionPersistence",
  "TrafficPolicyHedging",
  "TrafficPolicyNearestWins",
  "FaultPolicyDelay",
  "FaultPolicyAbort",
  "FaultPolicyReset",
  "FaultPolicyBandwidth",
  "ExternalServiceStatic",
  "ExternalServiceDNS",
  "ExternalServiceWildcard",
  "ExternalServiceTLSOrigination",
];

export const gatewayApiFeatures: readonly string[] = featureGroups.flatMap(({ core, extended }) => [
  ...core,
  ...extended,
]);
