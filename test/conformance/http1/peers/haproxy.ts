/** HAProxy as a plain reverse proxy, with its defaults. */
import { programPeer } from "./program.ts";

export const haproxy = programPeer({
  name: "haproxy",
  install: "apt install haproxy",
  find: () => Bun.which("haproxy"),
  configFile: "haproxy.cfg",
  configure: (pairs) => `
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
${pairs
  .map(
    ({ port, upstreamPort }) => `
listen l${port}
  bind 127.0.0.1:${port}
  server s 127.0.0.1:${upstreamPort}
`,
  )
  .join("")}`,
  command: (program, file) => [program, "-db", "-f", file],
  versionCommand: "-v",
  version: /version (\S+)/,
});
