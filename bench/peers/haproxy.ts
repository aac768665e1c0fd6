/** HAProxy, one thread. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { benchRoutes, haproxyMap } from "../routes.ts";
import { programPeer } from "./program-peer.ts";

export const haproxy = programPeer({
  name: "haproxy",
  program: () => Bun.which("haproxy"),
  install: "haproxy (apt install haproxy)",
  versionArguments: ["-v"],
  versionPattern: /version ([\d.]+)/,
  templates: {
    http1: "haproxy/http1.cfg",
    "http1-tls": "haproxy/http1-tls.cfg",
    http2: "haproxy/http2.cfg",
    grpc: "haproxy/http2.cfg",
    tcp: "haproxy/tcp.cfg",
    routes: "haproxy/routes.cfg",
  },
  fileName: "haproxy.cfg",
  command: (program, file) => [program, "-db", "-f", file],
  values: (task, home) => {
    const mapFile = join(home, "routes.map");
    if (task.work === "routes") writeFileSync(mapFile, haproxyMap(benchRoutes(task.routes)));
    return { mapFile };
  },
});
