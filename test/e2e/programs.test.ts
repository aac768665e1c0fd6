/** Programs that nobody here wrote, as they are, under `weft run`: they find each other by name and notice nothing. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finished, Running } from "./harness/child-process.ts";
import { eventually } from "./harness/eventually.ts";
import { root, startMesh, type TestMesh } from "./harness/mesh.ts";
import { captureRefusal, missingPrograms, testUnless, testWithPrograms } from "./harness/requirements.ts";
import { TemporaryFolder } from "./harness/weft.ts";

const hookTimeoutMs = 60_000;
const runTimeoutMs = 40_000;

const nginxConfig = (listen: string): string => `
daemon off;
user root root;
master_process off;
error_log stderr warn;
pid nginx.pid;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  server { listen ${listen}; location / { return 200 "woven by nginx for $http_user_agent\\n"; } }
}
`;

function nginx(folder: string): readonly string[] {
  mkdirSync(join(folder, "tmp"), { recursive: true });
  writeFileSync(join(folder, "nginx.conf.in"), nginxConfig("LISTEN"));
  // An address to listen on is configuration: nginx reads no environment.
  const script = `sed "s/LISTEN/$HOST:$PORT/" nginx.conf.in > nginx.conf && exec nginx -p . -c nginx.conf`;
  return ["sh", "-c", `cd ${folder} && PATH=$PATH:/usr/sbin && ${script}`];
}

function expectDone(finished: Finished): string {
  const { code, stderr } = finished;
  expect({ code, stderr }).toEqual({ code: 0, stderr });
  return finished.stdout;
}

/** Asks until the server behind is up. */
async function eventuallyDone(ask: () => Running): Promise<string> {
  return eventually(async () => {
    const { code, stdout, stderr } = await ask().within(runTimeoutMs);
    if (code !== 0) throw new Error(`exited with ${code}: ${stderr}`);
    return stdout;
  }, runTimeoutMs);
}

describe("captured", () => {
  const refusal = captureRefusal();
  const isPossible = refusal === undefined;
  let mesh: TestMesh;

  beforeAll(async () => {
    if (isPossible) mesh = await startMesh();
  }, hookTimeoutMs);

  afterAll(async () => {
    if (isPossible) await mesh[Symbol.asyncDispose]();
  }, hookTimeoutMs);

  function client(command: readonly string[], stdin?: string): Running {
    return mesh.run({ service: "client", command, ...(stdin === undefined ? {} : { stdin }) });
  }

  testCaptured(["nginx", "curl"])("nginx and curl meet at http://web/", async () => {
    using folder = new TemporaryFolder();
    const server = mesh.run({ service: "web", ports: ["80/http"], command: nginx(folder.path) });
    const ask = ["curl", "--silent", "--show-error", "--fail", "--max-time", "5"];
    const page = await eventuallyDone(() => client([...ask, "http://web/"]));
    expect(page).toMatch(/^woven by nginx for curl\/[\d.]+\n$/);
    const names = ["http://web.default/", "http://web.default.svc/", "http://web.default.svc.cluster.local/"];
    expect(expectDone(await client([...ask, ...names]).within(runTimeoutMs))).toBe(page.repeat(3));

    server.kill("SIGTERM");
    expectDone(await server.within(runTimeoutMs));
  });

  testCaptured(["redis-server", "redis-cli"])(
    "redis-server and redis-cli, which reads commands from its stdin",
    async () => {
      using folder = new TemporaryFolder();
      const options = ["--save", "", "--appendonly", "no", "--protected-mode", "no", "--dir", folder.path];
      mesh.run({ service: "redis", ports: ["6379"], command: ["redis-server", ...options] });
      const pong = await eventuallyDone(() => client(["redis-cli", "-h", "redis", "ping"]));
      expect(pong).toBe("PONG\n");
      const commands = "set warp weft\nget warp\nincrby threads 41\nincr threads\n";
      const answers = await client(["redis-cli", "-h", "redis"], commands).within(runTimeoutMs);
      expect(expectDone(answers)).toBe("OK\nweft\n41\n42\n");
      // More than fits in any buffer on the way, in both directions.
      const script = `head -c 20000000 /dev/zero | tr '\\0' w | redis-cli -h redis -x set cloth && redis-cli -h redis get cloth | wc -c`;
      const bulk = await client(["sh", "-c", script]).within(runTimeoutMs);
      expect(expectDone(bulk)).toBe("OK\n20000001\n");
    },
  );

  testCaptured(["initdb", "postgres", "psql"], postgresRefusal())("PostgreSQL and psql", async () => {
    using folder = new TemporaryFolder();
    const database = postgres(folder.path);
    mesh.run({ service: "db", ports: ["5432/tcp"], command: database.command });
    const psql = ["psql", "-h", "db", "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-qtA"];
    expect(await eventuallyDone(() => client([...psql, "-c", "select 6 * 7"]))).toBe("42\n");
    const sql =
      "create table cloth (n int);\ninsert into cloth select generate_series(1, 20000);\nselect sum(n) from cloth;\n";
    expect(expectDone(await client(psql, sql).within(runTimeoutMs))).toBe("200010000\n");
  });

  testCaptured(["bash"])("a server that speaks first, on a port whose protocol nobody declared", async () => {
    const greeter = join(root, "test", "e2e", "programs", "greeter.mjs");
    mesh.run({ service: "mail", ports: ["2525"], command: [process.execPath, greeter] });
    const script = `exec 3<>/dev/tcp/mail/2525; read -r greeting <&3; echo "$greeting"; echo EHLO me >&3; read -r answer <&3; echo "$answer"`;
    const answer = await eventuallyDone(() => client(["bash", "-c", `set -e; ${script}`]));
    expect(answer.replaceAll("\r", "")).toBe("220 greetings\n250 EHLO me\n");
  });

  function testCaptured(programs: readonly string[], ...refusals: readonly (string | undefined)[]) {
    return testUnless(refusal, missingPrograms(programs), ...refusals);
  }
});

describe("with loopback addresses", () => {
  let mesh: TestMesh;

  beforeAll(async () => {
    mesh = await startMesh({ isolation: "loopback" });
  }, hookTimeoutMs);

  afterAll(() => mesh[Symbol.asyncDispose](), hookTimeoutMs);

  testWithPrograms(["nginx", "curl"])("nginx and curl meet by the addresses that they are told", async () => {
    using folder = new TemporaryFolder();
    mesh.run({ service: "web", ports: ["8080/http"], command: nginx(folder.path) });
    const command = ["sh", "-c", 'curl --silent --show-error --fail "$WEB_URL/"'];
    const page = await eventuallyDone(() =>
      mesh.run({ service: "client", upstreams: ["web:8080"], command }),
    );
    expect(page).toMatch(/^woven by nginx for curl\/[\d.]+\n$/);
  });

  testWithPrograms(["redis-server", "redis-cli"])("redis-server and redis-cli likewise", async () => {
    using folder = new TemporaryFolder();
    const options = '--save "" --appendonly no --protected-mode no';
    const server = `exec redis-server --bind $HOST --port $PORT ${options} --dir ${folder.path}`;
    mesh.run({ service: "redis", ports: ["6379/tcp"], command: ["sh", "-c", server] });
    const command = ["sh", "-c", "redis-cli -h $REDIS_SERVICE_HOST -p $REDIS_SERVICE_PORT incr threads"];
    const answer = await eventuallyDone(() =>
      mesh.run({ service: "client", upstreams: ["redis:6379"], command }),
    );
    expect(answer).toBe("1\n");
  });
});

/** It wants to run as somebody who has a name, and not as root. */
function postgresRefusal(): string | undefined {
  const needed = process.getuid?.() === 0 ? "setpriv --reuid postgres --clear-groups true" : "id -un";
  const { success } = Bun.spawnSync(["sh", "-c", needed], { stdout: "ignore", stderr: "ignore" });
  return success ? undefined : "PostgreSQL will not run as this user";
}

function postgres(folder: string): { readonly command: readonly string[] } {
  const data = join(folder, "data");
  mkdirSync(data);
  const isRoot = process.getuid?.() === 0;
  // PostgreSQL will not run as root: it has a user of its own for that.
  const as = isRoot ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"] : [];
  if (isRoot) {
    const ids = Bun.spawnSync(["id", "-u", "postgres"]).stdout.toString().trim();
    for (const path of [folder, data]) chownSync(path, Number(ids), -1);
  }
  const initdb = Bun.spawnSync([...as, "initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-D", data]);
  if (!initdb.success) throw new Error(`initdb failed: ${initdb.stderr.toString()}`);
  writeFileSync(join(data, "pg_hba.conf"), "host all all all trust\n");
  return { command: [...as, "postgres", "-D", data, "-h", "0.0.0.0", "-k", folder, "-F"] };
}
