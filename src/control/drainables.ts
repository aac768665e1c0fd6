/** How the parts of a control plane end: ports let go of what is in flight, what lies below them is closed. */
import type { ApiServer } from "../apiserver/index.ts";
import type { GrpcServer } from "../grpc/index.ts";
import type { Clock, Drainable } from "../kernel/index.ts";
import type { ProxyDirectory } from "./proxy-directory.ts";

/** For calls in flight. Discovery streams never end by themselves: proxies serve on and find the next control plane. */
const proxyPortDrainMs = 500;

export function apiPart(api: ApiServer): Drainable {
  return { drain: () => api.stop(), close: () => {} };
}

export function proxyPortPart(server: GrpcServer, directory: ProxyDirectory, clock: Clock): Drainable {
  return {
    drain() {
      directory.stop();
      return Promise.race([
        server.drain(),
        new Promise<void>((resolve) => void clock.after(proxyPortDrainMs, resolve)),
      ]);
    },
    close: () => server.close(),
  };
}

export function closer(opened: readonly (() => void | Promise<void>)[]): Drainable {
  return {
    async drain() {
      for (const close of opened.toReversed()) await close();
    },
    close: () => {},
  };
}
