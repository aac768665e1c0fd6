/** The parts of Gateways, their classes and MeshConfig that compile reads, by the names that it uses for them. */
import type { StoredOfKind } from "../api/index.ts";

export type GatewayInput = StoredOfKind<"Gateway">;
export type ListenerSetInput = StoredOfKind<"ListenerSet">;
export type ListenerInput = GatewayInput["spec"]["listeners"][number];
export type GatewayClassInput = StoredOfKind<"GatewayClass">;
export type MeshConfigInput = StoredOfKind<"MeshConfig">;
export type NamespaceInput = StoredOfKind<"Namespace">;

/** Where gateways are served, as far as whoever compiles can tell. */
export interface GatewayHost {
  /** Where Gateways listen that say nothing: an address of the machine, or a wildcard. */
  readonly address: string;
  /** All addresses of the machine, in canonical text; absent: not known, so every address may be one of them. */
  readonly addresses?: readonly string[];
}
