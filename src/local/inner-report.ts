/**
 * What the inner process tells the outer one, over a pipe: one JSON object to a line, from the inner to the outer only.
 * The first one says whether the fabric could be set up.
 */
import { writeSync } from "node:fs";
import { closeDescriptor } from "../intercept/index.ts";

export type InnerMessage =
  | { readonly event: "fabric_ready"; readonly netNamespaceId: number }
  | { readonly event: "fabric_refused"; readonly reason: string }
  /** Whatever the mesh's supervisor inside wants to say to its front end outside. */
  | { readonly event: "status"; readonly fields: Readonly<Record<string, string | number | boolean>> };

/** The descriptor that the inner process finds its end of the pipe on. */
const reportDescriptor = 3;
/** Ours are a few hundred bytes; more would mean that something else writes there. */
const maxLineBytes = 64 * 1024;

/** In the inner process. Nothing is thrown where the outer one is gone: its end has other ways to be noticed. */
export function reportToOuter(message: InnerMessage): void {
  try {
    writeSync(reportDescriptor, `${JSON.stringify(message)}\n`);
  } catch {
    return;
  }
}

/** In the outer process, until the pipe ends. Takes over the descriptor. */
export async function readInnerMessages(
  fd: number,
  onMessage: (message: InnerMessage) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let pending = "";
  try {
    for await (const chunk of Bun.file(fd).stream()) {
      pending += decoder.decode(chunk, { stream: true });
      const lines = pending.split("\n");
      pending = (lines.pop() ?? "").slice(0, maxLineBytes);
      for (const line of lines) {
        const message = parseMessage(line);
        if (message !== undefined) onMessage(message);
      }
    }
  } finally {
    closeDescriptor(fd);
  }
}

function parseMessage(line: string): InnerMessage | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isMessage(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMessage(value: unknown): value is InnerMessage {
  if (typeof value !== "object" || value === null || !("event" in value)) return false;
  switch (value.event) {
    case "fabric_ready":
      return "netNamespaceId" in value && typeof value.netNamespaceId === "number";
    case "fabric_refused":
      return "reason" in value && typeof value.reason === "string";
    case "status":
      return "fields" in value && typeof value.fields === "object" && value.fields !== null;
    default:
      return false;
  }
}
