/**
 * Keeps what a stored build writes: a mesh of it runs for half a minute, with a change of the root begun and a certificate revoked.
 *
 *   bun test/compatibility/keep-data.ts 292a9ee        test/compatibility/data/292a9ee/{control,web}/
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BareMesh, unusedPort } from "../e2e/harness/bare-mesh.ts";
import { eventually } from "../e2e/harness/eventually.ts";
import { httpPort } from "../e2e/harness/resources.ts";
import { resources } from "./resources.ts";

const controlFiles = [
  "ca",
  "certificates.sqlite",
  "join-tokens",
  "root.pem",
  "signals.sqlite",
  "store.sqlite",
];
const proxyFiles = ["identity.json", "last-good.bin", "protocols.json"];
const requests = 200;

async function main(name: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "weft-keep-"));
  const program = join(folder, "weft.js");
  writeFileSync(
    program,
    Bun.zstdDecompressSync(readFileSync(join(import.meta.dir, `builds/${name}.js.zst`))),
  );
  const build = [process.execPath, "--no-env-file", "--no-install", program];
  const web = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here") });
  try {
    await using mesh = await BareMesh.start(resources(web.port ?? 0, unusedPort()), build);
    mesh.program = build;
    await run(mesh, build, web.port ?? 0);
    await mesh.stop();
    const data = join(import.meta.dir, "data", name);
    rmSync(data, { recursive: true, force: true });
    const keep = (from: string, to: string, files: readonly string[]): void => {
      for (const file of files)
        cpSync(join(mesh.directory, from, file), join(data, to, file), { recursive: true });
    };
    keep("control", "control", controlFiles);
    keep("caller/data", "caller", proxyFiles);
  } finally {
    await web.stop(true);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(mesh: BareMesh, build: readonly string[], webPort: number): Promise<void> {
  const workload = {
    ...{ namespace: "default", serviceAccount: "default", region: "", zone: "", name: "web" },
    labels: { app: "web" },
    addresses: [`${mesh.network}.2`],
    ports: [{ port: webPort, name: "http", protocol: "http" }],
  };
  await mesh.startProxy("web", 2, { workload });
  const port = unusedPort();
  const outbound = [{ address: "127.0.0.1", port, service: "default/web", servicePort: httpPort }];
  await mesh.startProxy("caller", 3, { capture: { kind: "explicit", outbound } });
  const get = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/`)).status;
  await eventually(async () => {
    if ((await get()) !== 200) throw new Error("it does not answer yet");
  });
  for (let i = 0; i < requests; i++) await get();
  await eventually(async () => {
    if (!JSON.stringify(await mesh.client.topology(60)).includes("default/web"))
      throw new Error("not told yet");
  });
  const env = { ...process.env, WEFT_TOKEN: mesh.access.token };
  for (const words of [
    ["rotate-root", "--pause-after", "trust"],
    ["revoke", "default/web", "--reason", "kept"],
  ]) {
    const { exitCode, stderr, stdout } = Bun.spawnSync(
      [...build, "cert", ...words, "--server", mesh.access.server],
      { env },
    );
    process.stderr.write(`${words.join(" ")}: ${exitCode} ${stdout.toString()}${stderr.toString()}\n`);
  }
}

await main(process.argv[2] ?? "");
