/** What a session says instead of a name: nothing of the mesh's inside can be read from it. */
import { hash32 } from "../../../kernel/index.ts";

export const sessionIdLength = 16;

/** 64 bits in hexadecimal, the same in every proxy. */
export function sessionId(key: string): string {
  return hash32(key, 1).toString(16).padStart(8, "0") + hash32(key, 2).toString(16).padStart(8, "0");
}
