/** GatewayClass (Gateway API v1.6): which controller serves the Gateways that name it. */
import Type from "typebox";
import { conditionsSchema, pendingConditions } from "./conditions.ts";
import { conditionOf } from "./conditions.ts";
import { anyText, controllerName, dnsSubdomain } from "./formats.ts";
import { defineKind } from "./kind-definition.ts";
import { clusterMetadata } from "./metadata.ts";
import { gatewayGroup, objectReferenceSchema } from "./references.ts";
import { list, object, optional, text } from "./schema.ts";

/** The controller name that weft answers to, and the class that exists from the start. */
export const weftControllerName = "weft.dev/gateway-controller";
export const weftGatewayClassName = "weft";

export const gatewayClassKind = defineKind({
  group: gatewayGroup,
  version: "v1",
  kind: "GatewayClass",
  plural: "gatewayclasses",
  singular: "gatewayclass",
  shortNames: ["gc"],
  categories: ["gateway-api"],
  namespaced: false,
  hasStatus: true,
  description: "Which controller serves the Gateways that name this class.",
  schema: object("Which controller serves the Gateways that name this class.", {
    apiVersion: Type.Literal("gateway.networking.k8s.io/v1"),
    kind: Type.Literal("GatewayClass"),
    metadata: clusterMetadata(text("Name of the class.", dnsSubdomain)),
    spec: object("Who serves the class.", {
      controllerName: text(
        `The controller; ${weftControllerName} is weft. Cannot be changed.`,
        controllerName,
      ),
      description: optional(text("For people.", { min: 0, max: 64 })),
      parametersRef: optional(objectReferenceSchema),
    }),
    status: optional(
      object(
        "What the controller found.",
        {
          conditions: optional(conditionsSchema),
          supportedFeatures: optional(
            list(
              "Features of Gateway API that the class supports.",
              object("A feature.", { name: text("Its name.", anyText) }),
              { max: 64, keys: ["name"] },
            ),
          ),
        },
        { default: { conditions: pendingConditions("Accepted") } },
      ),
    ),
  }),
  columns: [
    {
      name: "Controller",
      description: "Who serves the class.",
      value: (gatewayClass) => gatewayClass.spec.controllerName,
    },
    {
      name: "Accepted",
      description: "The controller serves it.",
      value: (gatewayClass) => conditionOf(gatewayClass.status?.conditions, "Accepted")?.status ?? "Unknown",
    },
    {
      name: "Description",
      description: "For people.",
      isWide: true,
      value: (gatewayClass) => gatewayClass.spec.description ?? "",
    },
  ],
  checkChange(before, after) {
    if (before.spec.controllerName === after.spec.controllerName) return [];
    return [{ path: "spec.controllerName", message: "cannot be changed; delete the class and make another" }];
  },
});
