/** Service: a name with virtual addresses and ports, and a selector for the workloads behind it. The shape is Kubernetes'. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { canonicalIp, Prefix } from "../kernel/index.ts";
import { proxyProtocolAnnotation } from "./annotations.ts";
import { conditionsSchema } from "./conditions.ts";
import { anyText, cidr, ipAddress, labelValue, portName, preciseHostname, serviceName } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata, selectorSchema } from "./metadata.ts";
import { flag, integer, list, object, oneOf, optional, port, text, type ValueOf } from "./schema.ts";

/** Kubernetes leaves it open; each port of a service is one cluster at each client. */
const maxPorts = 100;
/** Address lists that the mesh keeps but does not act on. */
const maxAddresses = 64;
const maxConnectionAffinitySeconds = 86_400;

const servicePortSchema = object("A port that clients dial.", {
  name: optional(
    text(
      "Name of the port; required where there is more than one. A prefix such as http- or tcp- tells the protocol.",
      portName,
    ),
  ),
  protocol: oneOf(
    "Transport. The mesh carries TCP; a UDP port is a backend of UDPRoutes.",
    ["TCP", "UDP", "SCTP"],
    { default: "TCP" },
  ),
  appProtocol: optional(
    text("What is spoken: http, https, grpc, tcp, tls, kubernetes.io/h2c, kubernetes.io/ws and so on.", {
      ...anyText,
      min: 1,
      max: 316,
    }),
  ),
  port: port("Port of the Service."),
  targetPort: optional(
    Type.Union([port("A port number."), text("A port's name at the workload.", portName)], {
      description: "Port of the workload, by number or name; the same as port where absent.",
      expected: "a port number (1 to 65535) or the name of a workload's port",
    }),
  ),
  nodePort: optional(integer("Kubernetes only; kept as written.", 0, 65_535)),
});
type ServicePort = ValueOf<typeof servicePortSchema>;

const loadBalancerSchema = object("Kubernetes only.", {
  ingress: optional(
    list(
      "Addresses of the load balancer.",
      object("One address.", {
        ip: optional(text("IP address.", ipAddress)),
        hostname: optional(text("Host name.", anyText)),
        ipMode: optional(text("VIP or Proxy.", anyText)),
        ports: optional(
          list(
            "Ports that work.",
            object("A port.", {
              port: port("Number."),
              protocol: text("Transport.", anyText),
              error: optional(text("Why it does not work.", anyText)),
            }),
            { max: maxPorts },
          ),
        ),
      }),
      { max: maxAddresses },
    ),
  ),
});

export const serviceKind = defineKind({
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  singular: "service",
  shortNames: ["svc"],
  categories: ["all"],
  selectableFields: ["spec.clusterIP", "spec.type"],
  namespaced: true,
  hasStatus: true,
  description: `A name with virtual addresses and ports, and the workloads behind it. With the annotation ${proxyProtocolAnnotation}: v1 or v2, connections to its endpoints begin with a PROXY protocol header of that version.`,
  schema: object("A name with virtual addresses and ports, and the workloads behind it.", {
    apiVersion: Type.Literal("v1"),
    kind: Type.Literal("Service"),
    metadata: namespacedMetadata(
      text("Name of the Service; it resolves as <name>.<namespace>.svc.cluster.local.", serviceName),
    ),
    spec: object("What clients dial and who answers.", {
      selector: optional(selectorSchema),
      ports: list("What clients dial.", servicePortSchema, {
        max: maxPorts,
        default: [],
        keys: ["port", "protocol"],
        mergeKey: "port",
      }),
      type: oneOf(
        "ClusterIP, or None in clusterIP for a headless Service. The other types are kept for Kubernetes.",
        ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"],
        { default: "ClusterIP" },
      ),
      clusterIP: optional(
        text("Virtual address; handed out by the server where absent. None: headless.", { min: 0, max: 45 }),
      ),
      clusterIPs: optional(
        list(
          "Virtual addresses of both families; handed out by the server.",
          text("An address, or None.", ipAddress),
          { max: 2 },
        ),
      ),
      ipFamilies: optional(
        list("Families of the addresses.", oneOf("Family.", ["IPv4", "IPv6"]), {
          max: 2,
          unique: true,
          isOrdered: true,
        }),
      ),
      ipFamilyPolicy: optional(
        oneOf("How many families.", ["SingleStack", "PreferDualStack", "RequireDualStack"]),
      ),
      publishNotReadyAddresses: optional(flag("Workloads count as endpoints before they are healthy.")),
      sessionAffinity: oneOf("Kubernetes only; kept as written.", ["None", "ClientIP"], { default: "None" }),
      sessionAffinityConfig: optional(
        object("Kubernetes only; kept as written.", {
          clientIP: optional(
            object("Kubernetes only.", {
              timeoutSeconds: optional(integer("Kubernetes only.", 1, maxConnectionAffinitySeconds)),
            }),
          ),
        }),
      ),
      externalName: optional(text("For type ExternalName.", preciseHostname)),
      externalIPs: optional(
        list("Kubernetes only; kept as written.", text("An address.", ipAddress), { max: maxAddresses }),
      ),
      loadBalancerIP: optional(text("Kubernetes only; kept as written.", ipAddress)),
      loadBalancerClass: optional(text("Kubernetes only; kept as written.", anyText)),
      loadBalancerSourceRanges: optional(
        list("Kubernetes only; kept as written.", text("A prefix.", cidr), { max: maxAddresses }),
      ),
      allocateLoadBalancerNodePorts: optional(flag("Kubernetes only; kept as written.")),
      healthCheckNodePort: optional(integer("Kubernetes only; kept as written.", 0, 65_535)),
      internalTrafficPolicy: optional(oneOf("Kubernetes only; kept as written.", ["Cluster", "Local"])),
      externalTrafficPolicy: optional(oneOf("Kubernetes only; kept as written.", ["Cluster", "Local"])),
      trafficDistribution: optional(text("Which endpoints are preferred.", labelValue)),
    }),
    status: optional(
      object("What the server found.", {
        loadBalancer: optional(loadBalancerSchema),
        conditions: optional(conditionsSchema),
      }),
    ),
  }),
  columns: [
    { name: "Type", description: "Type of the Service.", value: (service) => service.spec.type },
    {
      name: "Cluster-IP",
      description: "Virtual addresses.",
      value: (service) => service.spec.clusterIPs?.join(",") ?? service.spec.clusterIP ?? "<none>",
    },
    {
      name: "Port(s)",
      description: "What clients dial.",
      value: (service) =>
        service.spec.ports
          .map((each) => `${each.port}/${each.appProtocol ?? each.name ?? each.protocol}`)
          .join(","),
    },
    {
      name: "Selector",
      description: "Labels of the workloads behind it.",
      isWide: true,
      value: (service) =>
        Object.entries(service.spec.selector ?? {})
          .map(([key, value]) => `${key}=${value}`)
          .join(",") || "<none>",
    },
  ],
  check(service) {
    const { spec } = service;
    const issues: Issue[] = [];
    const isHeadless = spec.clusterIP === "None";
    if (spec.ports.length === 0 && spec.type !== "ExternalName" && !isHeadless) {
      issues.push({ path: "spec.ports", message: "must have at least 1 item" });
    }
    if (spec.type === "ExternalName" && spec.externalName === undefined) {
      issues.push({ path: "spec.externalName", message: "is required where type is ExternalName" });
    }
    issues.push(...checkPorts(spec.ports), ...checkAddresses(spec), ...checkProxyProtocol(service.metadata));
    for (const [index, text] of (spec.loadBalancerSourceRanges ?? []).entries()) {
      if (Prefix.parse(text) === undefined) {
        issues.push({
          path: `spec.loadBalancerSourceRanges[${index}]`,
          message: "must be a prefix such as 10.0.0.0/8",
        });
      }
    }
    return issues;
  },
});

/** A Service has no condition of ours to say it in, so a value without meaning is refused when it is written. */
function checkProxyProtocol({
  annotations,
}: {
  readonly annotations?: Readonly<Record<string, string>>;
}): Issue[] {
  const value = annotations?.[proxyProtocolAnnotation];
  if (value === undefined || value === "v1" || value === "v2") return [];
  return [{ path: `metadata.annotations[${proxyProtocolAnnotation}]`, message: "must be v1 or v2" }];
}

function checkPorts(ports: readonly ServicePort[]): Issue[] {
  const issues: Issue[] = [];
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, each] of ports.entries()) {
    const path = `spec.ports[${index}]`;
    if (each.name === undefined) {
      if (ports.length > 1)
        issues.push({ path: `${path}.name`, message: "is required where there is more than one port" });
    } else if (names.has(each.name)) {
      issues.push({ path: `${path}.name`, message: `another port is named ${each.name}` });
    } else {
      names.add(each.name);
    }
    const number = `${each.port}/${each.protocol}`;
    if (numbers.has(number)) issues.push({ path: `${path}.port`, message: `port ${number} is listed twice` });
    numbers.add(number);
  }
  return issues;
}

function checkAddresses(spec: {
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
}): Issue[] {
  const issues: Issue[] = [];
  const isAddress = (value: string): boolean => value === "None" || canonicalIp(value) !== undefined;
  if (spec.clusterIP !== undefined && spec.clusterIP !== "" && !isAddress(spec.clusterIP)) {
    issues.push({ path: "spec.clusterIP", message: "must be an IP address or None" });
  }
  for (const [index, value] of (spec.clusterIPs ?? []).entries()) {
    if (!isAddress(value))
      issues.push({ path: `spec.clusterIPs[${index}]`, message: "must be an IP address or None" });
  }
  const first = spec.clusterIPs?.[0];
  if (
    first !== undefined &&
    spec.clusterIP !== undefined &&
    spec.clusterIP !== "" &&
    first !== spec.clusterIP
  ) {
    issues.push({ path: "spec.clusterIPs[0]", message: "must be the same as spec.clusterIP" });
  }
  return issues;
}
