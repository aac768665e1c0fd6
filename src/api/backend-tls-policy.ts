/** BackendTLSPolicy (Gateway API v1.6): how connections to a Service's endpoints are encrypted, and what their certificates must prove. */
import Type from "typebox";
import type { Issue } from "../kernel/index.ts";
import { conditionSchema } from "./conditions.ts";
import {
  annotationOfGateway,
  anyText,
  controllerName,
  dnsSubdomain,
  groupName,
  hostname,
  kindNameFormat,
  objectName,
  preciseHostname,
} from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { namespacedMetadata } from "./metadata.ts";
import { gatewayGroup, localReferenceSchema, parentReferenceSchema } from "./references.ts";
import { list, object, oneOf, optional, text, textMap, type ValueOf } from "./schema.ts";

/** Gateway API's bounds. */
const maxTargets = 16;
const maxCertificates = 8;
const maxNames = 5;
const maxOptions = 16;
const maxAncestors = 16;

const targetSchema = object("A Service of the policy's own namespace, or one port of it.", {
  group: text("API group; empty for Service.", groupName),
  kind: text("Service.", kindNameFormat),
  name: text("Name of the Service.", objectName),
  sectionName: optional(text("Name of a port; all ports where absent.", dnsSubdomain)),
});
type Target = ValueOf<typeof targetSchema>;

const alternativeNameSchema = object("A subject alternative name.", {
  type: oneOf("Which of the fields below is given.", ["Hostname", "URI"]),
  hostname: optional(text("A DNS name.", hostname)),
  uri: optional(
    text("A URI such as a SPIFFE id.", {
      min: 1,
      max: 253,
      pattern: "^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\\?([^#]*))?(#(.*))?",
      expected: "a URI with scheme and authority such as spiffe://example.org/shop",
    }),
  ),
});
type AlternativeName = ValueOf<typeof alternativeNameSchema>;

const wellKnown =
  "^(System|([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))$";

const validationSchema = object("What a certificate must prove.", {
  caCertificateRefs: optional(
    list(
      "ConfigMaps of the policy's namespace with certificates in PEM under ca.crt; a chain must lead to one of them.",
      localReferenceSchema,
      { max: maxCertificates },
    ),
  ),
  wellKnownCACertificates: optional(
    text("System: the authorities that the proxy's machine trusts.", {
      min: 1,
      max: 253,
      pattern: wellKnown,
      expected: "System, or a name of the form domain/name",
    }),
  ),
  hostname: text(
    "The server name that is asked for; the certificate must be for it unless subjectAltNames are given.",
    preciseHostname,
  ),
  subjectAltNames: optional(
    list("The certificate must have one of these.", alternativeNameSchema, { max: maxNames }),
  ),
});
type Validation = ValueOf<typeof validationSchema>;

export const backendTlsPolicyKind = defineKind({
  group: gatewayGroup,
  version: "v1",
  kind: "BackendTLSPolicy",
  plural: "backendtlspolicies",
  singular: "backendtlspolicy",
  shortNames: ["btlspolicy"],
  categories: ["gateway-api"],
  namespaced: true,
  hasStatus: true,
  description:
    "How gateways and sidecars encrypt what they send to a Service's endpoints. Where an endpoint has a proxy of the mesh, that proxy does it behind the mesh's own TLS.",
  schema: object("TLS to the endpoints of Services.", {
    apiVersion: Type.Literal("gateway.networking.k8s.io/v1"),
    kind: Type.Literal("BackendTLSPolicy"),
    metadata: namespacedMetadata(text("Name of the policy.", dnsSubdomain)),
    spec: object("Targets, and what their certificates must prove.", {
      targetRefs: list("Which Services. Of several policies for one target the oldest holds.", targetSchema, {
        min: 1,
        max: maxTargets,
      }),
      validation: validationSchema,
      options: optional(
        textMap("Options of an implementation; weft has none.", anyText, annotationOfGateway, maxOptions),
      ),
    }),
    status: optional(
      object("What the controllers found.", {
        ancestors: list(
          "State at each Gateway that sends to a target, and at the target itself.",
          object("One ancestor.", {
            ancestorRef: parentReferenceSchema,
            controllerName: text("Who says so.", controllerName),
            conditions: list("What is true of the policy there.", conditionSchema, { min: 1, max: 8 }),
          }),
          { max: maxAncestors },
        ),
      }),
    ),
  }),
  columns: [
    {
      name: "Targets",
      description: "Services.",
      value: ({ spec }) =>
        spec.targetRefs
          .map(({ name, sectionName }) => (sectionName === undefined ? name : `${name}:${sectionName}`))
          .join(","),
    },
    { name: "Hostname", description: "Server name.", value: ({ spec }) => spec.validation.hostname },
  ],
  check: ({ spec }) => [
    ...checkTargets(spec.targetRefs),
    ...checkValidation(spec.validation),
    ...(spec.validation.subjectAltNames ?? []).flatMap((name, index) =>
      checkName(name, `spec.validation.subjectAltNames[${index}]`),
    ),
  ],
});

/** As `checkParents`: several references to one target must each name another section of it. */
function checkTargets(targets: readonly Target[]): Issue[] {
  const sections = new Map<string, (string | undefined)[]>();
  const issues: Issue[] = [];
  for (const [index, { group, kind, name, sectionName }] of targets.entries()) {
    const key = `${group}/${kind}/${name}`;
    const known = sections.get(key) ?? [];
    const path = `spec.targetRefs[${index}].sectionName`;
    if (known.length > 0 && (sectionName === undefined) !== (known[0] === undefined)) {
      issues.push({
        path,
        message: "must be given in every reference to a target that is referred to twice",
      });
    } else if (known.includes(sectionName)) {
      issues.push({ path, message: "must be unique where a target is referred to twice" });
    }
    sections.set(key, [...known, sectionName]);
  }
  return issues;
}

function checkValidation({ caCertificateRefs, wellKnownCACertificates }: Validation): Issue[] {
  const hasReferences = (caCertificateRefs?.length ?? 0) > 0;
  const path = "spec.validation";
  if (hasReferences && wellKnownCACertificates !== undefined) {
    return [{ path, message: "must not have both caCertificateRefs and wellKnownCACertificates" }];
  }
  return hasReferences || wellKnownCACertificates !== undefined
    ? []
    : [{ path, message: "must have caCertificateRefs or wellKnownCACertificates" }];
}

function checkName({ type, hostname: host, uri }: AlternativeName, path: string): Issue[] {
  const wanted = type === "Hostname" ? "hostname" : "uri";
  const other = type === "Hostname" ? "uri" : "hostname";
  const given = { hostname: host, uri };
  const issues: Issue[] = [];
  if (given[wanted] === undefined)
    issues.push({ path: `${path}.${wanted}`, message: `is required where type is ${type}` });
  if (given[other] !== undefined)
    issues.push({ path: `${path}.${other}`, message: `must be absent where type is ${type}` });
  return issues;
}
