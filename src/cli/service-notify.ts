/** Tells systemd that this process serves, and that it is the service's main one: with Type=notify, as after a take-over. */
import type { Log } from "../kernel/index.ts";
import { sendToUnix } from "../net/index.ts";

/** Does nothing where nobody asked to be told. */
export function notifyReady(log: Log, env: Readonly<Record<string, string | undefined>> = process.env): void {
  const path = env["NOTIFY_SOCKET"];
  if (path === undefined || path === "") return;
  const text = `READY=1\nMAINPID=${process.pid}\n`;
  if (!sendToUnix(path, new TextEncoder().encode(text))) {
    log.warn("systemd was not told that this process serves", { path });
  }
}
