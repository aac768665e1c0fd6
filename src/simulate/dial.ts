/** What somebody of the mesh asks for: by whom, what, and with which claims of tokens. */
import type { Claims } from "../decide/index.ts";
import type { MeshCaller } from "./caller.ts";
import type { Wanted } from "./wanted.ts";

export interface Dial {
  readonly caller: MeshCaller;
  readonly wanted: Wanted;
  readonly claims: Claims | undefined;
}
