/** The parts of Gateways, their classes and MeshConfig that compile reads, by the names that it uses for them. */
import type { StoredOfKind } from "../api/index.ts";

export type GatewayInput = StoredOfKind<"Gateway">;
export type ListenerInput = GatewayInput["spec"]["listeners"][number];
export type GatewayClassInput = StoredOfKind<"GatewayClass">;
export type MeshConfigInput = StoredOfKind<"MeshConfig">;
export type NamespaceInput = StoredOfKind<"Namespace">;
