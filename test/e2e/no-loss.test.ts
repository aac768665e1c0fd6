/**
 * No connection is lost to a change: new connections come at a fixed pace while listeners come and go and the process is replaced again and
 * again. A few seconds as it stands; `WEFT_NO_LOSS_RATE=1000 WEFT_NO_LOSS_TLS_RATE=1000
 * WEFT_NO_LOSS_ROUNDS=20` is the long form, for a machine that has nothing else to do.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type PeerCertificate } from "node:tls";
import { ConnectionLoad } from "./harness/connection-load.ts";
import { eventually } from "./harness/eventually.ts";
import { gatewayTo, yaml } from "./harness/resources.ts";
import { runServe, type Served, serviceAt } from "./harness/serve.ts";
import { linesOf, runWeft, TemporaryFolder } from "./harness/weft.ts";

const connectionsPerSecond = Number(process.env["WEFT_NO_LOSS_RATE"] ?? 200);
/** A handshake is ten times the work of a connection, at both ends. */
const handshakesPerSecond = Number(process.env["WEFT_NO_LOSS_TLS_RATE"] ?? 50);
const rounds = Number(process.env["WEFT_NO_LOSS_ROUNDS"] ?? 2);
const roundTimeoutMs = 60_000;

let upstream: Bun.Server<undefined>;
let folder: TemporaryFolder;
let files: string;
let dataDir: string;

beforeAll(() => {
  upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here") });
});

afterAll(async () => {
  await upstream.stop(true);
});

function prepare(): void {
  folder = new TemporaryFolder();
  files = join(folder.path, "door.yaml");
  dataDir = join(folder.path, "run");
  const quiet = {
    apiVersion: "weft.dev/v1alpha1",
    kind: "MeshConfig",
    metadata: { name: "mesh" },
    spec: { accessLog: false },
  };
  writeFileSync(files, yaml(gatewayTo({ web: 1 }), serviceAt("web", upstream.port ?? 0), quiet));
}

function startProcess(...options: readonly string[]): Promise<Served> {
  return runServe(folder.path, ["--gateway", "127.0.0.1:0", "--data-dir", dataDir, ...options]);
}

function loadOn({ ready }: Served): ConnectionLoad {
  const { port, protocol } = new URL(ready.gateway);
  const tls = protocol === "https:";
  return new ConnectionLoad({
    port: Number(port),
    connectionsPerSecond: tls ? handshakesPerSecond : connectionsPerSecond,
    tls,
  });
}

async function expectNoLoss(load: ConnectionLoad): Promise<void> {
  await eventually(() => expect(load.total).toBeGreaterThan(50));
  await load.stop();
  expect({ lost: load.lost, losses: load.losses }).toEqual({ lost: 0, losses: [] });
}

describe.each([
  ["one process", []],
  ["two workers", ["--workers", "2"]],
])("%s", (_name, options) => {
  test(
    "is replaced again and again",
    async () => {
      prepare();
      using _folder = folder;
      await using started = new AsyncDisposableStack();
      let served = started.use(await startProcess(...options));
      const { gateway } = served.ready;
      using load = loadOn(served);
      for (let round = 0; round < rounds; round++) {
        const next = started.use(await startProcess(...options, "--takeover"));
        expect(next.ready).toMatchObject({ gateway, replaced: served.pid });
        expect((await served.finished).code).toBe(0);
        served = next;
      }
      await expectNoLoss(load);
    },
    rounds * roundTimeoutMs,
  );

  test(
    "has listeners that come and go",
    async () => {
      prepare();
      using _folder = folder;
      await using served = await startProcess(...options);
      using load = loadOn(served);
      const extra = join(folder.path, "extra.yaml");
      for (let round = 0; round < rounds; round++) {
        const before = served.stderr.split("configuration changed").length;
        writeFileSync(extra, yaml({ ...gatewayAt("127.0.0.3", freePort()) }));
        await eventually(() => expect(served.stderr.split("configuration changed").length).toBe(before + 1));
        rmSync(extra);
        await eventually(() => expect(served.stderr.split("configuration changed").length).toBe(before + 2));
      }
      await expectNoLoss(load);
    },
    rounds * roundTimeoutMs,
  );
});

test(
  "certificates are rotated again and again: each is shown soon, and no handshake fails",
  async () => {
    prepare();
    using _folder = folder;
    const [door = {}, route = {}] = gatewayTo({ web: 1 });
    const listener = {
      name: "https",
      port: 8443,
      protocol: "HTTPS",
      tls: { certificateRefs: [{ name: "door" }] },
    };
    writeFileSync(
      files,
      yaml(
        { ...door, spec: { gatewayClassName: "weft", listeners: [listener] } },
        route,
        serviceAt("web", upstream.port ?? 0),
      ),
    );
    const secretFile = join(folder.path, "secret.yaml");
    writeFileSync(secretFile, yaml(newSecret(0)));
    await using served = await startProcess();
    using load = loadOn(served);
    for (let round = 1; round <= rounds; round++) {
      writeFileSync(`${secretFile}.new`, yaml(newSecret(round)));
      renameSync(`${secretFile}.new`, secretFile);
      await eventually(async () => expect(await shownName(served)).toBe(`round-${round}.example`));
    }
    await expectNoLoss(load);
  },
  rounds * roundTimeoutMs,
);

describe("a data directory", () => {
  test(
    "is one process's; another one says how it is replaced",
    async () => {
      prepare();
      using _folder = folder;
      await using served = await startProcess();
      expect(served.ready.replaced).toBeUndefined();
      const refused = await runWeft(["serve", "-f", folder.path, "--data-dir", dataDir, "--listen-only"]);
      expect({ code: refused.code, line: linesOf(refused).at(-1) }).toEqual({
        code: 1,
        line: expect.stringMatching(/another weft serve runs .* --takeover/),
      });
    },
    roundTimeoutMs,
  );

  test(
    "of a process that was killed is free",
    async () => {
      prepare();
      using _folder = folder;
      const killed = await startProcess();
      killed.kill("SIGKILL");
      await killed.finished;
      await using next = await startProcess("--takeover");
      expect(next.ready.replaced).toBeUndefined();
      expect(await (await fetch(next.ready.gateway)).text()).toBe("here");
    },
    roundTimeoutMs,
  );

  test(
    "stays with its process when the next one has unusable files",
    async () => {
      prepare();
      using _folder = folder;
      await using served = await startProcess();
      using load = loadOn(served);
      using other = new TemporaryFolder();
      writeFileSync(join(other.path, "a.yaml"), "kind: [");
      const refused = await runWeft(["serve", "-f", other.path, "--data-dir", dataDir, "--takeover"]);
      expect(refused.code).toBe(65);
      writeFileSync(
        join(other.path, "a.yaml"),
        yaml(gatewayTo({ web: 1 }, upstream.port ?? 0), serviceAt("web", 1)),
      );
      const failed = await runWeft([
        "serve",
        "-f",
        other.path,
        "--data-dir",
        dataDir,
        "--takeover",
        "--listen-only",
      ]);
      expect({ code: failed.code, line: linesOf(failed).at(-1) }).toEqual({
        code: 1,
        line: expect.stringContaining("cannot be opened"),
      });
      await eventually(() => expect(served.stderr).toContain("this one goes on"));
      await expectNoLoss(load);
    },
    roundTimeoutMs,
  );
});

/** A Secret with a certificate of its own, as `openssl` makes it. */
function newSecret(round: number): object {
  const name = `round-${round}.example`;
  const key = join(folder.path, "key.pem");
  const made = Bun.spawnSync([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-keyout", key, "-days", "2", "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`],
  ]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "door" },
    type: "kubernetes.io/tls",
    stringData: { "tls.crt": made.stdout.toString(), "tls.key": readFileSync(key, "utf8") },
  };
}

/** Of the certificate that a new connection is shown. */
async function shownName({ ready }: Served): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const socket = connect({
    host: "127.0.0.1",
    port: Number(new URL(ready.gateway).port),
    rejectUnauthorized: false,
  });
  socket.on("secureConnect", () => resolve(commonName(socket.getPeerCertificate().subject)));
  socket.on("error", reject);
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

function commonName({ CN }: PeerCertificate["subject"]): string | undefined {
  return Array.isArray(CN) ? CN[0] : CN;
}

function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.3", port: 0, socket: { data: () => {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

function gatewayAt(value: string, port: number): object {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "extra" },
    spec: {
      gatewayClassName: "weft",
      addresses: [{ type: "IPAddress", value }],
      listeners: [{ name: "http", port, protocol: "HTTP" }],
    },
  };
}
