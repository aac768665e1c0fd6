/** EndpointSlice: endpoints of a Service that somebody other than the mesh's registry maintains. The shape is Kubernetes'. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { canonicalIp } from "../kernel/index.ts";
import { anyText, dnsLabel, dnsSubdomain, ipAddress, objectName, portName } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { flag, list, object, oneOf, optional, port, text, textMap } from "./schema.ts";

/** Kubernetes' own bounds. */
const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 100;
const maxHints = 8;
const maxTopologyLabels = 16;

/** The label that names the Service an EndpointSlice belongs to. */
export const serviceNameLabel = "kubernetes.io/service-name";

const endpointSchema = object("One endpoint.", {
  addresses: list(
    "Addresses of one endpoint; the first is dialled.",
    text("An address.", { ...ipAddress, max: 253 }),
    { min: 1, max: maxAddresses },
  ),
  conditions: optional(
    object("State of the endpoint.", {
      ready: optional(flag("Takes requests; true where absent.")),
      serving: optional(flag("Ready, whether terminating or not.")),
      terminating: optional(flag("Is shutting down.")),
    }),
  ),
  hostname: optional(text("Host name of the endpoint.", dnsLabel)),
  nodeName: optional(text("Node that it runs on.", anyText)),
  zone: optional(text("Zone that it runs in.", anyText)),
  targetRef: optional(
    object("What stands behind the endpoint.", {
      apiVersion: optional(text("API version.", anyText)),
      kind: optional(text("Kind.", anyText)),
      namespace: optional(text("Namespace.", dnsLabel)),
      name: optional(text("Name.", objectName)),
      uid: optional(text("Unique id.", anyText)),
      resourceVersion: optional(text("Version.", anyText)),
      fieldPath: optional(text("Part of the object.", anyText)),
    }),
  ),
  hints: optional(
    object("Where requests should come from.", {
      forZones: optional(
        list("Zones.", object("A zone.", { name: text("Name of the zone.", anyText) }), { max: maxHints }),
      ),
      forNodes: optional(
        list("Nodes.", object("A node.", { name: text("Name of the node.", anyText) }), { max: maxHints }),
      ),
    }),
  ),
  deprecatedTopology: optional(
    textMap("Kubernetes only; kept as written.", { min: 1, max: 317 }, anyText, maxTopologyLabels),
  ),
});

export const endpointSliceKind = defineKind({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  singular: "endpointslice",
  namespaced: true,
  hasStatus: false,
  description: `Endpoints of the Service that the label ${serviceNameLabel} names, for workloads that do not register themselves.`,
  schema: object("Endpoints of a Service.", {
    apiVersion: Type.Literal("discovery.k8s.io/v1"),
    kind: Type.Literal("EndpointSlice"),
    metadata: namespacedMetadata(text("Name of the slice.", dnsSubdomain)),
    addressType: oneOf("Family of all addresses of the slice.", ["IPv4", "IPv6", "FQDN"]),
    endpoints: list("The endpoints.", endpointSchema, { max: maxEndpoints, default: [] }),
    ports: list(
      "Ports that every endpoint of the slice has.",
      object("A port.", {
        name: optional(
          text("The Service port's name; empty for the only one.", {
            ...portName,
            min: 0,
            pattern: `^$|${portName.pattern ?? ""}`,
          }),
        ),
        protocol: oneOf("Transport.", ["TCP", "UDP", "SCTP"], { default: "TCP" }),
        port: optional(port("Number; all ports where absent.")),
        appProtocol: optional(text("What is spoken.", anyText)),
      }),
      { max: maxPorts, default: [] },
    ),
  }),
  columns: [
    { name: "AddressType", description: "Family.", value: (slice) => slice.addressType },
    {
      name: "Ports",
      description: "Port numbers.",
      value: (slice) => slice.ports.map((each) => String(each.port ?? "*")).join(","),
    },
    {
      name: "Endpoints",
      description: "First addresses.",
      value: (slice) =>
        slice.endpoints
          .slice(0, 3)
          .map((endpoint) => endpoint.addresses[0] ?? "")
          .join(",") + (slice.endpoints.length > 3 ? ",…" : ""),
    },
  ],
  check(slice) {
    const issues: Issue[] = [];
    if (slice.addressType === "FQDN") return issues;
    for (const [index, endpoint] of slice.endpoints.entries()) {
      for (const [position, address] of endpoint.addresses.entries()) {
        const family =
          canonicalIp(address) === undefined ? undefined : address.includes(":") ? "IPv6" : "IPv4";
        if (family !== slice.addressType) {
          issues.push({
            path: `endpoints[${index}].addresses[${position}]`,
            message: `must be an ${slice.addressType} address`,
          });
        }
      }
    }
    return issues;
  },
});
