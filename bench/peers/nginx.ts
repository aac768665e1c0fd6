/** nginx, one worker. */
import { benchRoutes, nginxServers } from "../routes.ts";
import { programPeer } from "./program-peer.ts";

export const nginx = programPeer({
  name: "nginx",
  program: () => Bun.which("nginx"),
  install: "nginx (apt install nginx)",
  versionArguments: ["-v"],
  versionPattern: /nginx\/([\d.]+)/,
  templates: {
    http1: "nginx/http1.conf",
    "http1-tls": "nginx/http1-tls.conf",
    grpc: "nginx/grpc.conf",
    routes: "nginx/routes.conf",
  },
  fileName: "nginx.conf",
  command: (program, file, home) => [program, "-p", home, "-c", file],
  values: (task, _, listenPort) => ({
    routes: task.work === "routes" ? nginxServers(benchRoutes(task.routes), listenPort) : "",
  }),
});
