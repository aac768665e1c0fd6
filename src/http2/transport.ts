/** What a session needs of a connection: the part of net's `Connection` that bytes and their end travel by. */
import type { Connection } from "../net/index.ts";

export type Transport = Pick<
  Connection,
  "sink" | "write" | "flush" | "bufferedBytes" | "shutdown" | "terminate" | "close"
>;
