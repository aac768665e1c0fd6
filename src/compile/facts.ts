/** Names of inputs, as the dependency index knows them. */
export const facts = {
  service: (path: string) => `service:${path}`,
  /** All endpoints of a service, down to each address. */
  endpoints: (path: string) => `endpoints:${path}`,
  /** Which workloads are endpoints of a service. */
  members: (path: string) => `members:${path}`,
  /** One endpoint of a service, where it is not known which of them changed. What is known is named by its node. */
  anyEndpoint: (path: string) => `any-endpoint:${path}`,
  workload: (path: string) => `workload:${path}`,
  memberships: (workload: string) => `memberships:${workload}`,
  address: (ip: string) => `address:${ip}`,
  namespace: (name: string) => `namespace:${name}`,
  gateway: (path: string) => `gateway:${path}`,
  gatewayClass: (name: string) => `gateway-class:${name}`,
  grants: (namespace: string) => `grants:${namespace}`,
  secret: (path: string) => `secret:${path}`,
  configMap: (path: string) => `config-map:${path}`,
  listenerSet: (path: string) => `listener-set:${path}`,
  listenerSetsOf: (gateway: string) => `listener-sets-of:${gateway}`,
  /** Which there are. */
  gateways: "gateways",
  keySet: (uri: string) => `key-set:${uri}`,
  /** Sections security and rateLimits of MeshConfig. */
  meshSecurity: "mesh-security",
  gatewayHost: "gateway-host",
  meshConfig: "mesh-config",
  trust: "trust",
} as const;
