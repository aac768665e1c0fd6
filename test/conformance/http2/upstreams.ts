/** Applications behind the gateway under test: nginx, which speaks HTTP/1.1, and nghttpd, which speaks HTTP/2 without TLS. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Running, spawnProcess } from "../../e2e/harness/child-process.ts";
import { eventually } from "../../e2e/harness/eventually.ts";
import { missingPrograms } from "../../e2e/harness/requirements.ts";

export interface Upstream {
  readonly name: string;
  readonly appProtocol: string;
  /** Undefined where its program is installed. */
  readonly missing: string | undefined;
  start(directory: string, port: number): Running;
}

const startTimeoutMs = 10_000;
/** Longer than a frame's least maximum needs, so that cases of flow control have bytes to wait for. */
export const answer = "HTTP/2 in, anything out. ".repeat(20);

export const upstreams: readonly Upstream[] = [
  {
    name: "nginx",
    appProtocol: "http",
    missing: missingPrograms(["nginx"]),
    start(directory, port) {
      const file = join(directory, "nginx.conf");
      writeFileSync(file, nginxConfiguration(directory, port));
      return spawn(["nginx", "-e", "stderr", "-p", directory, "-c", file], directory);
    },
  },
  {
    name: "nghttpd",
    appProtocol: "kubernetes.io/h2c",
    missing: missingPrograms(["nghttpd"]),
    start(directory, port) {
      const documents = join(directory, "documents");
      mkdirSync(join(documents, "nghttpd"), { recursive: true });
      writeFileSync(join(documents, "nghttpd", "index.html"), answer);
      return spawn(["nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", documents, String(port)], directory);
    },
  },
];

/** Resolves once something accepts connections on 127.0.0.1. */
export function listening(port: number): Promise<void> {
  return eventually(async () => {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.terminate();
  }, startTimeoutMs);
}

function spawn(argv: readonly string[], cwd: string): Running {
  const PATH = `${process.env["PATH"]}:/usr/sbin:/sbin`;
  return spawnProcess(argv, { cwd, env: { ...process.env, PATH } });
}

/** Asks itself, so that it reads a request's body before it answers: most cases are about requests that are still open. */
function nginxConfiguration(directory: string, port: number): string {
  const inner = join(directory, "nginx.sock");
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
daemon off;
master_process off;
pid ${join(directory, "nginx.pid")};
error_log stderr warn;
events {}
http {
  access_log off;
  ${places.map((place) => `${place}_temp_path ${join(directory, `nginx-${place}`)};`).join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://unix:${inner}; }
  }
  server {
    listen unix:${inner};
    location / { return 200 "${answer}"; }
  }
}
`;
}
