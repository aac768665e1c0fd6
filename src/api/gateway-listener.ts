/** Listeners of a Gateway or a ListenerSet (Gateway API v1.6): the schema and the rules between their fields. */
import type { Issue } from "../kernel/index.ts";
import { minTlsVersionOption } from "./annotations.ts";
import { conditionsSchema } from "./conditions.ts";
import {
  annotationOfGateway,
  dnsSubdomain,
  groupName,
  hostname,
  kindNameFormat,
  labelKey,
  listenerProtocol,
} from "./formats.ts";
import { gatewayGroup, secretReferenceSchema } from "./references.ts";
import { integer, list, object, oneOf, optional, port, text, textMap, type ValueOf } from "./schema.ts";
import { labelSelectorSchema } from "./selector.ts";

/** Gateway API's bounds. */
const maxListeners = 64;
const maxRouteKinds = 8;
const maxCertificates = 64;
const maxTlsOptions = 16;

const routeKindSchema = object("A kind of route.", {
  group: text("API group of the kind.", groupName, { default: gatewayGroup }),
  kind: text("Kind, such as HTTPRoute.", kindNameFormat),
});

const listenerTlsSchema = object("TLS of the listener.", {
  mode: oneOf("Terminate here, or pass through by server name.", ["Terminate", "Passthrough"], {
    default: "Terminate",
  }),
  certificateRefs: optional(
    list(
      "Secrets of type kubernetes.io/tls. Of several the one whose names fit the client's server name is shown, else the first.",
      secretReferenceSchema,
      { max: maxCertificates },
    ),
  ),
  options: optional(
    textMap(
      `Options of an implementation. Ours: ${minTlsVersionOption}, "1.2" (the default) or "1.3".`,
      labelKey,
      annotationOfGateway,
      maxTlsOptions,
    ),
  ),
});

const listenerSchema = object("A port that the Gateway listens on.", {
  name: text("Name of the listener; unique within the Gateway or the set.", dnsSubdomain),
  hostname: optional(text("Only requests for this host; all where absent.", hostname)),
  port: port("Port that clients dial."),
  protocol: text("HTTP, HTTPS, TLS, TCP or UDP.", listenerProtocol),
  tls: optional(listenerTlsSchema),
  allowedRoutes: object(
    "Which routes may attach.",
    {
      namespaces: object(
        "Namespaces that routes may come from.",
        {
          from: oneOf(
            "All, the Gateway's own (Same), or those that selector chooses.",
            ["All", "Selector", "Same"],
            { default: "Same" },
          ),
          selector: optional(labelSelectorSchema),
        },
        { default: { from: "Same" } },
      ),
      kinds: optional(
        list("Kinds of routes; those that fit the protocol where absent.", routeKindSchema, {
          max: maxRouteKinds,
        }),
      ),
    },
    { default: { namespaces: { from: "Same" } } },
  ),
});
export type GatewayListener = ValueOf<typeof listenerSchema>;

export const listenersSchema = list("What the Gateway listens on.", listenerSchema, {
  min: 1,
  max: maxListeners,
  keys: ["name"],
});

export const listenerStatusSchema = list(
  "State of each listener.",
  object("One listener.", {
    name: text("Its name.", dnsSubdomain),
    supportedKinds: optional(
      list("Kinds of routes that may attach.", routeKindSchema, { max: maxRouteKinds }),
    ),
    attachedRoutes: integer("Routes attached.", 0, 2_147_483_647),
    conditions: conditionsSchema,
  }),
  { max: maxListeners, keys: ["name"] },
);

const withoutTls = new Set(["HTTP", "TCP", "UDP"]);
const withoutHostname = new Set(["TCP", "UDP"]);

export function checkListeners(listeners: readonly GatewayListener[]): Issue[] {
  const issues: Issue[] = [];
  const names = new Set<string>();
  const combinations = new Set<string>();
  for (const [index, listener] of listeners.entries()) {
    const path = `spec.listeners[${index}]`;
    if (names.has(listener.name))
      issues.push({ path: `${path}.name`, message: `another listener is named ${listener.name}` });
    names.add(listener.name);
    const combination = `${listener.port}/${listener.protocol}/${listener.hostname ?? ""}`;
    if (combinations.has(combination)) {
      issues.push({
        path,
        message: "combination of port, protocol and hostname must be unique for each listener",
      });
    }
    combinations.add(combination);
    issues.push(...checkTls(listener, path));
  }
  return issues;
}

function checkTls({ protocol, tls, hostname: host }: GatewayListener, path: string): Issue[] {
  const issues: Issue[] = [];
  if (withoutTls.has(protocol) && tls !== undefined) {
    issues.push({ path: `${path}.tls`, message: `must not be set for protocol ${protocol}` });
  }
  if (withoutHostname.has(protocol) && host !== undefined) {
    issues.push({ path: `${path}.hostname`, message: `must not be set for protocol ${protocol}` });
  }
  if (protocol === "HTTPS" && tls?.mode === "Passthrough") {
    issues.push({ path: `${path}.tls.mode`, message: "must be Terminate for protocol HTTPS" });
  }
  if (protocol === "TLS" && tls === undefined) {
    issues.push({ path: `${path}.tls`, message: "is required for protocol TLS" });
  }
  const hasCertificate =
    (tls?.certificateRefs?.length ?? 0) > 0 || Object.keys(tls?.options ?? {}).length > 0;
  if (tls?.mode === "Terminate" && !hasCertificate) {
    issues.push({
      path: `${path}.tls.certificateRefs`,
      message: "certificateRefs or options must be set where mode is Terminate",
    });
  }
  return issues;
}
