/**
 * One of several processes on a port, told what to do over IPC: greets each connection with its name, and is busy for 50 ms
 * before it stops, so that connections pile up in its queue.
 */
import { type Listener, listen } from "../listen.ts";
import { retireListener } from "../retire-listener.ts";
import { resetReusePort, steerReusePort } from "../reuse-port.ts";

export type Order =
  | { readonly kind: "listen"; readonly port: number }
  | { readonly kind: "steer"; readonly targets: readonly number[] }
  | { readonly kind: "reset" }
  | { readonly kind: "retire" }
  | { readonly kind: "stop" };

export interface Report {
  readonly port: number;
  readonly isDone: boolean;
}

const name = process.argv[2] ?? "";
let listener: Listener | undefined;

function report(isDone: boolean): void {
  const message: Report = { port: listener?.port ?? 0, isDone };
  process.send?.(message);
}

function beBusy(): void {
  const until = performance.now() + 50;
  while (performance.now() < until);
}

process.on("message", (order: Order) => {
  if (order.kind === "listen") {
    listener = listen({
      port: order.port,
      reusePort: true,
      onConnection(connection) {
        connection.sink = { onData() {}, onDrain() {}, onEnd: () => connection.close(), onClose() {} };
        connection.write(Buffer.from(name));
        connection.shutdown();
      },
    });
    report(true);
  } else if (listener === undefined) {
    report(false);
  } else if (order.kind === "steer") {
    report(steerReusePort(listener, order.targets));
  } else if (order.kind === "reset") {
    report(resetReusePort(listener));
  } else if (order.kind === "retire") {
    beBusy();
    retireListener(listener, { settleMs: 100 }, report);
  } else {
    beBusy();
    listener.stopAccepting();
    report(true);
  }
});
