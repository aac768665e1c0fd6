/** Gateway (Gateway API v1.6): an entrance of the mesh. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { canonicalIp } from "../kernel/index.ts";
import { proxyProtocolAnnotation } from "./annotations.ts";
import { conditionOf, conditionsSchema, pendingConditions } from "./conditions.ts";
import {
  addressType,
  annotationOfGateway,
  dnsSubdomain,
  hostname,
  labelKey,
  labelValue,
  objectName,
} from "./formats.ts";
import { checkListeners, listenersSchema, listenerStatusSchema } from "./gateway-listener.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import {
  gatewayGroup,
  localReferenceSchema,
  objectReferenceSchema,
  secretReferenceSchema,
} from "./references.ts";
import { integer, list, object, oneOf, optional, port, text, textMap, type ValueOf } from "./schema.ts";
import { labelSelectorSchema } from "./selector.ts";

/** Gateway API's bounds. */
const maxAddresses = 16;
const maxTlsPorts = 64;
const maxCaReferences = 16;

const addressSchema = object("An address of the Gateway.", {
  type: text("What value is.", addressType, { default: "IPAddress" }),
  value: optional(text("The address; where absent, the proxy's own gateway address.", { min: 0, max: 253 })),
});
type GatewayAddress = ValueOf<typeof addressSchema>;

const frontendTlsSchema = object("Checks of client certificates.", {
  validation: optional(
    object("How client certificates are checked.", {
      caCertificateRefs: list("ConfigMaps with the trust anchors in ca.crt.", objectReferenceSchema, {
        min: 1,
        max: maxCaReferences,
      }),
      mode: oneOf(
        "What becomes of clients without a valid certificate.",
        ["AllowValidOnly", "AllowInsecureFallback"],
        {
          default: "AllowValidOnly",
        },
      ),
    }),
  ),
});

const tlsSchema = object("TLS of the whole Gateway.", {
  backend: optional(object("TLS to backends.", { clientCertificateRef: optional(secretReferenceSchema) })),
  frontend: optional(
    object("TLS from clients.", {
      default: frontendTlsSchema,
      perPort: optional(
        list(
          "Exceptions for single ports.",
          object("One port.", { port: port("The listener's port."), tls: frontendTlsSchema }),
          { max: maxTlsPorts, keys: ["port"] },
        ),
      ),
    }),
  ),
});

export const gatewayKind = defineKind({
  group: gatewayGroup,
  version: "v1",
  kind: "Gateway",
  plural: "gateways",
  singular: "gateway",
  shortNames: ["gtw"],
  categories: ["gateway-api"],
  namespaced: true,
  hasStatus: true,
  description: `An entrance of the mesh: ports that clients outside dial. Routes attach to its listeners. It listens on spec.addresses, which must be this machine's own, or else on the proxy's gateway address together with all other Gateways that say nothing. With the annotation ${proxyProtocolAnnotation}: required, every connection has to begin with a PROXY protocol header (version 1 or 2).`,
  schema: object("An entrance of the mesh.", {
    apiVersion: Type.Literal("gateway.networking.k8s.io/v1"),
    kind: Type.Literal("Gateway"),
    metadata: namespacedMetadata(text("Name of the Gateway.", dnsSubdomain)),
    spec: object("What the Gateway listens on.", {
      gatewayClassName: text("The class that serves it; weft for weft's own.", objectName),
      listeners: listenersSchema,
      addresses: optional(list("Addresses to listen on.", addressSchema, { max: maxAddresses })),
      infrastructure: optional(
        object("Marks for what is made for the Gateway: its listeners in the proxies.", {
          labels: optional(textMap("Labels of the metric weft_gateway_info.", labelKey, labelValue, 8)),
          annotations: optional(
            textMap("Shown on the proxy's page /config.", labelKey, annotationOfGateway, 16),
          ),
          parametersRef: optional(localReferenceSchema),
        }),
      ),
      allowedListeners: optional(
        object("Which ListenerSets may attach.", {
          namespaces: object(
            "Namespaces that they may come from.",
            {
              from: oneOf("Which namespaces.", ["All", "Selector", "Same", "None"], { default: "None" }),
              selector: optional(labelSelectorSchema),
            },
            { default: { from: "None" } },
          ),
        }),
      ),
      tls: optional(tlsSchema),
    }),
    status: optional(
      object(
        "What the controller found.",
        {
          addresses: optional(
            list(
              "Addresses that it serves on.",
              object("An address.", {
                type: text("What value is.", addressType, { default: "IPAddress" }),
                value: text("The address.", { min: 1, max: 253 }),
              }),
              { max: maxAddresses },
            ),
          ),
          attachedListenerSets: optional(integer("ListenerSets attached.", 0, 2_147_483_647)),
          conditions: optional(conditionsSchema),
          listeners: optional(listenerStatusSchema),
        },
        { default: { conditions: pendingConditions("Accepted", "Programmed") } },
      ),
    ),
  }),
  columns: [
    { name: "Class", description: "Who serves it.", value: (gateway) => gateway.spec.gatewayClassName },
    {
      name: "Address",
      description: "Where it serves.",
      value: (gateway) => gateway.status?.addresses?.map((each) => each.value).join(",") ?? "",
    },
    {
      name: "Programmed",
      description: "Proxies serve it.",
      value: (gateway) => conditionOf(gateway.status?.conditions, "Programmed")?.status ?? "Unknown",
    },
    {
      name: "Listeners",
      description: "What it listens on.",
      isWide: true,
      value: (gateway) => gateway.spec.listeners.map((each) => `${each.port}/${each.protocol}`).join(","),
    },
  ],
  check({ spec }) {
    const issues = [...checkListeners(spec.listeners), ...checkAddresses(spec.addresses ?? [])];
    const ports = new Set<number>();
    for (const [index, each] of (spec.tls?.frontend?.perPort ?? []).entries()) {
      if (ports.has(each.port))
        issues.push({ path: `spec.tls.frontend.perPort[${index}].port`, message: "port must be unique" });
      ports.add(each.port);
    }
    return issues;
  },
});

const hostnamePattern = new RegExp(hostname.pattern ?? "");

function checkAddresses(addresses: readonly GatewayAddress[]): Issue[] {
  const issues: Issue[] = [];
  const seen = new Set<string>();
  for (const [index, { type, value }] of addresses.entries()) {
    const path = `spec.addresses[${index}].value`;
    if (value === undefined || (type !== "IPAddress" && type !== "Hostname")) continue;
    if (type === "IPAddress" && canonicalIp(value) === undefined)
      issues.push({ path, message: "must be an IP address" });
    if (type === "Hostname" && !hostnamePattern.test(value))
      issues.push({ path, message: `must be ${hostname.expected ?? ""}` });
    if (seen.has(`${type} ${value}`)) issues.push({ path, message: `${type} values must be unique` });
    seen.add(`${type} ${value}`);
  }
  return issues;
}
