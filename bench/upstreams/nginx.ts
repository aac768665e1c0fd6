/** nginx with one worker: a constant small answer, and a large one from a file with sendfile. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, freePort, loadCore } from "../processes.ts";
import { largeBodyBytes, largePath, smallBody } from "./answer.ts";

export async function startNginx(bench: Bench): Promise<number> {
  const port = freePort();
  const home = join(bench.directory, "home");
  mkdirSync(join(home, "files"), { recursive: true });
  writeFileSync(join(home, "files", largePath), new Uint8Array(largeBodyBytes).fill(0x78));
  writeFileSync(
    join(home, "nginx.conf"),
    `daemon off; master_process off; worker_processes 1; pid ${home}/nginx.pid; error_log ${home}/error.log warn;
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; server_tokens off; sendfile on; tcp_nopush on;
  open_file_cache max=8; default_type text/plain;
  client_body_temp_path ${home}/body; proxy_temp_path ${home}/proxy; fastcgi_temp_path ${home}/fastcgi;
  uwsgi_temp_path ${home}/uwsgi; scgi_temp_path ${home}/scgi;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { return 200 "${smallBody}"; }
    location = ${largePath} { root ${home}/files; }
  }
}
`,
  );
  const process = bench.start(loadCore, ["nginx", "-p", home, "-c", join(home, "nginx.conf")]);
  await process.listening(port);
  return port;
}
