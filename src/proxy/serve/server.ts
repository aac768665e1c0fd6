/** What the proxy needs of each of its doors, whatever comes in through it. */
import type { Connection } from "../../net/index.ts";
import type { ConnectionSet } from "./connection-set.ts";
import type { DoorListeners } from "./door-listeners.ts";

/** Where a redirected connection was going; undefined: it was not redirected. */
export type DestinationOf = (
  connection: Connection,
) => { readonly address: string; readonly port: number } | undefined;

export interface Server {
  readonly connections: ConnectionSet;
  /** Each can be given away to another process. */
  readonly listeners: Pick<DoorListeners, "openListeners" | "release" | "reopen" | "connections">;
  stopAccepting(): void;
  /** Ends everything at once. */
  close(): void;
}
