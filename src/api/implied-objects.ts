/** What a mesh has from the start, and files need not say. */
import { WeftError } from "../kernel/index.ts";
import { weftControllerName, weftGatewayClassName } from "./gateway-class.ts";
import { type ApiObject, parseObject } from "./kinds.ts";
import { meshConfigName } from "./mesh-config.ts";
import { keyOf, keyText, namespaceOf } from "./object-key.ts";

const always: readonly unknown[] = [
  { apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: meshConfigName }, spec: {} },
  {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "GatewayClass",
    metadata: { name: weftGatewayClassName },
    spec: { controllerName: weftControllerName, description: "Gateways that weft serves" },
  },
];

/** Those that are missing: MeshConfig, weft's GatewayClass, and the namespaces that objects lie in. */
export function impliedObjects(objects: readonly ApiObject[]): ApiObject[] {
  const known = new Set(objects.map((object) => keyText(keyOf(object))));
  const namespaces = new Set(objects.map(namespaceOf).filter((namespace) => namespace !== ""));
  const implied = [
    ...always,
    ...[...namespaces].map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
  ].map(parseOwn);
  return implied.filter((object) => !known.has(keyText(keyOf(object))));
}

function parseOwn(input: unknown): ApiObject {
  const parsed = parseObject(input, "write");
  if ("object" in parsed) return parsed.object;
  throw new WeftError("internal", "an object of our own is invalid", { issues: parsed.issues });
}
