/** MeshWorkload: one running instance. Mostly written by the registry when a proxy registers; operators may add their own. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { canonicalIp } from "../kernel/index.ts";
import { anyText, dnsSubdomain, ipAddress, labelValue, portName, timestamp } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { checkMetricsAnnotations } from "./metrics-annotations.ts";
import { repeatedPorts } from "./port-list.ts";
import { flag, integer, list, object, oneOf, optional, port, text } from "./schema.ts";

/** Both families of a few interfaces. */
const maxAddresses = 16;
const maxPorts = 100;
/** Where peers of the mesh dial a workload's proxy. */
const tunnelPort = 15_008;

const workloadPortSchema = object("A port that the application listens on.", {
  port: port("Number."),
  name: optional(text("Name, for a Service's targetPort.", portName)),
  protocol: oneOf(
    "What is spoken; detected from the first bytes where auto.",
    ["auto", "http", "http2", "grpc", "tcp", "tls"],
    {
      default: "auto",
    },
  ),
});

export const meshWorkloadKind = defineKind({
  group: "weft.dev",
  version: "v1alpha1",
  kind: "MeshWorkload",
  plural: "meshworkloads",
  singular: "meshworkload",
  shortNames: ["mw"],
  categories: ["weft"],
  namespaced: true,
  hasStatus: true,
  description:
    "One running instance: its addresses, ports, identity and place. Services select it by its labels.",
  schema: object("One running instance.", {
    apiVersion: Type.Literal("weft.dev/v1alpha1"),
    kind: Type.Literal("MeshWorkload"),
    metadata: namespacedMetadata(text("Name of the instance.", dnsSubdomain)),
    spec: object("Where it runs and as whom.", {
      serviceAccount: text("Whom it acts as; part of its identity.", dnsSubdomain, { default: "default" }),
      addresses: list("Its IP addresses, the preferred one first.", text("An IP address.", ipAddress), {
        min: 1,
        max: maxAddresses,
        unique: true,
        isOrdered: true,
      }),
      ports: list("What the application listens on.", workloadPortSchema, { max: maxPorts, default: [] }),
      tunnel: object(
        "How peers of the mesh reach it.",
        {
          type: oneOf(
            "weft: mutual TLS to its proxy. none: plaintext to the application itself.",
            ["weft", "none"],
            { default: "weft" },
          ),
          address: optional(text("Address of its proxy; the first of addresses where absent.", ipAddress)),
          port: integer("Port of its proxy.", 1, 65_535, { default: tunnelPort }),
        },
        { default: {} },
      ),
      locality: object(
        "Where it runs, for requests to stay near.",
        {
          region: optional(text("Region.", labelValue)),
          zone: optional(text("Zone.", labelValue)),
        },
        { default: {} },
      ),
    }),
    status: optional(
      object("Liveness, written by the control plane.", {
        connected: optional(flag("Its proxy has a stream open to the control plane.")),
        leaseExpires: optional(text("When it stops counting as alive unless it comes back.", timestamp)),
        health: optional(oneOf("Whether it takes requests.", ["Healthy", "Unhealthy", "Unknown"])),
        draining: optional(flag("It finishes what it has and takes nothing new.")),
        revision: optional(integer("Newest revision that its proxy runs.", 0, Number.MAX_SAFE_INTEGER)),
        message: optional(text("Why, for people.", anyText)),
      }),
    ),
  }),
  columns: [
    {
      name: "Service-Account",
      description: "Whom it acts as.",
      value: (workload) => workload.spec.serviceAccount,
    },
    {
      name: "Address",
      description: "Preferred address.",
      value: (workload) => workload.spec.addresses[0] ?? "",
    },
    {
      name: "Ports",
      description: "What it listens on.",
      value: (workload) => workload.spec.ports.map((each) => String(each.port)).join(","),
    },
    {
      name: "State",
      description: "Liveness.",
      value: ({ status }) =>
        status?.draining === true
          ? "Draining"
          : status?.connected === true
            ? (status.health ?? "Connected")
            : status?.connected === false
              ? "Disconnected"
              : "Unknown",
    },
    {
      name: "Zone",
      description: "Where it runs.",
      isWide: true,
      value: (workload) => workload.spec.locality.zone ?? "",
    },
  ],
  check({ spec, metadata }) {
    const issues: Issue[] = [];
    const addresses = spec.addresses.map((address, index) => ({ address, path: `spec.addresses[${index}]` }));
    if (spec.tunnel.address !== undefined)
      addresses.push({ address: spec.tunnel.address, path: "spec.tunnel.address" });
    for (const { address, path } of addresses) {
      if (canonicalIp(address) === undefined) issues.push({ path, message: "must be an IP address" });
    }
    return [
      ...issues,
      ...repeatedPorts(spec.ports, "spec.ports"),
      ...checkMetricsAnnotations(metadata.annotations, spec.ports),
    ];
  },
});
