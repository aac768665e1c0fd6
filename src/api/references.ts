/** References from one object to another, as Gateway API writes them. */
import type { Issue } from "../kernel/index.ts";
import { dnsLabel, dnsSubdomain, groupName, kindNameFormat, objectName } from "./formats.ts";
import { integer, object, optional, port, text, type ValueOf } from "./schema.ts";

export const gatewayGroup = "gateway.networking.k8s.io";
/** Of our own kinds. */
export const weftGroup = "weft.dev";
/** Gateway API's bound on the weight of a backend. */
const maxWeight = 1_000_000;

export const parentReferenceSchema = object(
  "What the route attaches to: a Service or ExternalService (in the mesh), a Gateway or a ListenerSet.",
  {
    group: text("API group of the parent; empty for Service.", groupName, { default: gatewayGroup }),
    kind: text("Gateway, ListenerSet or Service.", kindNameFormat, { default: "Gateway" }),
    namespace: optional(text("Namespace of the parent; the route's own where absent.", dnsLabel)),
    name: text("Name of the parent.", objectName),
    sectionName: optional(
      text("A listener's name, or a Service port's; all of them where absent.", dnsSubdomain),
    ),
    port: optional(port("Attach to this port only.")),
  },
);
export type ParentReference = ValueOf<typeof parentReferenceSchema>;

export const backendFields = {
  group: text("API group of the backend; empty for Service.", groupName, { default: "" }),
  kind: text("Kind of the backend.", kindNameFormat, { default: "Service" }),
  name: text("Name of the backend.", objectName),
  namespace: optional(text("Namespace of the backend; the route's own where absent.", dnsLabel)),
  port: optional(port("Port of the Service.")),
};
export const backendReferenceSchema = object("A Service and one of its ports.", backendFields);

/** Gateway API: a port may only be absent where the backend is no Service. */
export function checkBackendPort(
  backend: { readonly group: string; readonly kind: string; readonly port?: number | undefined },
  path: string,
): Issue[] {
  const isMissing = backend.group === "" && backend.kind === "Service" && backend.port === undefined;
  return isMissing ? [{ path: `${path}.port`, message: "is required for a Service" }] : [];
}

export const weightField = integer(
  "Share of requests: weight divided by the sum of all weights of the rule.",
  0,
  maxWeight,
  { default: 1 },
);

export const secretReferenceSchema = object("A Secret.", {
  group: text("API group; empty for Secret.", groupName, { default: "" }),
  kind: text("Kind of the referent.", kindNameFormat, { default: "Secret" }),
  name: text("Name of the referent.", objectName),
  namespace: optional(text("Namespace of the referent; the object's own where absent.", dnsLabel)),
});

export const objectReferenceSchema = object("An object.", {
  group: text("API group; empty for the core group.", groupName),
  kind: text("Kind of the referent.", kindNameFormat),
  name: text("Name of the referent.", objectName),
  namespace: optional(text("Namespace of the referent; the object's own where absent.", dnsLabel)),
});

export const localReferenceSchema = object("An object of the same namespace.", {
  group: text("API group; empty for the core group.", groupName),
  kind: text("Kind of the referent.", kindNameFormat),
  name: text("Name of the referent.", objectName),
});
