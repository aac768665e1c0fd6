/** What the mesh of the suite is: who is there, who may call whom, and the objects that say so. */

export const serviceCount = 5;
const workloadsPerService = 4;
export const servicePort = 9080;
/** On the caller's own address, one for each service. */
export const outboundPort = (service: number): number => 18_000 + service;

export const services = Array.from({ length: serviceCount }, (_, index) => `s${index}`);

export interface Place {
  readonly service: number;
  /** "s0-1" */
  readonly name: string;
  /** The last part of its loopback address. */
  readonly host: number;
}

export const places: readonly Place[] = services.flatMap((name, service) =>
  Array.from({ length: workloadsPerService }, (_, index) => ({
    service,
    name: `${name}-${index}`,
    host: 10 + service * workloadsPerService + index,
  })),
);

/** Its neighbours in the ring of services, and nobody else. */
export function isAllowed(caller: number, target: number): boolean {
  const distance = (target - caller + serviceCount) % serviceCount;
  return distance === 1 || distance === serviceCount - 1;
}

export const generationHeader = "x-generation";

/** One commit: every service's answers name the generation. */
export function generation(number: number): object[] {
  return services.map((name) => ({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name, namespace: "default" },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name }],
      rules: [
        {
          filters: [
            {
              type: "ResponseHeaderModifier",
              responseHeaderModifier: { set: [{ name: generationHeader, value: String(number) }] },
            },
          ],
          backendRefs: [{ name, port: servicePort }],
        },
      ],
    },
  }));
}

export function meshObjects(): object[] {
  return services.flatMap((name, service) => [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "default" } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "default" },
      spec: { selector: { app: name }, ports: [{ port: servicePort, appProtocol: "http" }] },
    },
    {
      apiVersion: "weft.dev/v1alpha1",
      kind: "AuthorizationPolicy",
      metadata: { name, namespace: "default" },
      spec: {
        selector: { matchLabels: { app: name } },
        action: "Allow",
        rules: [
          {
            from: [
              {
                serviceAccounts: services
                  .filter((_, caller) => isAllowed(caller, service))
                  .map((caller) => `default/${caller}`),
              },
            ],
          },
        ],
      },
    },
  ]);
}

export const entryName = (number: number): string => `entry-${number}`;

/** What the ledger writes: small, and nobody's configuration. */
export function entry(number: number): object {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: entryName(number), namespace: "default" },
    data: { number: String(number) },
  };
}

export const denialName = "shut";

/** Stands above the policy that lets the caller in. */
export function denial(caller: number, target: number): object {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "AuthorizationPolicy",
    metadata: { name: denialName, namespace: "default" },
    spec: {
      selector: { matchLabels: { app: services[target] } },
      action: "Deny",
      rules: [{ from: [{ serviceAccounts: [`default/${services[caller]}`] }] }],
    },
  };
}
