/** nginx as a plain reverse proxy: HTTP/1.1 and kept connections to the upstream, everything else as it comes. */
import { programPeer } from "./program.ts";

export const nginx = programPeer({
  name: "nginx",
  install: "apt install nginx",
  find: () => Bun.which("nginx"),
  configFile: "nginx.conf",
  configure: (pairs, directory) => `
daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr crit;
events {}
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_next_upstream off;
  ${pairs
    .map(
      ({ port, upstreamPort }) => `
  upstream u${upstreamPort} { server 127.0.0.1:${upstreamPort} max_fails=0; keepalive 8; }
  server { listen 127.0.0.1:${port}; server_name a; location / { proxy_pass http://u${upstreamPort}; } }`,
    )
    .join("")}
}
`,
  command: (program, file) => [program, "-c", file, "-e", "stderr"],
  versionCommand: "-v",
  version: /nginx\/(\S+)/,
});
