/** The server behind every peer: nginx with one worker and a constant answer of 36 bytes, on the load generator's core. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, freePort, listening, loadCore } from "./processes.ts";

const body = "0123456789abcdefghijklmnopqrstuvwxyz";

export async function startUpstream(bench: Bench): Promise<number> {
  const port = freePort();
  const home = join(bench.directory, "upstream");
  mkdirSync(home, { recursive: true });
  writeFileSync(
    join(home, "nginx.conf"),
    `daemon off; master_process off; worker_processes 1; pid ${home}/nginx.pid; error_log ${home}/error.log warn;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s; server_tokens off;
  client_body_temp_path ${home}/body; proxy_temp_path ${home}/proxy; fastcgi_temp_path ${home}/fastcgi;
  uwsgi_temp_path ${home}/uwsgi; scgi_temp_path ${home}/scgi;
  server { listen 127.0.0.1:${port} backlog=4096; location / { default_type text/plain; return 200 "${body}"; } }
}
`,
  );
  bench.start(loadCore, ["nginx", "-p", home, "-c", join(home, "nginx.conf")]);
  await listening(port);
  return port;
}
