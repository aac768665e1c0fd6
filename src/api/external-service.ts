/** ExternalService: something outside of the mesh that workloads call, by name or by address. */
import Type from "typebox";
import { checkExternalService } from "./external-service-checks.ts";
import { conditionOf, conditionsSchema } from "./conditions.ts";
import { dnsSubdomain, hostname, ipAddress, labelValue, portName, preciseHostname } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { localReferenceSchema } from "./references.ts";
import { integer, list, object, oneOf, optional, port, text } from "./schema.ts";

/** One object is one thing that is called; a long list of names is several. */
const maxHosts = 32;
const maxAddresses = 64;
const maxPorts = 32;
const maxEndpoints = 256;
const maxWeight = 1_000_000;
const maxPriority = 127;
const maxCertificateRefs = 8;

const externalPortSchema = object("A port that workloads dial.", {
  port: port("Number."),
  name: optional(text("Name, for a route's sectionName and for metrics.", portName)),
  protocol: oneOf(
    "What workloads speak. HTTPS and TLS pass through encrypted as they are; with spec.tls the mesh encrypts the others.",
    ["HTTP", "HTTPS", "HTTP2", "GRPC", "TCP", "TLS"],
    { default: "TCP" },
  ),
  targetPort: optional(port("Port at the endpoints; the same as port where absent.")),
});

const externalEndpointSchema = object("One place where it is served.", {
  address: text("An IP address, or a host name that is looked up.", { min: 1, max: 253 }),
  ports: optional(
    list(
      "Ports that differ here from those of spec.ports.",
      object("A port of spec.ports and what it is here.", {
        port: port("Port of spec.ports."),
        targetPort: port("Port of this endpoint."),
      }),
      { max: maxPorts },
    ),
  ),
  weight: integer("Share of requests; 0 takes none.", 0, maxWeight, { default: 1 }),
  locality: object(
    "Where it is, for requests to stay near.",
    {
      region: optional(text("Region.", labelValue)),
      zone: optional(text("Zone.", labelValue)),
    },
    { default: {} },
  ),
  priority: integer("Endpoints of a higher number are used where those of lower ones fail.", 0, maxPriority, {
    default: 0,
  }),
});

export const externalServiceKind = defineKind({
  group: "weft.dev",
  version: "v1alpha1",
  kind: "ExternalService",
  plural: "externalservices",
  singular: "externalservice",
  shortNames: ["es"],
  categories: ["weft"],
  namespaced: true,
  hasStatus: true,
  description:
    "Something outside of the mesh that workloads call, by name or by address. Workloads call it as they would without the mesh; routes and TrafficPolicies take it as target.",
  schema: object("Something outside of the mesh that workloads call.", {
    apiVersion: Type.Literal("weft.dev/v1alpha1"),
    kind: Type.Literal("ExternalService"),
    metadata: namespacedMetadata(text("Name of the ExternalService.", dnsSubdomain)),
    spec: object("How workloads call it, and where it is.", {
      hosts: list(
        "Names by which workloads call it. A wildcard stands for any number of labels, at least one. Of two objects that claim a host the older one has it.",
        text("A host name, or a wildcard such as *.example.com.", hostname),
        { max: maxHosts, unique: true, default: [] },
      ),
      addresses: list(
        "IP addresses and prefixes by which workloads call it.",
        text("An address such as 192.0.2.7 or a prefix such as 192.0.2.0/24.", {
          ...ipAddress,
          max: 49,
        }),
        { max: maxAddresses, unique: true, default: [] },
      ),
      ports: list("What workloads dial.", externalPortSchema, { min: 1, max: maxPorts }),
      resolution: oneOf(
        "Where connections go. Static: to the endpoints listed. DNS: to what the endpoints, else the one host, resolve to. None: where the workload meant to go, its own destination address or the name that it said.",
        ["Static", "DNS", "None"],
        { default: "DNS" },
      ),
      endpoints: list("Where it is served.", externalEndpointSchema, { max: maxEndpoints, default: [] }),
      tls: optional(
        object("The mesh encrypts what workloads send in plaintext. Not for ports of HTTPS and TLS.", {
          hostname: optional(
            text(
              "Sent as server name, and what the certificate must be for. Where absent the only host, or the name that the workload said.",
              preciseHostname,
            ),
          ),
          wellKnownCACertificates: optional(
            oneOf("System: what this machine's programs trust. The default without caCertificateRefs.", [
              "System",
            ]),
          ),
          caCertificateRefs: optional(
            list(
              "ConfigMaps of the namespace whose ca.crt holds the certificates that are trusted.",
              localReferenceSchema,
              { min: 1, max: maxCertificateRefs },
            ),
          ),
        }),
      ),
      virtualIPs: optional(
        list(
          "Addresses that hosts resolve to within the mesh; handed out by the server.",
          text("An address.", ipAddress),
          { max: 2 },
        ),
      ),
    }),
    status: optional(object("What the control plane found.", { conditions: optional(conditionsSchema) })),
  }),
  columns: [
    {
      name: "Hosts",
      description: "Names and addresses.",
      value: ({ spec }) => [...spec.hosts, ...spec.addresses].join(","),
    },
    {
      name: "Ports",
      description: "What workloads dial.",
      value: ({ spec }) => spec.ports.map((each) => `${each.port}/${each.protocol}`).join(","),
    },
    { name: "Resolution", description: "Where connections go.", value: ({ spec }) => spec.resolution },
    {
      name: "Accepted",
      description: "Whether it is in force.",
      value: ({ status }) => conditionOf(status?.conditions, "Accepted")?.status ?? "Unknown",
    },
    {
      name: "Virtual-IPs",
      description: "What hosts resolve to.",
      isWide: true,
      value: ({ spec }) => spec.virtualIPs?.join(",") ?? "",
    },
  ],
  check: ({ spec }) => checkExternalService(spec),
});
