/** What holds before anybody wrote a MeshConfig. */
import { type MeshConfig, parseObject } from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { meshKey } from "../model/index.ts";

/** The defaults of the schema. */
export function defaultMeshConfig(): MeshConfig {
  const parsed = parseObject(
    { apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: meshKey }, spec: {} },
    "write",
  );
  if ("issues" in parsed || parsed.object.kind !== "MeshConfig") {
    throw new WeftError("internal", "the defaults of MeshConfig do not hold");
  }
  return parsed.object;
}
