/** What a mesh holds from the start, as ordinary objects of its first revision, so that operators see and change it like any other. */
import { parseObject, weftControllerName, weftGatewayClassName } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import type { Store, Write } from "../store/index.ts";
import { defaultRoleObjects } from "./default-roles.ts";

const initialObjects: readonly unknown[] = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } },
  // Of the mesh's own workloads: gateways without a namespace of their own.
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "weft-system" } },
  { apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "mesh" }, spec: {} },
  {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "GatewayClass",
    metadata: { name: weftGatewayClassName },
    spec: { controllerName: weftControllerName, description: "Gateways that weft's own proxies serve" },
  },
  ...defaultRoleObjects,
];

/** Nothing where the store has a revision already: what an operator deleted stays deleted. */
export async function writeInitialObjects(store: Store): Promise<void> {
  if (store.revision > 0) return;
  const writes = initialObjects.map((input): Write => {
    const parsed = parseObject(input, "write");
    if ("issues" in parsed)
      throw new WeftError("internal", "an initial object is invalid", { issues: parsed.issues });
    return { type: "put", object: parsed.object };
  });
  await store.commit(writes, { author: "weft", message: "initial objects" });
}
